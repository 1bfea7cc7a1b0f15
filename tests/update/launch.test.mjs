// Firmware updates for real: ecs-launch starts the program that is in the slot, an update brings another one, and what must
// not stay comes back. And the same in an ecs-sim without launcher, where the slots are emulated.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Csms } from '../peer/csms.mjs';
import { bin, eventually, folder, freePort, Program, ROOT } from '../peer/program.mjs';
import { Sim } from '../peer/sim.mjs';

const KEY = join(ROOT, 'tests/update/keys/test-signing.key');
// 20 s is the shortest probation there is: a good one is confirmed after a second.
const QUICK = ['update_probation=20', 'backoff_min=1', 'backoff_random=0', 'backoff_repeats=0'];
const GOOD = ['Downloading', 'Downloaded', 'SignatureVerified', 'Installing', 'InstallRebooting', 'Installed'];
const BACK = [...GOOD.slice(0, -1), 'InstallationFailed'];

let files; // { url, serve(name, path), requests }
let requestId = 100;

function fileServer() {
  const known = new Map();
  const server = http.createServer((req, res) => {
    const path = known.get(req.url.slice(1));
    if (!path) {
      res.writeHead(404).end();
      return;
    }
    const body = readFileSync(path);
    const range = /^bytes=(\d+)-$/.exec(req.headers.range ?? '');
    const from = range ? Number(range[1]) : 0;
    const head = { etag: `"${body.length}"`, 'content-length': body.length - from };
    if (range) head['content-range'] = `bytes ${from}-${body.length - 1}/${body.length}`;
    res.writeHead(range ? 206 : 200, head);
    res.end(body.subarray(from));
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done({
      url: `http://127.0.0.1:${server.address().port}`,
      serve: (name, path) => known.set(name, path),
      close: () => { server.closeAllConnections(); server.close(); },
    }));
  });
}

before(async () => { files = await fileServer(); });
after(() => files.close());

function makeImage(dir, name, image, version, more = []) {
  const out = join(dir, `${name}.img`);
  execFileSync(bin('ecs-image'), ['make', '--image', image, '--version', version, '--key', KEY, '--out', out, ...more]);
  files.serve(name, out);
  return out;
}

const statuses = (csms, id) =>
  csms.of('FirmwareStatusNotification').filter((c) => c.payload.requestId === id).map((c) => c.payload.status);

async function update(csms, name) {
  const id = ++requestId;
  const answer = await csms.call('CP1', 'UpdateFirmware', {
    requestId: id, retries: 1, retryInterval: 1,
    firmware: { location: `${files.url}/${name}`, retrieveDateTime: new Date(Date.now() - 7200000).toISOString() },
  });
  assert.equal(answer.status, 'Accepted');
  return id;
}

const ended = (csms, id, ms) => csms.until(`the end of update ${id}`, () =>
  ['Installed', 'InstallationFailed', 'InstallVerificationFailed', 'InvalidSignature', 'DownloadFailed']
    .includes(statuses(csms, id).at(-1)), ms);

async function boot(csms, since, version) {
  const b = await csms.next('BootNotification', { since, ms: 30000, what: `of ${version}`,
    fits: (p) => p.chargingStation.firmwareVersion === version });
  return b.payload.reason;
}

async function launch(dir, csms) {
  const control = await freePort();
  const set = QUICK.flatMap((s) => ['--set', s]);
  const program = new Program('ecs-launch', ['--dir', join(dir, 'flash'), '--', '--url', csms.url, '--id', 'CP1',
    '--state-dir', join(dir, 'state'), '--control', String(control), ...set], { dir, tag: 'ecs-launch' });
  return program;
}

function factory(dir) {
  const first = makeImage(dir, 'first', bin('ecs-sim'), '0.1.0');
  execFileSync(bin('ecs-launch'), ['--dir', join(dir, 'flash'), '--install', first]);
}

test('launcher: another program runs after the update, a bad one does not stay', async () => {
  const dir = folder('update', 'launcher');
  factory(dir);
  makeImage(dir, 'next', bin('ecs-sim-next'), '2.0.0-next');
  const crash = join(dir, 'crash.sh');
  writeFileSync(crash, '#!/bin/sh\nkill -SEGV $$\n');
  chmodSync(crash, 0o700);
  makeImage(dir, 'crash', crash, '3.0.0');
  const late = join(dir, 'late.sh'); // it starts, it even connects, and dies before it has proved itself
  writeFileSync(late, `#!/bin/sh\n${bin('ecs-sim')} "$@" --set update_probation=3600 &\npid=$!\nsleep 4\nkill -KILL $pid\nkill -KILL $$\n`);
  makeImage(dir, 'late', late, '3.1.0');
  const deaf = join(dir, 'deaf.sh');
  writeFileSync(deaf, `#!/bin/sh\nexec ${bin('ecs-sim')} "$@" --url ws://127.0.0.1:9/\n`);
  makeImage(dir, 'deaf', deaf, '3.2.0');

  const csms = await Csms.open();
  const program = await launch(dir, csms);
  try {
    let since = csms.mark;
    await boot(csms, 0, '0.1.0-sim');

    let id = await update(csms, 'next');
    await ended(csms, id, 60000);
    assert.deepEqual(statuses(csms, id), GOOD);
    assert.equal(await boot(csms, since, '2.0.0-next'), 'FirmwareUpdate');
    await csms.next('SecurityEventNotification', { since, fits: (p) => p.type === 'FirmwareUpdated' });
    assert.ok(csms.of('NotifyEvent', since).some((c) => c.payload.eventData.some((e) =>
      e.component.name === 'Firmware' && e.variable.name === 'Progress')), 'progress was told');

    for (const bad of ['crash', 'late', 'deaf']) {
      since = csms.mark;
      id = await update(csms, bad);
      await ended(csms, id, 90000);
      assert.deepEqual(statuses(csms, id), BACK, bad);
      assert.equal(await boot(csms, since, '2.0.0-next'), 'FirmwareUpdate', bad);
    }
    const why = await csms.call('CP1', 'GetVariables', { getVariableData: [
      { component: { name: 'Firmware' }, variable: { name: 'Failure' } }] });
    assert.match(why.getVariableResult[0].attributeValue, /no connection to the server/);

    const text = execFileSync(bin('ecs-launch'), ['--help']).toString();
    assert.match(text, /Exit codes/);
    assert.deepEqual(csms.problems, []);
  } finally {
    await program.stop();
    await csms.close();
  }
  const inspected = execFileSync(bin('ecs-launch'), ['--dir', join(dir, 'flash'), '--inspect']).toString();
  assert.match(inspected, /slot 1: 2\.0\.0-next/);
  assert.match(inspected, /next start: slot 1$/m);
});

test('without launcher: emulated slots, the version and the ends are those of the image', async () => {
  const dir = folder('update', 'emulated');
  const plain = join(dir, 'plain');
  writeFileSync(plain, Buffer.alloc(300000, 'firmware '));
  makeImage(dir, 'plain', plain, '2.0.0');
  const panic = join(dir, 'panic');
  writeFileSync(panic, 'ecs-sim firmware\npanic after 1 s\n');
  makeImage(dir, 'panic', panic, '3.0.0');
  makeImage(dir, 'board', plain, '4.0.0', ['--board', 'OTHER']);
  const small = join(dir, 'small'); // each sector takes a second while the contactor is closed
  writeFileSync(small, Buffer.alloc(30000, 'small '));
  makeImage(dir, 'good', small, '4.1.0');
  const cut = readFileSync(makeImage(dir, 'whole', plain, '4.1.0')).subarray(0, 200000);
  writeFileSync(join(dir, 'cut'), cut);
  files.serve('cut', join(dir, 'cut'));
  const huge = join(dir, 'huge');
  writeFileSync(huge, Buffer.alloc(0x1d0000 - 4096 + 1, 'x'));
  makeImage(dir, 'huge', huge, '4.2.0');

  const csms = await Csms.open();
  const sim = await Sim.start({ dir, url: csms.url, set: QUICK });
  try {
    await boot(csms, 0, '0.1.0-sim');
    let since = csms.mark;
    let id = await update(csms, 'plain');
    await ended(csms, id, 60000);
    assert.deepEqual(statuses(csms, id), GOOD);
    assert.equal(await boot(csms, since, '2.0.0'), 'FirmwareUpdate');
    for (const [name, want] of [['panic', BACK], ['board', ['Downloading', 'InstallVerificationFailed']],
      ['cut', ['Downloading', 'DownloadFailed']], ['huge', ['Downloading', 'InstallVerificationFailed']],
      ['nothing', ['Downloading', 'DownloadFailed']]]) {
      id = await update(csms, name);
      await ended(csms, id, 60000);
      assert.deepEqual(statuses(csms, id), want, name);
    }
    const last = csms.of('BootNotification').at(-1).payload.chargingStation.firmwareVersion;
    assert.equal(last, '2.0.0');

    // With a car on the wire it downloads and waits; not a reboot before it has gone.
    since = csms.mark;
    await sim.do('plug');
    await sim.do('token T1');
    await sim.until('the contactor to close', (s) => s.contactor_closed ?? s.contactor, 20000);
    id = await update(csms, 'good');
    await csms.until('the image to be here', () => statuses(csms, id).includes('SignatureVerified'), 60000);
    await csms.until('it to wait', () => statuses(csms, id).at(-1) === 'InstallScheduled', 5000);
    assert.equal(csms.of('BootNotification', since).length, 0);
    await sim.do('unplug');
    await ended(csms, id, 60000);
    assert.equal(statuses(csms, id).at(-1), 'Installed');
    await boot(csms, since, '4.1.0');
    assert.deepEqual(csms.problems, []);
  } finally {
    await sim.stop();
    await csms.close();
  }
  sim.lint();
});

test('ecs-image: makes, signs, inspects, verifies, and says what is wrong', () => {
  const dir = folder('update', 'image');
  const run = (args) => {
    try {
      return { code: 0, text: execFileSync(bin('ecs-image'), args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] }).toString() };
    } catch (e) {
      return { code: e.status, text: `${e.stdout}${e.stderr}` };
    }
  };
  writeFileSync(join(dir, 'bin'), 'an image');
  assert.equal(run(['keygen', '--out', 'own.pem']).code, 0);
  assert.equal(statSync(join(dir, 'own.pem')).mode & 0o777, 0o600);
  assert.equal(run(['keygen', '--out', 'own.pem']).code, 3); // never over an existing key
  const half = run(['public', 'own.pem', '--out', 'own.pub']);
  assert.equal(half.code, 0);
  const jwk = createPublicKey(readFileSync(join(dir, 'own.pub'))).export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
  assert.deepEqual(Buffer.from(half.text.match(/0x[0-9a-f]{2}/g).map(Number)), point); // the header's form says the same
  assert.equal(run(['public', 'own.pem', '--out', 'own.pub']).code, 3); // never over an existing file
  assert.equal(run(['public', 'own.pem', '--out', 'no/such/folder']).code, 3);
  assert.equal(run(['make', '--image', 'bin', '--version', '1.2.3', '--key', KEY, '--out', 'a.img', '--security', '7']).code, 0);
  const seen = run(['inspect', 'a.img']);
  assert.match(seen.text, /version +1\.2\.3/);
  assert.match(seen.text, /security +7/);
  assert.equal(run(['verify', 'a.img']).code, 0);
  assert.equal(run(['verify', 'a.img', '--public', 'own.pub']).code, 1);
  assert.equal(run(['sign', 'a.img', '--key', 'own.pem']).code, 0);
  assert.equal(run(['verify', 'a.img']).code, 1);
  assert.equal(run(['verify', 'a.img', '--public', 'own.pub']).code, 0);
  const bytes = readFileSync(join(dir, 'a.img'));
  for (const at of [3, 50, 100, 200, bytes.length - 1]) {
    const bad = Buffer.from(bytes);
    bad[at] ^= 1;
    writeFileSync(join(dir, 'bad.img'), bad);
    assert.equal(run(['verify', 'bad.img', '--public', 'own.pub']).code, 1, `byte ${at}`);
  }
  writeFileSync(join(dir, 'bad.img'), bytes.subarray(0, 100));
  assert.equal(run(['inspect', 'bad.img']).code, 1);
  for (const args of [[], ['what'], ['make'], ['inspect'], ['verify', 'a', 'b'], ['make', '--what'],
    ['make', '--image', 'bin', '--version', '1.2', '--key', KEY, '--out', 'x'], ['make', '--security', '-1']]) {
    assert.equal(run(args).code, 2, args.join(' '));
  }
  assert.equal(run(['inspect', 'not there']).code, 3);
  assert.equal(run(['make', '--image', 'bin', '--version', '1.2.3', '--key', 'bin', '--out', 'x']).code, 3);
  assert.match(run(['--help']).text, /Exit codes/);
});
