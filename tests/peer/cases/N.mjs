// N: diagnostics: monitors of variables, customer information, logs.
import assert from 'node:assert/strict';
import { sleep } from '../program.mjs';
import { EVSE, TOKEN } from '../post.mjs';

const SEVERITY = 8;
const STATION = { component: { name: 'ChargingStation' }, variable: { name: 'AvailabilityState' } };
const EVSE_STATE = { component: { name: 'EVSE', evse: { id: EVSE } }, variable: { name: 'AvailabilityState' } };
// The EVSE's power has a highest value (EVSE.Power's maxLimit is a required characteristic), and a car makes it move.
const POWER = { component: { name: 'EVSE', evse: { id: EVSE } }, variable: { name: 'Power' } };

const delta = (what, more = {}) => ({ ...what, type: 'Delta', value: 1, severity: SEVERITY, ...more });

// Sets monitors and gives the results; those that the case leaves behind are cleared.
async function monitor(s, ...setMonitoringData) {
  const { setMonitoringResult } = await s.call('SetVariableMonitoring', { setMonitoringData });
  const ids = setMonitoringResult.filter((r) => r.status === 'Accepted').map((r) => r.id);
  if (ids.length) s.undo.push(() => s.call('ClearVariableMonitoring', { id: ids }));
  for (const [i, r] of setMonitoringResult.entries()) {
    assert.equal(r.component.name, setMonitoringData[i].component.name);
    assert.equal(r.variable.name, setMonitoringData[i].variable.name);
    assert.equal(r.type, setMonitoringData[i].type);
    assert.equal(r.severity, setMonitoringData[i].severity);
  }
  return setMonitoringResult;
}

async function accepted(s, ...data) {
  const results = await monitor(s, ...data);
  assert.deepEqual(results.map((r) => r.status), results.map(() => 'Accepted'), JSON.stringify(results));
  for (const r of results) assert.ok(Number.isInteger(r.id));
  return results.map((r) => r.id);
}

// What GetMonitoringReport tells: [{ component, variable, variableMonitoring }].
async function monitors(s, payload = {}) {
  const requestId = 2000 + s.mark;
  const since = s.mark;
  await s.ask('GetMonitoringReport', { requestId, ...payload }, 'Accepted');
  await s.next('NotifyMonitoringReport', { since, fits: (p) => p.requestId === requestId && !p.tbc });
  const parts = s.of('NotifyMonitoringReport', since).map((c) => c.payload);
  assert.deepEqual(parts.map((p) => p.seqNo), parts.map((_, i) => i));
  return parts.flatMap((p) => p.monitor ?? []);
}
const none = (s, payload) => s.ask('GetMonitoringReport', { requestId: 3000 + s.mark, ...payload }, 'EmptyResultSet');
const kinds = (list) => new Set(list.flatMap((m) => m.variableMonitoring.map((v) => v.type)));
const has = (list, what, id) => list.some((m) => m.component.name === what.component.name && m.variable.name === what.variable.name
  && m.variableMonitoring.some((v) => v.id === id));

// The next event of a monitor.
async function event(s, variableMonitoringId, { since = s.from, ms = 10000, ...want } = {}) {
  const fits = (e) => e.variableMonitoringId === variableMonitoringId && Object.entries(want).every(([k, v]) => (e[k] ?? null) === v);
  const { payload } = await s.next('NotifyEvent', { since, ms, what: `of monitor ${variableMonitoringId}`, fits: (p) => p.eventData.some(fits) });
  return payload.eventData.find(fits);
}
const eventsOf = (s, id, since) => s.of('NotifyEvent', since).flatMap((c) => c.payload.eventData).filter((e) => e.variableMonitoringId === id);

const maxPower = async (s) => {
  const requestId = 4000 + s.mark;
  const since = s.mark;
  await s.ask('GetReport', { requestId, componentVariable: [POWER] }, 'Accepted');
  const { payload } = await s.next('NotifyReport', { since, fits: (p) => p.requestId === requestId });
  return payload.reportData[0].variableCharacteristics.maxLimit;
};

const threshold = (type, value) => ({ ...POWER, type, value, severity: SEVERITY });
const rejected = (id, title, data, status) => ({
  id,
  title,
  async steps(s) {
    const [r] = await monitor(s, typeof data === 'function' ? await data(s) : data);
    assert.ok([].concat(status).includes(r.status), r.status);
    assert.equal(r.id, undefined);
  },
});
const base = async (s, monitoringBase) => {
  s.undo.push(() => s.call('SetMonitoringBase', { monitoringBase: 'HardWiredOnly' })); // as delivered
  await s.ask('SetMonitoringBase', { monitoringBase }, 'Accepted');
};

// Log uploads: asks for a log, to a path of the file server. Gives { requestId, since, filename }.
async function getLog(s, { logType = 'DiagnosticsLog', path = `/log/${s.double.id}/`, status = 'Accepted', ...more } = {}) {
  const since = s.mark;
  const requestId = 700 + s.mark;
  const { filename } = await s.ask('GetLog', { logType, requestId, log: { remoteLocation: s.files.url + path }, ...more }, status);
  if (status !== 'Rejected') assert.ok(filename, 'no filename');
  return { requestId, since, filename };
}
const logTold = (s, { requestId, since }) => s.of('LogStatusNotification', since).map((c) => c.payload)
  .filter((p) => requestId === undefined || p.requestId === requestId).map((p) => p.status);
const logStatus = (s, { requestId, since }, status, ms = 10000) => s.next('LogStatusNotification', {
  since, ms, what: status, fits: (p) => p.status === status && p.requestId === requestId,
});
const FAILURES = ['UploadFailure', 'BadMessage', 'PermissionDenied', 'NotSupportedOperation'];

const uploaded = (id, title, logType) => ({
  id,
  title,
  async steps(s) {
    const asked = await getLog(s, { logType });
    await logStatus(s, asked, 'Uploaded');
    assert.deepEqual(logTold(s, asked), ['Uploading', 'Uploaded']);
    const [file] = s.files.got(`/log/${s.double.id}/`);
    assert.ok(file.path.endsWith(asked.filename), `${file.path}, announced ${asked.filename}`);
    assert.ok(file.body.length > 50, file.body.toString());
  },
});

// Customer information: asks, and gives all of the data that is told.
async function customer(s, request, status = 'Accepted') {
  const since = s.mark;
  const requestId = 800 + s.mark;
  await s.ask('CustomerInformation', { requestId, ...request }, status);
  await s.next('NotifyCustomerInformation', { since, fits: (p) => p.requestId === requestId && !p.tbc });
  const parts = s.of('NotifyCustomerInformation', since).map((c) => c.payload);
  assert.deepEqual(parts.map((p) => p.seqNo), parts.map((_, i) => i));
  return parts.map((p) => p.data).join('');
}

export default [
  {
    id: 'N_01',
    title: 'the report of monitors, by what they watch for',
    given: (s) => accepted(s, threshold('LowerThreshold', 10), threshold('UpperThreshold', 1000), delta(POWER, { value: 500 }),
      { ...POWER, type: 'Periodic', value: 60, severity: SEVERITY }, { ...POWER, type: 'PeriodicClockAligned', value: 60, severity: SEVERITY }),
    async steps(s) {
      const allowed = {
        ThresholdMonitoring: ['LowerThreshold', 'UpperThreshold'], DeltaMonitoring: ['Delta'], PeriodicMonitoring: ['Periodic', 'PeriodicClockAligned'],
      };
      for (const criteria of [['ThresholdMonitoring'], ['ThresholdMonitoring', 'DeltaMonitoring'], ['DeltaMonitoring', 'PeriodicMonitoring']]) {
        const told = kinds(await monitors(s, { monitoringCriteria: criteria }));
        assert.deepEqual([...told].sort(), criteria.flatMap((c) => allowed[c]).sort());
      }
    },
  },
  {
    id: 'N_02',
    title: 'the report of monitors, of components and variables',
    async given(s) { s.ids = await accepted(s, delta(STATION), delta(EVSE_STATE)); },
    async steps(s) {
      const told = await monitors(s, { componentVariable: [STATION, { component: EVSE_STATE.component }] });
      assert.ok(has(told, STATION, s.ids[0]) && has(told, EVSE_STATE, s.ids[1]), JSON.stringify(told));
      assert.ok(told.every((m) => ['ChargingStation', 'EVSE'].includes(m.component.name)));
    },
  },
  {
    id: 'N_03',
    title: 'the report of monitors, of components and variables, by what they watch for',
    async given(s) { s.ids = await accepted(s, delta(STATION), delta(EVSE_STATE)); },
    async steps(s) {
      const componentVariable = [STATION, EVSE_STATE];
      await none(s, { monitoringCriteria: ['ThresholdMonitoring'], componentVariable });
      const told = await monitors(s, { monitoringCriteria: ['DeltaMonitoring'], componentVariable });
      assert.ok(has(told, STATION, s.ids[0]) && has(told, EVSE_STATE, s.ids[1]));
      assert.deepEqual([...kinds(told)], ['Delta']);
    },
  },
  {
    id: 'N_05',
    title: 'each base of monitoring',
    async steps(s) { for (const b of ['FactoryDefault', 'HardWiredOnly', 'All']) await base(s, b); },
  },
  {
    id: 'N_06',
    title: 'the base HardWiredOnly removes monitors',
    async given(s) { s.ids = await accepted(s, delta(STATION)); },
    async steps(s) {
      assert.ok(has(await monitors(s, { componentVariable: [STATION] }), STATION, s.ids[0]));
      await base(s, 'HardWiredOnly');
      await none(s, { componentVariable: [STATION] });
    },
  },
  {
    id: 'N_08',
    title: 'one monitor is set',
    async steps(s) {
      const [id] = await accepted(s, delta(EVSE_STATE));
      assert.ok(has(await monitors(s, { componentVariable: [EVSE_STATE] }), EVSE_STATE, id));
    },
  },
  {
    id: 'N_09',
    title: 'monitors of several variables are set at once',
    async steps(s) {
      const [a, b] = await accepted(s, delta(EVSE_STATE), delta(STATION));
      const told = await monitors(s, { componentVariable: [EVSE_STATE, STATION] });
      assert.ok(has(told, EVSE_STATE, a) && has(told, STATION, b));
    },
  },
  {
    id: 'N_10',
    title: 'several monitors of one variable',
    async steps(s) {
      const [a, b] = await accepted(s, delta(EVSE_STATE, { severity: 8 }), delta(EVSE_STATE, { severity: 7 }));
      assert.notEqual(a, b);
    },
  },
  {
    id: 'N_11',
    title: 'a monitor of a component that is not there',
    async steps(s) {
      const [a, b] = await monitor(s, delta({ component: { name: 'EVSE', evse: { id: 99 } }, variable: { name: 'AvailabilityState' } }),
        { component: { name: 'NonExistent' }, variable: { name: 'Power' }, type: 'UpperThreshold', value: 1234, severity: SEVERITY });
      assert.ok(['UnknownComponent', 'Rejected'].includes(a.status), a.status);
      assert.ok(['UnknownComponent', 'UnknownVariable'].includes(b.status), b.status);
      assert.deepEqual([a.id, b.id], [undefined, undefined]);
    },
  },
  rejected('N_12', 'a delta below zero', delta(EVSE_STATE, { value: -1 }), 'Rejected'),
  rejected('N_13', 'a threshold beyond what the variable can be', async (s) => threshold('UpperThreshold', await maxPower(s) + 1), 'Rejected'),
  {
    id: 'N_15',
    title: 'two monitors of one type and severity',
    async steps(s) {
      const [a, b] = await monitor(s, delta(EVSE_STATE), delta(EVSE_STATE));
      assert.deepEqual([a.status, b.status], ['Accepted', 'Duplicate']);
    },
  },
  {
    id: 'N_16',
    title: 'events less severe than the level are not told',
    async given(s) { [s.id] = await accepted(s, delta(EVSE_STATE, { severity: 8 })); },
    async steps(s) {
      s.undo.push(() => s.call('SetMonitoringLevel', { severity: 9 }));
      await s.ask('SetMonitoringLevel', { severity: 7 }, 'Accepted');
      const since = s.mark;
      await s.plugIn();
      await sleep(1000);
      assert.equal(eventsOf(s, s.id, since).length, 0);
      await s.ask('SetMonitoringLevel', { severity: 8 }, 'Accepted');
      await s.unplug();
      await event(s, s.id, { since });
    },
  },
  {
    id: 'N_17',
    title: 'levels that are not there',
    async steps(s) { for (const severity of [10, -1]) await s.ask('SetMonitoringLevel', { severity }, 'Rejected'); },
  },
  {
    id: 'N_18',
    title: 'monitors are cleared',
    async given(s) { s.ids = await accepted(s, delta(STATION), delta(EVSE_STATE)); },
    async steps(s) {
      const { clearMonitoringResult: r } = await s.call('ClearVariableMonitoring', { id: s.ids });
      assert.deepEqual(r.map((x) => [x.id, x.status]).sort((a, b) => a[0] - b[0]), [...s.ids].sort((a, b) => a - b).map((id) => [id, 'Accepted']));
      await none(s, { componentVariable: [STATION, EVSE_STATE] });
    },
  },
  {
    id: 'N_19',
    title: 'a monitor that is not there is cleared',
    async steps(s) {
      const highest = Math.max(0, ...(await monitors(s).catch(() => [])).flatMap((m) => m.variableMonitoring.map((v) => v.id)));
      const { clearMonitoringResult: [r] } = await s.call('ClearVariableMonitoring', { id: [highest + 1] });
      assert.deepEqual([r.id, r.status], [highest + 1, 'NotFound']);
    },
  },
  {
    id: 'N_20',
    title: 'a threshold is crossed, and crossed back',
    seconds: 9,
    async given(s) { [s.upper, s.lower] = await accepted(s, threshold('UpperThreshold', 3000), threshold('LowerThreshold', 1000)); },
    async steps(s) {
      const since = s.mark;
      await s.charging();
      const above = await event(s, s.upper, { since, trigger: 'Alerting' });
      assert.ok(Number(above.actualValue) > 3000, above.actualValue);
      assert.ok(!above.cleared);
      assert.equal(above.transactionId, s.transactionId);
      assert.equal(above.eventNotificationType, 'CustomMonitor');
      const back = s.mark;
      await s.do('ready off');
      const cleared = await event(s, s.upper, { since: back, cleared: true });
      assert.ok(Number(cleared.actualValue) <= 3000, cleared.actualValue);
      const below = await event(s, s.lower, { since: back, trigger: 'Alerting' });
      assert.ok(!below.cleared && Number(below.actualValue) < 1000, JSON.stringify(below));
      assert.equal(new Set([above.eventId, cleared.eventId, below.eventId]).size, 3);
    },
  },
  {
    id: 'N_24',
    title: 'a value is told again and again',
    seconds: 8,
    async steps(s) {
      const [id] = await accepted(s, { ...EVSE_STATE, type: 'Periodic', value: 2, severity: SEVERITY });
      await s.double.until('three events', () => eventsOf(s, id).length >= 3, 12000);
      const told = eventsOf(s, id);
      for (const e of told) assert.deepEqual([e.trigger, e.component.name, e.component.evse.id, e.variable.name], ['Periodic', 'EVSE', EVSE, 'AvailabilityState']);
      for (let i = 1; i < told.length; i++) {
        const gap = Date.parse(told[i].timestamp) - Date.parse(told[i - 1].timestamp);
        assert.ok(Math.abs(gap - 2000) < 500, `${gap} ms`);
      }
    },
  },
  uploaded('N_25', 'the diagnostics log is sent', 'DiagnosticsLog'),
  {
    id: 'N_26',
    title: 'the log can\'t be sent: tried as often as asked, then given up',
    seconds: 14,
    async steps(s) {
      const retryInterval = 2;
      const retries = 3;
      const asked = await getLog(s, { path: `/drop/${s.double.id}/`, retries, retryInterval });
      const first = await logStatus(s, asked, 'Uploading');
      await s.double.until('the end of it', () => FAILURES.includes(logTold(s, asked).at(-1)) && s.files.requests
        .filter((r) => r.path.startsWith(`/drop/${s.double.id}/`)).length >= retries + 1, 25000);
      await sleep(500);
      const last = s.of('LogStatusNotification', asked.since).at(-1);
      assert.ok(FAILURES.includes(last.payload.status), last.payload.status);
      const took = (last.at - first.at) / 1000;
      assert.ok(took > retries * retryInterval - 0.5 && took < retries * retryInterval + 6, `${took} s`);
    },
  },
  {
    id: 'N_27',
    title: 'what is known of a customer is told',
    async given(s) {
      s.undo.push(() => s.call('SendLocalList', { versionNumber: 1, updateType: 'Full' }));
      await s.ask('SendLocalList', { versionNumber: 2, updateType: 'Full', localAuthorizationList: [{ idToken: TOKEN, idTokenInfo: { status: 'Accepted' } }] }, 'Accepted');
      await s.authorise();
    },
    async steps(s) {
      const data = await customer(s, { report: true, clear: false, idToken: TOKEN });
      assert.ok(data.includes(TOKEN.idToken), data);
    },
  },
  {
    id: 'N_32',
    title: 'what is known of a customer is forgotten',
    async given(s) {
      s.double.token = () => 'Blocked'; // kept in the cache, and no session begins
      await s.authorise();
    },
    async steps(s) {
      const told = () => customer(s, { report: true, clear: false, idToken: TOKEN });
      assert.match(await told(), new RegExp(TOKEN.idToken));
      await customer(s, { report: false, clear: true, idToken: TOKEN });
      assert.doesNotMatch(await told(), new RegExp(TOKEN.idToken));
    },
  },
  {
    id: 'N_34',
    title: 'there is nothing of what is asked for',
    async steps(s) {
      const from = new Date(Date.now() + 86400000);
      await getLog(s, {
        log: { remoteLocation: `${s.files.url}/log/none/`, oldestTimestamp: from.toISOString(), latestTimestamp: new Date(from.getTime() + 1000).toISOString() },
        status: 'Rejected',
      });
    },
  },
  uploaded('N_35', 'the security log is sent', 'SecurityLog'),
  {
    id: 'N_36',
    title: 'a second request takes the place of the first',
    seconds: 8,
    async steps(s) {
      const first = await getLog(s, { path: `/slow/${s.double.id}/` });
      await logStatus(s, first, 'Uploading');
      const second = await getLog(s, { path: `/log/${s.double.id}/second/`, status: 'AcceptedCanceled' });
      await logStatus(s, first, 'AcceptedCanceled');
      await logStatus(s, second, 'Uploading');
      await logStatus(s, second, 'Uploaded', 20000);
      assert.equal(s.files.got(`/log/${s.double.id}/second/`).length, 1);
    },
  },
  rejected('N_37', 'a monitor of a variable that is not there',
    delta({ component: { name: 'EVSE' }, variable: { name: 'unknownVariable' } }), 'UnknownVariable'),
  {
    id: 'N_39',
    title: 'a monitor of a variable that the component has not',
    async given(s) { [s.id] = await accepted(s, delta(EVSE_STATE)); },
    async steps(s) {
      // The case takes ChargingStation.Power, which this station has, and asks for Rejected; a variable that the component
      // lacks has a word of its own.
      const [r] = await monitor(s, { component: { name: 'ChargingStation' }, variable: { name: 'ConnectorType' }, type: 'UpperThreshold', value: 1, severity: SEVERITY });
      assert.ok(['Rejected', 'UnknownVariable'].includes(r.status), r.status);
      assert.ok(has(await monitors(s), EVSE_STATE, s.id));
    },
  },
  {
    id: 'N_40',
    title: 'a monitor is replaced',
    async given(s) { [s.id] = await accepted(s, delta(EVSE_STATE, { severity: 5 })); },
    async steps(s) {
      const [id] = await accepted(s, delta(EVSE_STATE, { id: s.id, severity: 4 }));
      assert.equal(id, s.id);
      const told = await monitors(s, { monitoringCriteria: ['DeltaMonitoring'], componentVariable: [EVSE_STATE] });
      assert.deepEqual(told.flatMap((m) => m.variableMonitoring.map((v) => [v.id, v.severity])), [[s.id, 4]]);
    },
  },
  {
    id: 'N_41',
    title: 'a preconfigured monitor that was changed, and FactoryDefault',
    async given(s) { await base(s, 'FactoryDefault'); },
    async steps(s) {
      const of = async () => (await monitors(s, { monitoringCriteria: ['DeltaMonitoring'], componentVariable: [EVSE_STATE] }))
        .flatMap((m) => m.variableMonitoring.map((v) => [v.id, v.severity]));
      const [[id, severity]] = await of();
      await accepted(s, delta(EVSE_STATE, { id, severity: severity - 1 }));
      assert.deepEqual(await of(), [[id, severity - 1]]);
      await base(s, 'FactoryDefault');
      assert.deepEqual(await of(), [[id, severity]]);
    },
  },
  {
    id: 'N_43',
    title: 'the second of three monitors is wrong',
    async steps(s) {
      const results = await monitor(s, threshold('UpperThreshold', 3000), delta(POWER, { value: -1 }), threshold('LowerThreshold', 100));
      assert.deepEqual(results.map((r) => r.status), ['Accepted', 'Rejected', 'Accepted']);
    },
  },
  {
    id: 'N_45',
    title: 'a number changes by more than the delta',
    seconds: 5,
    async given(s) { [s.id] = await accepted(s, delta(POWER, { value: 100 })); },
    async steps(s) {
      await s.charging();
      const e = await event(s, s.id, { trigger: 'Delta' });
      assert.deepEqual([e.component.name, e.variable.name], ['EVSE', 'Power']);
    },
  },
  {
    id: 'N_47',
    title: 'the report of all monitors',
    async given(s) { s.ids = await accepted(s, delta(STATION), delta(EVSE_STATE)); },
    async steps(s) {
      const told = await monitors(s);
      assert.ok(has(told, STATION, s.ids[0]) && has(told, EVSE_STATE, s.ids[1]));
    },
  },
  {
    id: 'N_48',
    title: 'what can only be written changes: that it did is told, not what it is',
    async given(s) {
      [s.id] = await accepted(s, delta({ component: { name: 'SecurityCtrlr' }, variable: { name: 'BasicAuthPassword' } }));
      s.undo.push(() => s.sim.do('set password', s.number));
    },
    async steps(s) {
      const { attributeStatus } = await s.put('SecurityCtrlr.BasicAuthPassword', 'another-password-of-30-letters');
      assert.ok(['Accepted', 'RebootRequired'].includes(attributeStatus), attributeStatus);
      assert.equal((await event(s, s.id)).actualValue, '');
    },
  },
  {
    id: 'N_51',
    title: 'a monitor is replaced by one that is exceeded already',
    seconds: 6,
    async given(s) {
      [s.id] = await accepted(s, threshold('UpperThreshold', await maxPower(s) - 1));
      await s.charging();
    },
    async steps(s) {
      const since = s.mark;
      await accepted(s, { ...threshold('UpperThreshold', 0), id: s.id });
      const e = await event(s, s.id, { since, trigger: 'Alerting' });
      assert.ok(Number(e.actualValue) > 0);
    },
  },
  {
    id: 'N_52',
    title: 'a monitor that is exceeded is removed: nothing more is told',
    seconds: 8,
    async given(s) {
      [s.id] = await accepted(s, threshold('UpperThreshold', 100));
      await s.charging();
      await event(s, s.id);
    },
    async steps(s) {
      const { clearMonitoringResult: [r] } = await s.call('ClearVariableMonitoring', { id: [s.id] });
      assert.deepEqual([r.id, r.status], [s.id, 'Accepted']);
      await none(s, { monitoringCriteria: ['ThresholdMonitoring'], componentVariable: [POWER] });
      const since = s.mark;
      await s.stopAuthorised();
      await s.untilValue('contactor', (v) => !v);
      await sleep(1000);
      assert.equal(eventsOf(s, s.id, since).length, 0);
    },
  },
  {
    id: 'N_53',
    title: 'monitors are kept over a restart',
    async given(s) {
      [s.id] = await accepted(s, threshold('UpperThreshold', 3000));
      await s.booted();
    },
    async steps(s) { assert.ok(has(await monitors(s, { monitoringCriteria: ['ThresholdMonitoring'] }), POWER, s.id)); },
  },
  {
    id: 'N_56',
    title: 'a word changes',
    async given(s) { [s.id] = await accepted(s, delta(EVSE_STATE, { severity: SEVERITY })); },
    async steps(s) {
      const since = s.mark;
      await s.plugIn();
      const e = await event(s, s.id, { since, trigger: 'Delta' });
      assert.deepEqual([e.component.name, e.variable.name, e.actualValue], ['EVSE', 'AvailabilityState', 'Occupied']);
    },
  },
];
