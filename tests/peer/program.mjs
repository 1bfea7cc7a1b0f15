// program: starts ecs-sim and ecs-hub for a test, talks to their HTTP sides, and judges how they ended: exit code, and
// nothing from the address, undefined-behaviour or thread checkers. Output is kept in build/test/<suite>/<test>/.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const sleep = (ms) => new Promise((r) => { setTimeout(r, ms); });

const CHECKERS = /^(==\d+==ERROR|WARNING: ThreadSanitizer|.*runtime error:).*/m;

// Where the programs are: ECS_BIN, or the newest build that has them.
export function bin(name) {
  const dirs = process.env.ECS_BIN ? [resolve(process.env.ECS_BIN)] : ['asan', 'release'].map((d) => join(ROOT, 'build', d, 'bin'));
  const found = dirs.map((d) => join(d, name)).find(existsSync);
  if (!found) throw new Error(`${name} is in none of ${dirs.join(', ')}; run: make build`);
  return found;
}

export function folder(suite, name) {
  const dir = join(ROOT, 'build', 'test', suite, name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, ''));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return dir;
}

export async function freePort() {
  const s = net.createServer();
  await new Promise((r) => { s.listen(0, '127.0.0.1', r); });
  const { port } = s.address();
  await new Promise((r) => { s.close(r); });
  return port;
}

// One HTTP exchange with JSON either way. Throws on a status other than 2xx unless `any`.
export async function request(port, method, path, body, { any = false, ms = 20000, headers = {} } = {}) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const answer = await new Promise((done, fail) => {
    const req = http.request({
      host: '127.0.0.1', port, method, path, agent: false, timeout: ms,
      headers: { ...(text ? { 'content-type': 'application/json' } : {}), 'content-length': Buffer.byteLength(text), ...headers },
    }, (res) => {
      let got = '';
      res.setEncoding('utf8');
      res.on('data', (d) => { got += d; });
      res.on('end', () => done({ status: res.statusCode, headers: res.headers, text: got }));
      res.on('error', fail);
    });
    req.on('timeout', () => req.destroy(new Error(`${method} ${path}: no answer in ${ms} ms`)));
    req.on('error', fail);
    req.end(text);
  });
  try {
    answer.json = JSON.parse(answer.text);
  } catch {
    answer.json = undefined;
  }
  if (!any && (answer.status < 200 || answer.status > 299)) {
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
  }
  return answer;
}

// Looks until `look` (may be async, may throw) gives something true, at most ms.
export async function eventually(what, look, ms = 10000, stepMs = 50) {
  const end = performance.now() + ms;
  let last;
  for (;;) {
    try {
      last = await look();
      if (last) return last;
    } catch (e) {
      last = e;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${ms} ms in vain for ${what}`
        + (last instanceof Error ? `: ${last.message}` : ''));
    }
    await sleep(stepMs);
  }
}

export class Program {
  constructor(name, args, { dir, tag = name, env = {} }) {
    this.tag = tag;
    this.log = join(dir, `${tag}.out`);
    this.text = '';
    const out = createWriteStream(this.log, { flags: 'a' });
    this.child = spawn(bin(name), args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const keep = (d) => {
      out.write(d);
      this.text = (this.text + d).slice(-200000);
    };
    this.child.stdout.on('data', keep);
    this.child.stderr.on('data', keep);
    this.exited = new Promise((done) => {
      this.child.on('error', (e) => { keep(String(e)); done({ code: null, signal: String(e) }); });
      this.child.on('close', (code, signal) => { out.end(); done({ code, signal }); });
    });
    this.exited.then((how) => { this.how = how; });
  }

  get running() { return this.how === undefined; }

  // Asks it to end and judges. `expect`: exit codes that are fine.
  async stop({ signal = 'SIGTERM', expect = [0], ms = 15000 } = {}) {
    if (this.running) this.child.kill(signal);
    const timer = setTimeout(() => { this.stuck = true; this.child.kill('SIGKILL'); }, ms);
    const { code, signal: by } = await this.exited;
    clearTimeout(timer);
    const full = readFileSync(this.log, 'utf8');
    const found = full.match(CHECKERS);
    if (found) {
      assert.fail(`${this.tag}: ${found[0]}\n${full.slice(found.index, found.index + 4000)}\n(all in ${this.log})`);
    }
    assert.ok(!this.stuck, `${this.tag} did not end within ${ms} ms of ${signal} (${this.log})`);
    assert.ok(expect.includes(code), `${this.tag} ended with ${code ?? by}, expected ${expect}: ${full.slice(-1500)}`);
  }

  // No ceremony: power cut.
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
