// files: an HTTP server on loopback that stations fetch firmware from and send logs to.
//   GET  /PATH          what give() put there, with ranges (RFC 9110, 14); /slow/PATH in small pieces; 404 for the rest
//   PUT  /PATH, POST    kept for got(); /deny/.. answers 403, /slow/.. takes its time, /drop/.. cuts the connection
import http from 'node:http';

const PIECE = 4096;
const PIECE_MS = 100;
const SLOW_MS = 3000;

export class Files {
  static async open() {
    const files = new Files();
    files.server = http.createServer((req, res) => files.#serve(req, res));
    await new Promise((r) => { files.server.listen(0, '127.0.0.1', r); });
    files.url = `http://127.0.0.1:${files.server.address().port}`;
    return files;
  }

  constructor() {
    this.offered = new Map();
    this.uploads = []; // { method, path, body }
    this.requests = []; // { method, path, range }
  }

  give(path, bytes) { this.offered.set(path, bytes); }

  // What was sent to a path that begins so.
  got(path) { return this.uploads.filter((u) => u.path.startsWith(path)); }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  #serve(req, res) {
    const { pathname } = new URL(req.url, this.url);
    this.requests.push({ method: req.method, path: pathname, range: req.headers.range });
    const fail = (status) => { res.writeHead(status, { 'content-length': 0 }).end(); };
    if (pathname.startsWith('/drop/')) { req.socket.destroy(); return; }
    if (pathname.startsWith('/deny/')) { req.resume().on('end', () => fail(403)); return; }
    if (req.method === 'PUT' || req.method === 'POST') {
      const parts = [];
      req.on('data', (d) => parts.push(d));
      req.on('end', () => {
        setTimeout(() => {
          this.uploads.push({ method: req.method, path: pathname, body: Buffer.concat(parts) });
          res.writeHead(201, { 'content-length': 0 }).end();
        }, pathname.startsWith('/slow/') ? SLOW_MS : 0);
      });
      return;
    }
    const bytes = this.offered.get(pathname.replace(/^\/slow/, ''));
    if (!bytes || !['GET', 'HEAD'].includes(req.method)) { fail(404); return; }
    const m = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    const from = m ? Number(m[1]) : 0;
    const to = m && m[2] ? Math.min(Number(m[2]), bytes.length - 1) : bytes.length - 1;
    if (from > to) { fail(416); return; }
    res.writeHead(m ? 206 : 200, {
      'content-length': to - from + 1, 'accept-ranges': 'bytes', etag: `"${bytes.length}"`,
      ...(m ? { 'content-range': `bytes ${from}-${to}/${bytes.length}` } : {}),
    });
    const piece = bytes.subarray(from, to + 1);
    if (req.method === 'HEAD') res.end();
    else if (pathname.startsWith('/slow/')) slowly(res, piece);
    else res.end(piece);
  }
}

function slowly(res, bytes) {
  if (res.destroyed) return;
  res.write(bytes.subarray(0, PIECE));
  if (bytes.length > PIECE) setTimeout(slowly, PIECE_MS, res, bytes.subarray(PIECE));
  else res.end();
}
