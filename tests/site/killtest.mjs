// killtest: kill -9 at random instants, of ecs-sim during sessions (or, with --hub, of ecs-hub too), over and over; in the
// end the hub's database must have every transaction whole, from Started to Ended, no seqNo missing or there twice, and the
// energy of each within 1 Wh of what the simulated world has truly delivered (world.truth, linux/truth_file.h).
//   node tests/site/killtest.mjs [--kills 200] [--seed 1] [--processes 4] [--stations 2] [--hub]
// Last line: "killtest: N kills, M lost"; exit code 1 if M is not 0, or if too little happened to tell; 2: wrong options.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lintText } from '../lint/rules.mjs';
import { eventually, folder, freePort, Program, request, sleep } from '../peer/program.mjs';
import { Hub } from './hub.mjs';

const { values: option } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '4' },
    stations: { type: 'string', default: '2' },
    hub: { type: 'boolean', default: false },
  },
});
for (const name of ['kills', 'seed', 'processes', 'stations']) {
  if (!/^[1-9]\d{0,8}$/.test(option[name])) {
    console.error(`killtest: --${name} wants a whole number from 1, not "${option[name]}"`);
    process.exit(2);
  }
}
const KILLS = Number(option.kills);
const PROCESSES = Math.min(Number(option.processes), KILLS);
const STATIONS = Number(option.stations);
const LIFE_MS = 7000; // of one process, at most
const TRUE_WH = 1; // the requirement's figure
const SLACK_MS = 300; // between the stations' clocks, set by the hub's answers, and this machine's

// mulberry32: the same seed, the same lives (instants still depend on the machine)
let state = Number(option.seed) >>> 0;
function chance() {
  state = (state + 0x6D2B79F5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const between = (a, b) => a + (b - a) * chance();
const s = (x) => `${x.toFixed(2)}s`;

const problems = [];
let tooFew = false;
const lost = (text) => { problems.push(text); console.log(`  LOST ${text}`); };

// What happens in one life of a process: cars come, charge, are stopped or pulled, the network goes.
function life(stations) {
  const lines = [];
  for (let i = 1; i <= stations; i++) {
    const at = (t, what) => lines.push([t, `${i} ${what}`]);
    at(0, 'car ramp_a_per_s 100');
    at(0, 'car start_s 0.05');
    let t = between(0.1, 1);
    at(t, 'plug');
    if (chance() < 0.5) at(t + 0.05, `token CARD${i}`);
    t += between(1.5, 4);
    const end = chance();
    if (end < 0.35) at(t, 'unplug');
    else if (end < 0.5) at(t, 'ready off');
    else if (end < 0.6) at(t, 'button hold 2500ms');
    if (end < 0.35 && chance() < 0.7) at(t + between(0.3, 0.8), 'plug');
    if (chance() < 0.3) {
      const off = between(0.3, 5);
      at(off, 'network off');
      if (chance() < 0.5) at(off + between(0.2, 2), 'network on');
    }
  }
  lines.sort((a, b) => a[0] - b[0]);
  return `${lines.map(([t, what]) => `at ${s(t)} ${what}`).join('\n')}\n`;
}

const began = performance.now();
const dir = folder('killtest', option.hub ? 'hub' : 'sim');
let hubPort;
let hub;
let hubKills = 0;
let kills = 0;
let over = false;

const startHub = () => Hub.start({ dir, limit: 1000, port: hubPort });

// One process. Its frames are added to those of the lives before, on one time line, so that they can be judged as a whole.
function start(name, life_, more = []) {
  const file = join(dir, `${name}.scenario`);
  const frames = join(dir, `${name}.life`);
  writeFileSync(file, life_);
  const set = ['backoff_min=1', 'backoff_random=0', 'backoff_repeats=0', 'tx_updated_interval=1', 'tx_retry_interval=1'];
  const program = new Program('ecs-sim', ['--url', `ws://127.0.0.1:${hubPort}/ocpp`, '--id', `${name}-1`, '--stations', String(STATIONS),
    '--state-dir', join(dir, 'state'), '--scenario', file, '--keep-running', '--quiet', '--frame-log', frames,
    ...set.flatMap((x) => ['--set', x]), ...more], { dir, tag: name });
  program.born = (performance.now() - began) / 1000;
  return program;
}

const open = new Set(); // stations whose connection stood when their process was killed

function collect(name, born) {
  const file = join(dir, `${name}.life`);
  if (!existsSync(file)) return; // killed before it had opened it
  const lines = [...open].filter((id) => id.startsWith(`${name}-`)).map((station) => ({ t: born, station, event: 'close' }));
  for (const { station } of lines) open.delete(station);
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) { // the last one may be cut short
    const entry = JSON.parse(line);
    entry.t += born;
    if (entry.event === 'open') open.add(entry.station);
    if (entry.event === 'close') open.delete(entry.station);
    lines.push(entry);
  }
  appendFileSync(join(dir, `${name}.frames`), lines.map((l) => `${JSON.stringify(l)}\n`).join(''));
  rmSync(file);
}

async function killSims(name, count) {
  for (let n = 0; n < count; n++) {
    const program = start(name, life(STATIONS));
    // Most lives end in a session, some in the start-up that recovers from the kill before.
    const ms = chance() < 0.2 ? between(0, 600) : between(600, LIFE_MS);
    await Promise.race([sleep(ms), program.exited]);
    if (!program.running) throw new Error(`${name} ended by itself: ${JSON.stringify(program.how)} ${program.text.slice(-1500)}`);
    await program.kill();
    collect(name, program.born);
    kills++;
    if (kills % 10 === 0) console.log(`  ${kills} kills${option.hub ? `, ${hubKills} of the hub` : ''}`);
  }
}

async function killHub() {
  while (!over) {
    await sleep(between(500, 5000));
    if (over) return;
    await hub.program.kill();
    hubKills++;
    await sleep(between(0, 1500));
    hub = await startHub();
  }
}

// The last life: no car; it ends when everything has been told.
async function flush(name) {
  const control = await freePort();
  const program = start(name, 'at 0s * unplug\n', ['--control', String(control)]);
  try {
    await eventually(`${name} to have told everything`, async () => {
      if (!program.running) throw new Error(`it ended: ${program.text.slice(-800)}`);
      const all = (await request(control, 'GET', '/stations')).json;
      return all.every((b) => b.registered && b.queued === 0 && !b.transaction && b.state === 'Idle');
    }, 60000, 200);
  } finally {
    await program.stop();
  }
  collect(name, program.born);
  const log = join(dir, `${name}.frames`);
  const { problems: found } = lintText(readFileSync(log, 'utf8'), { only: 'station', complete: true });
  // An answer that came in the last moment before a kill may not have been noted: the event goes out once more.
  const wrong = found.filter((p) => !(p.rule === 'tx-seq' && p.text.includes('although it was answered')));
  for (const p of wrong.slice(0, 5)) lost(`${log}:${p.line}: ${p.rule}: ${p.text}`);
}

function truthOf(id) {
  const file = join(dir, 'state', id, 'world.truth');
  if (!existsSync(file)) return [];
  const d = readFileSync(file);
  return Array.from({ length: Number(d.readBigUInt64LE(8)) }, (_, i) => ({
    from: Number(d.readBigInt64LE(16 + 24 * i)), wh: d.readDoubleLE(32 + 24 * i),
  }));
}

async function transactionsOf(id) {
  const all = [];
  for (;;) {
    const { transactions } = await hub.get(`/transactions?station=${id}&limit=200&offset=${all.length}`);
    all.push(...transactions);
    if (transactions.length < 200) return all.reverse(); // oldest first
  }
}

// A station that is killed before it has found the hub never learns what time it was: such a transaction is stamped with
// the next start. Then only the order is certain: consecutive records belong to consecutive transactions, in the way
// that leaves the least difference.
function matchInOrder(list, truth) {
  list.sort((a, b) => a.start_wh - b.start_wh || Date.parse(a.started) - Date.parse(b.started));
  const best = [[{ cost: 0 }, ...truth.map(() => ({ cost: Infinity }))]];
  for (const [i, t] of list.entries()) {
    best.push([]);
    for (let j = 0; j <= truth.length; j++) {
      best[i + 1][j] = { cost: Infinity };
      for (let k = j, wh = 0; k >= 0; wh += k > 0 ? truth[k - 1].wh : 0, k--) {
        const cost = best[i][k].cost + Math.abs(t.energy_wh - wh) ** 2;
        if (cost < best[i + 1][j].cost) best[i + 1][j] = { cost, k };
      }
    }
  }
  for (let i = list.length, j = truth.length; i > 0; i--) {
    const { k } = best[i][j];
    for (let n = k; n < j; n++) truth[n].transaction = list[i - 1];
    j = k;
  }
}

async function check(id) {
  const truth = truthOf(id);
  const list = (await transactionsOf(id)).sort((a, b) => Date.parse(a.started) - Date.parse(b.started));
  if (option.hub) matchInOrder(list, truth);
  // The contactor closes half a second and more after its transaction has started, and never without one.
  else for (const r of truth) r.transaction = list.findLast((t) => Date.parse(t.started) <= r.from + SLACK_MS);
  const sum = { transactions: list.length, energy: 0, truth: 0, worst: 0 };
  for (const t of list) {
    const events = (await hub.get(`/transactions/${encodeURIComponent(t.id)}?station=${id}`)).event_list;
    const seqs = events.map((e) => e.seq).sort((a, b) => a - b);
    const name = `${id} ${t.id}`;
    if (new Set(seqs).size !== seqs.length) lost(`${name}: a seqNo is there twice: ${seqs}`);
    if (seqs.some((seq, k) => seq !== k)) lost(`${name}: a seqNo is missing: ${seqs}`);
    const type = (seq) => events.find((e) => e.seq === seq)?.type;
    if (type(0) !== 'Started') lost(`${name}: no Started`);
    if (type(seqs.at(-1)) !== 'Ended' || !t.ended) lost(`${name}: no Ended`);
    if (events.filter((e) => e.type === 'Started').length > 1 || events.filter((e) => e.type === 'Ended').length > 1) {
      lost(`${name}: more than one Started or Ended`);
    }
    const wh = truth.filter((r) => r.transaction === t).reduce((a, r) => a + r.wh, 0);
    const off = t.energy_wh - wh;
    sum.energy += t.energy_wh;
    sum.truth += wh;
    sum.worst = Math.max(sum.worst, Math.abs(off));
    if (!(Math.abs(off) <= TRUE_WH)) {
      lost(`${name}: ${t.energy_wh} Wh, truly ${wh.toFixed(3)} Wh, from ${t.started} to ${t.ended}, ${t.stopped_reason}`);
    }
  }
  for (const r of truth) if (!r.transaction && r.wh > 0.01) lost(`${id}: ${r.wh.toFixed(3)} Wh at ${new Date(r.from).toISOString()} without a transaction`);
  return sum;
}

hubPort = await freePort();
try {
  hub = await startHub();
  const names = Array.from({ length: PROCESSES }, (_, i) => `K${i + 1}`);
  const hubKiller = option.hub ? killHub() : null;
  await Promise.all(names.map((name, i) => killSims(name, Math.floor(KILLS / PROCESSES) + (i < KILLS % PROCESSES ? 1 : 0))));
  over = true;
  await hubKiller;
  await Promise.all(names.map(flush));
  await hub.stop(); // what counts is what its file has
  hub = await startHub();
  const total = { transactions: 0, energy: 0, truth: 0, worst: 0 };
  for (const name of names) {
    for (let k = 1; k <= STATIONS; k++) {
      const sum = await check(STATIONS > 1 ? `${name}-${k}` : `${name}-1`);
      total.transactions += sum.transactions;
      total.energy += sum.energy;
      total.truth += sum.truth;
      total.worst = Math.max(total.worst, sum.worst);
    }
  }
  await hub.stop();
  if (total.transactions < KILLS / 4) {
    tooFew = true;
    console.log(`  TOO FEW transactions, ${total.transactions}, to tell anything: more kills, please (or this machine is too busy)`);
  }
  console.log(`  ${total.transactions} transactions, ${total.energy.toFixed(1)} Wh, truly ${total.truth.toFixed(1)} Wh;`
    + ` at most ${total.worst.toFixed(2)} Wh off in one; ${((performance.now() - began) / 1000).toFixed(0)} s`);
} catch (e) {
  lost(e.stack ?? String(e));
} finally {
  over = true;
  if (hub?.program.running) await hub.program.kill();
}
console.log(`killtest: ${kills + hubKills} kills, ${problems.length} lost`);
process.exit(problems.length || tooFew ? 1 : 0);
