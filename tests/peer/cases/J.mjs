// J: meter values: aligned to the clock, and sampled.
import assert from 'node:assert/strict';
import { EVSE } from '../post.mjs';
import { sleep } from '../program.mjs';

const ALIGNED = 'AlignedDataCtrlr';
const SAMPLED = 'SampledDataCtrlr';
const ENERGY = 'Energy.Active.Import.Register';
const INTERVAL_S = 2;

const measurands = (sampledValue) => [...new Set(sampledValue.map((v) => v.measurand ?? ENERGY))].sort();
const listOf = async (s, name) => (await s.get(name)).attributeValue.split(',').map((x) => x.trim()).sort();
const values = (p, context) => (p.meterValue ?? []).filter((m) => m.sampledValue[0].context === context);

// On a busy machine a reading may come late, and the one after it in time.
function everyInterval(times, seconds) {
  assert.ok(times.length > 2);
  const at = times.map((t) => Date.parse(t) / 1000);
  const gaps = at.slice(1).map((t, i) => t - at[i]);
  assert.ok(gaps.every((g) => Math.abs(g - seconds) < 1), `${gaps} s between the readings, asked ${seconds}`);
  const mean = (at.at(-1) - at[0]) / gaps.length;
  assert.ok(Math.abs(mean - seconds) < 0.4, `${mean} s between the readings, asked ${seconds}`);
}

export default [
  {
    id: 'J_01',
    title: 'aligned to the clock, idle',
    seconds: 9,
    given: (s) => s.set(`${ALIGNED}.Interval`, INTERVAL_S),
    async steps(s) {
      const want = await listOf(s, `${ALIGNED}.Measurands`);
      await s.double.until('three readings', () => s.of('MeterValues').length >= 3, 15000);
      const told = s.of('MeterValues').map((c) => c.payload);
      for (const p of told) {
        assert.equal(p.evseId, EVSE);
        for (const m of p.meterValue) {
          assert.ok(m.sampledValue.every((v) => v.context === 'Sample.Clock'));
          assert.deepEqual(measurands(m.sampledValue), want);
        }
      }
      everyInterval([...new Set(told.map((p) => p.meterValue[0].timestamp))], INTERVAL_S);
    },
  },
  {
    id: 'J_02',
    title: 'aligned to the clock, during a transaction',
    seconds: 12,
    async given(s) {
      await s.set(`${SAMPLED}.TxUpdatedInterval`, 0);
      await s.charging();
      await s.set(`${ALIGNED}.Interval`, INTERVAL_S);
    },
    async steps(s) {
      const want = await listOf(s, `${ALIGNED}.Measurands`);
      // J01.FR.22: a transaction event or MeterValues, as the station likes.
      const clock = () => [...s.events().filter((p) => p.triggerReason === 'MeterValueClock'),
        ...s.of('MeterValues').map((c) => c.payload).filter((p) => p.evseId === EVSE)];
      await s.double.until('three readings', () => clock().length >= 3, 15000);
      assert.ok(await s.value('station.transaction'));
      for (const p of clock()) {
        for (const m of p.meterValue) {
          assert.ok(m.sampledValue.every((v) => v.context === 'Sample.Clock'));
          assert.deepEqual(measurands(m.sampledValue), want);
        }
      }
      everyInterval(clock().map((p) => p.meterValue[0].timestamp), INTERVAL_S);
    },
  },
  {
    id: 'J_03',
    title: 'aligned to the clock, told with the end of the transaction',
    seconds: 12,
    async given(s) {
      await s.set(`${ALIGNED}.TxEndedInterval`, INTERVAL_S);
      await s.set(`${ALIGNED}.TxEndedMeasurands`, ENERGY);
      await s.set(`${SAMPLED}.TxEndedMeasurands`, '');
      await s.charging();
    },
    async steps(s) {
      await sleep(4 * INTERVAL_S * 1000);
      await s.stopAuthorised();
      const { payload } = await s.event({ eventType: 'Ended' });
      const clock = values(payload, 'Sample.Clock');
      everyInterval(clock.map((m) => m.timestamp), INTERVAL_S);
      for (const m of clock) assert.deepEqual(measurands(m.sampledValue), [ENERGY]);
    },
  },
  {
    id: 'J_07',
    title: 'sampled with the start, the EVSE known',
    given: (s) => s.set('TxCtrlr.TxStartPoint', 'EVConnected'),
    async steps(s) {
      const want = await listOf(s, `${SAMPLED}.TxStartedMeasurands`);
      await s.charging();
      const { payload } = await s.event({ eventType: 'Started' });
      const [begin] = values(payload, 'Transaction.Begin');
      assert.deepEqual(measurands(begin.sampledValue), want);
    },
  },
  {
    id: 'J_08',
    title: 'sampled with the start, the EVSE not known before the cable is',
    given: (s) => s.set('TxCtrlr.TxStartPoint', 'Authorized'),
    async steps(s) {
      const want = await listOf(s, `${SAMPLED}.TxStartedMeasurands`);
      await s.authorise();
      await s.plugIn();
      await s.event({ chargingState: 'Charging' });
      const first = s.events().find((p) => p.evse);
      const [begin] = values(first, 'Transaction.Begin');
      assert.ok(begin, `the first event that names the EVSE is ${JSON.stringify(first)}`);
      assert.deepEqual(measurands(begin.sampledValue), want);
    },
  },
  {
    id: 'J_09',
    title: 'sampled during the transaction',
    seconds: 9,
    async given(s) {
      await s.set(`${SAMPLED}.TxUpdatedInterval`, INTERVAL_S);
      await s.set(`${SAMPLED}.TxUpdatedMeasurands`, `${ENERGY},Current.Import,Voltage`);
      await s.charging();
    },
    async steps(s) {
      const want = [ENERGY, 'Current.Import', 'Voltage'].sort();
      const periodic = () => s.events().filter((p) => p.triggerReason === 'MeterValuePeriodic');
      await s.double.until('three readings', () => periodic().length >= 3, 15000);
      for (const p of periodic()) {
        for (const m of p.meterValue) {
          assert.ok(m.sampledValue.every((v) => (v.context ?? 'Sample.Periodic') === 'Sample.Periodic'));
          assert.deepEqual(measurands(m.sampledValue), want);
        }
      }
      everyInterval(periodic().map((p) => p.meterValue[0].timestamp), INTERVAL_S);
    },
  },
  {
    id: 'J_10',
    title: 'sampled with the end',
    seconds: 12,
    async given(s) {
      await s.set(`${SAMPLED}.TxEndedInterval`, INTERVAL_S);
      await s.charging();
    },
    async steps(s) {
      const want = await listOf(s, `${SAMPLED}.TxEndedMeasurands`);
      await sleep(4 * INTERVAL_S * 1000);
      await s.stopAuthorised();
      const { payload } = await s.event({ eventType: 'Ended' });
      everyInterval(values(payload, 'Sample.Periodic').map((m) => m.timestamp), INTERVAL_S);
      for (const context of ['Transaction.Begin', 'Sample.Periodic', 'Transaction.End']) {
        const all = values(payload, context);
        assert.ok(all.length, `no ${context}`);
        for (const m of all) assert.deepEqual(measurands(m.sampledValue), want);
      }
      const times = payload.meterValue.map((m) => Date.parse(m.timestamp));
      assert.deepEqual(times, [...times].sort((x, y) => x - y), 'in order of their time');
    },
  },
];
