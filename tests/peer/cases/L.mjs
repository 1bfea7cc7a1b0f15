// L: firmware updates: fetched, verified, installed, proved; and each way in which that can fail.
import assert from 'node:assert/strict';
import { CERTIFICATE, fileSignature, firmwareFile, nextFirmware, STRANGER } from '../firmware.mjs';

const PROVED_MS = 50000; // new firmware is looked at for 30 s before it is installed (update/probation.c)
const iso = (ms) => new Date(ms).toISOString();

const told = (s, since) => s.of('FirmwareStatusNotification', since).map((c) => c.payload);

// Offers a file and asks for the update. Gives { requestId, since }.
async function update(s, { file = nextFirmware(), path = `/${s.double.id}.bin`, offered = true, status = 'Accepted', retrieveMs = -2 * 3600000,
  installMs = -2 * 3600000, signingCertificate = CERTIFICATE, signature = fileSignature(file), retries = 0 } = {}) {
  if (offered) s.files.give(path.replace('/slow', ''), file);
  const now = await s.clock();
  const since = s.mark;
  const requestId = 600 + s.mark;
  await s.ask('UpdateFirmware', {
    requestId,
    retries,
    firmware: {
      location: s.files.url + path,
      retrieveDateTime: iso(now + retrieveMs),
      installDateTime: iso(now + installMs),
      ...(signingCertificate ? { signingCertificate } : {}),
      ...(signature ? { signature } : {}),
    },
  }, status);
  return { requestId, since };
}

// Waits for the last of these; they come in this order, once each, and with the request's id.
async function statuses(s, { requestId, since }, want, ms = 15000) {
  await s.next('FirmwareStatusNotification', { since, ms, what: want.at(-1), fits: (p) => p.status === want.at(-1) });
  const all = told(s, since);
  assert.deepEqual(all.map((p) => p.status), want);
  assert.ok(all.every((p) => p.requestId === requestId), JSON.stringify(all));
}

const security = (s, type, since) => s.next('SecurityEventNotification', { since, fits: (p) => p.type === type });

const FETCHED = ['Downloading', 'Downloaded', 'SignatureVerified'];
const STARTED = ['Installing', 'InstallRebooting', 'Installed'];

async function installed(s, asked, want) {
  await statuses(s, asked, want, PROVED_MS);
  await security(s, 'FirmwareUpdated', asked.since);
  const boot = s.of('BootNotification', asked.since).at(-1);
  assert.equal(boot.payload.reason, 'FirmwareUpdate');
  await s.status('Available', boot.n);
}

// Each of them with a boot loader and slots of its own.
export default [
  {
    id: 'L_01',
    title: 'fetched, verified, installed',
    seconds: 45,
    async steps(s) { await installed(s, await update(s), [...FETCHED, ...STARTED]); },
  },
  {
    id: 'L_02',
    title: 'installed later',
    seconds: 48,
    async steps(s) {
      await installed(s, await update(s, { installMs: 10000 }), [...FETCHED, 'InstallScheduled', ...STARTED]);
    },
  },
  {
    id: 'L_03',
    title: 'fetched later',
    seconds: 48,
    async steps(s) {
      await installed(s, await update(s, { retrieveMs: 3000 }), ['DownloadScheduled', ...FETCHED, ...STARTED]);
    },
  },
  {
    id: 'L_05',
    title: 'a certificate that nobody here trusts',
    async steps(s) {
      const { since } = await update(s, { signingCertificate: STRANGER, status: 'InvalidCertificate' });
      await security(s, 'InvalidFirmwareSigningCertificate', since);
    },
  },
  {
    id: 'L_06',
    title: 'a signature of something else',
    async steps(s) {
      const asked = await update(s, { signature: fileSignature(Buffer.from('something else')) });
      await statuses(s, asked, ['Downloading', 'Downloaded', 'InvalidSignature']);
      await security(s, 'InvalidFirmwareSignature', asked.since);
    },
  },
  {
    id: 'L_07',
    title: 'nothing there to be fetched',
    async steps(s) {
      const asked = await update(s, { offered: false, path: '/does-not-exist.bin' });
      await s.next('FirmwareStatusNotification', { since: asked.since, fits: (p) => p.status === 'DownloadFailed' });
      assert.ok(told(s, asked.since).every((p) => ['Downloading', 'DownloadFailed'].includes(p.status)));
    },
  },
  {
    id: 'L_08',
    title: 'a file that is properly signed, but is not what its manifest says',
    async steps(s) {
      const file = firmwareFile({ image: Buffer.alloc(60000, 'image '), digest: Buffer.alloc(32, 1) });
      await statuses(s, await update(s, { file }), [...FETCHED, 'Installing', 'InstallVerificationFailed']);
      assert.equal(s.of('BootNotification').length, 0, 'it goes on as it was');
      await s.charging();
    },
  },
  {
    id: 'L_18',
    title: 'without certificate and signature',
    given: (s) => s.set('Settings.update_needs_certificate', true), // else the manifest's own signature is enough
    async steps(s) {
      await update(s, { signingCertificate: null, signature: null, status: 'Rejected' });
      assert.equal(told(s).length, 0);
    },
  },
].map((c) => ({ ...c, launch: true }));

export { update };
