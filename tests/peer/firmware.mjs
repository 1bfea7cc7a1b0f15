// firmware: what a maker does: an image with its manifest (layout: update/manifest.c), and the signature and certificate
// that OCPP wants with it. With the keys of tests/update/keys, and without a line of the station's code.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, ROOT } from './program.mjs';

const KEYS = join(ROOT, 'tests/update/keys');
const BYTES = 256;
const SIGNED = 192;

const read = (name) => readFileSync(join(KEYS, name), 'utf8');
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest();

function keyId(key) {
  const { x, y } = createPublicKey(key).export({ format: 'jwk' });
  return sha256(Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')).subarray(0, 8);
}

// A firmware file. `image`: what is started; `digest`: what the manifest says of it.
export function firmwareFile({ version = '9.9.9', board = 'ECSACP1', security = 0, image, digest = sha256(image),
  key = 'test-signing.key' } = {}) {
  const secret = createPrivateKey(read(key));
  const m = Buffer.alloc(BYTES);
  m.write('ECSF', 0, 'latin1');
  m.writeUInt16LE(1, 4);
  m.writeUInt16LE(BYTES, 6);
  m.writeUInt32LE(image.length, 8);
  m.writeUInt32LE(security, 12);
  m.write(board, 16, 31, 'latin1');
  m.write(version, 48, 31, 'latin1');
  digest.copy(m, 80);
  keyId(secret).copy(m, 112);
  sign('sha256', m.subarray(0, SIGNED), { key: secret, dsaEncoding: 'ieee-p1363' }).copy(m, SIGNED);
  return Buffer.concat([m, image]);
}

// The program that the tests run is the firmware of simulated stations; without what only a debugger wants.
let program;
function simulator() {
  if (!program) {
    const path = join(tmpdir(), `ecs-sim-${process.pid}`);
    try {
      execFileSync('strip', ['-o', path, bin('ecs-sim')]);
      program = readFileSync(path);
    } finally {
      rmSync(path, { force: true });
    }
  }
  return program;
}
export const factoryFirmware = () => firmwareFile({ version: '1.0.0', image: simulator() });
let next;
export const nextFirmware = () => { next ??= firmwareFile({ version: '9.9.9', image: simulator() }); return next; };

// OCPP's signature of a whole file (Base64 of ECDSA in DER), and the certificates.
export const fileSignature = (file, key = 'test-ocpp-signer.key') => sign('sha256', file, createPrivateKey(read(key))).toString('base64');
export const CERTIFICATE = read('test-ocpp-signer.pem');
export const STRANGER = read('test-stranger.pem');
