// K: smart charging: profiles, what is reported of them, and the schedule that they make together.
import assert from 'node:assert/strict';
import { EVSE, TOKEN } from '../post.mjs';

const UNIT = 'A';
const MINUTE_MS = 60000;
const EARLIER = 5000; // how long ago a profile began that rules now
const iso = (ms) => new Date(ms).toISOString();

// A profile of one schedule; periods as [[startPeriod, limit], ..].
function profile({ id = 1, level = 0, purpose = 'TxDefaultProfile', kind = 'Absolute', duration, start = Date.now() - MINUTE_MS, periods = [[0, 6]],
  validFrom, validTo, transactionId, recurrencyKind } = {}) {
  return {
    id,
    stackLevel: level,
    chargingProfilePurpose: purpose,
    chargingProfileKind: kind,
    ...(recurrencyKind ? { recurrencyKind } : {}),
    ...(validFrom ? { validFrom: iso(validFrom) } : {}),
    ...(validTo ? { validTo: iso(validTo) } : {}),
    ...(transactionId ? { transactionId } : {}),
    chargingSchedule: [{
      id,
      chargingRateUnit: UNIT,
      ...(kind === 'Relative' ? {} : { startSchedule: iso(start) }),
      ...(duration ? { duration } : {}),
      chargingSchedulePeriod: periods.map(([startPeriod, limit]) => ({ startPeriod, limit, numberPhases: 3 })),
    }],
  };
}

async function install(s, p, evseId = EVSE, status = 'Accepted') {
  if (status === 'Accepted') s.undo.push(() => s.call('ClearChargingProfile', { chargingProfileId: p.id }));
  await s.ask('SetChargingProfile', { evseId, chargingProfile: p }, status);
  return p;
}

// What is reported for these criteria: [{ evseId, profile }].
async function reported(s, chargingProfile, evseId) {
  const requestId = 5000 + s.mark;
  const since = s.mark;
  await s.ask('GetChargingProfiles', { requestId, ...(evseId === undefined ? {} : { evseId }), chargingProfile }, 'Accepted');
  await s.next('ReportChargingProfiles', { since, fits: (p) => p.requestId === requestId && !p.tbc });
  const all = s.of('ReportChargingProfiles', since).map((c) => c.payload);
  assert.ok(all.every((p) => p.requestId === requestId));
  return all.flatMap((p) => p.chargingProfile.map((x) => ({ evseId: p.evseId, source: p.chargingLimitSource, profile: x })));
}

// Every member that was sent is told, with the same value; times may be written otherwise.
function same(told, sent, path = '') {
  for (const [k, v] of Object.entries(sent)) {
    if (v !== null && typeof v === 'object') same(told?.[k], v, `${path}.${k}`);
    else if (/^(validFrom|validTo|startSchedule)$/.test(k)) assert.equal(Date.parse(told?.[k]), Date.parse(v), `${path}.${k}`);
    else assert.equal(told?.[k], v, `${path}.${k}`);
  }
}

async function reportsSame(s, sent, evseId) {
  const [one, ...more] = await reported(s, { chargingProfileId: [sent.id] });
  assert.equal(more.length, 0);
  assert.equal(one.evseId, evseId);
  same(one.profile, sent);
}

async function composite(s, duration, evseId = EVSE) {
  const { schedule } = await s.ask('GetCompositeSchedule', { evseId, duration, chargingRateUnit: UNIT }, 'Accepted');
  assert.deepEqual([schedule.evseId, schedule.duration, schedule.chargingRateUnit], [evseId, duration, UNIT]);
  assert.equal(schedule.chargingSchedulePeriod[0].startPeriod, 0);
  return schedule;
}

// The schedule's periods are these: [[seconds after `from` (ms), limit], ..]; null: any limit.
function periodsAre(schedule, from, want, slackS = 1.5) {
  const shift = (Date.parse(schedule.scheduleStart) - from) / 1000;
  const got = schedule.chargingSchedulePeriod.map((p) => [p.startPeriod, p.limit]);
  assert.equal(got.length, want.length, JSON.stringify(got));
  for (const [i, [at, limit]] of want.entries()) {
    assert.ok(Math.abs(got[i][0] - (i === 0 ? 0 : at - shift)) <= slackS, `period ${i}: ${JSON.stringify(got)}, from ${shift} s on`);
    if (limit !== null) assert.equal(got[i][1], limit, JSON.stringify(got));
  }
}

const MAX = { id: 101, purpose: 'ChargingStationMaxProfile', level: 0, periods: [[0, 20]] };
const DEFAULT = { id: 102, level: 0, periods: [[0, 10]] };
const two = async (s, more = {}) => {
  await install(s, profile({ ...MAX, ...more.max }), 0);
  await install(s, profile({ ...DEFAULT, ...more.tx }));
};
const asked = (id, title, { given = two, criteria, evseId, want }) => ({
  id,
  title,
  given,
  async steps(s) {
    const all = await reported(s, criteria, evseId);
    assert.deepEqual(all.map((x) => x.profile.id).sort(), want);
  },
});
const worldFollows = (s, limit) => s.untilValue('amp', (a) => a > limit - 1.5 && a <= limit + 0.3, 15000);

export default [
  {
    id: 'K_01',
    title: 'TxDefaultProfile for one EVSE, told as it was sent',
    async steps(s) { await reportsSame(s, await install(s, profile({ duration: 300 })), EVSE); },
  },
  {
    id: 'K_02',
    title: 'TxProfile without a transaction',
    steps: (s) => install(s, profile({ purpose: 'TxProfile', transactionId: 'UNKNOWN-TRANSACTION-ID' }), EVSE, 'Rejected'),
  },
  {
    id: 'K_03',
    title: 'ChargingStationMaxProfile, told as it was sent',
    async steps(s) { await reportsSame(s, await install(s, profile({ ...MAX, duration: 300, periods: [[0, 6]] }), 0), 0); },
  },
  {
    id: 'K_04',
    title: 'the same id replaces',
    given: (s) => install(s, profile({ id: 7 })),
    async steps(s) { await reportsSame(s, await install(s, profile({ id: 7, periods: [[0, 10]] })), EVSE); },
  },
  {
    id: 'K_05',
    title: 'cleared by its id',
    given: (s) => install(s, profile({ id: 8 })),
    async steps(s) {
      await s.ask('ClearChargingProfile', { chargingProfileId: 8 }, 'Accepted');
      await s.ask('GetChargingProfiles', { requestId: 9, chargingProfile: { chargingProfileId: [8] } }, 'NoProfiles');
    },
  },
  {
    id: 'K_06',
    title: 'cleared by purpose and stack level',
    async given(s) {
      await install(s, profile({ id: 9, level: 2 }));
      await s.charging();
    },
    async steps(s) {
      const criteria = { chargingProfilePurpose: 'TxDefaultProfile', stackLevel: 2 };
      await s.ask('ClearChargingProfile', { chargingProfileCriteria: criteria }, 'Accepted');
      await s.ask('GetChargingProfiles', { requestId: 9, chargingProfile: criteria }, 'NoProfiles');
    },
  },
  {
    id: 'K_07',
    title: 'nothing fits what is to be cleared',
    given: (s) => install(s, profile({ level: 1 })),
    steps: (s) => s.ask('ClearChargingProfile', {
      chargingProfileCriteria: { chargingProfilePurpose: 'ChargingStationMaxProfile', stackLevel: 0 },
    }, 'Unknown'),
  },
  {
    id: 'K_08',
    title: 'nothing is there to be cleared',
    steps: (s) => s.ask('ClearChargingProfile', { chargingProfileId: 4242 }, 'Unknown'),
  },
  {
    id: 'K_09',
    title: 'TxDefaultProfile cleared during a transaction: the schedule and the car follow',
    seconds: 8,
    async given(s) {
      const now = await s.clock();
      await install(s, profile({ start: now - EARLIER, validFrom: now - EARLIER, validTo: now + 405000, duration: 424 }));
      await s.charging();
    },
    async steps(s) {
      assert.equal((await composite(s, 300)).chargingSchedulePeriod[0].limit, 6);
      await worldFollows(s, 6);
      await s.ask('ClearChargingProfile', { chargingProfileCriteria: { chargingProfilePurpose: 'TxDefaultProfile' } }, 'Accepted');
      assert.notEqual((await composite(s, 300)).chargingSchedulePeriod[0].limit, 6);
      await s.untilValue('amp', (a) => a > 20, 15000);
    },
  },
  {
    id: 'K_10',
    title: 'TxDefaultProfile for every EVSE, told as it was sent',
    async steps(s) { await reportsSame(s, await install(s, profile({ duration: 300 }), 0), 0); },
  },
  {
    id: 'K_11',
    title: 'TxProfile for every EVSE',
    steps: (s) => install(s, profile({ purpose: 'TxProfile' }), 0, 'Rejected'),
  },
  {
    id: 'K_13',
    title: 'kept over a restart',
    async steps(s) {
      const sent = await install(s, profile({ duration: 300 }));
      await s.booted({ by: 'reset' });
      await reportsSame(s, sent, EVSE);
      await s.booted();
      await reportsSame(s, sent, EVSE);
    },
  },
  {
    id: 'K_14',
    title: 'an EVSE that is not there',
    steps: (s) => install(s, profile(), 2, 'Rejected'),
  },
  {
    id: 'K_16',
    title: 'TxProfile of an unknown transaction',
    given: (s) => s.charging(),
    steps: (s) => install(s, profile({ purpose: 'TxProfile', transactionId: 'UNKNOWN-TRANSACTION-ID' }), EVSE, 'Rejected'),
  },
  {
    id: 'K_19',
    title: 'a recurring profile, daily and weekly',
    async steps(s) {
      for (const [id, recurrencyKind] of [[1, 'Daily'], [2, 'Weekly']]) {
        await install(s, profile({ id, level: id, kind: 'Recurring', recurrencyKind, duration: 3600 }));
      }
    },
  },
  {
    id: 'K_21',
    title: 'validFrom: not before',
    async steps(s) {
      const now = await s.clock();
      await install(s, profile({ kind: 'Relative', validFrom: now + 300000 }));
      periodsAre(await composite(s, 400), now, [[0, null], [300, 6]]);
    },
  },
  {
    id: 'K_22',
    title: 'validTo: not after',
    async steps(s) {
      const now = await s.clock();
      await install(s, profile({ start: now - EARLIER, validFrom: now - EARLIER, validTo: now + 300000 }), 0);
      for (const evseId of [0, EVSE]) periodsAre(await composite(s, 400, evseId), now, [[0, 6], [300, null]]);
    },
  },
  {
    id: 'K_23',
    title: 'startSchedule: from then on',
    async steps(s) {
      const now = await s.clock();
      await install(s, profile({ validFrom: now + 50000, validTo: now + 400000, start: now + 60000 }));
      periodsAre(await composite(s, 300), now, [[0, null], [60, 6]]);
    },
  },
  {
    id: 'K_28',
    title: 'TxDefaultProfile during a transaction rules at once',
    seconds: 6,
    given: (s) => s.charging(),
    async steps(s) {
      const now = await s.clock();
      await install(s, profile({ start: now - EARLIER, duration: 340, validFrom: now - EARLIER, validTo: now + 304000 }));
      assert.equal((await composite(s, 300)).chargingSchedulePeriod[0].limit, 6);
      await worldFollows(s, 6);
    },
  },
  asked('K_29', 'told: those of the station', { criteria: { chargingProfilePurpose: 'ChargingStationMaxProfile' }, evseId: 0, want: [101] }),
  asked('K_30', 'told: those of an EVSE', { criteria: { chargingProfilePurpose: 'TxDefaultProfile' }, evseId: EVSE, want: [102] }),
  asked('K_31', 'told: all', { criteria: { stackLevel: 0 }, want: [101, 102] }),
  asked('K_32', 'told: by id', { criteria: { chargingProfileId: [101] }, want: [101] }),
  asked('K_33', 'told: by EVSE and stack level', {
    given: (s) => two(s, { tx: { level: 3 } }), criteria: { stackLevel: 3 }, evseId: EVSE, want: [102],
  }),
  {
    id: 'K_34',
    title: 'told: by EVSE and source of the limit',
    given: (s) => install(s, profile({ id: 55, level: 1 })),
    async steps(s) {
      const all = await reported(s, { chargingLimitSource: ['CSO'] }, EVSE);
      assert.deepEqual(all.map((x) => [x.profile.id, x.source]), [[55, 'CSO']]);
      await s.ask('GetChargingProfiles', { requestId: 3, evseId: EVSE, chargingProfile: { chargingLimitSource: ['EMS'] } }, 'NoProfiles');
    },
  },
  asked('K_35', 'told: by EVSE and purpose', { criteria: { chargingProfilePurpose: 'TxDefaultProfile' }, evseId: EVSE, want: [102] }),
  asked('K_36', 'told: by EVSE, purpose and stack level', {
    given: (s) => two(s, { tx: { level: 3 }, max: { level: 3 } }),
    criteria: { chargingProfilePurpose: 'TxDefaultProfile', stackLevel: 3 },
    evseId: EVSE,
    want: [102],
  }),
  {
    id: 'K_37',
    title: 'a remote start with a profile',
    seconds: 6,
    given: (s) => s.plugIn(),
    async steps(s) {
      const since = s.mark;
      const sent = profile({ id: 66, purpose: 'TxProfile', kind: 'Relative' });
      await s.remoteStart({ token: TOKEN, chargingProfile: sent });
      await s.event({ triggerReason: 'RemoteStart', remoteStartId: (n) => n > 0 }, { since });
      await s.event({ chargingState: 'Charging' }, { since });
      const [one] = await reported(s, { chargingProfileId: [66] });
      same(one.profile, sent);
      assert.equal(one.profile.transactionId ?? s.transactionId, s.transactionId);
      await worldFollows(s, 6);
    },
  },
  {
    id: 'K_39',
    title: 'the schedule without any profile',
    steps: (s) => composite(s, 300, 0),
  },
  {
    id: 'K_40',
    title: 'the schedule of two stacked profiles',
    async steps(s) {
      const now = await s.clock() - EARLIER;
      const valid = { validFrom: now, validTo: now + 405000, start: now };
      await install(s, profile({ id: 1, level: 0, duration: 400, periods: [[0, 6], [100, 8], [200, 10]], ...valid }));
      await install(s, profile({ id: 2, level: 1, duration: 150, periods: [[0, 7], [100, 9]], ...valid }));
      periodsAre(await composite(s, 350), now, [[0, 7], [100, 9], [150, 8], [200, 10]]);
    },
  },
  {
    id: 'K_41',
    title: 'the schedule of three purposes together',
    seconds: 6,
    given: (s) => s.charging(),
    async steps(s) {
      const now = await s.clock() - EARLIER;
      const valid = { validFrom: now, validTo: now + 405000, start: now };
      await install(s, profile({ id: 1, purpose: 'ChargingStationMaxProfile', start: now, duration: 86400, periods: [[0, 10]] }), 0);
      await install(s, profile({ id: 2, duration: 300, periods: [[0, 6], [60, 10], [120, 8], [180, 15], [260, 8]], ...valid }));
      await install(s, profile({
        id: 3, purpose: 'TxProfile', transactionId: s.transactionId, duration: 260, periods: [[0, 8], [50, 11], [140, 16], [200, 6], [240, 12]], ...valid,
      }));
      // TxProfile while it lasts, then TxDefaultProfile while it lasts, never more than the station's: 260 to 300 s is 8 A.
      periodsAre(await composite(s, 400), now, [[0, 8], [50, 10], [200, 6], [240, 10], [260, 8], [300, 10]]);
    },
  },
  {
    id: 'K_47',
    title: 'the schedule of an EVSE that is not there',
    async steps(s) {
      const answer = await s.ask('GetCompositeSchedule', { evseId: 2, duration: 300, chargingRateUnit: UNIT }, 'Rejected');
      assert.equal(answer.schedule, undefined);
    },
  },
  {
    id: 'K_60',
    title: 'TxProfile of the running transaction',
    seconds: 6,
    given: (s) => s.charging(),
    async steps(s) {
      const sent = await install(s, profile({ id: 77, purpose: 'TxProfile', kind: 'Relative', transactionId: s.transactionId }));
      await reportsSame(s, sent, EVSE);
      await worldFollows(s, 6);
    },
  },
];
