// Stations (ecs-sim, over loopback) against an OCPP server that owes nothing to our code. Each test has its own pair;
// several run at once. Every one ends with: strict mode had nothing to complain about, the frame log is clean, the
// program ended well. Use cases are those of OCPP 2.0.1 edition 3, part 2.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Csms } from './csms.mjs';
import { folder, sleep } from './program.mjs';
import { Sim } from './sim.mjs';

const TOGETHER = Number(process.env.PEER_TESTS_TOGETHER ?? 4);
const LIMIT_MS = 90000;
const TOKEN = 'DEADBEEF';

// A test with a server and a station. `serverRude`: our side breaks rules on purpose, so that complaints are expected.
function against(name, { csms: csmsOptions, sim: simOptions = {}, lint, serverRude = false, start = true, limitMs = LIMIT_MS }, body) {
  test(name, { timeout: limitMs }, async () => {
    const dir = folder('peer', name);
    const csms = await Csms.open(csmsOptions);
    const sims = [];
    const startSim = async (more = {}) => {
      const sim = await Sim.start({ dir, url: csms.url, ...simOptions, ...more });
      sims.push(sim);
      return sim;
    };
    try {
      const sim = start ? await startSim() : null;
      await body({ csms, sim, startSim, dir });
      for (const s of sims) await s.stop();
      if (!serverRude) assert.deepEqual(csms.problems, []);
      for (const s of sims) s.lint({ only: 'station', ...lint });
    } finally {
      for (const s of sims) if (s.program.running) await s.program.kill();
      await csms.close();
    }
  });
}

// The server has accepted the station, and its self-test is over.
async function booted(csms, sim) {
  const status = await csms.next('StatusNotification', { ms: 20000, what: 'after boot' });
  await sim.idle();
  return status;
}
const tx = (csms, eventType, more = {}) => csms.next('TransactionEvent', {
  what: eventType, ...more, fits: (p) => p.eventType === eventType && (more.fits?.(p) ?? true),
});
const amps = (s) => Math.max(...s.amp);

// From "booted" to a car that draws current. Returns the Started call.
async function charge(csms, sim, { token = TOKEN, ms = 25000 } = {}) {
  const since = csms.mark;
  await booted(csms, sim);
  await sim.do('plug');
  await sim.do('ready on');
  await sim.do(`token ${token}`);
  const started = await tx(csms, 'Started', { since, ms });
  await sim.until('current to flow', (s) => s.contactor && amps(s) > 5, ms);
  return started;
}

const profile = (amp, { id = 1, purpose = 'TxDefaultProfile', level = 0, transactionId, duration } = {}) => ({
  id, stackLevel: level, chargingProfilePurpose: purpose, chargingProfileKind: 'Absolute',
  ...(transactionId ? { transactionId } : {}),
  chargingSchedule: [{
    id: 1, chargingRateUnit: 'A', startSchedule: new Date(Date.now() - 1000).toISOString(),
    ...(duration ? { duration } : {}),
    chargingSchedulePeriod: [{ startPeriod: 0, limit: amp, numberPhases: 3 }],
  }],
});

describe('peer', { concurrency: TOGETHER }, () => {
  against('boot accepted: BootNotification, status, heartbeats at the interval given (B01, G02)',
    { csms: { heartbeatS: 2 } }, async ({ csms, sim }) => {
      const boot = await csms.next('BootNotification', { ms: 20000 });
      assert.equal(boot.n, 0, 'BootNotification is the first thing said');
      assert.equal(boot.payload.reason, 'PowerUp');
      const { model, vendorName, firmwareVersion } = boot.payload.chargingStation;
      assert.ok(model && vendorName && firmwareVersion, JSON.stringify(boot.payload));
      const status = await booted(csms, sim);
      assert.deepEqual([status.payload.evseId, status.payload.connectorId, status.payload.connectorStatus], [1, 1, 'Available']);
      const first = await csms.next('Heartbeat', { ms: 6000 });
      const second = await csms.next('Heartbeat', { since: first.n + 1, ms: 6000 });
      const gap = second.at - first.at;
      assert.ok(gap > 1500 && gap < 3500, `heartbeats ${gap.toFixed(0)} ms apart, asked 2 s`);
    });

  against('boot pending, then accepted: silence but for BootNotification at the interval (B02)', {
    csms: { boot: (call) => (call.n < 2 ? { status: 'Pending', interval: 2 } : 'Accepted') },
  }, async ({ csms, sim }) => {
    await csms.until('third BootNotification', () => csms.of('BootNotification').length >= 3, 20000);
    const boots = csms.of('BootNotification');
    assert.deepEqual(csms.calls.slice(0, 3).map((c) => c.action), Array(3).fill('BootNotification'));
    for (const i of [1, 2]) {
      const gap = boots[i].at - boots[i - 1].at;
      assert.ok(gap > 1800 && gap < 4000, `asked to wait 2 s, waited ${gap.toFixed(0)} ms`);
    }
    await booted(csms, sim);
    await charge(csms, sim);
  });

  against('while pending the server may ask, and RequestStart is refused (B02.FR.05)', {
    csms: { boot: (call) => ({ status: call.n < 1 ? 'Pending' : 'Accepted', interval: 4 }) },
  }, async ({ csms, sim }) => {
    await csms.next('BootNotification', { ms: 20000 });
    const { getVariableResult } = await csms.call('CP1', 'GetVariables', {
      getVariableData: [{ component: { name: 'OCPPCommCtrlr' }, variable: { name: 'HeartbeatInterval' } }],
    });
    assert.equal(getVariableResult[0].attributeStatus, 'Accepted');
    const { status } = await csms.call('CP1', 'RequestStartTransaction', {
      remoteStartId: 1, idToken: { idToken: TOKEN, type: 'Central' }, evseId: 1,
    });
    assert.equal(status, 'Rejected');
    await booted(csms, sim);
  });

  against('boot rejected: nothing at all until the retry interval has passed (B03)', {
    csms: { boot: (call) => ({ status: call.n < 1 ? 'Rejected' : 'Accepted', interval: 3 }) },
  }, async ({ csms, sim }) => {
    await booted(csms, sim);
    const boots = csms.of('BootNotification');
    assert.equal(boots.length, 2);
    const gap = boots[1].at - boots[0].at;
    assert.ok(gap > 2800 && gap < 7000, `asked to wait 3 s, waited ${gap.toFixed(0)} ms`);
    assert.deepEqual(csms.calls.slice(0, 2).map((c) => c.action), ['BootNotification', 'BootNotification']);
  });

  against('a whole charge: plug, token, Authorize, Started, Updated with each phase, Ended (C01, E02, E03, J02)', {},
    async ({ csms, sim }) => {
      const started = await charge(csms, sim);
      const authorize = await csms.next('Authorize');
      assert.equal(authorize.payload.idToken.idToken, TOKEN);
      const id = started.payload.transactionInfo.transactionId;
      const updated = await tx(csms, 'Updated', {
        what: 'with the current of each phase', ms: 15000,
        fits: (p) => p.meterValue?.some((m) => ['L1', 'L2', 'L3'].every((phase) => m.sampledValue.some((v) =>
          v.measurand === 'Current.Import' && v.phase === phase && v.value > 5))),
      });
      const world = await sim.state();
      const values = updated.payload.meterValue.flatMap((m) => m.sampledValue);
      const value = (measurand, phase) => {
        const v = values.find((x) => x.measurand === measurand && x.phase === phase);
        assert.ok(v, `${measurand} ${phase} is missing`);
        return v.value * 10 ** (v.unitOfMeasure?.multiplier ?? 0);
      };
      for (const [i, phase] of ['L1', 'L2', 'L3'].entries()) {
        assert.ok(value('Current.Import', phase) > 5);
        const volt = values.find((x) => x.measurand === 'Voltage' && x.phase.startsWith(phase));
        assert.ok(Math.abs(volt.value - world.volt[i]) < 0.03 * world.volt[i], `${phase}: ${volt.value} V, true ${world.volt[i]}`);
      }
      await sim.do('token ' + TOKEN); // the same token again ends it (E07)
      const ended = await tx(csms, 'Ended', { ms: 15000 });
      assert.equal(ended.payload.transactionInfo.transactionId, id);
      assert.equal(ended.payload.transactionInfo.stoppedReason ?? 'Local', 'Local');
      await sim.until('the contactor to open', (s) => !s.contactor);
      await sim.do('unplug');
      await csms.next('StatusNotification', { since: ended.n, fits: (p) => p.connectorStatus === 'Available' });
      const all = csms.of('TransactionEvent').map((c) => c.payload);
      assert.deepEqual(all.map((p) => p.seqNo), all.map((_, i) => i));
      assert.deepEqual(new Set(all.map((p) => p.transactionInfo.transactionId)), new Set([id]));
      const energy = ended.payload.meterValue?.flatMap((m) => m.sampledValue)
        .filter((v) => (v.measurand ?? 'Energy.Active.Import.Register') === 'Energy.Active.Import.Register' && !v.phase);
      assert.ok(energy?.length, 'Ended carries the energy register');
      const occupied = csms.of('StatusNotification').map((c) => c.payload.connectorStatus);
      assert.deepEqual(occupied, ['Available', 'Occupied', 'Available']);
    });

  against('unplugging ends the transaction, with the reason (E09/E10)', {}, async ({ csms, sim }) => {
    await charge(csms, sim);
    await sim.do('unplug');
    const ended = await tx(csms, 'Ended');
    assert.equal(ended.payload.transactionInfo.stoppedReason, 'EVDisconnected');
    await sim.until('the contactor to be open', (s) => !s.contactor && amps(s) < 0.5, 500);
  });

  against('a car that is there at power-up charges after its wait, not at once with the whole street', {
    sim: { set: ['free_charging=1', 'reconnect_min=4', 'reconnect_random=2'] },
  }, async ({ csms, sim }) => {
    await booted(csms, sim);
    await sim.do('power off');
    await sim.do('plug');
    const at = await sim.do('power on');
    await sim.until('current to flow', (s) => s.contactor && amps(s) > 5, 20000);
    const after = performance.now() - at;
    assert.ok(after > 4000 && after < 15000, `charged ${after.toFixed(0)} ms after power-up, asked 4 to 6 s`);
    await tx(csms, 'Started');
    // Unplugged and plugged in again by a person: no blackout, no wait.
    await sim.do('unplug');
    await tx(csms, 'Ended');
    const again = await sim.do('plug');
    await sim.until('current to flow again', (s) => s.contactor && amps(s) > 5, 20000);
    assert.ok(performance.now() - again < 4000, `charged ${(performance.now() - again).toFixed(0)} ms after plugging in`);
  });

  against('a token that is refused does not charge (C01, C06)', { csms: { token: () => 'Blocked' } }, async ({ csms, sim }) => {
    await booted(csms, sim);
    await sim.do('plug');
    await sim.do('ready on');
    await sim.do(`token ${TOKEN}`);
    await csms.next('Authorize');
    await sleep(3000);
    const s = await sim.state();
    assert.ok(!s.contactor && amps(s) < 0.5);
  });

  against('every change of the control pilot is notified within 500 ms (N07)', {}, async ({ csms, sim }) => {
    await booted(csms, sim);
    const pilot = async (verb, letter) => {
      const since = csms.mark;
      const at = await sim.do(verb);
      const notified = await csms.next('NotifyEvent', {
        since, what: `of pilot ${letter} after "${verb}"`, ms: 5000,
        fits: (p) => p.eventData.some((e) => e.component.name === 'ControlPilot' && e.variable.name === 'State'
          && e.actualValue === letter),
      });
      const late = notified.at - at;
      assert.ok(late < 500, `${letter} notified ${late.toFixed(0)} ms after "${verb}"`);
    };
    for (let i = 0; i < 3; i++) {
      await pilot('plug', 'B');
      await pilot('unplug', 'A');
    }
    await charge(csms, sim);
    await pilot('ready off', 'B');
    await pilot('ready on', 'C');
    await pilot('unplug', 'A');
  });

  against('SetChargingProfile changes the current of the world (K01)', {}, async ({ csms, sim }) => {
    const started = await charge(csms, sim);
    await sim.until('full current', (s) => amps(s) > 25, 25000);
    const set = async (p) => assert.deepEqual(await csms.call('CP1', 'SetChargingProfile', { evseId: 1, chargingProfile: p }), { status: 'Accepted' });
    const reach = async (amp) => {
      const s = await sim.until(`${amp} A`, (w) => amps(w) <= amp + 0.3 && amps(w) > amp - 2, 20000);
      assert.ok(s.contactor);
    };
    await set(profile(10));
    await reach(10);
    const { transactionId } = started.payload.transactionInfo;
    await set(profile(16, { id: 2, purpose: 'TxProfile', transactionId }));
    await reach(16); // the transaction's own profile rules over the default (K01.FR.33 and section 3.3)
    await set(profile(0, { id: 2, purpose: 'TxProfile', transactionId }));
    await sim.until('no current', (w) => amps(w) < 0.5, 20000);
    const updated = await tx(csms, 'Updated', { fits: (p) => p.transactionInfo.chargingState === 'SuspendedEVSE' });
    await set(profile(8, { id: 2, purpose: 'TxProfile', transactionId }));
    await reach(8);
    assert.ok(updated);
  });

  against('plugging in and out, whenever and however fast, is no fault', {}, async ({ csms, sim }) => {
    await booted(csms, sim);
    let seed = 1;
    for (let i = 0; i < 15; i++) {
      seed = (seed * 48271) % 2147483647;
      await sim.do('plug');
      await sleep(200 + seed % 700);
      await sim.do('unplug');
      await sleep(150 + seed % 300);
    }
    await sleep(1000);
    const faults = csms.of('NotifyEvent').flatMap((c) => c.payload.eventData).filter((e) => e.trigger === 'Alerting');
    assert.deepEqual(faults.map((e) => `${e.component.name} ${e.techCode}`), []);
    assert.ok(csms.of('StatusNotification').every((c) => c.payload.connectorStatus !== 'Faulted'));
    await charge(csms, sim);
  });

  against('the end of a profile, and ClearChargingProfile, give the current back (K01, K10)', {}, async ({ csms, sim }) => {
    await charge(csms, sim);
    await sim.until('full current', (s) => amps(s) > 25, 25000);
    assert.equal((await csms.call('CP1', 'SetChargingProfile', { evseId: 0, chargingProfile: profile(7, { duration: 12 }) })).status, 'Accepted');
    await sim.until('7 A', (w) => amps(w) <= 7.3, 20000);
    await sim.until('more than 20 A once the profile has run out', (w) => amps(w) > 20, 30000);
    assert.equal((await csms.call('CP1', 'SetChargingProfile', { evseId: 0, chargingProfile: profile(8, { id: 5, level: 1 }) })).status, 'Accepted');
    await sim.until('8 A', (w) => amps(w) <= 8.3, 20000);
    assert.equal((await csms.call('CP1', 'ClearChargingProfile', { chargingProfileId: 5 })).status, 'Accepted');
    assert.equal((await csms.call('CP1', 'ClearChargingProfile', { chargingProfileId: 5 })).status, 'Unknown');
    await sim.until('more than 20 A once it is cleared', (w) => amps(w) > 20, 20000);
  });

  against('RequestStart and RequestStop (F01, F02, F03)', {}, async ({ csms, sim }) => {
    await booted(csms, sim);
    await sim.do('plug');
    await sim.do('ready on');
    await csms.next('StatusNotification', { fits: (p) => p.connectorStatus === 'Occupied' });
    const start = { remoteStartId: 4711, idToken: { idToken: TOKEN, type: 'Central' }, evseId: 1 };
    const { status } = await csms.call('CP1', 'RequestStartTransaction', start);
    assert.equal(status, 'Accepted');
    const withRemote = await csms.next('TransactionEvent', { fits: (p) => p.transactionInfo.remoteStartId === 4711, ms: 15000 });
    await sim.until('current', (s) => amps(s) > 5, 20000);
    const { transactionId } = withRemote.payload.transactionInfo;
    const wrong = await csms.call('CP1', 'RequestStopTransaction', { transactionId: 'no-such-transaction' });
    assert.equal(wrong.status, 'Rejected');
    const again = await csms.call('CP1', 'RequestStartTransaction', { ...start, remoteStartId: 4712 });
    assert.equal(again.status, 'Rejected', 'a second start on a busy EVSE');
    const stop = await csms.call('CP1', 'RequestStopTransaction', { transactionId });
    assert.equal(stop.status, 'Accepted');
    const ended = await tx(csms, 'Ended');
    assert.equal(ended.payload.transactionInfo.stoppedReason, 'Remote');
    assert.equal(ended.payload.triggerReason, 'RemoteStop');
    await sim.until('the contactor to open', (s) => !s.contactor);
  });

  against('ChangeAvailability: out of service means state F and no charge; back again (G03, G04)', {}, async ({ csms, sim }) => {
    await booted(csms, sim);
    let since = csms.mark;
    assert.equal((await csms.call('CP1', 'ChangeAvailability', { operationalStatus: 'Inoperative' })).status, 'Accepted');
    await csms.next('StatusNotification', { since, fits: (p) => p.connectorStatus === 'Unavailable' });
    await sim.until('state F', (s) => s.pilot === 'F');
    await sim.do('plug');
    await sim.do('ready on');
    await sim.do(`token ${TOKEN}`);
    await sleep(3000);
    assert.ok(!(await sim.state()).contactor);
    await sim.do('unplug');
    since = csms.mark;
    assert.equal((await csms.call('CP1', 'ChangeAvailability', { operationalStatus: 'Operative' })).status, 'Accepted');
    await csms.next('StatusNotification', { since, fits: (p) => p.connectorStatus === 'Available' });
    await charge(csms, sim);
    // During a transaction it is put off until the end (G03.FR.05).
    since = csms.mark;
    const { status } = await csms.call('CP1', 'ChangeAvailability', {
      evse: { id: 1, connectorId: 1 }, operationalStatus: 'Inoperative',
    });
    assert.equal(status, 'Scheduled');
    await sleep(1000);
    assert.ok((await sim.state()).contactor);
    await sim.do('unplug');
    await csms.next('StatusNotification', { since, fits: (p) => p.connectorStatus === 'Unavailable' });
  });

  against('GetVariables and SetVariables, good and bad ones, in one request (B05, B06)', {}, async ({ csms, sim }) => {
    await booted(csms, sim);
    const heartbeat = { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'HeartbeatInterval' } };
    const set = (what, attributeValue) => ({ ...what, attributeValue });
    const { setVariableResult: results } = await csms.call('CP1', 'SetVariables', {
      setVariableData: [
        set(heartbeat, '77'),
        set({ component: { name: 'NoSuchCtrlr' }, variable: { name: 'X' } }, '1'),
        set({ component: { name: 'OCPPCommCtrlr' }, variable: { name: 'NoSuchVariable' } }, '1'),
        set(heartbeat, 'often'),
        set(heartbeat, '-5'),
      ],
    });
    assert.deepEqual(results.map((r) => r.attributeStatus), ['Accepted', 'UnknownComponent', 'UnknownVariable', 'Rejected', 'Rejected']);
    const { getVariableResult: got } = await csms.call('CP1', 'GetVariables', {
      getVariableData: [
        heartbeat,
        { component: { name: 'NoSuchCtrlr' }, variable: { name: 'X' } },
        { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'NoSuchVariable' } },
        { component: { name: 'SecurityCtrlr' }, variable: { name: 'BasicAuthPassword' } },
      ],
    });
    assert.deepEqual(got.map((r) => r.attributeStatus), ['Accepted', 'UnknownComponent', 'UnknownVariable', 'Rejected']);
    assert.equal(got[0].attributeValue, '77');
    assert.equal(got[3].attributeValue, undefined, 'a password is write-only');
  });

  against('GetBaseReport: answer first, then numbered parts to the end (B07)', {}, async ({ csms, sim }) => {
    await booted(csms, sim);
    const wanted = { FullInventory: 33, ConfigurationInventory: 34 };
    for (const [reportBase, requestId] of Object.entries(wanted)) {
      const since = csms.mark;
      assert.equal((await csms.call('CP1', 'GetBaseReport', { requestId, reportBase })).status, 'Accepted');
      await csms.next('NotifyReport', { since, fits: (p) => p.requestId === requestId && !p.tbc, ms: 20000 });
      const parts = csms.of('NotifyReport', since).map((c) => c.payload);
      assert.deepEqual(parts.map((p) => p.seqNo), parts.map((_, i) => i));
      const data = parts.flatMap((p) => p.reportData ?? []);
      const names = data.map((d) => `${d.component.name}${d.component.instance ?? ''}${d.component.evse?.id ?? ''}.${d.variable.name}${d.variable.instance ?? ''}`);
      assert.equal(new Set(names).size, names.length, 'nothing is reported twice');
      assert.ok(names.some((n) => n === 'OCPPCommCtrlr.HeartbeatInterval'), names.join(' '));
      for (const d of data) assert.ok(d.variableAttribute.length >= 1 && d.variableCharacteristics?.dataType);
      for (const a of data.filter((d) => d.variable.name === 'BasicAuthPassword').flatMap((d) => d.variableAttribute)) {
        assert.ok(a.value === undefined && a.mutability === 'WriteOnly');
      }
    }
  });

  against('Reset Immediate ends the charge, restarts, boots again (B12)', {}, async ({ csms, sim }) => {
    await charge(csms, sim);
    const since = csms.mark;
    assert.equal((await csms.call('CP1', 'Reset', { type: 'Immediate' })).status, 'Accepted');
    await csms.next('TransactionEvent', {
      since, ms: 30000, fits: (p) => p.eventType === 'Ended' && p.transactionInfo.stoppedReason === 'ImmediateReset',
    });
    const boot = await csms.next('BootNotification', { since, ms: 30000 });
    assert.equal(boot.payload.reason, 'RemoteReset');
    assert.ok(boot.connection > 1, 'on a new connection');
  });

  against('Reset OnIdle waits for the end of the charge (B11, B12)', {}, async ({ csms, sim }) => {
    await charge(csms, sim);
    const since = csms.mark;
    assert.equal((await csms.call('CP1', 'Reset', { type: 'OnIdle' })).status, 'Scheduled');
    await sleep(2500);
    assert.equal(csms.of('BootNotification', since).length, 0, 'not while it charges');
    assert.ok((await sim.state()).contactor);
    await sim.do('unplug');
    await tx(csms, 'Ended', { since });
    const boot = await csms.next('BootNotification', { since, ms: 30000 });
    assert.equal(boot.payload.reason, 'ScheduledReset');
    await csms.next('StatusNotification', { since: boot.n, fits: (p) => p.connectorStatus === 'Available' });
  });

  against('the server is away during a charge: everything arrives later, in order, marked offline (E04, E12)', {},
    async ({ csms, sim }) => {
      const started = await charge(csms, sim);
      const id = started.payload.transactionInfo.transactionId;
      await tx(csms, 'Updated');
      const since = csms.mark;
      const goneAt = Date.now();
      await csms.vanish();
      await sleep(4000);
      assert.ok((await sim.state()).contactor, 'the charge goes on without the server');
      await sim.do('ready off');
      await sleep(1500);
      await sim.do('unplug');
      await sleep(2500);
      const backAt = Date.now();
      await csms.comeBack();
      const ended = await tx(csms, 'Ended', { since, ms: 30000 });
      assert.equal(ended.payload.offline, true);
      const all = csms.of('TransactionEvent').map((c) => c.payload).filter((p) => p.transactionInfo.transactionId === id);
      const seqs = [...new Set(all.map((p) => p.seqNo))];
      assert.deepEqual(seqs, seqs.map((_, i) => i), 'no gap, in order');
      for (const p of all) {
        const at = Date.parse(p.timestamp);
        if (at > goneAt + 1000 && at < backAt - 200) assert.equal(p.offline, true, `seqNo ${p.seqNo} at ${p.timestamp}`);
        if (at < goneAt - 1000) assert.ok(!p.offline, `seqNo ${p.seqNo} at ${p.timestamp}`);
      }
      assert.equal(csms.of('BootNotification').length, 1, 'a lost connection is no reboot (B01.FR.01, B04)');
      assert.ok(all.some((p) => p.seqNo > 0 && p.offline && p.meterValue), 'meter values of the time without a server');
    });

  against('an answer that never comes: the event is sent again, with a new id, and order is kept (E13)', {
    sim: { set: ['message_timeout=2'] }, lint: { timeoutS: 2 },
  }, async ({ csms, sim }) => {
    let swallowed = 0;
    csms.handle('TransactionEvent', (payload) => (swallowed++ < 1 ? new Promise(() => {}) : payload.idToken ? { idTokenInfo: { status: 'Accepted' } } : {}));
    const started = await charge(csms, sim);
    const again = await csms.next('TransactionEvent', { since: started.n + 1, ms: 15000 });
    assert.equal(again.payload.seqNo, started.payload.seqNo, 'the unanswered event comes first again');
    const next = await csms.next('TransactionEvent', { since: again.n + 1, ms: 15000 });
    assert.equal(next.payload.seqNo, started.payload.seqNo + 1);
  });

  against('an unknown action is answered NotImplemented, life goes on (part 4, 4.3)', { serverRude: true }, async ({ csms, sim }) => {
    await booted(csms, sim);
    const client = await csms.connected('CP1');
    const answers = [];
    client.on('response', ({ outbound, payload }) => { if (!outbound) answers.push(payload); });
    client.sendRaw(JSON.stringify([2, 'odd-1', 'MakeCoffee', { strong: true }]));
    await csms.until('an answer', () => answers.find(([, id]) => id === 'odd-1'), 5000).catch(() => {});
    await sleep(500);
    const answer = answers.find(([, id]) => id === 'odd-1');
    assert.ok(answer, 'no answer to MakeCoffee');
    assert.deepEqual([answer[0], answer[2]], [4, 'NotImplemented']);
    await charge(csms, sim);
  });

  against('malformed frames are survived, and answered as part 4 says', { serverRude: true }, async ({ csms, sim }) => {
    await booted(csms, sim);
    const client = await csms.connected('CP1');
    const answers = [];
    client.on('response', ({ outbound, payload }) => { if (!outbound) answers.push(payload); });
    const answer = async (id, ...codes) => {
      for (let i = 0; i < 50 && !answers.some((a) => a[1] === id); i++) await sleep(100);
      const a = answers.find((x) => x[1] === id);
      assert.ok(a, `no answer to ${id}`);
      assert.ok(a[0] === 4 && codes.includes(a[2]), `${id}: ${JSON.stringify(a)}, expected ${codes.join(' or ')}`);
    };
    for (const rubbish of ['', ' ', '{', 'null', '[]', '[2]', '[2,', '42', '"text"', '{"a":1}', '[[[[[[', '\u0000',
      '[2,7,"Reset",{"type":"Immediate"}]', '[3,"nobody-asked",{}]', '[4,"nobody-asked","GenericError","",{}]',
      '['.repeat(5000), `[2,"deep","Reset",${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}]`,
      `[2,"${'x'.repeat(5000)}","Reset",{}]`]) {
      client.sendRaw(rubbish);
      await sleep(40);
    }
    client.sendRaw(JSON.stringify([2, 'no-payload', 'GetVariables']));
    await answer('no-payload', 'RpcFrameworkError', 'FormatViolation', 'ProtocolError', 'OccurrenceConstraintViolation');
    client.sendRaw(JSON.stringify([2, 'no-field', 'GetVariables', {}]));
    await answer('no-field', 'OccurrenceConstraintViolation', 'OccurenceConstraintViolation', 'FormatViolation', 'ProtocolError');
    client.sendRaw(JSON.stringify([2, 'wrong-type', 'GetBaseReport', { requestId: 'one', reportBase: 'FullInventory' }]));
    await answer('wrong-type', 'TypeConstraintViolation', 'FormatViolation');
    client.sendRaw(JSON.stringify([2, 'wrong-value', 'Reset', { type: 'Sometime' }]));
    await answer('wrong-value', 'PropertyConstraintViolation', 'FormatViolation');
    client.sendRaw(JSON.stringify([9, 'new-kind', {}]));
    await answer('new-kind', 'MessageTypeNotSupported');
    await charge(csms, sim);
    assert.equal(csms.connections, 1, 'the connection stood');
    // More than a station can hold, or no text at all, ends the connection (RFC 6455, 7.4.1: 1009, 1003), not the charge.
    const endings = [(c) => c.sendRaw(`[2,"long","DataTransfer",{"vendorId":"${'y'.repeat(300000)}"}]`),
      (c) => c._ws.send(Buffer.from([0xff, 0xfe, 0x00, 0x80]), { binary: true })];
    for (const [i, end] of endings.entries()) {
      end(await csms.connected('CP1'));
      await csms.until('the station on a new connection', () => csms.calls.some((c) => c.connection === i + 2), 20000);
      const s = await sim.state();
      assert.ok(s.contactor && amps(s) > 5);
    }
    assert.equal(csms.of('BootNotification').length, 1, 'nothing restarted');
  });

  against('basic authentication: password sent, a wrong one refused and tried again (A00, profile 1)', {
    csms: { password: 'correct-horse-battery-staple' }, start: false,
  }, async ({ csms, startSim }) => {
    const wrong = await startSim({ id: 'CP9', password: 'wrong-password-here', tag: 'wrong' });
    await csms.until('two refused handshakes', () => csms.refused.length >= 2, 20000);
    assert.ok(csms.refused.every((r) => r.id === 'CP9' && r.password === 'wrong-password-here'), JSON.stringify(csms.refused));
    assert.equal(csms.calls.length, 0);
    await wrong.program.kill();
    wrong.lint = () => 0; // it never spoke
    wrong.stop = async () => {};
    const right = await startSim({ password: 'correct-horse-battery-staple', tag: 'right' });
    await booted(csms, right);
    assert.ok(!right.program.text.includes('correct-horse'), 'a password is not printed');
  });

  against('several stations in one process are independent', { sim: { id: 'ROW', stations: 3 } }, async ({ csms, sim }) => {
    await csms.until('three stations', () => csms.clients.size === 3, 20000);
    const ids = [...csms.clients.keys()].sort();
    await csms.until('their statuses', () => new Set(csms.of('StatusNotification').map((c) => c.station)).size === 3, 20000);
    await sim.do('plug', 2);
    const occupied = await csms.next('StatusNotification', { fits: (p) => p.connectorStatus === 'Occupied' });
    assert.equal(occupied.station, ids[1]);
    await sleep(500);
    assert.deepEqual([0, 1, 2].map((i) => csms.of('StatusNotification')
      .filter((c) => c.station === ids[i] && c.payload.connectorStatus === 'Occupied').length), [0, 1, 0]);
  });
});
