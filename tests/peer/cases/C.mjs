// C: authorisation: by the server, the cache, the local list, groups, the master pass, and without the server.
import assert from 'node:assert/strict';
import { TOKEN } from '../post.mjs';
import { flushed, offline } from './E.mjs';

const OTHER = { idToken: 'CAFE0001', type: 'ISO14443' };
const GROUP = { idToken: 'GROUP-1', type: 'Central' };
const MASTER = { idToken: 'MASTER-PASS', type: 'Central' };
const PRE = 'AuthCtrlr.LocalPreAuthorize';
const UNKNOWN_OFFLINE = 'AuthCtrlr.OfflineTxForUnknownIdEnabled';
const START = 'TxCtrlr.TxStartPoint';
const STOP_INVALID = 'TxCtrlr.StopTxOnInvalidId';
const MAX_ENERGY = 'TxCtrlr.MaxEnergyOnInvalidId';

const info = (status, groupIdToken) => ({ status, ...(groupIdToken ? { groupIdToken } : {}) });
// What the server says of each token from now on.
function says(s, answers) { s.double.token = (t) => answers[t.idToken] ?? 'Accepted'; }

// Locally: what cache and list know is enough.
async function locally(s, more = {}) {
  await s.set(PRE, true);
  for (const [name, value] of Object.entries(more)) await s.set(name, value);
}

// The cache knows this token, as the server has judged it.
async function cached(s, token = TOKEN, answer = 'Accepted') {
  says(s, { [token.idToken]: answer });
  const since = s.mark;
  await s.present(token);
  await s.next('Authorize', { since });
  if ((answer.status ?? answer) !== 'Accepted' || answer.groupIdToken === MASTER) return; // they start nothing
  await s.plugIn();
  await s.event({ eventType: 'Started' }, { since });
  await s.unplug();
  await s.event({ eventType: 'Ended' }, { since });
}

// The local list has these: [[token, idTokenInfo], ..].
async function listed(s, ...entries) {
  s.undo.push(() => s.call('SendLocalList', { versionNumber: 1, updateType: 'Full' }));
  await s.ask('SendLocalList', {
    versionNumber: 7, updateType: 'Full', localAuthorizationList: entries.map(([idToken, idTokenInfo]) => ({ idToken, idTokenInfo })),
  }, 'Accepted');
}

// A token is presented that does not start anything. `asks`: the server is asked.
async function refused(s, { token = TOKEN, asks = true } = {}) {
  const since = s.mark;
  await s.present(token);
  if (asks) await s.next('Authorize', { since, fits: (p) => p.idToken.idToken === token.idToken });
  await s.stays(700, 'it charges', async () => !await s.value('station.authorised') && !await s.value('contactor'));
  if (!asks) assert.equal(s.of('Authorize', since).length, 0, 'the server was asked');
  assert.equal(s.events(since).length, 0, 'a transaction is told of');
}

// A token starts the charge. `asks`: the server is asked before.
async function starts(s, { token = TOKEN, asks = false, plugged = true } = {}) {
  const since = s.mark;
  await s.present(token);
  if (!plugged) await s.plugIn();
  const { payload } = await s.event({ eventType: 'Started' }, { since });
  assert.deepEqual(payload.idToken, token);
  assert.ok(['Authorized', 'CablePluggedIn'].includes(payload.triggerReason), payload.triggerReason);
  await s.event({ chargingState: 'Charging' }, { since });
  assert.equal(s.of('Authorize', since).length, asks ? 1 : 0);
  return payload;
}

// A token ends the authorisation of the running transaction.
async function stops(s, token, { asks = false, reason } = {}) {
  const since = s.mark;
  await s.present(token);
  const { payload } = await s.event({ triggerReason: 'StopAuthorized' }, { since });
  if (payload.idToken) assert.deepEqual(payload.idToken, token);
  assert.equal(s.of('Authorize', since).length, asks ? 1 : 0);
  const ended = await s.event({ eventType: 'Ended' }, { since });
  if (reason) assert.equal(ended.payload.transactionInfo.stoppedReason, reason);
  await s.untilValue('contactor', (v) => !v);
}

// A token does nothing to the running transaction.
async function doesNothing(s, token, asks = true) {
  const since = s.mark;
  await s.present(token);
  if (asks) await s.next('Authorize', { since });
  await s.stays(1500, 'it stopped', () => s.value('contactor'));
  assert.ok(s.events(since).every((p) => !p.idToken && p.eventType === 'Updated' && p.triggerReason !== 'StopAuthorized'));
}

const plugged = (s) => s.plugIn();
const notAccepted = (id, title, status, { given = plugged } = {}) => ({
  id, title, given, async steps(s) { says(s, { [TOKEN.idToken]: status }); await refused(s); },
});
// In the cache or the list as not accepted: the server is asked, and says no.
const knownAsBad = (id, title, know, status) => ({
  id,
  title,
  async given(s) {
    await locally(s);
    await know(s, status);
    await s.plugIn();
  },
  async steps(s) {
    says(s, { [TOKEN.idToken]: status });
    await refused(s);
  },
});
const inCache = (s, status) => cached(s, TOKEN, status);
const inList = (s, status) => listed(s, [TOKEN, info(status)]);

// Accepted without the server, refused by it afterwards.
const acceptedThenInvalid = (id, title, { stop, energy, then, seconds = 8 }) => ({
  id,
  title,
  seconds,
  async given(s) {
    await locally(s, { [UNKNOWN_OFFLINE]: true, [STOP_INVALID]: stop, [MAX_ENERGY]: energy });
    await cached(s);
    await s.plugIn();
  },
  async steps(s) {
    const since = await offline(s, async () => {
      await s.present();
      await s.flowing();
      says(s, { [TOKEN.idToken]: 'Invalid' });
    });
    const started = await s.event({ eventType: 'Started', offline: true }, { since });
    assert.deepEqual(started.payload.idToken, TOKEN);
    await s.event({ chargingState: 'Charging', offline: true }, { since });
    await then(s, since);
  },
});
const suspendedByUs = (s, since) => s.event({ chargingState: 'SuspendedEVSE', eventType: 'Updated' }, { since });

const offlineByList = (id, title, status) => ({
  id,
  title,
  async given(s) {
    await locally(s, { [UNKNOWN_OFFLINE]: false });
    await listed(s, [TOKEN, info(status)]);
  },
  async steps(s) {
    const since = await offline(s, async () => {
      await s.do('plug');
      await s.untilValue('station.state', 'Connected');
      await s.present();
      await s.stays(700, 'it charges', async () => !await s.value('contactor'));
    });
    await s.untilValue('station.queued', 0);
    assert.equal(s.events(since).length, 0);
  },
});

export default [
  notAccepted('C_02', 'the server says Invalid', 'Invalid'),
  notAccepted('C_06', 'the server says Blocked', 'Blocked'),
  notAccepted('C_07', 'the server says Expired', 'Expired'),
  notAccepted('C_56', 'the server says Unknown', 'Unknown'),
  notAccepted('C_05', 'the server says Invalid, before there is a cable', 'Invalid', { given: (s) => s.set(START, 'Authorized') }),
  {
    id: 'C_04',
    title: 'somebody else\'s token does not stop the transaction',
    given: (s) => s.charging(),
    steps: (s) => doesNothing(s, OTHER),
  },
  {
    id: 'C_08',
    title: 'the cache says Accepted',
    seconds: 6,
    async given(s) { await locally(s); await cached(s); await s.plugIn(); },
    steps: (s) => starts(s),
  },
  knownAsBad('C_09', 'the cache says Invalid, and so does the server', inCache, 'Invalid'),
  knownAsBad('C_10', 'the cache says Blocked, and so does the server', inCache, 'Blocked'),
  knownAsBad('C_11', 'the cache says Expired, and so does the server', inCache, 'Expired'),
  {
    id: 'C_12',
    title: 'the cache says Invalid, the server Accepted',
    async given(s) { await locally(s); await cached(s, TOKEN, 'Invalid'); await s.plugIn(); },
    async steps(s) { says(s, {}); await starts(s, { asks: true }); },
  },
  {
    id: 'C_13',
    title: 'the cache says Accepted, the cable comes later',
    seconds: 6,
    async given(s) { await locally(s, { [START]: 'Authorized' }); await cached(s); },
    async steps(s) {
      const since = s.mark;
      await s.present();
      const { payload } = await s.event({ eventType: 'Started', triggerReason: 'Authorized' }, { since });
      assert.deepEqual(payload.idToken, TOKEN);
      assert.ok(!await s.value('contactor'));
      await s.plugIn();
      await s.event({ chargingState: 'Charging' }, { since });
      assert.equal(s.of('Authorize', since).length, 0);
    },
  },
  {
    id: 'C_14',
    title: 'the master pass, in the cache, stops the transaction',
    seconds: 6,
    async given(s) {
      await locally(s, { 'AuthCtrlr.MasterPassGroupId': MASTER.idToken });
      await cached(s, OTHER, info('Accepted', MASTER));
      await s.charging();
    },
    steps: (s) => stops(s, OTHER, { reason: 'MasterPass' }),
  },
  acceptedThenInvalid('C_15', 'accepted offline, Invalid later: goes on up to MaxEnergyOnInvalidId', {
    stop: false,
    energy: 10000,
    async then(s, since) {
      await s.stays(2500, 'it stopped', () => s.value('contactor'));
      assert.ok(s.events(since).every((p) => p.triggerReason !== 'Deauthorized' && p.transactionInfo.chargingState !== 'SuspendedEVSE'));
    },
  }),
  acceptedThenInvalid('C_16', 'accepted offline, Invalid later: the transaction is ended', {
    stop: true,
    energy: 0,
    async then(s, since) {
      await s.event({ triggerReason: 'Deauthorized' }, { since });
      await s.untilValue('contactor', (v) => !v);
    },
  }),
  acceptedThenInvalid('C_17', 'accepted offline, Invalid later: no more energy, the transaction stays', {
    stop: false,
    energy: 0,
    async then(s, since) {
      await suspendedByUs(s, since);
      await s.untilValue('contactor', (v) => !v);
      assert.ok(s.events(since).every((p) => p.eventType !== 'Ended'));
    },
  }),
  acceptedThenInvalid('C_18', 'accepted offline, Invalid later: ended, MaxEnergyOnInvalidId is for those that go on', {
    stop: true,
    energy: 500,
    async then(s, since) {
      const { payload } = await s.event({ triggerReason: 'Deauthorized' }, { since });
      assert.ok(!payload.offline);
      await s.untilValue('contactor', (v) => !v);
      await s.event({ eventType: 'Ended' }, { since });
    },
  }),
  {
    id: 'C_21',
    title: 'offline, the list says Accepted',
    seconds: 8,
    async given(s) {
      await locally(s, { [UNKNOWN_OFFLINE]: false });
      await listed(s, [TOKEN, info('Accepted')]);
    },
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
      const all = await flushed(s, since, { eventType: 'Ended' });
      assert.ok(all.some((p) => p.triggerReason === 'StopAuthorized'));
      s.wholeTransaction();
    },
  },
  offlineByList('C_22', 'offline, the list says Invalid', 'Invalid'),
  offlineByList('C_23', 'offline, the list says Blocked', 'Blocked'),
  offlineByList('C_24', 'offline, the list says Expired', 'Expired'),
  {
    id: 'C_25',
    title: 'offline, the list says Invalid, the cache Accepted: the list rules',
    seconds: 7,
    async given(s) {
      await locally(s, { [UNKNOWN_OFFLINE]: true, [STOP_INVALID]: false });
      await cached(s);
      await listed(s, [TOKEN, info('Invalid')]);
      await s.plugIn();
    },
    async steps(s) {
      const since = await offline(s, async () => {
        await s.present();
        await s.stays(700, 'it charges', async () => !await s.value('contactor'));
      });
      await s.untilValue('station.queued', 0);
      assert.equal(s.events(since).length, 0);
    },
  },
  {
    id: 'C_26',
    title: 'offline, an unknown token is taken; Invalid later: no more energy; it can end it',
    seconds: 9,
    given: (s) => locally(s, { [UNKNOWN_OFFLINE]: true, [MAX_ENERGY]: 0, [STOP_INVALID]: false }),
    async steps(s) {
      const since = await offline(s, async () => {
        await s.do('plug');
        await s.untilValue('station.state', 'Connected');
        await s.present();
        await s.flowing();
        says(s, { [TOKEN.idToken]: 'Invalid' });
      });
      await s.event({ eventType: 'Started', offline: true }, { since });
      await suspendedByUs(s, since);
      await s.present();
      await s.event({ triggerReason: 'StopAuthorized' }, { since });
    },
  },
  {
    id: 'C_27',
    title: 'the list says Accepted',
    async given(s) { await locally(s, { [START]: 'Authorized' }); await listed(s, [TOKEN, info('Accepted')]); },
    async steps(s) {
      assert.equal((await starts(s, { plugged: false })).triggerReason, 'Authorized');
    },
  },
  knownAsBad('C_28', 'the list says Invalid, and so does the server', inList, 'Invalid'),
  knownAsBad('C_29', 'the list says Blocked, and so does the server', inList, 'Blocked'),
  knownAsBad('C_30', 'the list says Expired, and so does the server', inList, 'Expired'),
  {
    id: 'C_31',
    title: 'the list says Invalid, the server Accepted',
    async given(s) { await locally(s); await listed(s, [TOKEN, info('Invalid')]); },
    steps: (s) => starts(s, { asks: true, plugged: false }),
  },
  {
    id: 'C_32',
    title: 'the cache is kept over a restart',
    seconds: 7,
    async given(s) { await locally(s); await cached(s); },
    async steps(s) {
      await s.booted({ by: 'reset' });
      await starts(s, { plugged: false });
    },
  },
  {
    id: 'C_33',
    title: 'the cache learns from the answer to Authorize',
    seconds: 9,
    given: (s) => locally(s),
    async steps(s) {
        await s.plugIn();
      await starts(s, { asks: true });
      await stops(s, TOKEN);
      await s.unplug();
      await s.plugIn();
      await starts(s, { asks: false });
    },
  },
  {
    id: 'C_34',
    title: 'the cache learns from the answer to a transaction event',
    seconds: 8,
    async given(s) { await locally(s); await cached(s); await s.plugIn(); },
    async steps(s) {
      const since = s.mark;
      says(s, { [TOKEN.idToken]: 'Invalid' });
      await s.present();
      await s.event({ eventType: 'Started' }, { since });
      assert.equal(s.of('Authorize', since).length, 0);
      await s.event({ triggerReason: 'Deauthorized' }, { since });
      await s.unplug();
      await s.plugIn();
      await refused(s);
    },
  },
  {
    id: 'C_36',
    title: 'without LocalPreAuthorize the server is asked all the same',
    seconds: 6,
    async given(s) { await s.set(PRE, false); await cached(s); },
    async steps(s) { says(s, { [TOKEN.idToken]: 'Invalid' }); await refused(s); },
  },
  {
    id: 'C_37',
    title: 'the cache is cleared',
    seconds: 7,
    async given(s) { await locally(s); await cached(s); },
    async steps(s) {
      await s.ask('ClearCache', {}, 'Accepted');
      await s.plugIn();
      await starts(s, { asks: true });
    },
  },
  {
    id: 'C_38',
    title: 'the cache is cleared, although it is not enabled',
    given: (s) => s.set('AuthCacheCtrlr.Enabled', false),
    steps: (s) => s.ask('ClearCache', {}, 'Rejected'),
  },
  {
    id: 'C_39',
    title: 'another token of the same group stops the transaction',
    seconds: 6,
    async given(s) {
        says(s, { [TOKEN.idToken]: info('Accepted', GROUP), [OTHER.idToken]: info('Accepted', GROUP) });
      await s.plugIn();
    },
    async steps(s) {
      await starts(s, { asks: true });
      await stops(s, OTHER, { asks: true });
      await s.unplug();
    },
  },
  {
    id: 'C_40',
    title: 'another token of the same group, both in the list',
    async given(s) {
      await locally(s);
      await listed(s, [TOKEN, info('Accepted', GROUP)], [OTHER, info('Accepted', GROUP)]);
      says(s, { [TOKEN.idToken]: info('Accepted', GROUP), [OTHER.idToken]: info('Accepted', GROUP) });
      await s.plugIn();
    },
    async steps(s) { await starts(s); await stops(s, OTHER); },
  },
  {
    id: 'C_41',
    title: 'another token of the same group, both in the cache',
    seconds: 9,
    async given(s) {
      await locally(s);
      await cached(s, TOKEN, info('Accepted', GROUP));
      await cached(s, OTHER, info('Accepted', GROUP));
      says(s, { [TOKEN.idToken]: info('Accepted', GROUP), [OTHER.idToken]: info('Accepted', GROUP) });
      await s.plugIn();
    },
    async steps(s) { await starts(s); await stops(s, OTHER); },
  },
  {
    id: 'C_42',
    title: 'a token of the same group that the server refuses',
    async given(s) {
        says(s, { [TOKEN.idToken]: info('Accepted', GROUP), [OTHER.idToken]: info('Invalid', GROUP) });
      await s.plugIn();
    },
    async steps(s) { await starts(s, { asks: true }); await doesNothing(s, OTHER); },
  },
  {
    id: 'C_43',
    title: 'a token of the same group that the list refuses, and the server',
    async given(s) {
      await locally(s);
      await listed(s, [TOKEN, info('Accepted', GROUP)], [OTHER, info('Invalid', GROUP)]);
      says(s, { [TOKEN.idToken]: info('Accepted', GROUP), [OTHER.idToken]: info('Invalid', GROUP) });
      await s.plugIn();
    },
    async steps(s) { await starts(s); await doesNothing(s, OTHER); },
  },
  {
    id: 'C_44',
    title: 'a token of the same group that the cache refuses, and the server',
    seconds: 7,
    async given(s) {
      await locally(s);
      await cached(s, TOKEN, info('Accepted', GROUP));
      await cached(s, OTHER, info('Invalid', GROUP));
      says(s, { [TOKEN.idToken]: info('Accepted', GROUP), [OTHER.idToken]: info('Invalid', GROUP) });
      await s.plugIn();
    },
    async steps(s) { await starts(s); await doesNothing(s, OTHER); },
  },
  {
    id: 'C_45',
    title: 'the master pass starts nothing',
    async given(s) {
      await s.set('AuthCtrlr.MasterPassGroupId', MASTER.idToken);
        says(s, { [OTHER.idToken]: info('Accepted', MASTER) });
    },
    async steps(s) {
      await refused(s, { token: OTHER });
      await s.plugIn();
      await s.stays(1000, 'it charges', async () => !await s.value('contactor'));
      assert.equal(s.events().length, 0);
    },
  },
  {
    id: 'C_46',
    title: 'an entry of the cache is too old',
    seconds: 8,
    async given(s) {
      await locally(s, { 'AuthCacheCtrlr.LifeTime': 2 });
      await cached(s);
      await s.plugIn();
    },
    async steps(s) {
      await new Promise((r) => { setTimeout(r, 2500); });
      await starts(s, { asks: true });
    },
  },
  {
    id: 'C_49',
    title: 'the master pass stops the transaction',
    seconds: 6,
    async given(s) {
      await s.set('AuthCtrlr.MasterPassGroupId', MASTER.idToken);
        says(s, { [OTHER.idToken]: info('Accepted', MASTER) });
      await s.charging();
    },
    async steps(s) {
      await stops(s, OTHER, { asks: true, reason: 'MasterPass' });
      await s.unplug();
    },
  },
  {
    id: 'C_57',
    title: 'the cache says Invalid, and the server shall not be asked',
    async given(s) {
      await locally(s, { 'AuthCacheCtrlr.DisablePostAuthorize': true });
      await cached(s, TOKEN, 'Invalid');
      await s.plugIn();
    },
    steps: (s) => refused(s, { asks: false }),
  },
  {
    id: 'C_58',
    title: 'the list says Invalid, and the server shall not be asked',
    async given(s) {
      await locally(s, { 'LocalAuthListCtrlr.DisablePostAuthorize': true });
      await listed(s, [TOKEN, info('Invalid')]);
      await s.plugIn();
    },
    steps: (s) => refused(s, { asks: false }),
  },
];

export { GROUP, OTHER, info, says };
