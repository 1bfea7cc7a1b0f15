// rules: what a frame log of an OCPP 2.0.1 connection must never show. One Linter per log; feed it lines, then end().
//
// A log line is {"t": seconds, "station": id, "dir": ">" | "<", "frame": [...]}, '>' sent by the station; a frame that
// was no JSON stands as a string. {"t", "station", "event": "open" | "close"} marks the life of a connection.
// Sources: OCPP 2.0.1 edition 3, part 4 (framing: sections 4.1 to 4.3) and part 2 (use cases named beside each rule).
import { borrow } from '../peer/borrowed.mjs';

// The very validators (ajv with the official schemas) that ocpp-rpc uses in strict mode.
function officialSchemas() {
  const found = borrow('ocpp-rpc/lib/standard-validators.js').find((v) => v.subprotocol === 'ocpp2.0.1');
  if (!found) throw new Error('this ocpp-rpc has no schemas for ocpp2.0.1');
  return found;
}

const CALL = 2;
const CALLRESULT = 3;
const CALLERROR = 4;

const FIRST_YEAR = 2025;
const ID_MAX = 36; // part 4, table 4
const ERROR_DESCRIPTION_MAX = 255; // part 4, table 7
const ERROR_CODES = new Set([ // part 4, table 8
  'FormatViolation', 'GenericError', 'InternalError', 'MessageTypeNotSupported', 'NotImplemented', 'NotSupported',
  'OccurrenceConstraintViolation', 'PropertyConstraintViolation', 'ProtocolError', 'RpcFrameworkError',
  'SecurityError', 'TypeConstraintViolation',
]);

export const RULES = {
  'log': 'the line is a log line',
  'time': 'the log goes forward',
  'stamp': 'no time stamp is from before there was such a station: a clock that is not set stamps nothing (1970)',
  'shape': 'a frame is [2,id,action,{}], [3,id,{}] or [4,id,code,text,{}]',
  'id-length': `a message id has 1 to ${ID_MAX} characters`,
  'id-reuse': 'a message id is used for one CALL only, for ever (part 4, 4.1.4)',
  'action': 'the action exists in OCPP 2.0.1 and this side may send it',
  'schema': 'the payload fits the official schema',
  'one-call': 'one CALL at a time in each direction (part 4, 4.1.1)',
  'unsolicited': 'an answer belongs to a CALL of the same connection and comes once',
  'unanswered': 'a CALL is answered while the connection stands',
  'error-code': 'a CALLERROR carries a code of the table',
  'boot-gate': 'nothing but BootNotification before it was accepted (B01.FR.10, B02, B03)',
  'tx-start': 'the first event of a transaction is Started with seqNo 0 (E01.FR.07)',
  'tx-seq': 'seqNo of a transaction has no gap and no repetition after an answer',
  'tx-order': 'nothing follows Ended, Started comes once',
  'tx-time': 'events of a transaction are in order of their time',
  'tx-energy': 'the energy register never goes backwards',
  'tx-open': 'a transaction in the log has its Ended',
  'report-seq': 'parts of a report count from 0 without a gap, the last one alone lacks tbc',
  'report-early': 'a report follows the answer to its request (B07)',
  'empty': 'a log shows something',
};

// Which side sends which requests; the rest go either way (DataTransfer). Part 2, chapter "Messages".
const FROM_STATION = new Set([
  'Authorize', 'BootNotification', 'ClearedChargingLimit', 'FirmwareStatusNotification', 'Get15118EVCertificate',
  'GetCertificateStatus', 'Heartbeat', 'LogStatusNotification', 'MeterValues', 'NotifyChargingLimit',
  'NotifyCustomerInformation', 'NotifyDisplayMessages', 'NotifyEVChargingNeeds', 'NotifyEVChargingSchedule',
  'NotifyEvent', 'NotifyMonitoringReport', 'NotifyReport', 'PublishFirmwareStatusNotification',
  'ReportChargingProfiles', 'ReservationStatusUpdate', 'SecurityEventNotification', 'SignCertificate',
  'StatusNotification', 'TransactionEvent',
]);
const EITHER = new Set(['DataTransfer']);
// What a station that is told "Pending" may send all the same: what it was asked for (B02.FR.02).
const PENDING_ALLOWED = new Set(['NotifyReport', 'NotifyMonitoringReport', 'NotifyCustomerInformation',
  'ReportChargingProfiles', 'LogStatusNotification', 'FirmwareStatusNotification', 'NotifyDisplayMessages',
  'SecurityEventNotification']);
const REPORTS = new Set(['NotifyReport', 'NotifyMonitoringReport']);

const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);
const clip = (v) => {
  const s = typeof v === 'string' ? v : JSON.stringify(v);
  return s.length > 160 ? `${s.slice(0, 157)}...` : s;
};

export class Linter {
  // timeoutS: after which an unanswered CALL no longer blocks the next (part 4 leaves it to the implementation).
  // only: 'station' ignores what the server did wrong (for peers that misbehave on purpose).
  // complete: every transaction must have ended.   allowEmpty: a log without a frame is fine.
  constructor({ timeoutS = 30, only = null, complete = false, allowEmpty = false } = {}) {
    this.options = { timeoutS, only, complete, allowEmpty };
    this.problems = [];
    this.frames = 0;
    this.lineNo = 0;
    this.stations = new Map();
    this.schemas = officialSchemas();
  }

  line(text) {
    this.lineNo++;
    if (text.trim() === '') return;
    let entry;
    try {
      entry = JSON.parse(text);
    } catch (e) {
      this.#report(null, 'log', `not JSON: ${e.message}: ${clip(text)}`);
      return;
    }
    if (!isObject(entry) || typeof entry.station !== 'string' || typeof entry.t !== 'number'
      || !(entry.event === 'open' || entry.event === 'close'
        || ((entry.dir === '>' || entry.dir === '<') && 'frame' in entry))) {
      this.#report(null, 'log', `neither a frame nor a mark: ${clip(text)}`);
      return;
    }
    const s = this.#station(entry.station);
    this.where = entry.station;
    if (entry.t < s.t) this.#report(null, 'time', `${entry.t} after ${s.t}`);
    s.t = entry.t;
    if (entry.event) {
      for (const dir of ['>', '<']) {
        this.#overdue(s, dir, s.t);
        s.waiting[dir].clear();
        s.odd[dir].clear();
      }
      return;
    }
    this.frames++;
    this.#frame(s, entry.dir, entry.frame);
  }

  end() {
    for (const [id, s] of this.stations) {
      this.where = id;
      for (const dir of ['>', '<']) this.#overdue(s, dir, s.t);
      if (this.options.complete) {
        for (const [tx, state] of s.transactions) {
          if (!state.ended) this.#report('>', 'tx-open', `transaction ${tx} stops at seqNo ${state.seqNo}`);
        }
      }
    }
    this.where = null;
    if (this.frames === 0 && !this.options.allowEmpty) this.#report(null, 'empty', 'no frame at all');
    return { frames: this.frames, problems: this.problems };
  }

  #station(id) {
    if (!this.stations.has(id)) {
      this.stations.set(id, {
        t: -Infinity,
        ids: { '>': new Set(), '<': new Set() },
        waiting: { '>': new Map(), '<': new Map() }, // CALLs of that side without an answer, on this connection
        odd: { '>': new Set(), '<': new Set() }, // ids of malformed messages, which may be answered with an error
        boot: 'none',
        transactions: new Map(),
        reports: new Map(),
        reportRequests: new Map(),
      });
    }
    return this.stations.get(id);
  }

  #report(side, rule, text) {
    if (this.options.only === 'station' && side === '<') return;
    this.problems.push({ line: this.lineNo, station: this.where ?? null, side, rule, text });
  }

  #frame(s, dir, f) {
    const bad = (text) => {
      const id = Array.isArray(f) ? f[1] : /^\s*\[\s*\d+\s*,\s*"([^"\\]*)"/.exec(f)?.[1];
      if (typeof id === 'string') s.odd[dir].add(id);
      this.#report(dir, 'shape', `${text}: ${clip(f)}`);
    };
    if (!Array.isArray(f)) return bad('not an array');
    const [type, id] = f;
    if (![CALL, CALLRESULT, CALLERROR].includes(type)) return bad('unknown message type');
    if (typeof id !== 'string') return bad('message id is no string');
    if (id.length < 1 || [...id].length > ID_MAX) this.#report(dir, 'id-length', `${[...id].length} characters: ${id}`);
    if (type === CALL) {
      if (f.length !== 4 || typeof f[2] !== 'string' || !isObject(f[3])) return bad('not a CALL');
      return this.#call(s, dir, id, f[2], f[3]);
    }
    if (type === CALLRESULT && (f.length !== 3 || !isObject(f[2]))) return bad('not a CALLRESULT');
    if (type === CALLERROR && (f.length !== 5 || typeof f[2] !== 'string' || typeof f[3] !== 'string'
      || !isObject(f[4]))) return bad('not a CALLERROR');
    return this.#answer(s, dir, type, id, f);
  }

  #call(s, dir, id, action, payload) {
    if (s.ids[dir].has(id)) this.#report(dir, 'id-reuse', `${id} (${action})`);
    s.ids[dir].add(id);

    this.#overdue(s, dir, s.t);
    for (const other of s.waiting[dir].values()) {
      if (!other.late) this.#report(dir, 'one-call', `${action} while ${other.action} ${other.id} has no answer`);
    }
    const call = { id, action, payload, t: s.t, valid: true, late: false };
    s.waiting[dir].set(id, call);

    if (dir === '>') this.#stamps(action, payload);
    const fromStation = FROM_STATION.has(action);
    const known = fromStation || EITHER.has(action) || this.schemas._ajv.getSchema(`urn:${action}.req`);
    if (!known) {
      call.valid = false;
      this.#report(dir, 'action', `${action} is unknown`);
      return;
    }
    if (!EITHER.has(action) && fromStation !== (dir === '>')) {
      this.#report(dir, 'action', `${action} goes the other way`);
    }
    call.valid = this.#schema(dir, `urn:${action}.req`, payload);
    if (dir === '>') this.#fromStation(s, action, payload, call);
    else this.#fromServer(s, action, payload, call);
  }

  // A stamp of what the station itself has seen; profiles are told with the times that the server gave them.
  #stamps(action, value) {
    if (action === 'ReportChargingProfiles') return;
    if (typeof value === 'string') {
      if (/^\d{4}-\d\d-\d\dT/.test(value) && Number(value.slice(0, 4)) < FIRST_YEAR) this.#report('>', 'stamp', `${action}: ${value}`);
    } else if (value !== null && typeof value === 'object') for (const v of Object.values(value)) this.#stamps(action, v);
  }

  #schema(side, id, payload) {
    try {
      this.schemas.validate(id, payload);
      return true;
    } catch (e) {
      this.#report(side, 'schema', `${id}: ${e.message} in ${clip(payload)}`);
      return false;
    }
  }

  // A CALL that has waited longer than the timeout no longer blocks, but the side that owed the answer is blamed.
  #overdue(s, dir, now) {
    for (const call of s.waiting[dir].values()) {
      if (call.late || now - call.t < this.options.timeoutS) continue;
      this.#report(dir === '>' ? '<' : '>', 'unanswered', `${call.action} ${call.id} after ${this.options.timeoutS} s`);
      call.late = true; // an answer may still come
    }
  }

  #answer(s, dir, type, id, f) {
    const asked = dir === '>' ? '<' : '>';
    const call = s.waiting[asked].get(id);
    if (!call) {
      // "-1" answers a message whose id could not be read (part 4, 4.2.3).
      if (type === CALLERROR && (id === '-1' || s.odd[asked].delete(id))) this.#errorCode(dir, f);
      else this.#report(dir, 'unsolicited', `answer to ${id}, which waits for none`);
      return;
    }
    s.waiting[asked].delete(id);
    if (type === CALLERROR) {
      this.#errorCode(dir, f);
      return;
    }
    const ok = this.#schema(dir, `urn:${call.action}.conf`, f[2]);
    if (dir === '>') this.#stamps(call.action, f[2]);
    if (!ok) return;
    if (asked === '>' && call.action === 'BootNotification') s.boot = f[2].status;
    if (asked === '>' && call.action === 'TransactionEvent' && call.valid) this.#txAnswered(s, call.payload);
    if (asked === '<' && call.payload.requestId !== undefined) {
      s.reportRequests.set(call.payload.requestId, true);
    }
  }

  #errorCode(dir, f) {
    if (!ERROR_CODES.has(f[2])) this.#report(dir, 'error-code', clip(f));
    if ([...f[3]].length > ERROR_DESCRIPTION_MAX) this.#report(dir, 'shape', `error description too long: ${clip(f)}`);
  }

  #fromServer(s, action, payload, call) {
    if (call.valid && payload.requestId !== undefined) s.reportRequests.set(payload.requestId, false);
  }

  #fromStation(s, action, payload, call) {
    if (action !== 'BootNotification' && s.boot !== 'Accepted'
      && !(s.boot === 'Pending' && PENDING_ALLOWED.has(action))) {
      this.#report('>', 'boot-gate', `${action} while BootNotification is ${s.boot === 'none' ? 'missing' : s.boot}`);
    }
    if (!call.valid) return;
    if (action === 'TransactionEvent') this.#transaction(s, payload);
    if (REPORTS.has(action)) this.#part(s, `${action} ${payload.requestId}`, payload, payload.requestId);
    if (action === 'NotifyEvent') this.#part(s, action, payload);
  }

  #part(s, key, { seqNo, tbc = false }, requestId) {
    if (requestId !== undefined && s.reportRequests.get(requestId) === false) {
      this.#report('>', 'report-early', `${key} before its request was answered`);
    }
    const expected = s.reports.get(key) ?? 0;
    if (seqNo !== expected) this.#report('>', 'report-seq', `${key}: seqNo ${seqNo}, expected ${expected}`);
    s.reports.set(key, tbc ? seqNo + 1 : 0);
  }

  #transaction(s, p) {
    const id = p.transactionInfo.transactionId;
    const seqs = `${p.eventType} seqNo ${p.seqNo} of ${id}`;
    let tx = s.transactions.get(id);
    if (!tx) {
      if (p.eventType !== 'Started' || p.seqNo !== 0) this.#report('>', 'tx-start', `begins with ${seqs}`);
      tx = { seqNo: p.seqNo, time: -Infinity, energy: [], answered: new Set(), ended: false };
      s.transactions.set(id, tx);
    } else {
      const again = p.seqNo <= tx.seqNo; // a retry of an event that was not answered
      if (again && tx.answered.has(p.seqNo)) this.#report('>', 'tx-seq', `${seqs} again, although it was answered`);
      else if (again && p.seqNo < tx.seqNo) this.#report('>', 'tx-seq', `${seqs} after ${tx.seqNo}`);
      if (p.seqNo > tx.seqNo + 1) this.#report('>', 'tx-seq', `${seqs} after ${tx.seqNo}: a gap`);
      if (tx.ended && !again) this.#report('>', 'tx-order', `${seqs} after Ended`);
      if (p.eventType === 'Started' && !again) this.#report('>', 'tx-order', `${seqs}: a second Started`);
      if (again) return;
      tx.seqNo = p.seqNo;
    }
    tx.ended = p.eventType === 'Ended';
    const time = Date.parse(p.timestamp);
    if (time < tx.time) this.#report('>', 'tx-time', `${seqs}: ${p.timestamp} is before the event before it`);
    tx.time = time;
    // An event may bring older values again (Ended carries Transaction.Begin): their own time is what counts.
    for (const now of energyWh(p)) {
      const wrong = tx.energy.find((e) => (e.at < now.at && e.wh > now.wh) || (e.at > now.at && e.wh < now.wh));
      if (wrong) {
        this.#report('>', 'tx-energy', `${seqs}: ${now.wh} Wh at ${new Date(now.at).toISOString()}, `
          + `${wrong.wh} Wh at ${new Date(wrong.at).toISOString()}`);
      }
      tx.energy.push(now);
    }
  }

  #txAnswered(s, p) {
    s.transactions.get(p.transactionInfo.transactionId)?.answered.add(p.seqNo);
  }
}

// The total import register's values in a TransactionEvent: { at (ms), wh }.
export function energyWh(payload) {
  const values = [];
  for (const m of payload.meterValue ?? []) {
    for (const v of m.sampledValue) {
      const what = v.measurand ?? 'Energy.Active.Import.Register';
      if (what !== 'Energy.Active.Import.Register' || v.phase) continue;
      const unit = v.unitOfMeasure?.unit ?? 'Wh';
      const wh = v.value * 10 ** (v.unitOfMeasure?.multiplier ?? 0) * (unit === 'kWh' ? 1000 : 1);
      values.push({ at: Date.parse(m.timestamp), wh });
    }
  }
  return values;
}

export function lintText(text, options) {
  const linter = new Linter(options);
  for (const line of text.split('\n')) linter.line(line);
  return linter.end();
}
