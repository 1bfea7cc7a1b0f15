// The hub's page where it deals with logs and firmware, in a real browser, with a station that does what is told here;
// then the same through the API with a simulated station that runs the real thing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { borrow } from '../peer/borrowed.mjs';
import { bin, eventually, folder, ROOT } from '../peer/program.mjs';
import { Sim } from '../peer/sim.mjs';
import { Hub } from './hub.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

// A station that answers as a good one, and sends and fetches when the test says so.
class Scripted {
  constructor(hub) {
    const { RPCClient } = borrow('ocpp-rpc');
    this.asked = {};
    this.client = new RPCClient({ endpoint: hub.url, identity: 'CP1', protocols: ['ocpp2.0.1'], strictMode: false });
    for (const action of ['GetLog', 'UpdateFirmware'])
      this.client.handle(action, ({ params }) => {
        this.asked[action] = params;
        return { status: 'Accepted' };
      });
    this.client.handle(() => ({ status: 'Accepted' }));
  }
  async start() {
    await this.client.connect();
    await this.boot('1.0.0');
  }
  boot(firmwareVersion) {
    return this.client.call('BootNotification', { reason: 'PowerUp', chargingStation: { model: 'ECSACP1', vendorName: 'Test', firmwareVersion } });
  }
  lines(lines) {
    return this.client.call('DataTransfer', { vendorId: 'ECSACP1', messageId: 'log', data: { boot: 'b001', lines } });
  }
  log(status) { return this.client.call('LogStatusNotification', { status, requestId: this.asked.GetLog.requestId }); }
  firmware(status) { return this.client.call('FirmwareStatusNotification', { status, requestId: this.asked.UpdateFirmware.requestId }); }
  progress(percent) {
    return this.client.call('NotifyEvent', { generatedAt: new Date().toISOString(), seqNo: 0, eventData: [{ eventId: percent, timestamp: new Date().toISOString(),
      trigger: 'Delta', actualValue: String(percent), eventNotificationType: 'CustomMonitor', component: { name: 'Firmware' }, variable: { name: 'Progress' } }] });
  }
}

test('logs and firmware on the page', { timeout: 150000 }, async () => {
  const { chromium } = borrow('playwright-core');
  const dir = folder('site', 'hub page'), profile = mkdtempSync(join(tmpdir(), 'ecs-chromium-'));
  const hub = await Hub.start({ dir });
  const station = new Scripted(hub);
  let browser;
  try {
    await station.start();
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM, headless: true, viewport: { width: 1280, height: 900 }, timeout: 60000, acceptDownloads: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
    const page = browser.pages()[0] ?? await browser.newPage();
    const complaints = [];
    page.on('pageerror', (e) => complaints.push(`error: ${e.message}`));
    page.on('console', (m) => { if (m.type() === 'error') complaints.push(`console: ${m.text()}`); });
    await page.goto(`http://127.0.0.1:${hub.port}/`, { waitUntil: 'load', timeout: 30000 });
    const shows = (selector, what) => eventually(`${selector} to show ${what}`, async () => {
      const t = await page.locator(selector).innerText().catch(() => '');
      return what.test(t);
    }, 10000, 100);
    const hides = (selector, what) => eventually(`${selector} not to show ${what}`, async () => !what.test(await page.locator(selector).innerText()), 10000, 100);

    // The log: live, and by level, module and text.
    await station.lines([{ n: 0, up_ms: 1000, level: 'info', module: 'net', text: 'connected <b>here</b>' }, { n: 1, up_ms: 1100, level: 'error', module: 'guard', text: 'tripped' }]);
    await page.locator('.show-log').click();
    await shows('#log-list', /tripped/);
    await shows('#log-list', /connected <b>here<\/b>/);
    await station.lines([{ n: 2, up_ms: 2000, level: 'warning', module: 'guard', text: 'came while you looked' }]);
    await shows('#log-list', /came while you looked/);
    await page.selectOption('#log-level', 'error');
    await hides('#log-list', /came while you looked/);
    await shows('#log-list', /tripped/);
    await page.selectOption('#log-level', '');
    await page.fill('#log-module', 'net');
    await hides('#log-list', /tripped/);
    await shows('#log-list', /connected/);
    await page.fill('#log-module', '');
    await page.fill('#log-text', 'LOOKED');
    await hides('#log-list', /tripped/);
    await page.fill('#log-text', '');
    await page.fill('#log-since', '2040-01-01T00:00');
    await hides('#log-list', /tripped/);
    await page.fill('#log-since', '');
    await shows('#log-list', /tripped/);

    // A log file.
    await page.click('[data-getlog="DiagnosticsLog"]');
    await eventually('GetLog', () => station.asked.GetLog);
    assert.equal(station.asked.GetLog.logType, 'DiagnosticsLog');
    await station.log('Uploading');
    await shows('#files-state', /on its way/);
    const put = await fetch(`${station.asked.GetLog.log.remoteLocation}/diagnostics.tar`, { method: 'PUT', body: 'the log' });
    assert.equal(put.status, 201);
    await station.log('Uploaded');
    await shows('#files', /diagnostics[^]*7 B · here/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#files a')]);
    assert.equal(download.suggestedFilename(), 'CP1-diagnostics.tar');
    await page.screenshot({ path: join(dir, 'log.png') });
    await page.click('#log .icon');

    // Firmware: from a file to the hub, from the hub to the station, with what it tells.
    const image = join(dir, 'ecs acp1-1.1.bin');
    writeFileSync(image, Buffer.alloc(300000, 7));
    await page.locator('.show-firmware').click();
    await shows('#firmware-now', /ECSACP1 1\.0\.0/);
    await page.setInputFiles('#image-file', image);
    await page.click('#upload-form button');
    await shows('#upload-state', /ecs_acp1-1\.1\.bin is on the hub/);
    await eventually('the image to be chosen', async () => await page.inputValue('#image') === 'ecs_acp1-1.1.bin');
    await page.click('#update-form .primary');
    await eventually('UpdateFirmware', () => station.asked.UpdateFirmware);
    const fetched = await fetch(station.asked.UpdateFirmware.firmware.location, { headers: { range: 'bytes=100000-' } });
    assert.equal(fetched.status, 206);
    assert.equal((await fetched.arrayBuffer()).byteLength, 200000);
    await station.firmware('Downloading');
    await station.progress(42);
    await shows('#update-state', /downloading 42 %/);
    await shows('.fw-row', /downloading 42 %/);
    assert.equal(await page.getAttribute('#update .bar', 'aria-valuenow'), '34');
    await page.screenshot({ path: join(dir, 'firmware.png') });
    for (const [status, shown] of [['Downloaded', /downloaded/], ['SignatureVerified', /signature is good/], ['Installing', /installing/], ['InstallRebooting', /restarting/]]) {
      await station.firmware(status);
      await shows('#update-state', shown);
    }
    await station.boot('1.1.0');
    await station.firmware('Installed');
    await shows('#update-state', /installed/);
    await shows('#firmware-now', /1\.1\.0/);
    await shows('#updates', /installed[^]*ecs_acp1-1\.1\.bin/);
    // One that fails says why.
    await page.click('#update-form .primary');
    await eventually('a second update', async () => (await hub.get('/stations/CP1')).update.status === 'Accepted');
    await station.firmware('InvalidSignature');
    await shows('#update-state', /signature is wrong/);
    page.on('dialog', (d) => d.accept());
    await page.click('#image-delete');
    await eventually('the image to go', async () => (await hub.get('/firmware')).images.length === 0);
    await page.click('#firmware .icon');
    await shows('.fw-row', /signature is wrong/);
    await page.screenshot({ path: join(dir, 'page.png'), fullPage: true });
    assert.deepEqual(complaints, []);
  } finally {
    await browser?.close();
    await station.client.close().catch(() => {});
    await hub.stop();
    rmSync(profile, { recursive: true, force: true });
  }
});

test('a simulated station sends its log and is updated', { timeout: 150000 }, async () => {
  const dir = folder('site', 'hub updates');
  const hub = await Hub.start({ dir });
  let sim;
  try {
    sim = await Sim.start({ dir, url: hub.url, id: 'CP1', stations: 1 });
    await eventually('the station to be there', async () => (await hub.get('/stations')).stations.some((s) => s.connected), 20000);

    const lines = await eventually('lines of its log', async () => {
      const { entries } = await hub.get('/stations/CP1/log?kind=log');
      return entries.length >= 5 && entries;
    }, 30000);
    assert.ok(lines.every((e) => e.module && Math.abs(Date.parse(e.time) - Date.now()) < 120000));
    const text = lines.map((e) => `${e.time} ${e.text}`);
    assert.equal(new Set(text).size, text.length, 'no line came twice');

    for (const type of ['DiagnosticsLog', 'SecurityLog']) {
      assert.equal((await hub.post('/stations/CP1/getlog', { type })).result.status, 'Accepted');
      const file = await eventually(`${type} to be here`, async () => {
        const f = (await hub.get('/stations/CP1/files')).files[0];
        return f.type === type && f.status === 'Uploaded' && f;
      }, 20000);
      const r = await fetch(`http://127.0.0.1:${hub.port}${file.url}`);
      assert.equal(r.status, 200);
      assert.match(r.headers.get('content-disposition'), /^attachment; filename="CP1-/);
      const body = await r.text();
      assert.equal(body.length, file.size);
      if (type === 'DiagnosticsLog') assert.match(body, /^ECSACP1 diagnostics/);
    }

    writeFileSync(join(dir, 'program'), Buffer.concat([Buffer.from('ecs-sim firmware\n'), randomBytes(1500000)]));
    execFileSync(bin('ecs-image'), ['make', '--image', join(dir, 'program'), '--version', '9.9.9', '--key', join(ROOT, 'tests/update/keys/test-signing.key'),
      '--out', join(dir, 'image.bin')]);
    const image = readFileSync(join(dir, 'image.bin'));
    const put = (name, body) => fetch(`http://127.0.0.1:${hub.port}/api/v1/firmware/${name}`, { method: 'PUT', body });
    assert.equal((await put('good.bin', image)).status, 201);
    const update = async (name, ended) => {
      assert.equal((await hub.post('/stations/CP1/firmware', { image: name, retries: 2, retryInterval: 2 })).result.status, 'Accepted');
      const seen = new Set();
      const last = await eventually(`the update to end as ${ended}`, async () => {
        const u = (await hub.get('/stations/CP1')).update;
        seen.add(`${u.status} ${u.percent}`);
        return u.ended && u;
      }, 90000, 50);
      assert.equal(last.status, ended);
      return [...seen];
    };
    // One whose image is not what its manifest says: refused, nothing else happens.
    const spoilt = Buffer.from(image);
    spoilt[700000] ^= 1;
    await put('spoilt.bin', spoilt);
    const before = (await hub.get('/stations/CP1')).firmware;
    await update('spoilt.bin', 'InstallVerificationFailed');
    assert.equal((await hub.get('/stations/CP1')).firmware, before);
    await update('good.bin', 'Installed');
    const s = await hub.get('/stations/CP1');
    assert.equal(s.firmware, '9.9.9');
    assert.equal(s.update.percent, 100);
    const told = (await hub.get('/stations/CP1/log?kind=firmware&limit=50')).entries.map((e) => e.text).reverse();
    const of = told.slice(told.indexOf('InstallVerificationFailed') + 1).filter((t) => t !== 'DownloadScheduled');
    assert.deepEqual(of, ['Downloading', 'Downloaded', 'SignatureVerified', 'Installing', 'InstallRebooting', 'Installed']);
    await sim.stop();
    sim.lint({});
  } finally {
    if (sim?.program.running) await sim.program.kill();
    await hub.stop();
  }
});
