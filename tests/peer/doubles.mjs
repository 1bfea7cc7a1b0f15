// doubles: one OCPP 2.0.1 server (npm ocpp-rpc in strict mode) that plays a different back office for each station: what a
// case tells its own double to answer, refuse or forget changes nothing for the others.
import { borrow } from './borrowed.mjs';
import { Calls, plainAnswer } from './calls.mjs';

const { RPCServer, createRPCError } = borrow('ocpp-rpc');

const HOST = '127.0.0.1';
const PROTOCOL = 'ocpp2.0.1';

export const SILENCE = Symbol('no answer at all');

export class Doubles {
  static async open() {
    const doubles = new Doubles();
    doubles.server = new RPCServer({
      protocols: [PROTOCOL], strictMode: true, callTimeoutMs: 30000, pingIntervalMs: 20000, maxBadMessages: Infinity,
    });
    doubles.server.auth((accept, reject, handshake) => {
      const refusal = doubles.of(handshake.identity).knock(handshake);
      if (refusal) reject(...refusal);
      else accept({});
    });
    doubles.server.on('client', (client) => doubles.of(client.identity).welcome(client));
    doubles.abort = new AbortController();
    const http = await doubles.server.listen(0, HOST, { signal: doubles.abort.signal });
    doubles.port = http.address().port;
    return doubles;
  }

  constructor() { this.byId = new Map(); }

  get url() { return `ws://${HOST}:${this.port}/ocpp`; }

  of(id) {
    if (!this.byId.has(id)) this.byId.set(id, new Double(id));
    return this.byId.get(id);
  }

  close() {
    this.abort.abort();
    for (const d of this.byId.values()) d.drop();
  }
}

export class Double extends Calls {
  constructor(id) {
    super();
    this.id = id;
    this.connections = 0;
    this.client = null;
    this.answers = []; // raw answers of the station, for what was sent raw
    this.knocks = []; // { at, accepted, password, path } attempts to connect
    this.restore();
  }

  // As a plain server that agrees to everything; what has been heard is kept.
  restore() {
    this.open = true;
    this.shutPath = null; // connections to this path are refused
    this.password = null; // what a station must give; null: anything
    this.boot = () => 'Accepted'; // or { status, interval }
    this.token = () => 'Accepted'; // or a whole idTokenInfo
    this.heartbeatS = 300;
    this.handlers = new Map();
    this.rude = false; // the case breaks rules on purpose: complaints about our own side are expected
  }

  knock(handshake) {
    const password = handshake.password?.toString('utf8') ?? null;
    let refusal = null;
    if (!this.open || handshake.endpoint === this.shutPath) refusal = [503, 'closed for the moment'];
    else if (this.password !== null && password !== this.password) refusal = [401, 'wrong or missing password'];
    else if (!handshake.protocols.has(PROTOCOL)) this.problems.push(`${PROTOCOL} was not offered`);
    this.knocks.push({ at: performance.now(), accepted: !refusal, password, path: handshake.endpoint });
    this.wake();
    return refusal;
  }

  welcome(client) {
    const connection = ++this.connections;
    this.client = client;
    client.on('close', () => {
      if (this.client === client) this.client = null;
      this.wake();
    });
    client.on('strictValidationFailure', ({ method, error, outbound, params, result }) => {
      if (outbound && this.rude) return;
      this.problems.push(`${outbound ? 'our' : "the station's"} ${method}: ${error.message}: ${JSON.stringify(result ?? params)}`);
    });
    client.on('badMessage', ({ buffer, error }) => {
      if (!this.rude) this.problems.push(`bad message: ${error.message}: ${String(buffer).slice(0, 200)}`);
    });
    client.on('response', ({ outbound, payload }) => {
      if (outbound) return;
      this.answers.push(payload);
      this.wake();
    });
    client.handle(async ({ method, params }) => {
      const call = this.add({ station: this.id, connection, action: method, payload: params });
      call.answer = await this.#answer(call);
      return call.answer;
    });
    this.wake();
  }

  async #answer(call) {
    const own = this.handlers.get(call.action)?.(call.payload, call);
    if (own === SILENCE) return new Promise(() => {});
    if (own !== undefined) return own;
    const answer = plainAnswer(call.action, call.payload, {
      token: this.token, heartbeatS: this.heartbeatS, boot: call.action === 'BootNotification' ? this.boot(call) : null,
    });
    if (answer) return answer;
    this.problems.push(`nobody here expects ${call.action}`);
    throw createRPCError('NotImplemented', `no ${call.action} here`, {});
  }

  // handler(payload, call) gives the response, SILENCE, or throws; undefined: the plain answer.
  handle(action, handler) { this.handlers.set(action, handler); }

  error(code) { return createRPCError(code, 'as the case wants it', {}); }

  async connected(ms = 15000) { return this.until('the station to connect', () => this.client, ms); }

  async call(action, payload = {}) { return (await this.connected()).call(action, payload); }

  // A frame as it stands; gives the station's answer to the message of that id.
  async raw(text, id, ms = 5000) {
    const from = this.answers.length;
    (await this.connected()).sendRaw(text);
    return id === undefined ? null
      : this.until(`an answer to ${id}`, () => this.answers.slice(from).find((a) => a[1] === id), ms);
  }

  // Cuts the connection; without `open` new ones are accepted.
  drop() {
    const { client } = this;
    this.client = null;
    client?.close({ force: true }).catch(() => {});
  }

  // Cuts the connection and accepts none until reopen().
  shut() {
    this.open = false;
    this.drop();
  }

  async reopen(ms = 15000) {
    this.open = true;
    await this.connected(ms);
  }
}
