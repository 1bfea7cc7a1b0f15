// F: remote control: start, stop, unlock, trigger.
import assert from 'node:assert/strict';
import { EVSE, TOKEN } from '../post.mjs';
import { update } from './L.mjs';

const START = 'TxCtrlr.TxStartPoint';
const CONNECTOR = { id: EVSE, connectorId: 1 };

// From a remote start to energy; the first event after it tells of the start and of the token.
async function startedRemotely(s, since, remoteStartId) {
  const { payload } = await s.event({ remoteStartId }, { since });
  assert.equal(payload.triggerReason, 'RemoteStart');
  assert.deepEqual(payload.idToken, TOKEN);
  return payload;
}

const unlock = (id, title, { given, connectorId = 1, status }) => ({
  id,
  title,
  given,
  steps: (s) => s.ask('UnlockConnector', { evseId: EVSE, connectorId }, status),
});

// A trigger, and what it brings. `look` judges the payload that comes.
const trigger = (id, title, { given, requestedMessage, evse, brings = requestedMessage, look = () => {}, fits }) => ({
  id,
  title,
  given,
  async steps(s) {
    const since = s.mark;
    await s.ask('TriggerMessage', { requestedMessage, ...(evse ? { evse } : {}) }, 'Accepted');
    look((await s.next(brings, { since, fits })).payload);
  },
});

const contextIsTrigger = (p) => {
  assert.equal(p.meterValue[0].sampledValue[0].context, 'Trigger');
  if (p.evseId !== undefined) assert.equal(p.evseId, EVSE);
};
const asksForTx = {
  given: (s) => s.charging(),
  requestedMessage: 'TransactionEvent',
  fits: (p) => p.triggerReason === 'Trigger',
  look(p) {
    assert.equal(p.transactionInfo.chargingState, 'Charging');
    assert.ok([undefined, EVSE].includes(p.evse?.id));
    contextIsTrigger(p);
  },
};
const connectorIs = (status) => (p) => assert.deepEqual([p.evseId, p.connectorId, p.connectorStatus], [EVSE, 1, status]);
const statusIs = (status) => (p) => assert.equal(p.status, status);

export default [
  {
    id: 'F_01',
    title: 'the cable first, then a remote start',
    given: (s) => s.plugIn(),
    async steps(s) {
      const since = s.mark;
      const { remoteStartId } = await s.remoteStart();
      const first = await startedRemotely(s, since, remoteStartId);
      assert.equal(first.eventType, 'Started');
      await s.event({ chargingState: 'Charging' }, { since });
      await s.flowing();
    },
  },
  {
    id: 'F_02',
    title: 'a remote start, authorised first, then the cable',
    given: (s) => s.set('AuthCtrlr.AuthorizeRemoteStart', true),
    async steps(s) {
      const since = s.mark;
      const { remoteStartId } = await s.remoteStart();
      assert.deepEqual((await s.next('Authorize', { since })).payload.idToken, TOKEN);
      await s.plugIn();
      await startedRemotely(s, since, remoteStartId);
      await s.event({ chargingState: 'Charging' }, { since });
      await s.flowing();
    },
  },
  {
    id: 'F_03',
    title: 'a remote start, not authorised again, then the cable',
    given: (s) => s.set('AuthCtrlr.AuthorizeRemoteStart', false),
    async steps(s) {
      const since = s.mark;
      const { remoteStartId } = await s.remoteStart();
      await s.plugIn();
      await startedRemotely(s, since, remoteStartId);
      await s.event({ chargingState: 'Charging' }, { since });
      assert.equal(s.of('Authorize', since).length, 0);
      await s.flowing();
    },
  },
  {
    id: 'F_04',
    title: 'a remote start, but no cable: it ends with EVConnectionTimeOut, the next one works',
    seconds: 6,
    async given(s) {
      await s.set(START, 'Authorized');
      await s.set('TxCtrlr.EVConnectionTimeOut', 2);
      await s.remoteStart();
    },
    async steps(s) {
      await s.event({ eventType: 'Ended', triggerReason: 'EVConnectTimeout' });
      const since = s.mark;
      const { remoteStartId } = await s.remoteStart();
      assert.equal((await startedRemotely(s, since, remoteStartId)).eventType, 'Started');
    },
  },
  unlock('F_05', 'unlock during a transaction', { given: (s) => s.charging(), status: 'OngoingAuthorizedTransaction' }),
  {
    ...unlock('F_06', 'unlock with a cable', { status: 'Unlocked' }),
    given: (s) => s.plugIn(),
    async steps(s) {
      await s.untilValue('locked', (v) => v);
      await s.ask('UnlockConnector', { evseId: EVSE, connectorId: 1 }, 'Unlocked');
      await s.untilValue('locked', (v) => !v);
      await s.do('pull');
    },
  },
  unlock('F_07', 'unlock without a cable', { status: 'Unlocked' }),
  unlock('F_10', 'unlock a connector that is not there', { connectorId: 999, status: 'UnknownConnector' }),
  {
    id: 'F_08',
    title: 'a remote stop',
    given: (s) => s.charging(),
    async steps(s) {
      await s.stopAuthorised({ remote: true });
      await s.event({ eventType: 'Ended', stoppedReason: 'Remote' });
      await s.untilValue('contactor', (v) => !v);
      await s.untilValue('locked', (v) => !v); // F04.FR.02
    },
  },
  {
    id: 'F_09',
    title: 'a remote stop of another transaction',
    given: (s) => s.charging(),
    async steps(s) {
      await s.ask('RequestStopTransaction', { transactionId: `${s.transactionId.slice(1)}0` }, 'Rejected');
      assert.ok(await s.value('contactor'));
    },
  },
  trigger('F_11', 'meter values of one EVSE', { requestedMessage: 'MeterValues', evse: { id: EVSE }, look: contextIsTrigger }),
  trigger('F_12', 'meter values of every EVSE', { requestedMessage: 'MeterValues', look: contextIsTrigger }),
  trigger('F_13', 'a transaction event of one EVSE', { ...asksForTx, evse: { id: EVSE }, brings: 'TransactionEvent' }),
  trigger('F_14', 'a transaction event of every EVSE', { ...asksForTx, brings: 'TransactionEvent' }),
  trigger('F_15', 'the status of the log, idle', { requestedMessage: 'LogStatusNotification', look: statusIs('Idle') }),
  {
    id: 'F_16',
    title: 'the status of the log, while it is sent',
    seconds: 6,
    async given(s) {
      s.log = 4242;
      await s.ask('GetLog', { logType: 'DiagnosticsLog', requestId: s.log, log: { remoteLocation: `${s.files.url}/slow/${s.double.id}/` } }, 'Accepted');
      await s.next('LogStatusNotification', { fits: (p) => p.status === 'Uploading' });
    },
    async steps(s) {
      const since = s.mark;
      await s.ask('TriggerMessage', { requestedMessage: 'LogStatusNotification' }, 'Accepted');
      const { payload } = await s.next('LogStatusNotification', { since });
      assert.deepEqual([payload.status, payload.requestId], ['Uploading', s.log]);
      await s.next('LogStatusNotification', { since, fits: (p) => p.status === 'Uploaded' });
    },
  },
  trigger('F_17', 'the status of the firmware, of an EVSE', {
    requestedMessage: 'FirmwareStatusNotification', evse: { id: EVSE }, look: statusIs('Idle'),
  }),
  trigger('F_18', 'the status of the firmware, idle', { requestedMessage: 'FirmwareStatusNotification', look: statusIs('Idle') }),
  {
    id: 'F_19',
    title: 'the status of the firmware, while it is fetched',
    launch: true,
    async given(s) { s.asked = await update(s, { path: `/slow/${s.double.id}.bin` }); },
    async steps(s) {
      await s.next('FirmwareStatusNotification', { since: s.asked.since, fits: (p) => p.status === 'Downloading' });
      const since = s.mark;
      await s.ask('TriggerMessage', { requestedMessage: 'FirmwareStatusNotification' }, 'Accepted');
      const { payload } = await s.next('FirmwareStatusNotification', { since });
      assert.deepEqual([payload.status, payload.requestId], ['Downloading', s.asked.requestId]);
    },
  },
  trigger('F_20', 'a heartbeat', { requestedMessage: 'Heartbeat' }),
  trigger('F_23', 'the status of a connector, available', {
    requestedMessage: 'StatusNotification', evse: CONNECTOR, look: connectorIs('Available'),
  }),
  trigger('F_24', 'the status of a connector, occupied', {
    given: (s) => s.plugIn(), requestedMessage: 'StatusNotification', evse: CONNECTOR, look: connectorIs('Occupied'),
  }),
  {
    id: 'F_26',
    title: 'a BootNotification, although one was accepted',
    steps: (s) => s.ask('TriggerMessage', { requestedMessage: 'BootNotification' }, 'Rejected'),
  },
  {
    id: 'F_27',
    title: 'a message that this station does not send',
    steps: (s) => s.ask('TriggerMessage', { requestedMessage: 'SignCombinedCertificate' }, 'NotImplemented'),
  },
];
