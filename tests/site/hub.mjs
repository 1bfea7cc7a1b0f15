// hub: an ecs-hub under test and its HTTP API (docs/hub.md).
import { eventually, freePort, Program, request } from '../peer/program.mjs';

export class Hub {
  static async start({ dir, limit = 40, port, db = 'hub.db', args = ['--auto-start'], tag = 'ecs-hub' }) {
    const hub = new Hub();
    hub.port = port ?? await freePort();
    hub.program = new Program('ecs-hub', ['--listen', `127.0.0.1:${hub.port}`, '--db', db, '--site-limit', String(limit), ...args],
      { dir, tag });
    await eventually(`${tag} to answer`, async () => {
      if (!hub.program.running) throw new Error(`it ended: ${hub.program.text.slice(-800)}`);
      return hub.get('/site');
    }, 20000);
    return hub;
  }

  get url() { return `ws://127.0.0.1:${this.port}/ocpp`; }
  async get(path) { return (await request(this.port, 'GET', `/api/v1${path}`)).json; }
  async post(path, body) { return (await request(this.port, 'POST', `/api/v1${path}`, body, { ms: 30000 })).json; }
  async put(path, body, options = {}) { return (await request(this.port, 'PUT', `/api/v1${path}`, body, options)).json; }
  async call(id, action, payload) { return this.post(`/stations/${id}/call/${action}`, payload); }
  async stop(options) { await this.program.stop(options); }
}
