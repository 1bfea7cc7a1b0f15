// post: one station with its double, as a case of the suite sees it: the hand of the person at the station, the back
// office's requests, and the states that cases begin with. Keeps a list of what it has changed and puts it back.
import assert from 'node:assert/strict';
import { sleep } from './program.mjs';
import { eventually, request } from './program.mjs';

export const TOKEN = { idToken: 'DEADBEEF', type: 'ISO14443' };
export const EVSE = 1;
const WAIT_MS = 20000; // far more than any of it takes, for a machine that is busy with other things

// The verbs whose effect outlives them, and what takes it back. `plug`: see restore().
const TAKEN_BACK = { network: 'network on', fault: 'fault none', s2: 's2 auto', ready: 'ready on', button: 'button up' };

const split = (name) => {
  const [, component, variable, instance] = /^([^.]+)\.([^[]+)(?:\[(.+)\])?$/.exec(name);
  return { component: { name: component }, variable: { name: variable, ...(instance ? { instance } : {}) } };
};

export class Post {
  // files: what stations fetch from and send to; url: the server's.
  constructor({ sim, number, double, url, files }) {
    Object.assign(this, { sim, number, double, url, files });
    this.begin();
  }

  begin() {
    this.verbs = new Set();
    this.undo = [];
    this.from = this.double.mark; // calls before this belong to earlier cases
    this.double.problems.length = 0;
  }

  get mark() { return this.double.mark; }

  // ------------------------------------------------------------------ the person at the station
  async do(verb) {
    this.verbs.add(verb.split(' ')[0]);
    return this.sim.do(verb, this.number);
  }

  async value(name) { return (await request(this.sim.port, 'GET', `/value/${this.number}/${name}`)).json.value; }

  async untilValue(name, want, ms = WAIT_MS) {
    const fits = typeof want === 'function' ? want : (v) => v === want;
    return eventually(`${name} to be ${want}`, async () => {
      const v = await this.value(name);
      return fits(v) ? { v } : null;
    }, ms);
  }

  async present(token = TOKEN) { return this.do(`token ${token.idToken} ${token.type}`); }

  async stays(ms, what, look) {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      assert.ok(await look(), what);
      await sleep(100);
    }
  }

  // ------------------------------------------------------------------ the back office
  async call(action, payload) { return this.double.call(action, payload); }

  // The station's own time (ms): on a busy machine the world goes late, and its clock with it.
  async clock() { return Date.parse((await this.get('ClockCtrlr.DateTime')).attributeValue); }

  // A call whose answer has this status.
  async ask(action, payload, status) {
    const answer = await this.call(action, payload);
    assert.equal(answer.status, status, `${action} ${JSON.stringify(payload)} was answered ${JSON.stringify(answer)}`);
    return answer;
  }

  async get(name, attributeType) {
    const { getVariableResult: [r] } = await this.call('GetVariables', {
      getVariableData: [{ ...split(name), ...(attributeType ? { attributeType } : {}) }],
    });
    return r;
  }

  async put(name, attributeValue, attributeType) {
    const { setVariableResult: [r] } = await this.call('SetVariables', {
      setVariableData: [{ ...split(name), attributeValue: String(attributeValue), ...(attributeType ? { attributeType } : {}) }],
    });
    return r;
  }

  // Sets a variable for this case. What the case leaves behind is put back.
  async set(name, value) {
    const before = await this.get(name);
    assert.equal(before.attributeStatus, 'Accepted', `${name} can't be read: ${before.attributeStatus}`);
    const r = await this.put(name, value);
    assert.ok(['Accepted', 'RebootRequired'].includes(r.attributeStatus), `${name} = ${value}: ${r.attributeStatus}`);
    this.undo.push(async () => { await this.put(name, before.attributeValue); });
  }

  // A setting that the standard has no writable variable for, as an installer sets it.
  async setting(name, value) {
    const before = await this.value(`station.set.${name}`);
    await this.do(`set ${name} ${value}`);
    this.undo.push(() => this.sim.do(`set ${name} ${before}`, this.number));
  }

  async next(action, { since = this.from, ms = WAIT_MS, ...more } = {}) { return this.double.next(action, { since, ms, ...more }); }

  of(action, since = this.from) { return this.double.of(action, since); }

  // The station tells that its connector has this status.
  async status(connectorStatus, since = this.from, ms = WAIT_MS) {
    const call = await this.next('StatusNotification', { since, ms, what: connectorStatus, fits: (p) => p.connectorStatus === connectorStatus });
    assert.deepEqual([call.payload.evseId, call.payload.connectorId], [EVSE, 1]);
    return call;
  }

  // The next transaction event with these members: eventType, triggerReason, chargingState, stoppedReason, offline.
  async event(want, { since = this.from, ms = WAIT_MS } = {}) {
    const flat = (p) => ({ ...p, ...p.transactionInfo });
    return this.next('TransactionEvent', {
      since, ms, what: JSON.stringify(want), fits: (p) => Object.entries(want).every(([k, v]) =>
        (Array.isArray(v) ? v.includes(flat(p)[k]) : v instanceof Function ? v(flat(p)[k]) : flat(p)[k] === v)),
    });
  }

  events(since = this.from) { return this.of('TransactionEvent', since).map((c) => c.payload); }

  get transactionId() {
    const started = this.events().filter((p) => p.eventType === 'Started').at(-1);
    assert.ok(started, 'no transaction has started');
    return started.transactionInfo.transactionId;
  }

  // ------------------------------------------------------------------ states that cases begin with
  // Switched on again, or reset: the station boots, is accepted, tells of its connector and of its start.
  async booted({ by = 'power', status = 'Available', reason, type = 'OnIdle' } = {}) {
    const since = this.mark;
    if (by === 'power') {
      await this.do('power off');
      await sleep(100);
      await this.do('power on');
    } else await this.ask('Reset', { type }, 'Accepted');
    return this.bootedSince(since, { status, reason });
  }

  async bootedSince(since, { status = 'Available', reason } = {}) {
    const boot = await this.next('BootNotification', { since, ms: 20000 });
    if (reason) assert.equal(boot.payload.reason, reason);
    await this.status(status, boot.n, 20000);
    await this.next('SecurityEventNotification', { since: boot.n, fits: (p) => ['StartupOfTheDevice', 'ResetOrReboot'].includes(p.type) });
    return boot;
  }

  async plugIn() {
    const since = this.mark;
    await this.untilValue('locked', (v) => !v); // the bolt takes its time
    await this.do('plug');
    await this.status('Occupied', since);
  }

  async authorise({ token = TOKEN, expectAuthorize = true } = {}) {
    const since = this.mark;
    await this.present(token);
    if (!expectAuthorize) return;
    const { payload } = await this.next('Authorize', { since });
    assert.deepEqual(payload.idToken, token);
  }

  async remoteStart({ token = TOKEN, remoteStartId = 4711 + this.mark, status = 'Accepted', ...more } = {}) {
    const answer = await this.ask('RequestStartTransaction', { idToken: token, remoteStartId, evseId: EVSE, ...more }, status);
    return { ...answer, remoteStartId };
  }

  async flowing(ms = WAIT_MS) { await this.untilValue('amp', (a) => a > 5, ms); }

  // From an idle station to energy that flows, by token or by the back office.
  async charging({ remote = false, token = TOKEN } = {}) {
    const since = this.mark;
    await this.plugIn();
    if (remote) await this.remoteStart({ token });
    else await this.authorise({ token });
    const call = await this.event({ chargingState: 'Charging' }, { since });
    await this.flowing();
    return call;
  }

  async suspended() {
    await this.charging();
    const since = this.mark;
    await this.do('ready off');
    return this.event({ chargingState: ['SuspendedEV', 'EVConnected'] }, { since });
  }

  // The same token again, or the back office: the transaction is no longer authorised.
  async stopAuthorised({ remote = false, token = TOKEN } = {}) {
    const since = this.mark;
    if (remote) await this.ask('RequestStopTransaction', { transactionId: this.transactionId }, 'Accepted');
    else await this.present(token);
    return this.event({ triggerReason: remote ? 'RemoteStop' : 'StopAuthorized' }, { since });
  }

  async unplug(status = 'Available') {
    const since = this.mark;
    await this.do('unplug');
    return this.status(status, since);
  }

  // Every number of events of one transaction: none missing, one Started, one Ended.
  wholeTransaction(id = this.transactionId) {
    const all = this.events().filter((p) => p.transactionInfo.transactionId === id);
    const seqs = [...new Set(all.map((p) => p.seqNo))].sort((a, b) => a - b);
    assert.deepEqual(seqs, seqs.map((_, i) => i), 'seqNo has no gap');
    assert.equal(all.find((p) => p.seqNo === 0).eventType, 'Started');
    assert.equal(all.find((p) => p.seqNo === seqs.at(-1)).eventType, 'Ended');
    return all;
  }

  // ------------------------------------------------------------------ the end of a case
  // As the next case wants to find it: idle, unplugged, online, variables as before.
  async restore() {
    this.double.restore();
    if (!await this.value('powered')) await this.sim.do('power on', this.number);
    for (const [verb, back] of Object.entries(TAKEN_BACK)) if (this.verbs.has(verb)) await this.sim.do(back, this.number);
    if (this.verbs.has('plug') || this.verbs.has('cable')) await this.sim.do('unplug', this.number);
    await this.double.connected(20000);
    for (const back of this.undo.reverse()) await back();
    await this.untilValue('station.registered', (v) => v, 15000);
    await this.call('ClearCache');
    const transactionId = await this.value('station.transaction_id');
    if (await this.value('station.transaction')) await this.call('RequestStopTransaction', { transactionId });
    for (const [name, want] of [['cable', (v) => !v], ['station.transaction', (v) => !v], ['station.state', 'Idle'],
      ['station.queued', 0]]) {
      await this.untilValue(name, want, 15000);
    }
  }
}
