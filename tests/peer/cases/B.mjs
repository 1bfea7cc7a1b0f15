// B: provisioning: boot, variables, reports, reset, connection.
import assert from 'node:assert/strict';
import { sleep } from '../program.mjs';
import { EVSE, TOKEN } from '../post.mjs';

const THRESHOLD = 'OCPPCommCtrlr.OfflineThreshold';
const STATES = ['Available', 'Occupied', 'Reserved', 'Unavailable', 'Faulted'];
const LISTS = ['OptionList', 'SequenceList', 'MemberList'];
const CLOCK_SLACK_MS = 1000;

// Switched off and on in front of a server that answers as `boot` says; gives the mark from which to look.
async function restart(s, boot) {
  s.double.boot = boot;
  const since = s.mark;
  await s.do('power off');
  await sleep(100);
  await s.do('power on');
  return since;
}

// All parts of a report: answered first, counted from 0, the last one alone without tbc, stamped now.
async function report(s, action, payload) {
  const requestId = 1000 + s.mark;
  const began = await s.clock();
  const since = s.mark;
  await s.ask(action, { requestId, ...payload }, 'Accepted');
  await s.next('NotifyReport', { since, fits: (p) => p.requestId === requestId && !p.tbc, ms: 20000 });
  const ended = await s.clock();
  const parts = s.of('NotifyReport', since).map((c) => c.payload);
  assert.deepEqual(parts.map((p) => p.seqNo), parts.map((_, i) => i));
  for (const p of parts) {
    assert.equal(p.requestId, requestId);
    const at = Date.parse(p.generatedAt);
    assert.ok(at > began - CLOCK_SLACK_MS && at < ended + CLOCK_SLACK_MS, `${p.generatedAt}, asked at ${new Date(began).toISOString()}`);
  }
  const data = parts.flatMap((p) => p.reportData ?? []);
  for (const d of data) {
    assert.ok(d.variableCharacteristics, `${d.component.name}.${d.variable.name} has no characteristics`);
    const { dataType, valuesList } = d.variableCharacteristics;
    if (LISTS.includes(dataType)) assert.ok(valuesList, `${d.component.name}.${d.variable.name} has no valuesList`);
  }
  return data;
}

const full = (d) => `${d.component.name}.${d.variable.name}${d.variable.instance ? `[${d.variable.instance}]` : ''}`;
const actual = (d) => d.variableAttribute.find((a) => (a.type ?? 'Actual') === 'Actual');

// Part 2, "Referenced Components and Variables": what is required of the controllers whatever a station can do, then what
// each optional block adds. [writable] says which of them must be in the ConfigurationInventory.
const REQUIRED = {
  always: ['AlignedDataCtrlr.Interval', 'AlignedDataCtrlr.Measurands', 'AlignedDataCtrlr.TxEndedInterval',
    'AlignedDataCtrlr.TxEndedMeasurands', 'AuthCtrlr.AuthorizeRemoteStart', 'AuthCtrlr.LocalAuthorizeOffline',
    'AuthCtrlr.LocalPreAuthorize', 'ClockCtrlr.DateTime', 'ClockCtrlr.TimeSource', 'DeviceDataCtrlr.BytesPerMessage[GetReport]',
    'DeviceDataCtrlr.BytesPerMessage[GetVariables]', 'DeviceDataCtrlr.BytesPerMessage[SetVariables]',
    'DeviceDataCtrlr.ItemsPerMessage[GetReport]', 'DeviceDataCtrlr.ItemsPerMessage[GetVariables]',
    'DeviceDataCtrlr.ItemsPerMessage[SetVariables]', 'OCPPCommCtrlr.FileTransferProtocols',
    'OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]', 'OCPPCommCtrlr.MessageAttempts[TransactionEvent]',
    'OCPPCommCtrlr.MessageTimeout[Default]', 'OCPPCommCtrlr.NetworkConfigurationPriority',
    'OCPPCommCtrlr.NetworkProfileConnectionAttempts', 'OCPPCommCtrlr.OfflineThreshold', 'OCPPCommCtrlr.ResetRetries',
    'OCPPCommCtrlr.UnlockOnEVSideDisconnect', 'SampledDataCtrlr.TxEndedInterval', 'SampledDataCtrlr.TxEndedMeasurands',
    'SampledDataCtrlr.TxStartedMeasurands', 'SampledDataCtrlr.TxUpdatedInterval', 'SampledDataCtrlr.TxUpdatedMeasurands',
    'SecurityCtrlr.CertificateEntries', 'SecurityCtrlr.OrganizationName', 'SecurityCtrlr.SecurityProfile',
    'TxCtrlr.EVConnectionTimeOut', 'TxCtrlr.StopTxOnEVSideDisconnect', 'TxCtrlr.StopTxOnInvalidId', 'TxCtrlr.TxStartPoint',
    'TxCtrlr.TxStopPoint', 'SmartChargingCtrlr.Entries[ChargingProfiles]', 'SmartChargingCtrlr.LimitChangeSignificance',
    'SmartChargingCtrlr.PeriodsPerSchedule', 'SmartChargingCtrlr.ProfileStackLevel', 'SmartChargingCtrlr.RateUnit',
    // Physical: part 2, "Charging Infrastructure related".
    'ChargingStation.AvailabilityState', 'ChargingStation.Available', 'ChargingStation.SupplyPhases', 'EVSE.AvailabilityState',
    'EVSE.Available', 'EVSE.Power', 'EVSE.SupplyPhases', 'Connector.AvailabilityState', 'Connector.Available',
    'Connector.ConnectorType', 'Connector.SupplyPhases'],
  LocalAuthListCtrlr: ['LocalAuthListCtrlr.BytesPerMessage', 'LocalAuthListCtrlr.Entries', 'LocalAuthListCtrlr.ItemsPerMessage'],
  MonitoringCtrlr: ['MonitoringCtrlr.ItemsPerMessage[SetVariableMonitoring]', 'MonitoringCtrlr.BytesPerMessage[SetVariableMonitoring]'],
};
const WRITABLE = ['AlignedDataCtrlr.Interval', 'AlignedDataCtrlr.Measurands', 'AuthCtrlr.AuthorizeRemoteStart',
  'OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]', 'OCPPCommCtrlr.MessageAttempts[TransactionEvent]',
  'OCPPCommCtrlr.OfflineThreshold', 'SampledDataCtrlr.TxUpdatedInterval', 'SampledDataCtrlr.TxStartedMeasurands',
  'SampledDataCtrlr.TxUpdatedMeasurands', 'SampledDataCtrlr.TxEndedMeasurands', 'TxCtrlr.EVConnectionTimeOut',
  'TxCtrlr.StopTxOnInvalidId', 'SecurityCtrlr.BasicAuthPassword'];

const available = (data, component) => data.some((d) => full(d) === `${component}.Available` && actual(d).value === 'true');

const read = (id, title, name, attributeType, check) => ({ id, title, async steps(s) { check(await s.get(name, attributeType)); } });
const refusedRead = (id, title, name, attributeStatus, attributeType) => read(id, title, name, attributeType, (r) => {
  assert.equal(r.attributeStatus, attributeStatus);
  assert.equal(`${r.component.name}.${r.variable.name}`, name);
  if (attributeType) assert.equal(r.attributeType, attributeType);
});
const refusedWrite = (id, title, name, attributeStatus, attributeType) => ({
  id,
  title,
  async steps(s) {
    const r = await s.put(name, '300', attributeType);
    assert.equal(r.attributeStatus, attributeStatus);
    assert.equal(full(r), name);
    if (attributeType) assert.equal(r.attributeType, attributeType);
  },
});

const written = (r, name) => {
  assert.equal(full(r), name);
  assert.equal(r.attributeStatus, 'Accepted');
  assert.equal(r.attributeType ?? 'Actual', 'Actual');
  assert.equal(r.attributeStatusInfo?.reasonCode ?? 'NoError', 'NoError');
};

const one = async (s, componentVariable, more = {}) => report(s, 'GetReport', { componentVariable, ...more });
const EVSE_STATE = { component: { name: 'EVSE', evse: { id: EVSE } }, variable: { name: 'AvailabilityState' } };
const isEvseState = (d, value = 'Available') => {
  assert.deepEqual([d.component.name, d.component.evse.id, d.variable.name], ['EVSE', EVSE, 'AvailabilityState']);
  assert.equal(d.variableCharacteristics.dataType, 'OptionList');
  assert.deepEqual(d.variableCharacteristics.valuesList.split(',').map((x) => x.trim()).sort(), [...STATES].sort());
  assert.deepEqual(d.variableAttribute.map((a) => [a.type ?? 'Actual', a.mutability, a.value]), [['Actual', 'ReadOnly', value]]);
};

const PRIORITY = 'OCPPCommCtrlr.NetworkConfigurationPriority';
const SECOND = '/second';
const network = (s) => ({
  configurationSlot: 2,
  connectionData: {
    ocppVersion: 'OCPP20', ocppTransport: 'JSON', ocppCsmsUrl: new URL(SECOND, s.url).href, messageTimeout: 30, securityProfile: 1,
    ocppInterface: 'Wired0',
  },
});
// The second network comes first from the next start on; the station restarts.
async function moves(s) {
  const restarts = async (priority) => {
    const { attributeStatus } = await s.put(PRIORITY, priority);
    assert.ok(['Accepted', 'RebootRequired'].includes(attributeStatus), attributeStatus);
    await s.ask('Reset', { type: 'OnIdle' }, 'Accepted');
  };
  s.undo.push(async () => {
    const since = s.mark;
    await restarts('1');
    await s.bootedSince(since);
  });
  await s.ask('SetNetworkProfile', network(s), 'Accepted');
  await restarts('2,1');
}

export default [
  {
    id: 'B_01',
    title: 'boot, accepted: the status of the connector is told',
    async steps(s) {
      const boot = await s.booted({ reason: 'PowerUp' });
      const { model, vendorName, firmwareVersion } = boot.payload.chargingStation;
      assert.ok(model && vendorName && firmwareVersion);
    },
  },
  {
    id: 'B_02',
    title: 'boot, pending: the server reads and writes, starts nothing, and asks for the next BootNotification',
    async steps(s) {
      let status = 'Pending';
      const since = await restart(s, () => ({ status, interval: 300 }));
      await s.next('BootNotification', { since });
      s.undo.push(() => s.put(THRESHOLD, 60));
      assert.equal((await s.put(THRESHOLD, 300)).attributeStatus, 'Accepted');
      assert.equal((await s.get(THRESHOLD)).attributeValue, '300');
      assert.ok((await report(s, 'GetBaseReport', { reportBase: 'FullInventory' })).length > 50);
      await s.remoteStart({ status: 'Rejected' });
      status = 'Accepted';
      await s.ask('TriggerMessage', { requestedMessage: 'BootNotification' }, 'Accepted');
      const again = await s.next('BootNotification', { since, fits: (p) => p.reason === 'Triggered' });
      await s.status('Available', again.n);
    },
  },
  {
    id: 'B_03',
    title: 'boot, rejected: silence, then the next BootNotification not before the interval',
    seconds: 6,
    async steps(s) {
      const interval = 3;
      let status = 'Rejected';
      const since = await restart(s, () => ({ status, interval }));
      const first = await s.next('BootNotification', { since });
      status = 'Accepted';
      const second = await s.next('BootNotification', { since: first.n + 1 });
      assert.equal(second.n, first.n + 1, 'nothing was said in between');
      // The first may have come late on a busy machine.
      assert.ok(second.at - first.at >= interval * 1000 - 500, `${(second.at - first.at).toFixed(0)} ms`);
      await s.status('Available', second.n);
    },
  },
  {
    id: 'B_30',
    title: 'rejected: a request of the server is answered with SecurityError',
    seconds: 5,
    async steps(s) {
      let status = 'Rejected';
      const since = await restart(s, () => ({ status, interval: 3 }));
      const boot = await s.next('BootNotification', { since });
      await s.double.until('the answer to be out', () => boot.answer);
      await assert.rejects(s.call('GetBaseReport', { requestId: 1, reportBase: 'FullInventory' }),
        (e) => e.rpcErrorCode === 'SecurityError');
      status = 'Accepted';
    },
  },
  {
    ...read('B_06', 'one variable is read', THRESHOLD, 'Actual', (r) => {
      assert.deepEqual([r.attributeStatus, r.attributeType ?? 'Actual', r.attributeValue], ['Accepted', 'Actual', '300']);
      assert.equal(r.attributeStatusInfo?.reasonCode ?? 'NoError', 'NoError');
    }),
    given: (s) => s.set(THRESHOLD, 300),
  },
  {
    id: 'B_07',
    title: 'two variables are read at once',
    given: (s) => s.set(THRESHOLD, 300),
    async steps(s) {
      const names = [['OCPPCommCtrlr', 'OfflineThreshold'], ['AuthCtrlr', 'LocalAuthorizeOffline']];
      const { getVariableResult } = await s.call('GetVariables', {
        getVariableData: names.map(([c, v]) => ({ component: { name: c }, variable: { name: v }, attributeType: 'Actual' })),
      });
      const values = new Map(getVariableResult.map((r) => [full(r), r]));
      assert.equal(values.size, 2);
      for (const r of values.values()) assert.equal(r.attributeStatus, 'Accepted');
      assert.equal(values.get(THRESHOLD).attributeValue, '300');
      assert.match(values.get('AuthCtrlr.LocalAuthorizeOffline').attributeValue, /^(true|false)$/);
    },
  },
  refusedRead('B_32', 'reading an unknown component', 'UnknownComponent.OfflineThreshold', 'UnknownComponent'),
  refusedRead('B_33', 'reading an unknown variable', 'OCPPCommCtrlr.UnknownVariable', 'UnknownVariable'),
  refusedRead('B_34', 'reading an attribute that a variable has not', THRESHOLD, 'NotSupportedAttributeType', 'Target'),
  {
    id: 'B_09',
    title: 'one variable is written',
    async steps(s) {
      s.undo.push(() => s.put(THRESHOLD, 60));
      written(await s.put(THRESHOLD, 300, 'Actual'), THRESHOLD);
      assert.equal((await s.get(THRESHOLD)).attributeValue, '300');
    },
  },
  {
    id: 'B_10',
    title: 'two variables are written at once',
    async steps(s) {
      const other = 'TxCtrlr.EVConnectionTimeOut';
      s.undo.push(() => s.put(THRESHOLD, 60), () => s.put(other, 120));
      const { setVariableResult: r } = await s.call('SetVariables', {
        setVariableData: [
          { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'OfflineThreshold' }, attributeValue: '300', attributeType: 'Actual' },
          { component: { name: 'TxCtrlr' }, variable: { name: 'EVConnectionTimeOut' }, attributeValue: '77', attributeType: 'Actual' },
        ],
      });
      written(r.find((x) => full(x) === THRESHOLD), THRESHOLD);
      written(r.find((x) => full(x) === other), other);
      assert.equal((await s.get(other)).attributeValue, '77');
    },
  },
  {
    id: 'B_11',
    title: 'a value that does not fit is rejected, the old one stays',
    async steps(s) {
      const before = (await s.get(THRESHOLD)).attributeValue;
      for (const value of ['-1', 'soon', '', '99999999999999999999']) {
        assert.equal((await s.put(THRESHOLD, value)).attributeStatus, 'Rejected', `"${value}"`);
      }
      assert.equal((await s.get(THRESHOLD)).attributeValue, before);
    },
  },
  refusedWrite('B_35', 'writing an unknown component', 'UnknownComponent.OfflineThreshold', 'UnknownComponent'),
  refusedWrite('B_36', 'writing an unknown variable', 'OCPPCommCtrlr.UnknownVariable', 'UnknownVariable'),
  refusedWrite('B_37', 'writing an attribute that a variable has not', THRESHOLD, 'NotSupportedAttributeType', 'Target'),
  refusedWrite('B_39', 'writing what can only be read', 'OCPPCommCtrlr.ResetRetries', 'Rejected'),
  {
    id: 'B_12',
    title: 'ConfigurationInventory: all that can be set, and nothing else',
    async steps(s) {
      const data = await report(s, 'GetBaseReport', { reportBase: 'ConfigurationInventory' });
      for (const d of data) {
        assert.ok(d.variableAttribute.some((a) => ['ReadWrite', 'WriteOnly'].includes(a.mutability)), `${full(d)} can't be set`);
      }
      const names = new Set(data.map(full));
      assert.deepEqual(WRITABLE.filter((n) => !names.has(n)), []);
    },
  },
  {
    id: 'B_13',
    title: 'FullInventory: everything, once',
    async steps(s) {
      const data = await report(s, 'GetBaseReport', { reportBase: 'FullInventory' });
      const names = data.map((d) => `${full(d)}@${d.component.instance ?? ''}/${d.component.evse?.id ?? 0}/${d.component.evse?.connectorId ?? 0}`);
      assert.equal(new Set(names).size, names.length, 'something is told twice');
      const have = new Set(data.map(full));
      assert.deepEqual(REQUIRED.always.filter((n) => !have.has(n)), []);
    },
  },
  {
    id: 'B_14',
    title: 'SummaryInventory: availability of station, EVSE, connector, and what is wrong',
    async steps(s) {
      const healthy = await report(s, 'GetBaseReport', { reportBase: 'SummaryInventory' });
      const have = new Map(healthy.map((d) => [full(d), actual(d).value]));
      for (const c of ['ChargingStation', 'EVSE', 'Connector']) assert.equal(have.get(`${c}.AvailabilityState`), 'Available');
      assert.ok(!healthy.some((d) => d.component.name === 'ControlPilot'), 'a healthy component is told');
      await s.do('fault cp_short on');
      await s.status('Faulted', s.from);
      const ill = await report(s, 'GetBaseReport', { reportBase: 'SummaryInventory' });
      assert.ok(ill.some((d) => full(d) === 'ControlPilot.Problem' && actual(d).value === 'true'), ill.map(full).join(' '));
    },
  },
  {
    id: 'B_53',
    title: 'FullInventory has every required variable, with values that its lists allow, and no secret',
    async steps(s) {
      const data = await report(s, 'GetBaseReport', { reportBase: 'FullInventory' });
      const have = new Set(data.map(full));
      const wanted = [...REQUIRED.always];
      for (const block of ['LocalAuthListCtrlr', 'MonitoringCtrlr']) if (available(data, block)) wanted.push(...REQUIRED[block]);
      assert.deepEqual(wanted.filter((n) => !have.has(n)), []);
      for (const d of data) {
        const { dataType, valuesList } = d.variableCharacteristics;
        for (const a of d.variableAttribute) {
          if (a.mutability === 'WriteOnly') assert.equal(a.value, undefined, `${full(d)} is told`);
          if (!LISTS.includes(dataType) || !a.value) continue;
          const allowed = valuesList.split(',').map((x) => x.trim());
          for (const v of a.value.split(',')) assert.ok(allowed.includes(v.trim()), `${full(d)}: ${v} is none of ${valuesList}`);
        }
      }
    },
  },
  {
    id: 'B_16',
    title: 'a report of what is enabled',
    async steps(s) {
      const everything = await report(s, 'GetBaseReport', { reportBase: 'FullInventory' });
      const want = everything.filter((d) => d.variable.name === 'Enabled' && actual(d).value === 'true').map(full).sort();
      const data = await report(s, 'GetReport', { componentCriteria: ['Enabled'] });
      // B08.FR.07 asks for the criterion's own variable among those of the component.
      const told = data.filter((d) => d.variable.name === 'Enabled');
      assert.deepEqual(told.map(full).sort(), want);
      for (const d of told) {
        assert.equal(actual(d).value, 'true');
        assert.equal((await s.get(full(d))).attributeValue, 'true');
      }
    },
  },
  {
    id: 'B_17',
    title: 'a report of one variable of one EVSE',
    async steps(s) {
      const data = await one(s, [EVSE_STATE]);
      assert.equal(data.length, 1);
      isEvseState(data[0]);
    },
  },
  {
    id: 'B_18',
    title: 'a report of one variable, by criteria that hold and that do not',
    async steps(s) {
      const data = await one(s, [EVSE_STATE], { componentCriteria: ['Available'] });
      assert.equal(data.length, 1);
      isEvseState(data[0]);
      await s.ask('GetReport', { requestId: 77, componentCriteria: ['Problem'], componentVariable: [EVSE_STATE] }, 'EmptyResultSet');
    },
  },
  {
    id: 'B_54',
    title: 'a report of a variable without its instance gives all instances',
    async steps(s) {
      const data = await one(s, [{ component: { name: 'DeviceDataCtrlr' }, variable: { name: 'ItemsPerMessage' } }]);
      const names = data.map(full);
      for (const i of ['GetReport', 'GetVariables', 'SetVariables']) assert.ok(names.includes(`DeviceDataCtrlr.ItemsPerMessage[${i}]`), names.join(' '));
      assert.ok(names.every((n) => n.startsWith('DeviceDataCtrlr.ItemsPerMessage')));
    },
  },
  {
    id: 'B_55',
    title: 'a report of a variable with its instance gives that one',
    async steps(s) {
      const data = await one(s, [{ component: { name: 'DeviceDataCtrlr' }, variable: { name: 'ItemsPerMessage', instance: 'GetReport' } }]);
      assert.deepEqual(data.map(full), ['DeviceDataCtrlr.ItemsPerMessage[GetReport]']);
    },
  },
  {
    id: 'B_56',
    title: 'a report of a variable of an EVSE without its number gives every EVSE',
    async steps(s) {
      const data = await one(s, [{ component: { name: 'EVSE' }, variable: { name: 'AvailabilityState' } }]);
      assert.equal(data.length, 1);
      isEvseState(data[0]);
    },
  },
  {
    id: 'B_20',
    title: 'reset on idle, idle: at once',
    async steps(s) { await s.booted({ by: 'reset', type: 'OnIdle' }); },
  },
  {
    id: 'B_21',
    title: 'reset on idle during a transaction: after it',
    async given(s) { await s.charging(); },
    async steps(s) {
      const since = s.mark;
      await s.ask('Reset', { type: 'OnIdle' }, 'Scheduled');
      await sleep(700);
      assert.equal(s.of('BootNotification', since).length, 0);
      await s.stopAuthorised();
      await s.event({ eventType: 'Ended' }, { since });
      await s.bootedSince(since, { status: 'Occupied', reason: 'ScheduledReset' });
    },
  },
  {
    id: 'B_22',
    title: 'reset immediately during a transaction: it is ended first',
    async given(s) { await s.charging(); },
    async steps(s) {
      const since = s.mark;
      await s.ask('Reset', { type: 'Immediate' }, 'Accepted');
      const ended = await s.event({ eventType: 'Ended', triggerReason: 'ResetCommand', stoppedReason: 'ImmediateReset' }, { since });
      assert.equal(ended.payload.transactionInfo.chargingState, 'EVConnected');
      assert.equal(ended.payload.idToken, undefined);
      const boot = await s.bootedSince(since, { status: 'Occupied', reason: 'RemoteReset' });
      assert.ok(ended.n < boot.n, 'told before the restart');
    },
  },
  {
    id: 'B_23',
    title: 'out of service, and reset: it still is',
    async given(s) {
      s.undo.push(() => s.ask('ChangeAvailability', { operationalStatus: 'Operative' }, 'Accepted'),
        () => s.ask('ChangeAvailability', { operationalStatus: 'Operative', evse: { id: EVSE, connectorId: 1 } }, 'Accepted'));
      await s.ask('ChangeAvailability', { operationalStatus: 'Inoperative', evse: { id: EVSE, connectorId: 1 } }, 'Accepted');
      await s.status('Unavailable');
    },
    async steps(s) { await s.booted({ by: 'reset', type: 'OnIdle', status: 'Unavailable', reason: 'RemoteReset' }); },
  },
  {
    id: 'B_24',
    title: 'reserved, and reset: it still is',
    async given(s) {
      s.undo.push(() => s.call('CancelReservation', { reservationId: 24 }));
      await s.ask('ReserveNow', {
        id: 24, evseId: EVSE, idToken: TOKEN, expiryDateTime: new Date(Date.now() + 3600000).toISOString(),
      }, 'Accepted');
      await s.status('Reserved');
    },
    async steps(s) { await s.booted({ by: 'reset', type: 'OnIdle', status: 'Reserved', reason: 'RemoteReset' }); },
  },
  {
    id: 'B_43',
    title: 'a network profile for a slot that is not there',
    steps: (s) => s.ask('SetNetworkProfile', { ...network(s), configurationSlot: 999 }, 'Rejected'),
  },
  {
    id: 'B_45',
    title: 'another network profile: the station moves there',
    seconds: 6,
    async steps(s) {
      const since = s.mark;
      const knocks = s.double.knocks.length;
      await moves(s);
      await s.bootedSince(since);
      const [first] = s.double.knocks.slice(knocks);
      assert.deepEqual([first.path, first.accepted], [SECOND, true]);
    },
  },
  {
    id: 'B_46',
    title: 'another network profile, and nobody there: back to the first',
    seconds: 9,
    async given(s) { await s.set('OCPPCommCtrlr.NetworkProfileConnectionAttempts', 2); },
    async steps(s) {
      s.double.shutPath = SECOND;
      const since = s.mark;
      const knocks = s.double.knocks.length;
      await moves(s);
      await s.bootedSince(since);
      assert.deepEqual(s.double.knocks.slice(knocks).map((k) => [k.path, k.accepted]), [[SECOND, false], [SECOND, false], ['/ocpp', true]]);
    },
  },
  {
    id: 'B_51',
    title: 'offline for longer than OfflineThreshold: the status of every connector is told',
    seconds: 6,
    async given(s) { await s.set(THRESHOLD, 1); },
    async steps(s) {
      // This station has one connector, so the half of the case that B_52 does not have is a connector that did not change.
      s.double.shut();
      await sleep(2500);
      let since = s.mark;
      await s.double.reopen();
      await s.status('Available', since);
      s.double.shut();
      await s.do('plug');
      await sleep(2500);
      since = s.mark;
      await s.double.reopen();
      await s.status('Occupied', since);
      assert.equal(s.of('BootNotification', s.from).length, 0, 'a lost connection is no start');
    },
  },
  {
    id: 'B_52',
    title: 'offline for less than OfflineThreshold: only the status that has changed is told',
    seconds: 6,
    async given(s) { await s.set(THRESHOLD, 60); },
    async steps(s) {
      s.double.shut();
      await sleep(1200);
      let since = s.mark;
      await s.double.reopen();
      await sleep(1500);
      assert.equal(s.of('StatusNotification', since).length, 0, 'nothing has changed');
      s.double.shut();
      await s.do('plug');
      await sleep(1200);
      since = s.mark;
      await s.double.reopen();
      await s.status('Occupied', since);
    },
  },
  {
    id: 'B_57',
    title: 'the wait before each attempt to connect: the minimum, then twice that',
    seconds: 8,
    async given(s) {
      await s.set('OCPPCommCtrlr.RetryBackOffRepeatTimes', 2);
      await s.set('OCPPCommCtrlr.RetryBackOffRandomRange', 0);
      await s.set('OCPPCommCtrlr.RetryBackOffWaitMinimum', 1);
      await sleep(100);
    },
    async steps(s) {
      const { knocks } = s.double;
      const knock = async (n) => (await s.double.until(`attempt ${n}`, () => knocks[n], 15000)).at;
      let cut = performance.now();
      let n = knocks.length;
      s.double.drop();
      const first = await knock(n) - cut;
      assert.ok(first >= 1000 && first < 4000, `first wait ${first.toFixed(0)} ms`);
      await s.double.connected();
      await s.ask('TriggerMessage', { requestedMessage: 'Heartbeat' }, 'Accepted'); // it works: the count begins anew
      n = knocks.length;
      cut = performance.now();
      s.double.shut();
      const second = await knock(n) - cut;
      assert.ok(second >= 1000 && second < 4000, `second wait ${second.toFixed(0)} ms`);
      s.double.open = true;
      const third = await knock(n + 1) - knocks[n].at;
      assert.ok(third >= 1950 && third < 6000, `third wait ${third.toFixed(0)} ms`);
      await s.double.connected();
    },
  },
];

export { report };
