// X: hard spots that no case of part 6 has: frames, silence, clocks, queues over restarts, limits.
import assert from 'node:assert/strict';
import { sleep } from '../program.mjs';
import { TOKEN } from '../post.mjs';
import { SILENCE } from '../doubles.mjs';
import { report } from './B.mjs';

const NAME = 'Display.DataText[Name]';
const READ = { getVariableData: [{ component: { name: 'OCPPCommCtrlr' }, variable: { name: 'OfflineThreshold' } }] };

// A CALL by hand; gives the station's answer: [3, id, payload] or [4, id, code, text, details].
async function byHand(s, action, payload) {
  s.double.rude = true;
  const id = `by-hand-${s.mark}-${Math.random().toString(36).slice(2, 10)}`;
  return s.double.raw(JSON.stringify([2, id, action, payload]), id);
}

const socket = async (s) => (await s.double.connected())._ws;

// The station gives up a connection of its own accord and comes back, without a restart.
async function comesBack(s, provoke, ms) {
  const since = s.mark;
  const before = s.double.connections;
  await provoke();
  await s.double.until('a new connection', () => s.double.connections > before && s.double.client, ms);
  await s.ask('TriggerMessage', { requestedMessage: 'Heartbeat' }, 'Accepted');
  assert.equal(s.of('BootNotification', since).length, 0, 'a lost connection is no start');
}

const unplugged = async (s) => {
  await s.do('unplug');
  await s.untilValue('station.transaction', (v) => !v);
};

// A charge without a server, by a token that nobody has been asked about.
async function chargeAlone(s, token = TOKEN) {
  await s.untilValue('station.state', 'Idle');
  await s.untilValue('locked', (v) => !v);
  await s.do('plug');
  await s.untilValue('station.state', 'Connected');
  await s.present(token);
  await s.flowing();
}

export default [
  {
    id: 'X_01',
    title: 'pings both ways',
    seconds: 6,
    async given(s) {
      await s.set('OCPPCommCtrlr.WebSocketPingInterval', 1);
      await comesBack(s, () => s.double.drop(), 10000); // it counts from the next connection on
    },
    async steps(s) {
      const ws = await socket(s);
      let pings = 0;
      ws.on('ping', () => { pings++; s.double.wake(); });
      const pong = new Promise((done) => { ws.on('pong', (data) => { if (data.toString() === 'ünd du?') done(); }); });
      ws.ping('ünd du?');
      await Promise.race([pong, sleep(3000).then(() => { throw new Error('no pong with what the ping had'); })]);
      await s.double.until('three pings', () => pings >= 3, 6000);
    },
  },
  {
    id: 'X_02',
    title: 'a connection that stands but says nothing is given up',
    seconds: 16,
    given: (s) => s.setting('silence_timeout', 10),
    async steps(s) {
      const ws = await socket(s);
      await comesBack(s, () => ws._socket.pause(), 20000);
      ws._socket.resume();
    },
  },
  {
    id: 'X_03',
    title: 'a server that answers no CALL loses its connection; nothing is lost',
    seconds: 14,
    timeoutS: 0.9,
    async given(s) {
      await s.charging();
      await s.setting('message_timeout', 1);
    },
    async steps(s) {
      const deaf = () => SILENCE;
      for (const a of ['Heartbeat', 'TransactionEvent', 'StatusNotification', 'NotifyEvent', 'MeterValues']) s.double.handle(a, deaf);
      await s.do('ready off');
      const before = s.double.connections;
      await s.double.until('a new connection', () => s.double.connections > before, 20000);
      s.double.handlers.clear();
      await s.stopAuthorised();
      await s.event({ eventType: 'Ended' });
      s.wholeTransaction();
    },
  },
  {
    id: 'X_04',
    title: 'two transactions and two power cuts without a server: all is told later, in order, marked, with true times',
    seconds: 18,
    given: (s) => s.set('AuthCtrlr.OfflineTxForUnknownIdEnabled', true),
    async steps(s) {
      s.double.shut();
      await s.untilValue('station.online', (v) => !v);
      const cut = Date.now();
      await chargeAlone(s);
      await s.do('power off'); // in mid-charge; the clock is unknown from now on
      await sleep(300);
      await s.do('unplug');
      await s.do('power on');
      await chargeAlone(s, { idToken: 'CAFE0002', type: 'ISO14443' });
      await s.present({ idToken: 'CAFE0002', type: 'ISO14443' });
      await s.untilValue('contactor', (v) => !v);
      await unplugged(s);
      await s.do('power off');
      await sleep(200);
      await s.do('power on');
      const since = s.mark;
      await s.double.reopen(20000);
      await s.double.until('the end of both', () => s.events(since).filter((p) => p.eventType === 'Ended').length >= 2, 20000);
      const told = Date.now(); // on a busy machine the stations' clocks lag: what lies after this can't be true
      await s.untilValue('station.queued', 0);
      const all = s.events(since);
      const ids = [...new Set(all.map((p) => p.transactionInfo.transactionId))];
      assert.equal(ids.length, 2);
      for (const id of ids) s.wholeTransaction(id);
      const order = all.map((p) => ids.indexOf(p.transactionInfo.transactionId));
      assert.deepEqual(order, [...order].sort(), 'the first transaction first');
      let last = 0;
      for (const p of all) {
        assert.equal(p.offline, true, `${p.eventType} ${p.seqNo}`);
        const at = Date.parse(p.timestamp);
        assert.ok(at > cut - 2000 && at < told + 2000, `${p.eventType} ${p.seqNo} at ${p.timestamp}`);
        assert.ok(at >= last, `${p.eventType} ${p.seqNo} is before what was before it`);
        last = at;
      }
    },
  },
  {
    id: 'X_05',
    title: 'a report in parts of as many items, and as many bytes, as is allowed',
    async steps(s) {
      const limit = async (what) => Number((await s.get(`DeviceDataCtrlr.${what}[NotifyReport]`)).attributeValue);
      const items = await limit('ItemsPerMessage');
      const bytes = await limit('BytesPerMessage');
      const since = s.mark;
      const whole = (await report(s, 'GetBaseReport', { reportBase: 'FullInventory' })).length;
      const parts = s.of('NotifyReport', since).map((c) => c.payload);
      assert.ok(parts.length >= whole / items && parts.length > 5, `${parts.length} parts of ${whole}`);
      for (const p of parts) {
        assert.ok(p.reportData.length <= items);
        assert.ok(Buffer.byteLength(JSON.stringify(p)) <= bytes);
      }
    },
  },
  {
    id: 'X_06',
    title: 'a message in fragments, cut in the middle of a letter, with a ping in between',
    async steps(s) {
      const ws = await socket(s);
      s.double.rude = true;
      const id = 'in-pieces';
      const name = 'Zähler 漢字 😀';
      const bytes = Buffer.from(JSON.stringify([2, id, 'SetVariables', {
        setVariableData: [{ component: { name: 'Display' }, variable: { name: 'DataText', instance: 'Name' }, attributeValue: name }],
      }]));
      s.undo.push(() => s.put(NAME, ''));
      const cut = bytes.indexOf(Buffer.from('漢')) + 1;
      ws.send(bytes.subarray(0, 5), { binary: false, fin: false });
      ws.ping('between');
      ws.send(bytes.subarray(5, cut), { binary: false, fin: false });
      await sleep(50);
      for (let i = cut; i < bytes.length - 1; i++) ws.send(bytes.subarray(i, i + 1), { binary: false, fin: false });
      ws.send(bytes.subarray(bytes.length - 1), { binary: false, fin: true });
      const answer = await s.double.until('the answer', () => s.double.answers.find((a) => a[1] === id), 5000);
      assert.equal(answer[0], 3);
      assert.equal(answer[2].setVariableResult[0].attributeStatus, 'Accepted');
      assert.equal((await s.get(NAME)).attributeValue, name);
    },
  },
  {
    id: 'X_07',
    title: 'lengths count in characters, not in bytes',
    async steps(s) {
      const full = '漢'.repeat(50); // DataTransfer.messageId: string[0..50]
      assert.equal((await s.call('DataTransfer', { vendorId: 'x', messageId: full })).status, 'UnknownVendorId');
      const tooLong = await byHand(s, 'DataTransfer', { vendorId: 'x', messageId: `${full}漢` });
      assert.deepEqual([tooLong[0], tooLong[2]], [4, 'PropertyConstraintViolation']);
      const face = '😀'.repeat(50); // one character each, though two units of UTF-16
      assert.equal((await byHand(s, 'DataTransfer', { vendorId: 'x', messageId: face }))[0], 3);
      const token = (n) => ({ remoteStartId: 1, evseId: 1, idToken: { idToken: 'A'.repeat(n), type: 'Central' } });
      const [type, , code] = await byHand(s, 'RequestStartTransaction', token(37));
      assert.deepEqual([type, code], [4, 'PropertyConstraintViolation']);
    },
  },
  {
    id: 'X_08',
    title: 'what is no UTF-8 ends the connection, not the charge',
    seconds: 6,
    given: (s) => s.charging(),
    async steps(s) {
      s.double.rude = true;
      const ws = await socket(s);
      const closed = new Promise((done) => { ws.on('close', (code) => done(code)); });
      await comesBack(s, () => ws.send(Buffer.from([0x5b, 0x32, 0x2c, 0x22, 0xff, 0xfe, 0x22, 0x5d]), { binary: false }), 15000);
      const code = await Promise.race([closed, sleep(2000)]);
      assert.ok([1007, 1006].includes(code), `${code}`); // RFC 6455, 7.4.1: 1007; 1006: it just went
      assert.ok(await s.value('contactor'));
    },
  },
  {
    id: 'X_09',
    title: 'unknown fields are passed over, too deep a message is refused, and the connection stands',
    async steps(s) {
      const odd = { strange: true, list: [{ a: null }], deep: { er: { still: 1 } } };
      const got = await byHand(s, 'GetVariables', { getVariableData: [{ ...READ.getVariableData[0], ...odd }], ...odd });
      assert.deepEqual([got[0], got[2].getVariableResult[0].attributeStatus], [3, 'Accepted']);
      let deep = 1;
      for (let i = 0; i < 200; i++) deep = { deep };
      const connections = s.double.connections;
      const [type, , code] = await byHand(s, 'GetVariables', { ...READ, deep });
      if (type !== 3) assert.ok(['FormatViolation', 'RpcFrameworkError', 'InternalError'].includes(code), code);
      assert.equal((await s.get('OCPPCommCtrlr.OfflineThreshold')).attributeStatus, 'Accepted');
      assert.equal(s.double.connections, connections);
    },
  },
  {
    id: 'X_10',
    title: 'more than ItemsPerMessage in one request is refused, as many are not',
    async steps(s) {
      const items = Number((await s.get('DeviceDataCtrlr.ItemsPerMessage[GetVariables]')).attributeValue);
      const many = (n) => ({ getVariableData: Array(n).fill(READ.getVariableData[0]) });
      assert.equal((await s.call('GetVariables', many(items))).getVariableResult.length, items);
      const [type, , code] = await byHand(s, 'GetVariables', many(items + 1));
      assert.deepEqual([type, code], [4, 'OccurrenceConstraintViolation']);
    },
  },
  {
    id: 'X_11',
    title: 'codes of errors: unknown action, missing field, wrong type, wrong value, broken frame, unknown kind of frame',
    async steps(s) {
      for (const [action, payload, code] of [
        ['MakeCoffee', {}, 'NotImplemented'], ['GetVariables', {}, 'OccurrenceConstraintViolation'],
        ['GetBaseReport', { requestId: 'one', reportBase: 'FullInventory' }, 'TypeConstraintViolation'],
        ['Reset', { type: 'Sometime' }, 'PropertyConstraintViolation'],
      ]) {
        const answer = await byHand(s, action, payload);
        assert.deepEqual([answer[0], answer[2]], [4, code], action);
      }
      for (const [frame, code] of [['[2,"broken","GetVariables"]', 'RpcFrameworkError'], ['[9,"new-kind",{}]', 'MessageTypeNotSupported']]) {
        const answer = await s.double.raw(frame, /"([^"]+)"/.exec(frame)[1]);
        assert.deepEqual([answer[0], answer[2]], [4, code], frame);
      }
    },
  },
];
