// csms: an OCPP 2.0.1 server that owes nothing to our own code: npm ocpp-rpc in strict mode, so every frame of a station
// is held against the official schemas. It remembers all calls, lets a test wait for one, and can vanish and come back.
import { borrow } from './borrowed.mjs';
import { Calls, plainAnswer } from './calls.mjs';

const { RPCServer, createRPCError } = borrow('ocpp-rpc');

const HOST = '127.0.0.1';

export class Csms extends Calls {
  // Options: password (stations must give it), boot (() => BootNotification's status, or { status, interval }),
  // token ((idToken) => AuthorizationStatus), heartbeatS.
  static async open(options = {}) {
    const csms = new Csms(options);
    await csms.listen(0);
    return csms;
  }

  constructor({ password = null, boot = () => 'Accepted', token = () => 'Accepted', heartbeatS = 300 }) {
    super();
    this.options = { password, boot, token, heartbeatS };
    this.refused = []; // handshakes turned away
    this.clients = new Map();
    this.connections = 0;
    this.handlers = new Map();
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
        this.wake();
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
      this.wake();
    });
    client.on('strictValidationFailure', ({ method, error, outbound, params, result }) => {
      this.problems.push(`${id}: ${outbound ? 'our' : "the station's"} ${method}: ${error.message}: `
        + JSON.stringify(result ?? params));
    });
    client.on('badMessage', ({ buffer, error }) => {
      this.problems.push(`${id}: bad message: ${error.message}: ${String(buffer).slice(0, 200)}`);
    });
    client.handle(async ({ method, params }) => {
      const call = this.add({ station: id, connection, action: method, payload: params });
      call.answer = await this.#answer(call);
      return call.answer;
    });
    this.wake();
  }

  // Lets a test answer an action itself: handler(payload, call) returns the response, throws, or never resolves.
  handle(action, handler) { this.handlers.set(action, handler); }

  async #answer(call) {
    const own = this.handlers.get(call.action);
    if (own) return own(call.payload, call);
    const { token, heartbeatS, boot } = this.options;
    const answer = plainAnswer(call.action, call.payload, {
      token, heartbeatS, boot: call.action === 'BootNotification' ? boot(call) : null,
    });
    if (answer) return answer;
    this.problems.push(`${call.station}: nobody here expects ${call.action}`);
    throw createRPCError('NotImplemented', `no ${call.action} here`, {});
  }

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
