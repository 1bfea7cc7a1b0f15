// csms: an OCPP 2.0.1 server that owes nothing to our own code: npm ocpp-rpc in strict mode, so every frame of a station
// is held against the official schemas. It remembers all calls, lets a test wait for one, and can vanish and come back.
import { borrow } from './borrowed.mjs';

const { RPCServer, createRPCError } = borrow('ocpp-rpc');

const HOST = '127.0.0.1';

export class Csms {
  // Options: password (stations must give it), boot (() => BootNotification's status, or { status, interval }),
  // token ((idToken) => AuthorizationStatus), heartbeatS.
  static async open(options = {}) {
    const csms = new Csms(options);
    await csms.listen(0);
    return csms;
  }

  constructor({ password = null, boot = () => 'Accepted', token = () => 'Accepted', heartbeatS = 300 }) {
    this.options = { password, boot, token, heartbeatS };
    this.calls = []; // { n, at (ms), wall (ms), station, connection, action, payload, answer }
    this.answers = []; // errors that stations answered to our calls are thrown by call(); kept here: bad messages
    this.problems = []; // what strict mode or framing had to complain about
    this.refused = []; // handshakes turned away
    this.clients = new Map();
    this.connections = 0;
    this.handlers = new Map();
    this.waiting = new Set();
  }

  get url() { return `ws://${HOST}:${this.port}/ocpp`; }

  async listen(port) {
    const { options } = this;
    this.server = new RPCServer({
      protocols: ['ocpp2.0.1'], strictMode: true, callTimeoutMs: 15000, pingIntervalMs: 5000, maxBadMessages: Infinity,
    });
    this.server.auth((accept, reject, handshake) => {
      if (options.password !== null && handshake.password?.toString('utf8') !== options.password) {
        this.refused.push({ id: handshake.identity, password: handshake.password?.toString('utf8') });
        this.#wake();
        reject(401, 'wrong or missing password');
        return;
      }
      if (!handshake.protocols.has('ocpp2.0.1')) this.problems.push('sub-protocol ocpp2.0.1 was not offered');
      accept({});
    });
    this.server.on('client', (client) => this.#welcome(client));
    this.abort = new AbortController();
    const http = await this.server.listen(port, HOST, { signal: this.abort.signal });
    this.port = http.address().port;
  }

  #welcome(client) {
    const id = client.identity;
    const connection = ++this.connections;
    this.clients.set(id, client);
    client.on('close', () => {
      if (this.clients.get(id) === client) this.clients.delete(id);
      this.#wake();
    });
    client.on('strictValidationFailure', ({ method, error, outbound, params, result }) => {
      this.problems.push(`${id}: ${outbound ? 'our' : "the station's"} ${method}: ${error.message}: `
        + JSON.stringify(result ?? params));
    });
    client.on('badMessage', ({ buffer, error }) => {
      this.problems.push(`${id}: bad message: ${error.message}: ${String(buffer).slice(0, 200)}`);
    });
    client.handle(async ({ method, params }) => {
      const call = {
        n: this.calls.length, at: performance.now(), wall: Date.now(), station: id, connection, action: method, payload: params,
      };
      this.calls.push(call);
      this.#wake();
      call.answer = await this.#answer(call);
      return call.answer;
    });
    this.#wake();
  }

  // Lets a test answer an action itself: handler(payload, call) returns the response, throws, or never resolves.
  handle(action, handler) { this.handlers.set(action, handler); }

  async #answer(call) {
    const own = this.handlers.get(call.action);
    if (own) return own(call.payload, call);
    const { payload } = call;
    switch (call.action) {
      case 'BootNotification': {
        const boot = this.options.boot(call);
        const { status, interval } = typeof boot === 'string' ? { status: boot } : boot;
        return { currentTime: new Date().toISOString(), interval: interval ?? this.options.heartbeatS, status };
      }
      case 'Heartbeat': return { currentTime: new Date().toISOString() };
      case 'Authorize': return { idTokenInfo: { status: this.options.token(payload.idToken) } };
      case 'TransactionEvent':
        return payload.idToken ? { idTokenInfo: { status: this.options.token(payload.idToken) } } : {};
      case 'StatusNotification': case 'NotifyEvent': case 'NotifyReport': case 'MeterValues':
      case 'SecurityEventNotification': case 'ReportChargingProfiles': case 'NotifyChargingLimit':
      case 'ClearedChargingLimit': case 'FirmwareStatusNotification': case 'LogStatusNotification':
        return {};
      default:
        this.problems.push(`${call.station}: nobody here expects ${call.action}`);
        throw createRPCError('NotImplemented', `no ${call.action} here`, {});
    }
  }

  #wake() { for (const w of [...this.waiting]) w(); }

  // Waits until look() gives something true; says `what` it waited for when `ms` have passed.
  async until(what, look, ms = 10000) {
    const first = look();
    if (first) return first;
    return new Promise((resolve, reject) => {
      const check = () => {
        let found;
        try {
          found = look();
        } catch (e) {
          done();
          reject(e);
          return;
        }
        if (found) {
          done();
          resolve(found);
        }
      };
      const timer = setTimeout(() => {
        done();
        const last = this.calls.slice(-8).map((c) => `${c.action}${c.payload.eventType ? ` ${c.payload.eventType}` : ''}`);
        reject(new Error(`waited ${ms} ms in vain for ${what}; last calls: ${last.join(', ') || 'none'}`
          + (this.problems.length ? `; problems: ${this.problems.join('; ')}` : '')));
      }, ms);
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(check);
      };
      this.waiting.add(check);
    });
  }

  // The number of calls so far; give it as `since` to look only at what comes later.
  get mark() { return this.calls.length; }

  // The first call of an action since a mark that fits; waits for it.
  async next(action, { fits = () => true, since = 0, ms = 10000, what = '' } = {}) {
    return this.until(`${action} ${what}`, () => this.calls.find((c) =>
      c.n >= since && c.action === action && fits(c.payload, c)), ms);
  }

  of(action, since = 0) { return this.calls.filter((c) => c.n >= since && c.action === action); }

  async connected(id, ms = 15000) { return this.until(`${id} to connect`, () => this.clients.get(id), ms); }

  async call(id, action, payload) { return (await this.connected(id)).call(action, payload); }

  // The server is gone: no listener, all sockets cut without a word.
  async vanish() {
    this.abort.abort();
    for (const client of this.clients.values()) client.close({ force: true }).catch(() => {});
    this.clients.clear();
  }

  async comeBack() { await this.listen(this.port); }

  async close() { await this.vanish(); }
}
