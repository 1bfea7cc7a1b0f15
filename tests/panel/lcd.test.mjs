// The display of a running simulation: GET /lcd.png and the page around it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually, folder, freePort, Program, request } from '../peer/program.mjs';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

test('the display follows the station, its button and its power', async (t) => {
  const port = await freePort();
  const nobody = await freePort();
  const sim = new Program('ecs-sim', ['--url', `ws://127.0.0.1:${nobody}/ocpp`, '--id', 'CP1', '--stations', '2', '--set', 'station_name=Twin',
    '--control', String(port)], { dir: folder('panel', 'lcd') });
  t.after(() => sim.kill());
  const lcd = async (query = '') => {
    const answer = await fetch(`http://127.0.0.1:${port}/lcd.png${query}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'image/png');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.deepEqual(bytes.subarray(0, 8), PNG);
    assert.equal(bytes.readUInt32BE(16), 320);
    assert.equal(bytes.readUInt32BE(20), 240);
    return bytes;
  };
  const act = (verb, station = 1) => request(port, 'POST', '/do', { station, verb });
  const state = async (want) => eventually(`state ${want}`, async () => (
    (await request(port, 'GET', '/stations')).json[0].state === want), 30000);

  await eventually('ecs-sim to answer', () => request(port, 'GET', '/stations'), 20000);
  // At rest and with the mains measured, both show the same.
  const settled = () => eventually('both displays to be at rest', async () => {
    const [one, two] = [await lcd(), await lcd('?station=2')];
    const { volt } = (await request(port, 'GET', '/stations')).json[0];
    return volt[2] > 200 && one.equals(two) && one;
  }, 30000);
  await state('Idle');
  const ready = await settled();
  assert.deepEqual(await lcd('?t=17&station=1'), ready, 'a picture of the same moment is the same');

  await act('set language ar');
  const arabic = await lcd();
  assert.notDeepEqual(arabic, ready);
  assert.deepEqual(await lcd('?station=2'), ready, 'the other station still speaks English');
  await act('set language en');

  await act('button press 200ms');
  const page = await eventually('the first page', async () => {
    const now = await lcd();
    return !now.equals(ready) && now;
  });
  await act('button press 200ms');
  await eventually('the second page', async () => {
    const now = await lcd();
    return !now.equals(ready) && !now.equals(page);
  });

  await act('plug', 2);
  await eventually('another screen at station 2', async () => !(await lcd('?station=2')).equals(ready));

  await act('power off');
  const dark = await lcd();
  assert.ok(dark.length < 1000, 'without power the display is dark');
  await act('power on');
  await state('Idle');
  await eventually('the first screen again', async () => (await lcd()).equals(ready));

  for (const query of ['?station=0', '?station=3', '?station=x', '?station=']) {
    assert.equal((await request(port, 'GET', `/lcd.png${query}`, undefined, { any: true })).status, 404, query);
  }
  await sim.stop();
});

test('the page and its files are there', async (t) => {
  const port = await freePort();
  const sim = new Program('ecs-sim', ['--url', 'ws://127.0.0.1:9/ocpp', '--id', 'CP1', '--control', String(port)],
    { dir: folder('panel', 'page') });
  t.after(() => sim.kill());
  const index = await eventually('ecs-sim to answer', () => request(port, 'GET', '/'), 20000);
  assert.match(index.headers['content-type'], /^text\/html/);
  for (const [, file] of index.text.matchAll(/(?:href|src)="(\/sim\.[a-z]+)"/g)) await request(port, 'GET', file);
  // Each verb on the page's buttons is one that the simulator knows.
  const known = (verb) => request(port, 'POST', '/do', { station: 1, verb }, { any: true });
  for (const [, verb] of index.text.matchAll(/data-verb="([^"]+)"/g)) {
    if (/^power|^fault none/.test(verb)) continue;
    const { status, json } = await known(verb);
    assert.ok(status === 200 || !/unknown|no verb|is not a verb/i.test(json.error), `${verb}: ${json?.error}`);
  }
  const script = (await request(port, 'GET', '/sim.js')).text;
  const faults = script.slice(script.indexOf('FAULTS = {'), script.indexOf('};'));
  const names = [...faults.matchAll(/(?:^|[\s{,])'?([a-z_]+(?: \d)?)'?: '/g)].map((m) => m[1]);
  assert.ok(names.length >= 10, names.join(' '));
  for (const name of names) assert.equal((await known(`fault ${name} off`)).status, 200, name);
  await sim.stop();
});
