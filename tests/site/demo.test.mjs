// The demo is what a newcomer runs first: it must end by itself, keep its promises, and tell the truth in its summary.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { lintText } from '../lint/rules.mjs';
import { eventually, ROOT, sleep } from '../peer/program.mjs';

const SECONDS = 40;
const LIMIT_A = 32;
const demo = (env) => spawnSync('bash', ['scripts/demo.sh'], {
  cwd: ROOT, encoding: 'utf8', timeout: (SECONDS + 40) * 1000, env: { ...process.env, DEMO_SECONDS: String(SECONDS), ...env },
});
const summary = join(ROOT, 'build/demo/summary.json');

test(`make demo for ${SECONDS} s: all charge, the limit holds, the summary is right, what it tells to type works`, async () => {
  rmSync(summary, { force: true });
  const run = spawn('bash', ['scripts/demo.sh'], { cwd: ROOT, env: { ...process.env, DEMO_SECONDS: String(SECONDS) } });
  let out = '';
  for (const stream of [run.stdout, run.stderr]) stream.on('data', (d) => { out += d; });
  const ended = new Promise((done) => { run.on('close', done); });
  const late = setTimeout(() => run.kill('SIGKILL'), (SECONDS + 40) * 1000);

  // As a newcomer would: look at the page, and once all have charged pull a plug with the very line that is shown.
  await eventually('the hub\'s address', () => /http:\/\/127\.0\.0\.1:\d+\//.test(out), 20000);
  const page = await fetch(/http:\/\/127\.0\.0\.1:\d+\//.exec(out)[0]);
  assert.ok(page.ok && /<html/i.test(await page.text()));
  const hint = /curl .*\/unplug$/m.exec(out)?.[0];
  assert.ok(hint, `no line to pull a plug in:\n${out.slice(0, 1500)}`);
  await sleep((SECONDS - 8) * 1000);
  assert.equal(execFileSync('bash', ['-c', hint.replace('curl', 'curl -s')], { encoding: 'utf8' }), '{"ok":true}\n');

  const status = await ended;
  clearTimeout(late);
  assert.equal(status, 0, `exit ${status}\n${out.slice(-3000)}`);
  const s = JSON.parse(readFileSync(summary, 'utf8'));
  assert.deepEqual(Object.keys(s).sort(),
    ['charged', 'max_phase_a', 'messages', 'reconnects', 'site_limit_a', 'stations', 'violations']);
  assert.equal(s.stations, 3);
  assert.equal(s.charged, 3);
  assert.equal(s.site_limit_a, LIMIT_A);
  assert.equal(s.violations, 0);
  assert.equal(s.reconnects, 0);
  // Three cars want 80 A of phase 1: a site that shares well uses most of its limit, and never more.
  assert.ok(s.max_phase_a > 0.8 * LIMIT_A && s.max_phase_a <= LIMIT_A + 0.5, `max_phase_a ${s.max_phase_a}`);
  const { frames, problems } = lintText(readFileSync(join(ROOT, 'build/demo/frames.log'), 'utf8'));
  assert.deepEqual(problems.map((p) => `frames.log:${p.line}: ${p.rule}: ${p.text}`), []);
  assert.equal(s.messages, frames, 'messages counts the frames on the wire');
});

test('the demo fails when a promise is not kept: too short for anyone to charge', () => {
  const run = demo({ DEMO_SECONDS: '2' });
  assert.equal(run.status, 1, run.stdout.slice(-2000));
  assert.match(run.stderr, /0 of 3 stations have charged/);
  assert.equal(JSON.parse(readFileSync(summary, 'utf8')).charged, 0);
});

test('a wrong DEMO_SECONDS is said', () => {
  const run = demo({ DEMO_SECONDS: 'soon' });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /DEMO_SECONDS/);
});
