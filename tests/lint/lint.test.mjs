// The linter's own test: a good log passes, and each rule catches a log made bad in just that way.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import { lintText, RULES } from './rules.mjs';

const T0 = Date.parse('2025-03-01T10:00:00Z');
const iso = (s) => new Date(T0 + s * 1000).toISOString();

// A small log writer: station calls with up(), server calls with down(), answers with ok() and error().
class Log {
  constructor() {
    this.entries = [];
    this.t = 0;
    this.n = 0;
    this.mark('open');
  }
  push(o) {
    this.t += 0.1;
    this.entries.push({ t: Number(this.t.toFixed(3)), station: 'CP1', ...o });
    return this;
  }
  mark(event) { return this.push({ event }); }
  frame(dir, frame) { return this.push({ dir, frame }); }
  up(action, payload, id = `s${++this.n}`) { this.id = id; return this.frame('>', [2, id, action, payload]); }
  down(action, payload, id = `h${++this.n}`) { this.id = id; return this.frame('<', [2, id, action, payload]); }
  ok(dir, payload, id = this.id) { return this.frame(dir, [3, id, payload]); }
  error(dir, code = 'NotSupported', id = this.id) { return this.frame(dir, [4, id, code, '', {}]); }
  wait(s) { this.t += s; return this; }
  boot(status = 'Accepted') {
    this.up('BootNotification', { reason: 'PowerUp', chargingStation: { model: 'ECSACP1', vendorName: 'x' } });
    return this.ok('<', { currentTime: iso(0), interval: 60, status });
  }
  tx(eventType, seqNo, more = {}, at = seqNo) {
    return this.up('TransactionEvent', {
      eventType, seqNo, timestamp: iso(at), triggerReason: 'CablePluggedIn',
      transactionInfo: { transactionId: 'T1' }, ...more,
    });
  }
  get text() { return `${this.entries.map((e) => JSON.stringify(e)).join('\n')}\n`; }
}

const wh = (value, at, unit) => ({
  meterValue: [{ timestamp: iso(at), sampledValue: [{ value, unitOfMeasure: unit ? { unit } : undefined }] }],
});
const booted = () => new Log().boot();
const report = (log, requestId, seqNo, tbc) =>
  log.up('NotifyReport', { requestId, generatedAt: iso(1), seqNo, tbc }).ok('<', {});

function good() {
  const log = booted();
  log.tx('Started', 0, wh(100, 0)).ok('<', {});
  log.down('GetBaseReport', { requestId: 7, reportBase: 'FullInventory' }).ok('>', { status: 'Accepted' });
  report(log, 7, 0, true);
  report(log, 7, 1, false);
  log.tx('Updated', 1, wh(110, 1)); // the connection goes away: sent again with a new id, on the next one
  log.mark('close').wait(20).mark('open');
  log.tx('Updated', 1, wh(110, 1)).ok('<', {});
  log.tx('Updated', 2, { ...wh(0.2, 2, 'kWh'), offline: true }).ok('<', {});
  log.down('Reset', { type: 'Immediate' });
  const ended = { meterValue: [...wh(100, 0).meterValue, ...wh(200, 3).meterValue] }; // the begin once more, and the end
  log.tx('Ended', 3, ended); // crosses the server's request: one CALL in each direction is right
  log.ok('>', { status: 'Accepted' }, log.entries.at(-2).frame[1]);
  log.ok('<', {});
  log.down('UnpublishFirmware', { checksum: 'c' }).error('>', 'NotImplemented');
  log.up('NotifyEvent', {
    generatedAt: iso(4), seqNo: 0,
    eventData: [{
      eventId: 1, timestamp: iso(4), trigger: 'Delta', actualValue: 'B', eventNotificationType: 'HardWiredNotification',
      component: { name: 'ControlPilot' }, variable: { name: 'State' },
    }],
  }).ok('<', {});
  return log;
}

const caught = (log, options) => lintText(typeof log === 'string' ? log : log.text, options).problems;
const rules = (log, options) => [...new Set(caught(log, options).map((p) => p.rule))];

test('a good log has no problem', () => {
  assert.deepEqual(caught(good(), { complete: true }), []);
});

// Each: the one rule that must speak, the log, options.
const BAD = [
  ['log', () => `${good().text}{"t":99,"station":"CP1","dir":"=","frame":[]}\n`],
  ['log', () => `${good().text}{"t":99,"stat`],
  ['time', () => { const l = booted(); l.t = -50; return l.up('Heartbeat', {}).ok('<', { currentTime: iso(1) }); }],
  ['shape', () => booted().frame('>', { a: 1 })],
  ['shape', () => booted().frame('>', 'rubbish')],
  ['shape', () => booted().frame('>', [5, 'x', {}])],
  ['shape', () => booted().frame('>', [2, 5, 'Heartbeat', {}])],
  ['shape', () => booted().frame('>', [2, 'x', 'Heartbeat'])],
  ['shape', () => booted().frame('>', [2, 'x', 'Heartbeat', null])],
  ['shape', () => booted().down('GetLog', {
    requestId: 1, logType: 'SecurityLog', log: { remoteLocation: 'x' },
  }, 'g').frame('>', [4, 'g', 'NotSupported', 'x'.repeat(256), {}])],
  ['id-length', () => booted().up('Heartbeat', {}, 'x'.repeat(37)).ok('<', { currentTime: iso(1) })],
  ['id-length', () => booted().up('Heartbeat', {}, '').ok('<', { currentTime: iso(1) })],
  ['id-reuse', () => booted().up('Heartbeat', {}, 'a').ok('<', { currentTime: iso(1) })
    .mark('close').mark('open').up('Heartbeat', {}, 'a').ok('<', { currentTime: iso(1) })],
  ['action', () => booted().up('Heartbreak', {}).error('<')],
  ['action', () => booted().up('Reset', { type: 'OnIdle' }).error('<')],
  ['action', () => booted().down('Heartbeat', {}).error('>')],
  ['schema', () => booted().up('Heartbeat', { extra: 1 }).error('<')],
  ['schema', () => booted().up('StatusNotification', {
    timestamp: 'yesterday', connectorStatus: 'Available', evseId: 1, connectorId: 1,
  }).ok('<', {})],
  ['schema', () => booted().down('Reset', { type: 'OnIdle' }).ok('>', { status: 'Perhaps' })],
  // A response of another action's type.
  ['schema', () => booted().down('GetVariables', {
    getVariableData: [{ component: { name: 'EVSE' }, variable: { name: 'Power' } }],
  }).ok('>', { status: 'Accepted' })],
  ['one-call', () => booted().up('Heartbeat', {}).up('Heartbeat', {}).ok('<', { currentTime: iso(1) })],
  ['unsolicited', () => booted().ok('>', {}, 'never')],
  ['unsolicited', () => booted().down('Reset', { type: 'OnIdle' }).ok('>', { status: 'Accepted' })
    .ok('>', { status: 'Accepted' })],
  ['unsolicited', () => booted().down('Reset', { type: 'OnIdle' }).mark('close').mark('open')
    .ok('>', { status: 'Accepted' })],
  ['unanswered', () => booted().down('Reset', { type: 'OnIdle' }).wait(31).up('Heartbeat', {})
    .ok('<', { currentTime: iso(1) })],
  ['error-code', () => booted().down('Reset', { type: 'OnIdle' }).error('>', 'Sorry')],
  ['boot-gate', () => new Log().up('Heartbeat', {}).ok('<', { currentTime: iso(1) })],
  ['boot-gate', () => new Log().boot('Pending').up('Heartbeat', {}).ok('<', { currentTime: iso(1) })],
  ['boot-gate', () => report(new Log().boot('Rejected'), 1, 0, false)],
  ['tx-start', () => booted().tx('Updated', 0).ok('<', {})],
  ['tx-start', () => booted().tx('Started', 1).ok('<', {})],
  ['tx-seq', () => booted().tx('Started', 0).ok('<', {}).tx('Updated', 2).ok('<', {})],
  ['tx-seq', () => booted().tx('Started', 0).ok('<', {}).tx('Updated', 1).ok('<', {}).tx('Updated', 1).ok('<', {})],
  ['tx-seq', () => booted().tx('Started', 0).error('<').tx('Updated', 1).ok('<', {}).tx('Started', 0).ok('<', {})],
  ['tx-order', () => booted().tx('Started', 0).ok('<', {}).tx('Ended', 1).ok('<', {}).tx('Updated', 2).ok('<', {})],
  ['tx-order', () => booted().tx('Started', 0).ok('<', {}).tx('Started', 1).ok('<', {})],
  ['stamp', () => booted().tx('Started', 0, { timestamp: '1970-01-01T00:00:10.000Z' }).ok('<', {})],
  ['tx-time', () => booted().tx('Started', 0).ok('<', {}).tx('Updated', 1, {}, -5).ok('<', {})],
  ['tx-energy', () => booted().tx('Started', 0, wh(100, 0)).ok('<', {}).tx('Updated', 1, wh(99, 1)).ok('<', {})],
  ['tx-energy', () => booted().tx('Started', 0, wh(100, 0)).ok('<', {}).tx('Updated', 1, wh(0.05, 1, 'kWh')).ok('<', {})],
  ['tx-open', () => booted().tx('Started', 0).ok('<', {}), { complete: true }],
  ['report-seq', () => report(report(booted(), 1, 0, true), 1, 2, false)],
  ['report-seq', () => report(booted(), 1, 1, false)],
  ['report-early', () => {
    const l = booted().down('GetBaseReport', { requestId: 7, reportBase: 'FullInventory' }, 'g');
    return report(l, 7, 0, false).ok('>', { status: 'Accepted' }, 'g');
  }],
  ['empty', () => new Log()],
];

for (const [rule, make, options] of BAD) {
  test(`${rule} is caught`, () => assert.deepEqual(rules(make(), options), [rule]));
}

test('every rule has a bad log here', () => {
  assert.deepEqual(Object.keys(RULES).filter((r) => !BAD.some(([rule]) => rule === r)), []);
});

test('a server that misbehaves on purpose is not the station\'s fault', () => {
  const log = booted();
  log.frame('<', 'rubbish').frame('>', [4, '-1', 'RpcFrameworkError', '', {}]);
  log.frame('<', [2, 'odd', 'Reset']).frame('>', [4, 'odd', 'RpcFrameworkError', '', {}]);
  log.frame('<', '[2,"deep","Reset",{{{').frame('>', [4, 'deep', 'RpcFrameworkError', '', {}]);
  log.frame('<', [9, 'new', {}]).frame('>', [4, 'new', 'MessageTypeNotSupported', '', {}]);
  log.down('Reset', { type: 'Immediate' }, 'r1').down('Reset', { type: 'Immediate' }, 'r2');
  log.ok('>', { status: 'Rejected' }, 'r1').ok('>', { status: 'Rejected' }, 'r2');
  log.down('Nonsense', {}).error('>', 'NotImplemented');
  assert.deepEqual(caught(log, { only: 'station' }), []);
  assert.deepEqual(rules(log).sort(), ['action', 'one-call', 'shape']);
});

test('a CALL may follow one that ran out of time, and its late answer is no surprise', () => {
  const log = booted().up('Heartbeat', {}, 'late').wait(31).up('Heartbeat', {}, 'next');
  log.ok('<', { currentTime: iso(1) }, 'late').ok('<', { currentTime: iso(1) }, 'next');
  assert.deepEqual(caught(log, { only: 'station' }), []);
  assert.deepEqual(rules(log), ['unanswered']);
});

test('stations of one log are independent', () => {
  const a = good().text.trim().split('\n');
  const b = a.map((l) => l.replace('"CP1"', '"CP2"'));
  const mixed = a.flatMap((l, i) => [l, b[i]]).join('\n');
  assert.deepEqual(caught(mixed), []);
});

test('the command line says what is wrong, with file and line, and exits 1; 2 when it can\'t read', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lint-'));
  const lint = fileURLToPath(new URL('lint.mjs', import.meta.url));
  try {
    writeFileSync(join(dir, 'good.log'), good().text);
    writeFileSync(join(dir, 'bad.log'), booted().up('Heartbeat', { extra: 1 }).error('<').text);
    assert.match(execFileSync(process.execPath, [lint, join(dir, 'good.log')], { encoding: 'utf8' }), /, 0 problems\n$/);
    const bad = spawnSync(process.execPath, [lint, join(dir, 'good.log'), join(dir, 'bad.log')], { encoding: 'utf8' });
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, /bad\.log:4: schema: CP1: urn:Heartbeat\.req/);
    for (const args of [[], ['--nonsense'], [join(dir, 'absent.log')]]) {
      assert.equal(spawnSync(process.execPath, [lint, ...args]).status, 2);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
