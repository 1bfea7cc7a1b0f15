// A site end to end, over real sockets: ecs-hub, ecs-sim with several stations, cars. What is measured is the simulated
// world's truth (amps, contactor), what is counted is what the hub has kept against what was on the wire.
// SITE_ONLY: run the tests whose names contain this. SITE_OUTAGE_S: how long the hub stays away (10; the full form is 30).
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { borrow } from '../peer/borrowed.mjs';
import { eventually, folder, sleep } from '../peer/program.mjs';
import { Sim } from '../peer/sim.mjs';
import { Hub } from './hub.mjs';

const TOGETHER = Number(process.env.SITE_TESTS_TOGETHER ?? 2);
const OUTAGE_S = Number(process.env.SITE_OUTAGE_S ?? 10);
const ONLY = process.env.SITE_ONLY ?? '';
const LIMIT_A = 40;
let chosen = 0;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

// A hub, a simulator with stations CP1, CP2, ... and a body. In the end: the limit was never passed, both programs end
// well, the frame log is clean.
function site(name, { stations = 3, limit = LIMIT_A, limitMs = 150000 }, body) {
  if (!name.includes(ONLY)) return;
  chosen++;
  test(name, { timeout: limitMs }, async () => {
    const dir = folder('site', name);
    const running = [];
    const startHub = async (more = {}) => {
      const hub = await Hub.start({ dir, limit, ...more });
      running.push(hub);
      return hub;
    };
    try {
      const hub = await startHub();
      const sim = await Sim.start({ dir, url: hub.url, id: 'CP1', stations, args: ['--site-limit', String(limit)] });
      running.push(sim);
      await body({ hub, sim, startHub, dir });
      const { site: truth } = await sim.site();
      assert.equal(truth.violations, 0, `the limit of ${limit} A was passed: ${truth.max_phase_a} A`);
      await sim.stop();
      for (const p of running) if (p instanceof Hub && p.program.running) await p.stop();
      sim.lint({});
    } finally {
      for (const p of running) if (p.program.running) await p.program.kill();
    }
  });
}

const amps = (s) => Math.max(...s.amp);

// Plugs in cars 1 to n and waits until each draws and together they use most of the limit.
async function allCharge(sim, { n = 3, ms = 60000 } = {}) {
  for (let i = 1; i <= n; i++) {
    await sim.idle(i);
    await sim.do('plug', i);
  }
  return eventually('every car to draw its share of most of the limit', async () => {
    const { stations, site: s } = await sim.site();
    return stations.slice(0, n).every((w) => w.contactor && amps(w) > 5.5) && Math.max(...s.amp) > LIMIT_A * 0.85 && stations;
  }, ms);
}

async function quiet(sim) {
  await eventually('every station to be online with nothing left to send', async () => {
    const believed = await sim.believed();
    return believed.every((b) => b.online && b.registered && b.queued === 0);
  }, 60000);
  await sleep(500);
}

// Every transaction event that was ever sent, from the frame log: transaction → Map(seqNo → eventType).
function sentEvents(sim) {
  const sent = new Map();
  for (const line of readFileSync(sim.frameLog, 'utf8').split('\n')) {
    if (!line) continue;
    const { dir, frame } = JSON.parse(line);
    if (dir !== '>' || frame[0] !== 2 || frame[2] !== 'TransactionEvent') continue;
    const { transactionInfo: { transactionId }, seqNo, eventType } = frame[3];
    if (!sent.has(transactionId)) sent.set(transactionId, new Map());
    sent.get(transactionId).set(seqNo, eventType);
  }
  return sent;
}

// What the hub has kept must be what was sent, whole: each transaction from Started to Ended, no seqNo missing.
async function compareEvents(hub, sim) {
  const sent = sentEvents(sim);
  const { transactions } = await hub.get('/transactions?limit=1000');
  assert.deepEqual(transactions.map((t) => t.id).sort(), [...sent.keys()].sort());
  let events = 0;
  for (const { id, missing_events: missing } of transactions) {
    const kept = (await hub.get(`/transactions/${encodeURIComponent(id)}`)).event_list;
    const types = [...sent.get(id)].sort(([a], [b]) => a - b).map(([, type]) => type);
    assert.deepEqual([...sent.get(id).keys()].sort((a, b) => a - b), types.map((_, i) => i), `${id}: a seqNo was never sent`);
    assert.deepEqual(kept.map((e) => e.seq).sort((a, b) => a - b), types.map((_, i) => i), `${id}: the hub lost an event`);
    assert.deepEqual([types[0], types.at(-1)], ['Started', 'Ended'], id);
    assert.equal(missing, 0);
    events += kept.length;
  }
  return { transactions, events };
}

describe('site', { concurrency: TOGETHER }, () => {
  site('one car leaves, the others speed up within 10 s', {}, async ({ sim }) => {
    await allCharge(sim);
    await sleep(3000);
    const before = (await sim.site()).stations.map(amps);
    await sim.do('unplug', 1);
    await eventually(`both others to be faster than ${before.slice(1).map((a) => a.toFixed(1)).join(' and ')} A`, async () => {
      const now = (await sim.site()).stations.map(amps);
      return now[1] > before[1] + 3 && now[2] > before[2] + 3;
    }, 10000);
    await sim.do('plug', 1); // and it gets a share again, the others giving way first
    await eventually('the first car to charge again', async () => amps(await sim.state(1)) > 6, 40000);
  });

  site('a limit set while charging changes the current of the world', {}, async ({ hub, sim }) => {
    await allCharge(sim);
    // One station's own limit, by OCPP through the hub's API.
    const answer = await hub.call('CP2', 'SetChargingProfile', {
      evseId: 0,
      chargingProfile: {
        id: 900001, stackLevel: 9, chargingProfilePurpose: 'ChargingStationMaxProfile', chargingProfileKind: 'Absolute',
        chargingSchedule: [{
          id: 1, chargingRateUnit: 'A', startSchedule: new Date(Date.now() - 1000).toISOString(),
          chargingSchedulePeriod: [{ startPeriod: 0, limit: 7 }],
        }],
      },
    });
    assert.match(JSON.stringify(answer), /"Accepted"/);
    await eventually('station 2 at 7 A', async () => {
      const a = amps(await sim.state(2));
      return a < 7.3 && a > 5;
    }, 15000);
    // The whole site's.
    await hub.put('/site', { limit_a: 24 });
    await eventually('the site below 24 A', async () => Math.max(...(await sim.site()).site.amp) < 24.5, 15000);
    await sleep(3000);
    const low = (await sim.site()).site.amp;
    assert.ok(Math.max(...low) < 24.5 && Math.max(...low) > 12, `${low}`);
    await hub.put('/site', { limit_a: LIMIT_A });
    await eventually('the site above 30 A again', async () => Math.max(...(await sim.site()).site.amp) > 30, 30000);
    assert.equal((await hub.put('/site', { limit_a: -1 }, { any: true })).error !== undefined, true);
  });

  site(`the hub is away for ${OUTAGE_S} s: no transaction event is lost, and charging goes on`, {}, async ({ hub, sim, startHub }) => {
    await allCharge(sim);
    await hub.stop();
    await sleep(OUTAGE_S * 250);
    await sim.do('unplug', 1); // ends without a server
    await sim.do('ready off', 2); // suspends
    await sleep(OUTAGE_S * 250);
    await sim.do('ready on', 2);
    const third = await sim.state(3);
    assert.ok(third.contactor && amps(third) > 5, 'car 3 charges on while the hub is away');
    await sleep(OUTAGE_S * 500);
    const again = await startHub({ port: hub.port, tag: 'ecs-hub-again' });
    await quiet(sim);
    await eventually('the hub to see all stations', async () =>
      (await again.get('/stations')).stations.every((s) => s.connected), 20000);
    for (const i of [2, 3]) await sim.do('unplug', i);
    await sleep(1500);
    await quiet(sim);
    const { transactions, events } = await compareEvents(again, sim);
    assert.ok(transactions.length >= 3 && events > 10, `${transactions.length} transactions, ${events} events`);
    for (const [i, id] of ['CP1', 'CP2', 'CP3'].entries()) {
      const told = transactions.filter((t) => t.station === id).reduce((sum, t) => sum + t.energy_wh, 0);
      const truth = (await sim.state(i + 1)).energy_wh;
      assert.ok(Math.abs(told - truth) < 0.03 * truth + 1, `${id}: the hub has ${told} Wh, the world ${truth} Wh`);
    }
  });

  site('the hub is killed again and again: what it has acknowledged it has kept', {}, async ({ hub, sim, startHub }) => {
    await allCharge(sim);
    let now = hub;
    for (let i = 0; i < 3; i++) {
      await now.program.kill();
      await sim.do(i % 2 ? 'plug' : 'unplug', 1);
      await sleep(700);
      now = await startHub({ port: hub.port, tag: `ecs-hub-${i + 2}` });
      await sleep(2500);
    }
    await quiet(sim);
    for (let i = 1; i <= 3; i++) await sim.do('unplug', i);
    await sleep(1500);
    await quiet(sim);
    await compareEvents(now, sim);
  });

  site('the power of a station is cut in mid-charge, flash write torn: the transaction goes on or ends, whole', {}, async ({ hub, sim }) => {
    await allCharge(sim);
    for (const how of ['power off', 'power off torn']) {
      await sim.do(how, 1);
      await sleep(1000);
      assert.ok(!(await sim.state(1)).contactor, 'no power, no contactor');
      await sim.do('power on', 1);
      await eventually('station 1 to be back', async () => (await sim.believed())[0].registered, 30000);
      await sleep(2000);
    }
    for (let i = 1; i <= 3; i++) await sim.do('unplug', i);
    await sleep(2000);
    await quiet(sim);
    await compareEvents(hub, sim);
  });

  site('the page in a browser: all stations, live numbers, nothing fetched from elsewhere', {}, async ({ hub, sim, dir }) => {
    const { chromium } = borrow('playwright-core');
    const profile = mkdtempSync(join(tmpdir(), 'ecs-chromium-'));
    let browser;
    try {
      browser = await chromium.launchPersistentContext(profile, {
        executablePath: CHROMIUM, headless: true, viewport: { width: 1280, height: 800 }, timeout: 60000,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
          '--disable-component-update', '--disable-sync'],
      });
      const page = browser.pages()[0] ?? await browser.newPage();
      const complaints = [];
      page.on('pageerror', (e) => complaints.push(`error: ${e.message}`));
      page.on('console', (m) => { if (m.type() === 'error') complaints.push(`console: ${m.text()}`); });
      page.on('request', (r) => {
        if (!/^(data|blob):/.test(r.url()) && new URL(r.url()).host !== `127.0.0.1:${hub.port}`) complaints.push(`fetched ${r.url()}`);
      });
      const reloads = [];
      page.on('load', () => reloads.push(1));
      await page.goto(`http://127.0.0.1:${hub.port}/`, { waitUntil: 'load', timeout: 30000 });
      const text = () => page.evaluate(() => document.body.innerText);
      const shows = (what, ms = 10000) => eventually(`the page to show ${what}`, async () => {
        const t = await text();
        return what instanceof RegExp ? what.test(t) : t.includes(what);
      }, ms, 200);
      for (const id of ['CP1', 'CP2', 'CP3']) await shows(id);
      await shows(/\b40(\.0)?\s*A/);

      await allCharge(sim);
      await eventually('the page to tell the current of a phase as the world has it', async () => {
        const truth = Math.max(...(await sim.site()).site.amp);
        const numbers = ((await text()).match(/\d+(\.\d+)?/g) ?? []).map(Number);
        return truth > 30 && numbers.some((n) => Math.abs(n - truth) < 1);
      }, 20000, 300);
      const seen = new Set();
      // Meter values come every 5 s.
      for (let i = 0; i < 32 && seen.size < 3; i++) {
        seen.add(await text());
        await sleep(500);
      }
      assert.ok(seen.size >= 3, `the page showed ${seen.size} different texts in 16 s of charging`);
      await page.screenshot({ path: join(dir, 'hub.png'), fullPage: true });

      await hub.put('/site', { limit_a: 33 });
      await shows(/\b33(\.0)?\s*A/);
      await sim.do('unplug', 2);
      await eventually('the page to notice the unplugged car', async () => {
        const state = (await hub.get('/stations/CP2')).state;
        return state === 'available' && /available|free|ready/i.test(await text());
      }, 10000, 200);
      assert.equal(reloads.length, 1, 'live, not reloaded');
      assert.deepEqual(complaints, []);
    } finally {
      await browser?.close();
      rmSync(profile, { recursive: true, force: true });
    }
  });

  if (chosen === 0) throw new Error(`no test's name contains "${ONLY}"`);
});
