// E: transactions: where they start and stop, what is told of them, how they outlive a lost connection.
import assert from 'node:assert/strict';
import { sleep } from '../program.mjs';
import { EVSE, TOKEN } from '../post.mjs';
import { SILENCE } from '../doubles.mjs';

const FRIEND = { idToken: 'CAFE0002', type: 'ISO14443' };
const GROUP = { idToken: 'GROUP-2', type: 'Central' };
const START = 'TxCtrlr.TxStartPoint';
const STOP = 'TxCtrlr.TxStopPoint';
const starts = (value) => (s) => s.set(START, value);
const stops = (value) => (s) => s.set(STOP, value);

async function cut(s) {
  s.double.shut();
  await s.untilValue('station.online', (v) => !v);
}

// Offline for as long as `away` takes; then everything waiting comes. Gives the mark of the moment of the return.
async function offline(s, away) {
  await cut(s);
  await away();
  const since = s.mark;
  await s.double.reopen();
  return since;
}

// What is told after a return, up to `last`: first what was made before the cut and not yet answered, then what was made
// without a server, each marked as that, then, if the transaction still runs, what is new. By order and not by the clock:
// on a busy machine the world, and with it the station's clock, goes late.
async function flushed(s, since, last) {
  await s.event(last, { since, ms: 15000 });
  await s.untilValue('station.queued', 0);
  const all = s.events(since);
  const from = all.findIndex((p) => p.offline);
  assert.ok(from >= 0, 'nothing is marked as offline');
  const before = s.events().filter((p) => !all.includes(p)).map((p) => `${p.transactionInfo.transactionId} ${p.seqNo}`);
  const told = all.slice(from).filter((p) => p.offline);
  assert.deepEqual(told, all.slice(from, from + told.length), 'what is marked as offline comes in one piece');
  assert.ok(from <= 1 && all.slice(0, from).every((p) => p.eventType === 'Updated' || before.length === 0), 'one event at most was under way');
  if (last.eventType === 'Ended') assert.equal(told.at(-1).eventType, 'Ended', 'the end is not marked as offline');
  return told;
}

const startedWith = (p, token = TOKEN) => {
  assert.deepEqual(p.idToken, token);
  assert.deepEqual(p.evse, { id: EVSE, connectorId: 1 });
};

// The retries of E13: how often, and how long in between. `answer` says what to do with the n-th send (from 1).
async function retries(s, { attempts, interval, timeout, answer, sends }) {
  await s.set('OCPPCommCtrlr.MessageAttempts[TransactionEvent]', attempts);
  await s.set('OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]', interval);
  await s.setting('message_timeout', 1);
  await s.authorise();
  const seen = [];
  s.double.handle('TransactionEvent', (p, call) => {
    const key = `${p.transactionInfo.transactionId} ${p.seqNo}`;
    seen.first ??= key;
    if (key !== seen.first) return undefined;
    seen.push(call);
    return answer(seen.length);
  });
  const since = s.mark;
  await s.plugIn();
  await s.next('TransactionEvent', { since });
  await s.double.until(`${sends} sends`, () => seen.length >= sends, 30000);
  for (let n = 1; n < sends; n++) {
    const gap = seen[n].at - seen[n - 1].at;
    const want = (n * interval + timeout) * 1000;
    assert.ok(gap >= want - 100 && gap < want + 4000, `send ${n + 1} came ${gap.toFixed(0)} ms after the one before, expected ${want}`);
  }
  // One interval more: it has stopped, and what comes behind goes on.
  await sleep((sends * interval + timeout) * 1000 + 500);
  assert.equal(seen.length, sends, 'it goes on sending');
  const { payload } = await s.event({ seqNo: (n) => n > seen[0].payload.seqNo }, { since });
  assert.equal(payload.transactionInfo.transactionId, seen[0].payload.transactionInfo.transactionId);
}

const status = async (s, transactionId, ongoingIndicator, messagesInQueue) => {
  const answer = await s.call('GetTransactionStatus', transactionId ? { transactionId } : {});
  assert.deepEqual(answer, ongoingIndicator === undefined ? { messagesInQueue } : { ongoingIndicator, messagesInQueue });
};

// Meter values are collected while the server is away; asked at once when it is back, before the queue is empty.
const askedAtReturn = (id, title, { away, ask, then }) => ({
  id,
  title,
  seconds: 9,
  async given(s) {
    await s.set('SampledDataCtrlr.TxUpdatedInterval', 1);
    await s.charging();
  },
  async steps(s) {
    const tx = s.transactionId;
    await cut(s);
    await away(s);
    let held = true; // the first event of the queue waits for its answer until we have asked
    const release = [];
    s.double.handle('TransactionEvent', () => (held ? new Promise((r) => { release.push(() => r({})); }) : undefined));
    const since = s.mark;
    await s.double.reopen();
    await ask(s, tx);
    held = false;
    for (const r of release) r();
    await then(s, since);
  },
});

export default [
  {
    id: 'E_01',
    title: 'the transaction starts with PowerPathClosed',
    async given(s) {
      await starts('PowerPathClosed')(s);
      await s.authorise();
    },
    async steps(s) {
      const since = s.mark;
      assert.equal(s.events().length, 0);
      await s.plugIn();
      const { payload } = await s.event({ eventType: 'Started' }, { since });
      assert.ok(['CablePluggedIn', 'ChargingStateChanged'].includes(payload.triggerReason), payload.triggerReason);
      assert.ok(['EVConnected', 'SuspendedEVSE', 'Charging'].includes(payload.transactionInfo.chargingState));
      startedWith(payload);
    },
  },
  {
    id: 'E_02',
    title: 'the transaction starts with EnergyTransfer',
    async given(s) {
      await starts('EnergyTransfer')(s);
      await s.authorise();
    },
    async steps(s) {
      const since = s.mark;
      await s.plugIn();
      const { payload } = await s.event({ eventType: 'Started', chargingState: 'Charging' }, { since, ms: 15000 });
      assert.ok(['ChargingStateChanged', 'Authorized'].includes(payload.triggerReason), payload.triggerReason);
      startedWith(payload);
    },
  },
  {
    id: 'E_03',
    title: 'the cable first, then the token',
    given: (s) => s.plugIn(),
    async steps(s) {
      await s.authorise();
      const { payload } = await s.event({ eventType: 'Started' });
      startedWith(payload);
      await s.event({ triggerReason: 'ChargingStateChanged', chargingState: 'Charging' });
      await s.flowing();
    },
  },
  {
    id: 'E_04',
    title: 'the token first, then the cable',
    async steps(s) {
      await s.authorise();
      await s.plugIn();
      startedWith((await s.event({ eventType: 'Started' })).payload);
      await s.event({ chargingState: 'Charging' });
      await s.flowing();
    },
  },
  {
    id: 'E_05',
    title: 'the token, but no cable: the authorisation ends with EVConnectionTimeOut, the next one works',
    seconds: 9,
    async given(s) {
      await starts('Authorized')(s);
      await s.set('TxCtrlr.EVConnectionTimeOut', 2);
      await s.authorise();
    },
    async steps(s) {
      const { payload } = await s.event({ triggerReason: 'EVConnectTimeout' });
      assert.deepEqual([payload.eventType, payload.transactionInfo.stoppedReason], ['Ended', 'Timeout']);
      const since = s.mark;
      await s.authorise();
      await s.plugIn();
      await s.event({ chargingState: 'Charging' }, { since });
      await s.flowing();
    },
  },
  {
    id: 'E_06',
    title: 'stopped by the same token',
    given: (s) => s.charging(),
    async steps(s) {
      const { payload } = await s.stopAuthorised();
      if (payload.idToken) assert.deepEqual(payload.idToken, TOKEN);
      const ended = await s.event({ eventType: 'Ended' });
      assert.equal(ended.payload.transactionInfo.stoppedReason ?? 'Local', 'Local');
      await s.untilValue('contactor', (v) => !v);
      await s.unplug();
      s.wholeTransaction();
    },
  },
  {
    id: 'E_07',
    title: 'TxStopPoint PowerPathClosed: ended by the token that opens it',
    async given(s) {
      await stops('PowerPathClosed')(s);
      await s.charging();
    },
    async steps(s) {
      await s.stopAuthorised();
      const { payload } = await s.event({ eventType: 'Ended' });
      assert.equal(payload.transactionInfo.stoppedReason ?? 'Local', 'Local');
      assert.ok(!await s.value('contactor'), 'ended while the path was closed');
    },
  },
  {
    id: 'E_08',
    title: 'TxStopPoint EnergyTransfer: ended by the token that stops the transfer',
    async given(s) {
      await stops('EnergyTransfer')(s);
      await s.charging();
    },
    async steps(s) {
      await s.stopAuthorised();
      const { payload } = await s.event({ eventType: 'Ended' });
      assert.equal(payload.transactionInfo.stoppedReason ?? 'Local', 'Local');
      assert.equal(payload.transactionInfo.chargingState, 'EVConnected');
    },
  },
  {
    id: 'E_09',
    title: 'the transaction starts with EVConnected',
    given: starts('EVConnected'),
    async steps(s) {
      await s.plugIn();
      const { payload } = await s.event({ eventType: 'Started' });
      assert.ok(['CablePluggedIn', 'ChargingStateChanged'].includes(payload.triggerReason));
      assert.equal(payload.transactionInfo.chargingState, 'EVConnected');
      assert.deepEqual(payload.evse, { id: EVSE, connectorId: 1 });
    },
  },
  {
    id: 'E_10',
    title: 'the transaction starts with Authorized, by a token',
    given: starts('Authorized'),
    async steps(s) {
      await s.authorise();
      const { payload } = await s.event({ eventType: 'Started', triggerReason: 'Authorized' });
      assert.deepEqual(payload.idToken, TOKEN);
    },
  },
  {
    id: 'E_13',
    title: 'the transaction starts with Authorized, by the back office',
    given: starts('Authorized'),
    async steps(s) {
      const { remoteStartId } = await s.remoteStart();
      const { payload } = await s.event({ eventType: 'Started', triggerReason: 'RemoteStart', remoteStartId });
      assert.deepEqual(payload.idToken, TOKEN);
    },
  },
  {
    id: 'E_14',
    title: 'TxStopPoint EVConnected: ended by the cable, at the station',
    async given(s) {
      await stops('EVConnected')(s);
      await s.charging();
      await s.stopAuthorised();
      await s.event({ chargingState: 'EVConnected', eventType: 'Updated' });
    },
    async steps(s) {
      await s.untilValue('locked', (v) => !v);
      await s.do('pull');
      const { payload } = await s.event({ eventType: 'Ended', triggerReason: 'EVCommunicationLost' });
      assert.equal(payload.transactionInfo.chargingState, 'Idle');
      assert.ok(['Local', 'EVDisconnected', undefined].includes(payload.transactionInfo.stoppedReason), payload.transactionInfo.stoppedReason);
      await s.status('Available');
    },
  },
  {
    id: 'E_15',
    title: 'TxStopPoint Authorized: ended by a token',
    async given(s) {
      await stops('Authorized')(s);
      await s.charging();
    },
    async steps(s) {
      await s.present();
      await s.event({ eventType: 'Ended', triggerReason: 'StopAuthorized', stoppedReason: (r) => (r ?? 'Local') === 'Local' });
    },
  },
  {
    id: 'E_16',
    title: 'the answer to an event says Invalid: the transaction is ended',
    seconds: 9,
    async given(s) {
      await stops('Authorized')(s);
      await s.set('TxCtrlr.StopTxOnInvalidId', true);
      await s.set('AuthCtrlr.OfflineTxForUnknownIdEnabled', true);
    },
    async steps(s) {
      const since = await offline(s, async () => {
        await s.do('plug');
        await s.untilValue('station.state', 'Connected');
        await s.present();
        await s.flowing();
        s.double.token = () => 'Invalid';
      });
      const started = await s.event({ eventType: 'Started' }, { since });
      assert.equal(started.payload.offline, true);
      const ended = await s.event({ eventType: 'Ended' }, { since });
      assert.deepEqual([ended.payload.triggerReason, ended.payload.transactionInfo.stoppedReason], ['Deauthorized', 'DeAuthorized']);
      await s.untilValue('contactor', (v) => !v);
    },
  },
  {
    id: 'E_17',
    title: 'TxStopPoint Authorized: unplugging the car ends the authorisation and the transaction',
    async given(s) {
      await stops('Authorized')(s);
      await s.charging();
    },
    async steps(s) {
      await s.do('car_end out');
      const { payload } = await s.event({ triggerReason: 'EVCommunicationLost' });
      assert.deepEqual([payload.eventType, payload.transactionInfo.chargingState, payload.transactionInfo.stoppedReason],
        ['Ended', 'Idle', 'EVDisconnected']);
      await s.untilValue('locked', (v) => !v);
      await s.do('pull');
      await s.status('Available');
    },
  },
  {
    id: 'E_20',
    title: 'TxStopPoint EVConnected: ended by the cable, at the car',
    async given(s) {
      await stops('EVConnected')(s);
      await s.suspended();
    },
    async steps(s) {
      await s.do('car_end out');
      const { payload } = await s.event({ triggerReason: 'EVCommunicationLost' });
      assert.deepEqual([payload.eventType, payload.transactionInfo.chargingState, payload.transactionInfo.stoppedReason],
        ['Ended', 'Idle', 'EVDisconnected']);
    },
  },
  {
    id: 'E_21',
    title: 'TxStopPoint Authorized: ended by the back office',
    async given(s) {
      await stops('Authorized')(s);
      await s.charging();
    },
    async steps(s) {
      await s.ask('RequestStopTransaction', { transactionId: s.transactionId }, 'Accepted');
      await s.event({ eventType: 'Ended', triggerReason: 'RemoteStop', stoppedReason: 'Remote' });
    },
  },
  {
    id: 'E_22',
    title: 'TxStopPoint EnergyTransfer: the car stops the transfer',
    async given(s) {
      await stops('EnergyTransfer')(s);
      await s.charging();
    },
    async steps(s) {
      const since = s.mark;
      await s.do('ready off');
      const { payload } = await s.event({ triggerReason: 'ChargingStateChanged' }, { since });
      if (payload.transactionInfo.chargingState === 'SuspendedEV') assert.equal(payload.eventType, 'Updated');
      else {
        assert.deepEqual([payload.transactionInfo.chargingState, payload.eventType, payload.transactionInfo.stoppedReason],
          ['EVConnected', 'Ended', 'StoppedByEV']);
      }
    },
  },
  {
    id: 'E_24',
    title: 'unplugged at the car: deauthorised, and the plug at the station is unlocked',
    async given(s) {
      assert.equal((await s.get('OCPPCommCtrlr.UnlockOnEVSideDisconnect')).attributeValue, 'true');
      assert.equal((await s.get('TxCtrlr.StopTxOnEVSideDisconnect')).attributeValue, 'true');
      await s.suspended();
      assert.ok(await s.value('locked'));
    },
    async steps(s) {
      await s.do('car_end out');
      await s.event({ triggerReason: 'EVCommunicationLost', chargingState: 'Idle' });
      await s.untilValue('locked', (v) => !v);
      await s.do('pull');
      await s.status('Available');
    },
  },
  {
    id: 'E_28',
    title: 'the status of a transaction that nobody knows',
    steps: (s) => status(s, 'no-such-transaction', false, false),
  },
  askedAtReturn('E_29', 'the status of a running transaction with messages in the queue', {
    away: () => sleep(2500),
    ask: (s, tx) => status(s, tx, true, true),
    async then(s, since) {
      const all = await flushed(s, since, { eventType: 'Updated', offline: true });
      assert.ok(all.some((p) => p.meterValue));
    },
  }),
  {
    id: 'E_30',
    title: 'the status of a running transaction without messages in the queue',
    given: (s) => s.charging(),
    async steps(s) {
      await s.set('SampledDataCtrlr.TxUpdatedInterval', 0);
      await s.untilValue('station.queued', 0);
      await status(s, s.transactionId, true, false);
    },
  },
  askedAtReturn('E_31', 'the status of an ended transaction with messages in the queue', {
    async away(s) {
      await s.present();
      await s.untilValue('contactor', (v) => !v);
      await s.do('unplug');
      await s.untilValue('station.transaction', (v) => !v);
    },
    ask: (s, tx) => status(s, tx, false, true),
    async then(s, since) {
      await flushed(s, since, { eventType: 'Ended' });
      s.wholeTransaction();
    },
  }),
  {
    id: 'E_32',
    title: 'the status of an ended transaction without messages in the queue',
    async given(s) {
      await s.charging();
      await s.stopAuthorised();
      await s.unplug();
    },
    async steps(s) {
      await s.event({ eventType: 'Ended' });
      await s.untilValue('station.queued', 0);
      await status(s, s.transactionId, false, false);
    },
  },
  askedAtReturn('E_33', 'the status of the queue, with messages in it', {
    away: () => sleep(2500),
    ask: (s) => status(s, null, undefined, true),
    then: (s, since) => flushed(s, since, { eventType: 'Updated', offline: true }),
  }),
  {
    id: 'E_34',
    title: 'the status of the queue, empty',
    steps: (s) => status(s, null, undefined, false),
  },
  {
    id: 'E_35',
    title: 'TxStopPoint PowerPathClosed: ended by the back office that opens it',
    async given(s) {
      await stops('PowerPathClosed')(s);
      await s.charging();
    },
    async steps(s) {
      await s.ask('RequestStopTransaction', { transactionId: s.transactionId }, 'Accepted');
      await s.event({ eventType: 'Ended', triggerReason: 'RemoteStop', stoppedReason: 'Remote' });
    },
  },
  {
    id: 'E_37',
    title: 'TxStopPoint PowerPathClosed: ended when the car is unplugged',
    async given(s) {
      await stops('PowerPathClosed')(s);
      await s.charging();
      await s.do('ready off');
      await s.event({ chargingState: ['SuspendedEV', 'EVConnected'], eventType: ['Updated', 'Ended'] });
    },
    async steps(s) {
      await s.do('car_end out');
      const { payload } = await s.event({ eventType: 'Ended' });
      assert.ok(['EVDisconnected', 'StoppedByEV'].includes(payload.transactionInfo.stoppedReason), payload.transactionInfo.stoppedReason);
      if (payload.transactionInfo.stoppedReason === 'EVDisconnected') {
        assert.deepEqual([payload.triggerReason, payload.transactionInfo.chargingState], ['EVCommunicationLost', 'Idle']);
      }
    },
  },
  {
    id: 'E_38',
    title: 'a car that is not ready',
    seconds: 13,
    async given(s) {
      await starts('Authorized')(s);
      await s.do('ready off');
      await s.authorise();
    },
    async steps(s) {
      await s.plugIn();
      await s.event({ triggerReason: 'ChargingStateChanged', chargingState: 'SuspendedEV' }, { ms: 30000 });
      assert.ok(!await s.value('contactor'));
    },
  },
  {
    id: 'E_39',
    title: 'TxStopPoint Authorized: ended by EVConnectionTimeOut; a cable that comes later charges nothing',
    seconds: 9,
    async given(s) {
      await starts('Authorized')(s);
      await stops('Authorized')(s);
      await s.set('TxCtrlr.EVConnectionTimeOut', 2);
      await s.authorise();
    },
    async steps(s) {
      const ended = await s.event({ eventType: 'Ended', triggerReason: 'EVConnectTimeout', stoppedReason: 'Timeout' });
      await s.plugIn();
      await s.stays(2000, 'it charges', async () => !await s.value('contactor'));
      assert.equal(s.events(ended.n + 1).length, 0);
    },
  },
  {
    id: 'E_40',
    title: 'the connection is lost during a transaction: its events wait, marked as offline',
    seconds: 8,
    async given(s) {
      await s.set('SampledDataCtrlr.TxUpdatedInterval', 1);
      await s.charging();
    },
    async steps(s) {
      const since = await offline(s, () => sleep(3000));
      const all = await flushed(s, since, { eventType: 'Updated', offline: true });
      for (const p of all) {
        assert.equal(p.eventType, 'Updated');
        assert.ok(p.meterValue, `${p.triggerReason} without values`);
      }
      assert.ok(all.length >= 2);
      assert.equal(s.of('BootNotification').length, 0);
    },
  },
  {
    id: 'E_41',
    title: 'no answer: sent as often as MessageAttempts says, each wait longer, then given up',
    seconds: 25,
    timeoutS: 0.9,
    steps: (s) => retries(s, { attempts: 3, interval: 1, timeout: 1, sends: 3, answer: () => SILENCE }),
  },
  {
    id: 'E_42',
    title: 'no answer to the first send: the second one is the last',
    seconds: 15,
    timeoutS: 0.9,
    steps: (s) => retries(s, { attempts: 3, interval: 2, timeout: 1, sends: 2, answer: (n) => (n === 1 ? SILENCE : undefined) }),
  },
  {
    id: 'E_43',
    title: 'a whole transaction while the server is away',
    seconds: 10,
    given: (s) => s.set('AuthCtrlr.OfflineTxForUnknownIdEnabled', true),
    async steps(s) {
      const since = await offline(s, async () => {
        await s.do('plug');
        await s.untilValue('station.state', 'Connected');
        await s.present();
        await s.flowing();
        await s.present();
        await s.untilValue('contactor', (v) => !v);
        await s.do('unplug');
        await s.untilValue('station.transaction', (v) => !v);
          });
      await flushed(s, since, { eventType: 'Ended' });
      s.wholeTransaction();
    },
  },
  {
    id: 'E_44',
    title: 'a transaction is stopped while the server is away',
    seconds: 9,
    given: (s) => s.charging(),
    async steps(s) {
      const since = await offline(s, async () => {
        await s.present();
        await s.untilValue('contactor', (v) => !v);
        await s.do('unplug');
        await s.untilValue('station.transaction', (v) => !v);
          });
      await flushed(s, since, { eventType: 'Ended' });
      s.wholeTransaction();
    },
  },
  {
    id: 'E_45',
    title: 'a transaction is stopped by another token of its group while the server is away',
    seconds: 9,
    async given(s) {
      const known = (idToken) => ({ idToken, idTokenInfo: { status: 'Accepted', groupIdToken: GROUP } });
      s.undo.push(() => s.call('SendLocalList', { versionNumber: 1, updateType: 'Full' }));
      await s.ask('SendLocalList', { versionNumber: 3, updateType: 'Full', localAuthorizationList: [known(TOKEN), known(FRIEND)] }, 'Accepted');
      s.double.token = () => ({ status: 'Accepted', groupIdToken: GROUP });
      await s.charging();
    },
    async steps(s) {
      const since = await offline(s, async () => {
        await s.present(FRIEND);
        await s.untilValue('contactor', (v) => !v);
        await s.do('unplug');
        await s.untilValue('station.transaction', (v) => !v);
          });
      const all = await flushed(s, since, { eventType: 'Ended' });
      assert.ok(all.some((p) => p.triggerReason === 'StopAuthorized'));
      s.wholeTransaction();
    },
  },
  {
    id: 'E_50',
    title: 'answered with an error: sent as often as MessageAttempts says, then given up',
    seconds: 20,
    async steps(s) {
      await retries(s, { attempts: 3, interval: 1, timeout: 0, sends: 3, answer: () => { throw s.double.error('InternalError'); } });
    },
  },
  {
    id: 'E_51',
    title: 'answered with an error once: the second send is the last',
    seconds: 14,
    async steps(s) {
      await retries(s, { attempts: 3, interval: 2, timeout: 0, sends: 2, answer: (n) => { if (n === 1) throw s.double.error('InternalError'); } });
    },
  },
];

export { offline, flushed };
