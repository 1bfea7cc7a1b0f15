// calls: what stations have said to a server, in order, and how a test waits for what comes next.
export class Calls {
  constructor() {
    this.calls = []; // { n, at (ms), wall (ms), station, connection, action, payload, answer }
    this.problems = []; // what strict mode or framing had to complain about
    this.waiting = new Set();
  }

  add(call) {
    this.calls.push({ n: this.calls.length, at: performance.now(), wall: Date.now(), ...call });
    this.wake();
    return this.calls.at(-1);
  }

  wake() { for (const w of [...this.waiting]) w(); }

  // Waits until look() gives something true; says `what` it waited for when `ms` have passed.
  async until(what, look, ms = 10000) {
    const first = look();
    if (first) return first;
    return new Promise((resolve, reject) => {
      const check = () => {
        let found;
        try {
          found = look();
        } catch (e) {
          done();
          reject(e);
          return;
        }
        if (found) {
          done();
          resolve(found);
        }
      };
      const timer = setTimeout(() => {
        done();
        const last = this.calls.slice(-8).map((c) => `${c.action}${c.payload.eventType ? ` ${c.payload.eventType}` : ''}`);
        reject(new Error(`waited ${ms} ms in vain for ${what}; last calls: ${last.join(', ') || 'none'}`
          + (this.problems.length ? `; problems: ${this.problems.join('; ')}` : '')));
      }, ms);
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(check);
      };
      this.waiting.add(check);
    });
  }

  // The number of calls so far; give it as `since` to look only at what comes later.
  get mark() { return this.calls.length; }

  // The first call of an action since a mark that fits; waits for it.
  async next(action, { fits = () => true, since = 0, ms = 10000, what = '' } = {}) {
    return this.until(`${action} ${what}`, () => this.calls.find((c) =>
      c.n >= since && c.action === action && fits(c.payload, c)), ms);
  }

  of(action, since = 0) { return this.calls.filter((c) => c.n >= since && c.action === action); }
}

// What a server that wants nothing answers; undefined for what it does not know.
export function plainAnswer(action, payload, { boot, token, heartbeatS }) {
  const info = () => {
    const answer = token(payload.idToken);
    return typeof answer === 'string' ? { status: answer } : answer;
  };
  switch (action) {
    case 'BootNotification': {
      const answer = typeof boot === 'string' ? { status: boot } : boot;
      return { currentTime: new Date().toISOString(), interval: answer.interval ?? heartbeatS, status: answer.status };
    }
    case 'Heartbeat': return { currentTime: new Date().toISOString() };
    case 'Authorize': return { idTokenInfo: info() };
    case 'TransactionEvent': return payload.idToken ? { idTokenInfo: info() } : {};
    case 'StatusNotification': case 'NotifyEvent': case 'NotifyReport': case 'MeterValues':
    case 'SecurityEventNotification': case 'ReportChargingProfiles': case 'NotifyChargingLimit':
    case 'ClearedChargingLimit': case 'FirmwareStatusNotification': case 'LogStatusNotification':
    case 'NotifyMonitoringReport': case 'NotifyCustomerInformation': case 'ReservationStatusUpdate':
      return {};
    case 'DataTransfer': return { status: 'UnknownVendorId' };
    default: return undefined;
  }
}
