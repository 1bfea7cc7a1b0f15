/* The live page: snapshots come over /live, commands go to /api/v1. No libraries. */
'use strict';

const $ = id => document.getElementById(id);
const PHASES = ['L1', 'L2', 'L3'];
const HISTORY_MS = 30 * 60 * 1000;
let site = null;
let history = [];
const cards = new Map();

/* ---- small helpers ---- */

function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}
const amps = v => v == null ? '–' : v.toFixed(1);
const kwh = wh => wh == null ? null : (wh / 1000).toFixed(wh < 100000 ? 2 : 1) + ' kWh';

/* One way to write a time everywhere: 24 h, local, with the date when it is not today. */
function clock(t, seconds) {
  const d = new Date(t), today = d.toDateString() === new Date(site ? site.time : Date.now()).toDateString();
  return d.toLocaleString('en-GB', {hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(seconds && {second: '2-digit'}),
    ...(!today && {day: 'numeric', month: 'short', ...(d.getFullYear() !== new Date().getFullYear() && {year: 'numeric'})})});
}

function duration(ms) {
  if (ms < 60000) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  const minutes = Math.floor(ms / 60000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

async function api(method, path, body) {
  const r = await fetch('/api/v1' + path, {
    method, signal: AbortSignal.timeout(path === '/health' ? 5000 : 40000), headers: body === undefined ? {} : {'content-type': 'application/json'},
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch(() => { throw new Error('the hub does not answer'); });
  const answer = await r.json().catch(() => ({error: `status ${r.status}`}));
  const e = answer.error;
  if (!r.ok || e) throw new Error(typeof e === 'object' ? `${e.code} ${e.description}` : e || `status ${r.status}`);
  return answer;
}

let noticeTimer;
function notice(message) {
  $('notice').textContent = message;
  $('notice').hidden = !message;
  clearTimeout(noticeTimer);
  if (message) noticeTimer = setTimeout(() => notice(''), 8000);
}

/* ---- the site ---- */

function makeBars() {
  for (const name of PHASES) {
    const row = document.createElement('div');
    row.className = 'phase';
    row.innerHTML = `<b>${name}</b><div class="bar" role="meter" aria-valuemin="0" aria-label="current of ${name}">` +
      '<i class="granted"></i><i class="drawn"></i></div><span class="amps"><strong>–</strong> of – A</span>';
    $('phases').append(row);
  }
}

const percent = (v, of) => Math.max(0, Math.min(100, of > 0 ? 100 * v / of : 0)).toFixed(1) + '%';

function showSite(s) {
  text($('power'), (s.power_w / 1000).toFixed(1));
  text($('charging'), String(s.charging));
  text($('waiting'), String(s.waiting));
  text($('connected'), `${s.connected}/${s.stations}`);
  [...$('phases').children].forEach((row, p) => {
    const bar = row.querySelector('.bar'), drawn = s.current_a[p] || 0;
    bar.querySelector('.drawn').style.width = percent(drawn, s.limit_a);
    bar.querySelector('.granted').style.width = percent(s.granted_a[p], s.limit_a);
    bar.setAttribute('aria-valuenow', drawn.toFixed(1));
    bar.setAttribute('aria-valuemax', s.limit_a);
    bar.title = `granted ${amps(s.granted_a[p])} A, reserved at most ${amps(s.reserved_a[p])} A`;
    bar.toggleAttribute('data-over', drawn > s.limit_a + 0.05);
    row.querySelector('.amps').innerHTML = `<strong>${amps(drawn)}</strong> of ${+s.limit_a.toFixed(1)} A`;
  });
  if (document.activeElement !== $('limit-input') && !$('limit-form').dataset.edited)
    $('limit-input').value = +s.limit_a.toFixed(1);
  $('auto-start').checked = s.auto_start;
  $('over').hidden = !s.overcommitted;
}

/* ---- chart ---- */

const SVG = 'http://www.w3.org/2000/svg';
function draw() {
  const svg = $('chart'), w = svg.clientWidth, h = svg.clientHeight;
  if (!w || !site) return;
  const left = 30, bottom = h - 18, top = 6, now = Date.parse(site.time);
  const points = history.filter(p => p.t >= now - HISTORY_MS).concat({t: now, i: site.current_a, limit: site.limit_a});
  const minutes = [3, 6, 15, 30].find(m => points[0].t >= now - m * 60000) || 30, from = now - minutes * 60000;
  const highest = Math.max(8, ...points.map(p => Math.max(p.limit, ...p.i))) * 1.06;
  const x = t => left + (w - left - 2) * (t - from) / (now - from), y = a => bottom - (bottom - top) * a / highest;
  const parts = [];
  const step = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].find(s => highest / s <= 5) || 5000;
  for (let a = 0; a < highest; a += step) {
    parts.push(`<line class="grid-line" x1="${left}" x2="${w}" y1="${y(a)}" y2="${y(a)}"/>`);
    parts.push(`<text x="${left - 6}" y="${y(a) + 4}" text-anchor="end">${a}</text>`);
  }
  for (let m = 0; m <= minutes; m += minutes / 3)
    parts.push(`<text x="${x(now - m * 60000)}" y="${h - 3}" text-anchor="${m === 0 ? 'end' : m === minutes ? 'start' : 'middle'}">${m ? '−' + m + ' min' : 'now'}</text>`);
  const path = f => {
    let d = '', last = 0;
    for (const p of points) { /* a pause of the hub is a gap, not a line */
      d += `${d && p.t - last < 30000 ? 'L' : 'M'}${x(p.t).toFixed(1)} ${y(f(p)).toFixed(1)}`;
      last = p.t;
    }
    return d;
  };
  parts.push(`<path class="limit" d="${path(p => p.limit)}"/>`);
  PHASES.forEach((name, k) => parts.push(`<path class="${name.toLowerCase()}" d="${path(p => p.i[k] || 0)}"/>`));
  text($('span'), `last ${minutes} minutes`);
  svg.setAttribute('viewBox', `0 0 ${w} ${h}`);
  const g = document.createElementNS(SVG, 'g');
  g.innerHTML = parts.join('');
  svg.replaceChildren(g);
}

function remember(s) {
  const t = Date.parse(s.time), last = history[history.length - 1];
  if (!last || t - last.t >= 5000) history.push({t, i: s.current_a, limit: s.limit_a});
  while (history.length && history[0].t < t - HISTORY_MS) history.shift();
}

async function loadHistory() {
  const h = await api('GET', '/site/history').catch(() => null);
  if (h) history = h.points.map(p => ({t: Date.parse(p.time), i: p.current_a, limit: p.limit_a}));
  draw();
}

/* ---- stations ---- */

const STATES = {
  charging: ['good', '⚡', 'Charging'], starting: ['info', '…', 'Starting'], waiting: ['wait', '⧖', 'Waiting'],
  paused: ['info', '❚❚', 'Paused by car'], connected: ['info', '⇄', 'Plugged in'], available: ['idle', '○', 'Available'],
  reserved: ['wait', '◔', 'Reserved'], unavailable: ['idle', '⊘', 'Out of service'], faulted: ['bad', '!', 'Fault'],
  offline: ['bad', '×', 'Offline'], 'not-accepted': ['wait', '?', 'Not accepted'],
};
/* Names of this project's stations (core/fault.c), then of components, for what another station does not name. */
const FAULTS = {
  CpShort: 'the control pilot is shorted', CpRange: 'the control pilot’s voltage fits no state', DiodeMissing: 'the car’s diode is missing on the control pilot',
  PilotDriver: 'the control pilot does not do what it is told', NoDiodeCheck: 'the car’s diode could not be checked', Proximity: 'the cable’s rating can’t be read',
  CableChanged: 'another cable than at the start', Ventilation: 'the car asks for ventilation, there is none', Welded: 'the contactor is welded: it does not open',
  NoClose: 'the contactor does not close', Rcd: 'residual current', RcmTest: 'the residual current monitor has failed its test',
  OverCurrent: 'the car draws more than it may', OverCurrentFast: 'the car draws far more than it may', OverVoltage: 'the mains voltage is too high',
  UnderVoltage: 'the mains voltage is too low', Frequency: 'the mains frequency is off', PhaseLoss: 'a phase is missing', OverTemperature: 'too hot',
  Lock: 'the plug lock has failed', Starved: 'the controller was held up', Guard: 'the safety check has tripped',
  ControlPilot: 'control pilot', ProximityPilot: 'the cable’s rating', Contactor: 'contactor', Meter: 'meter', Supply: 'mains supply',
  ConnectorPlugRetentionLock: 'plug lock', TemperatureSensor: 'temperature',
};
const OFFERED = {
  installation: 'its installation', cable: 'the cable', temperature: 'it is hot', supply: 'the mains voltage', phaseLoss: 'a missing phase', user: 'set at the station',
};
/* Values of OCPP that people get to see */
const ENDED = {
  DeAuthorized: 'stopped: token not accepted', EmergencyStop: 'emergency stop', EnergyLimitReached: 'energy limit reached', EVDisconnected: 'unplugged',
  GroundFault: 'residual current', ImmediateReset: 'station restarted', Local: 'stopped at the station', LocalOutOfCredit: 'no credit left',
  MasterPass: 'stopped by service', Other: 'ended', OvercurrentFault: 'car drew too much', PowerLoss: 'power failure', PowerQuality: 'bad mains supply',
  Reboot: 'station restarted', Remote: 'stopped from here', SOCLimitReached: 'car full enough', StoppedByEV: 'stopped by the car',
  TimeLimitReached: 'time limit reached', Timeout: 'no car came', ReqEnergyTransferRejected: 'refused',
};
const RUNNING = {
  Charging: 'charging', EVConnected: 'plugged in', SuspendedEV: 'paused by the car', SuspendedEVSE: 'waiting for current', Idle: 'no car',
};
const words = (table, value) => table[value] || value.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();

function reasonText(s) {
  if (s.state === 'faulted')
    return s.faults.length ? s.faults.map(f => words(FAULTS, f)).join('; ') : 'the station has not said which: see its log';
  const why = {
    idle: s.state === 'connected' ? 'not authorised' : s.state === 'available' ? 'no car' : 'no car to charge', 'equal-share': 'equal share of the site', rating: `it can offer no more than ${amps(s.rating_a)} A`,
    standby: 'the car has paused; the minimum is kept for it', waiting: 'not enough for one more car: waits for its turn',
    offline: 'cut off: keeps what it may hold', uncontrolled: 'it refuses limits',
  }[s.reason] || s.reason;
  /* What the station itself says matters when a car wants current; that it offers none while none does is no news. */
  const own = s.offered_reason && !['server', 'none'].includes(s.offered_reason);
  if (!own || !s.connected || s.offered_a == null || (s.offered_a === 0 && s.reason === 'idle')) return why;
  return `${why}; station offers ${s.offered_a === 0 ? 'no current' : `${amps(s.offered_a)} A`} (${words(OFFERED, s.offered_reason)})`;
}

function makeCard(id) {
  const card = $('station-template').content.firstElementChild.cloneNode(true);
  card.querySelector('h3').textContent = id;
  for (const name of PHASES) {
    const row = document.createElement('div');
    row.className = 'mini';
    row.innerHTML = `<span>${name}</span><div class="bar"><i class="drawn"></i></div><span>–</span>`;
    card.querySelector('.bars').append(row);
  }
  const at = '/stations/' + encodeURIComponent(id);
  const press = (button, path, done) => button.addEventListener('click', async () => {
    button.dataset.busy = '1';
    button.disabled = true;
    try {
      const a = await api('POST', at + path, {});
      const status = a.result && a.result.status, why = a.result && a.result.statusInfo;
      notice(!status || status === 'Accepted' ? `${id}: ${done}`
        : `${id} has ${status === 'Rejected' ? 'refused' : `answered: ${status}`}${why ? ` (${why.additionalInfo || words({}, why.reasonCode)})` : ''}`);
    } catch (e) {
      notice(`${id}: ${e.message}`);
    }
    delete button.dataset.busy;
    if (site) showStations(site.station_list);
  });
  press(card.querySelector('.start'), '/start', 'start requested');
  press(card.querySelector('.stop'), '/stop', 'stop requested');
  card.querySelector('.show-log').addEventListener('click', () => openLog(id));
  card.querySelector('.show-firmware').addEventListener('click', () => openFirmware(id));
  return card;
}

function showStation(card, s) {
  const [tone, glyph, name] = STATES[s.state] || ['idle', '·', s.state];
  card.dataset.tone = tone;
  card.toggleAttribute('data-offline', !s.connected);
  text(card.querySelector('.glyph'), glyph);
  text(card.querySelector('.state'), name);
  text(card.querySelector('.kw'), s.power_w == null ? '–' : (s.power_w / 1000).toFixed(1));
  const tx = s.transaction;
  text(card.querySelector('.energy'), tx && tx.energy_wh != null ? kwh(tx.energy_wh) : '');
  [...card.querySelector('.bars').children].forEach((row, p) => {
    const i = s.current_a[p];
    row.querySelector('.drawn').style.width = percent(i || 0, Math.max(s.limit_a || 0, s.offered_a || 0, 6));
    text(row.lastElementChild, i == null ? '–' : amps(i) + ' A');
    row.toggleAttribute('data-off', s.phases.length > 0 && !s.phases.includes(PHASES[p]));
  });
  const until = s.limit_until ? Math.round((Date.parse(s.limit_until) - Date.parse(site.time)) / 1000) : null;
  text(card.querySelector('.limit'), s.limit_a == null ? 'none known'
    : `${amps(s.limit_a)} A` + (until != null && !s.connected && s.fallback_a !== s.limit_a ? ` for ${Math.max(0, until)} s, then ${amps(s.fallback_a)} A` : ''));
  text(card.querySelector('.reason'), reasonText(s));
  text(card.querySelector('.session'), tx ? `${duration(Date.parse(site.time) - Date.parse(tx.started))}, since ${clock(tx.started)}` +
    (tx.authorised ? '' : ', not authorised') : '–');
  const start = card.querySelector('.start'), stop = card.querySelector('.stop');
  const can = s.state === 'connected' && !(tx && tx.authorised);
  if (!start.dataset.busy) start.disabled = !can;
  start.title = can || (tx && tx.authorised) ? '' : !s.connected ? 'the station is offline'
    : s.state === 'available' ? 'plug in a car first' : s.state === 'faulted' ? 'not while there is a fault' : 'not in this state';
  if (!stop.dataset.busy) stop.disabled = !s.connected || !tx;
  const u = s.update, recent = u && (!u.ended || Date.parse(site.time) - Date.parse(u.time) < 3600000);
  card.querySelector('.fw-row').hidden = !recent;
  if (recent) {
    text(card.querySelector('.fw'), updateText(u));
    progress(card.querySelector('.fw-row .bar'), u);
  }
  text(card.querySelector('.about'), [s.pilot && 'pilot ' + s.pilot, s.model, s.firmware].filter(Boolean).join(' · '));
}

function showStations(list) {
  const seen = new Set();
  list.forEach((s, k) => {
    seen.add(s.id);
    let card = cards.get(s.id);
    if (!card) {
      card = makeCard(s.id);
      cards.set(s.id, card);
    }
    showStation(card, s);
    if ($('stations').children[k] !== card) $('stations').insertBefore(card, $('stations').children[k] || null);
  });
  for (const [id, card] of cards)
    if (!seen.has(id)) {
      card.remove();
      cards.delete(id);
    }
  $('none').hidden = list.length > 0;
}

/* ---- sessions ---- */

let sessions = null, sessionsOf = '';
async function loadSessions() {
  const answer = await api('GET', '/transactions?limit=8').catch(() => null);
  if (!answer) return;
  sessions = answer.transactions;
  showSessions();
}

/* What is new in a snapshot is in the table at once: running sessions from it, begun and ended ones from the database. */
function followSessions(list) {
  const now = list.map(s => s.transaction ? `${s.id} ${s.transaction.id} ${s.transaction.token}` : s.id).join('\n');
  if (now !== sessionsOf) {
    sessionsOf = now;
    loadSessions();
  }
  showSessions();
}

function showSessions() {
  if (!sessions) return;
  const live = new Map((site ? site.station_list : []).filter(s => s.transaction).map(s => [`${s.id} ${s.transaction.id}`, s.transaction]));
  const rows = sessions.map(t => {
    const tr = document.createElement('tr');
    const now = live.get(`${t.station} ${t.id}`);
    if (now && !t.ended) t = {...t, energy_wh: now.energy_wh, charging_state: now.charging_state};
    const start = Date.parse(t.started), end = t.ended ? Date.parse(t.ended) : site ? Date.parse(site.time) : Date.now();
    const cells = [t.station, clock(start), duration(end - start), kwh(t.energy_wh) || '–', t.token || '–',
      t.ended ? words(ENDED, t.stopped_reason || 'Other') : t.charging_state ? words(RUNNING, t.charging_state) : 'open'];
    cells.forEach((c, k) => {
      const td = document.createElement('td');
      td.textContent = c;
      if (k === 3) td.className = 'num';
      tr.append(td);
    });
    return tr;
  });
  $('tx').replaceChildren(...rows);
  $('tx-none').hidden = rows.length > 0;
}

/* ---- log ---- */

const LOG_LINES_MAX = 2000;
let logOf = null, logNewest = 0, logAsked = 0;
const modules = new Set();

function openLog(id) {
  logOf = id;
  text($('log-title'), `Log of ${id}`);
  modules.clear();
  $('log').showModal();
  loadLog();
  loadFiles();
}

function logLine(e) {
  const li = document.createElement('li');
  li.dataset.level = e.level;
  const when = document.createElement('time'), kind = document.createElement('span'), what = document.createElement('span');
  when.dateTime = e.time;
  when.textContent = clock(e.time, true);
  kind.className = 'kind';
  kind.textContent = [e.module || e.kind, e.level !== 'info' && e.level].filter(Boolean).join(' · ');
  what.className = 'what';
  what.textContent = e.text;
  li.append(when, kind, what);
  if (e.module && !modules.has(e.module)) {
    modules.add(e.module);
    $('log-modules').replaceChildren(...[...modules].sort().map(m => new Option(m)));
  }
  return li;
}

/* All that the filters let through, or only what is new. */
async function loadLog(more) {
  if (!logOf || !$('log').open) return;
  const q = new URLSearchParams({limit: '300'}), of = logOf, asked = ++logAsked;
  for (const [name, field] of [['kind', 'kind'], ['at_least', 'level'], ['module', 'module'], ['text', 'text']])
    if ($('log-' + field).value) q.set(name, $('log-' + field).value);
  for (const name of ['since', 'until']) /* a minute that is not finished yet belongs to it */
    if ($('log-' + name).value) q.set(name, new Date(Date.parse($('log-' + name).value) + (name === 'until' ? 59999 : 0)).toISOString());
  if (more) q.set('after', String(logNewest));
  const answer = await api('GET', `/stations/${encodeURIComponent(of)}/log?${q}`).catch(e => more ? null : {entries: [{time: new Date().toISOString(), kind: 'page', level: 'error', text: e.message}]});
  if (!answer || of !== logOf || asked !== logAsked) return; /* another one has been asked for meanwhile */
  const fresh = answer.entries.map(logLine);
  if (answer.entries.length && answer.entries[0].id) logNewest = answer.entries[0].id;
  else if (!more) logNewest = 0;
  if (more) $('log-list').prepend(...fresh);
  else $('log-list').replaceChildren(...fresh);
  while ($('log-list').children.length > LOG_LINES_MAX) $('log-list').lastChild.remove();
}

/* ---- files of a station ---- */

const UPLOADS = {
  Asked: 'asked for', Accepted: 'the station prepares it', Uploading: 'on its way', Uploaded: 'here', UploadFailure: 'the station could not send it',
  PermissionDenied: 'the hub has refused it', BadMessage: 'the station did not understand', NotSupportedOperation: 'the station can’t send it',
  AcceptedCanceled: 'given up for another', Refused: 'refused', NoAnswer: 'the station did not answer',
};
const bytes = n => n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`;

let filesOf = '';
async function loadFiles() {
  if (!logOf || !$('log').open) return;
  const of = logOf, answer = await api('GET', `/stations/${encodeURIComponent(of)}/files`).catch(() => null);
  if (!answer || of !== logOf) return;
  $('files').replaceChildren(...answer.files.slice(0, 20).map(f => {
    const li = document.createElement('li'), name = f.url ? document.createElement('a') : document.createElement('span');
    name.textContent = f.type === 'SecurityLog' ? 'security log' : 'diagnostics';
    if (f.url) {
      name.href = f.url;
      name.download = '';
    }
    const about = document.createElement('span');
    about.className = 'soft';
    about.textContent = [clock(f.asked), f.size != null && bytes(f.size), words(UPLOADS, f.status)].filter(Boolean).join(' · ');
    li.append(name, about);
    return li;
  }));
}

function followFiles(list) {
  const s = list.find(x => x.id === logOf), l = s && s.log_upload;
  if (!$('log').open || !s) return;
  text($('files-state'), l && !l.ended ? `${l.type === 'SecurityLog' ? 'security log' : 'diagnostics'}: ${words(UPLOADS, l.status)}` : '');
  for (const b of document.querySelectorAll('[data-getlog]')) b.disabled = !s.connected || !!b.dataset.busy;
  const now = l ? `${s.id} ${l.request} ${l.status} ${l.size}` : s.id;
  if (now !== filesOf) {
    filesOf = now;
    loadFiles();
  }
}

for (const b of document.querySelectorAll('[data-getlog]'))
  b.addEventListener('click', async () => {
    b.dataset.busy = '1';
    b.disabled = true;
    try {
      const a = await api('POST', `/stations/${encodeURIComponent(logOf)}/getlog`, {type: b.dataset.getlog, retries: 3, retry_interval: 10});
      if (a.result.status !== 'Accepted') notice(`${logOf}: ${words(UPLOADS, a.result.status)}`);
    } catch (e) {
      notice(`${logOf}: ${e.message}`);
    }
    delete b.dataset.busy;
    if (site) followFiles(site.station_list);
  });

/* ---- firmware ---- */

const UPDATES = {
  Asked: 'asked for', Accepted: 'accepted, begins in a moment', DownloadScheduled: 'waits for its time to download', Downloading: 'downloading', DownloadPaused: 'download paused',
  Downloaded: 'downloaded', SignatureVerified: 'signature is good', InstallScheduled: 'waits to be installed', Installing: 'installing', InstallRebooting: 'restarting with the new firmware',
  Installed: 'installed', DownloadFailed: 'could not be downloaded', InstallationFailed: 'could not be installed', InstallVerificationFailed: 'the image is not what it says, or not for this station',
  InvalidSignature: 'its signature is wrong', InvalidCertificate: 'its certificate is wrong', RevokedCertificate: 'its certificate is revoked', Refused: 'the station has refused it',
  NoAnswer: 'the station did not answer', AcceptedCanceled: 'given up for another',
};
const updateText = u => words(UPDATES, u.status) + (u.status === 'Downloading' && u.percent != null ? ` ${u.percent} %` : '');
const updateTone = u => u.status === 'Installed' ? 'good' : u.ended ? 'bad' : 'info';

/* Four steps of unequal length make one bar: the download is most of it. */
function progress(bar, u) {
  const done = {Asked: 0, Accepted: 0, DownloadScheduled: 0, Downloaded: 80, SignatureVerified: 84, InstallScheduled: 86, Installing: 90, InstallRebooting: 96, Installed: 100}[u.status];
  const now = u.status === 'Downloading' || u.status === 'DownloadPaused' ? 0.8 * (u.percent || 0) : done;
  bar.hidden = now == null || u.status === 'Installed';
  bar.querySelector('.drawn').style.width = percent(now || 0, 100);
  if (bar.getAttribute('role')) bar.setAttribute('aria-valuenow', String(Math.round(now || 0)));
}

let firmwareOf = null, updatesOf = '';
function openFirmware(id) {
  firmwareOf = id;
  updatesOf = '';
  text($('firmware-title'), `Firmware of ${id}`);
  text($('upload-state'), '');
  $('firmware').showModal();
  loadImages();
  if (site) followFirmware(site.station_list);
}

async function loadImages(choose) {
  const answer = await api('GET', '/firmware').catch(e => ({images: [], error: notice(e.message)}));
  const before = choose || $('image').value;
  $('image').replaceChildren(...answer.images.map(i => new Option(`${i.name} (${bytes(i.size)}, ${clock(i.time)})`, i.name)));
  if (answer.images.some(i => i.name === before)) $('image').value = before;
  if (!answer.images.length) $('image').append(new Option(answer.folder === false ? 'the hub has no folder for files' : 'none yet: upload one', ''));
  $('image-delete').disabled = !answer.images.length;
}

async function loadUpdates() {
  const of = firmwareOf, answer = await api('GET', `/stations/${encodeURIComponent(of)}/firmware`).catch(() => null);
  if (!answer || of !== firmwareOf) return;
  $('updates').replaceChildren(...answer.updates.map(u => logLine({time: u.asked, kind: words(UPDATES, u.status), level: updateTone(u) === 'bad' ? 'warning' : 'info', text: u.image})));
}

function followFirmware(list) {
  const s = list.find(x => x.id === firmwareOf);
  if (!$('firmware').open || !s) return;
  const u = s.update, busy = u && !u.ended;
  text($('firmware-now'), [s.model, s.firmware].filter(Boolean).join(' ') || 'not known');
  text($('update-state'), u ? updateText(u) : 'No update yet');
  text($('update-what'), u ? `${u.image}, ${clock(u.time, true)}` : '');
  $('update').dataset.tone = u ? updateTone(u) : 'idle';
  const bar = $('update').querySelector('.bar');
  if (u) progress(bar, u);
  else bar.hidden = true;
  const send = $('update-form').querySelector('.primary');
  text(send, busy ? 'Update again' : 'Update');
  if (!send.dataset.busy) send.disabled = !s.connected;
  send.title = s.connected ? '' : 'the station is offline';
  const now = u ? `${u.request} ${u.status}` : 'none';
  if (now !== updatesOf) {
    updatesOf = now;
    loadUpdates();
  }
}

$('update-form').addEventListener('submit', async e => {
  e.preventDefault();
  const send = e.target.querySelector('.primary'), at = $('install-at').value, of = firmwareOf;
  if (!$('image').value) return;
  send.dataset.busy = '1';
  send.disabled = true;
  try {
    const a = await api('POST', `/stations/${encodeURIComponent(of)}/firmware`,
      {image: $('image').value, retries: 5, retryInterval: 10, ...(at && {installDateTime: new Date(at).toISOString()})});
    if (a.result.status !== 'Accepted') notice(`${of}: ${words(UPDATES, a.result.status === 'Rejected' ? 'Refused' : a.result.status)}`);
  } catch (err) {
    notice(`${of}: ${err.message}`);
  }
  delete send.dataset.busy;
  if (site) followFirmware(site.station_list);
});
$('image-delete').addEventListener('click', async () => {
  const name = $('image').value;
  if (!name || !confirm(`Delete ${name} from the hub?`)) return;
  await api('DELETE', '/firmware/' + encodeURIComponent(name)).catch(err => notice(err.message));
  loadImages();
});
$('upload-form').addEventListener('submit', e => {
  e.preventDefault();
  const file = $('image-file').files[0];
  if (!file) return;
  const name = file.name.replace(/[^A-Za-z0-9._+-]/g, '_').replace(/^[^A-Za-z0-9]+/, '').slice(0, 100) || 'image';
  const x = new XMLHttpRequest(); /* fetch does not tell how far it is */
  x.upload.onprogress = p => text($('upload-state'), `${Math.round(100 * p.loaded / p.total)} %`);
  x.onload = () => {
    let why = '';
    try {
      why = JSON.parse(x.responseText).error || '';
    } catch {
      why = x.status === 201 ? '' : `status ${x.status}`;
    }
    text($('upload-state'), why || `${name} is on the hub`);
    if (!why) {
      e.target.reset();
      loadImages(name);
    }
  };
  x.onerror = () => text($('upload-state'), 'the hub has not taken it: too large, or it does not answer');
  x.open('PUT', '/api/v1/firmware/' + encodeURIComponent(name));
  x.send(file);
});

/* ---- the line to the hub ---- */

let retryMs = 500, silence;
function connect() {
  const ws = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/live');
  const watch = () => { /* a site with cars says something every few seconds; look whether the line is alive */
    clearTimeout(silence);
    silence = setTimeout(() => api('GET', '/health').then(watch, () => ws.close()), 15000);
  };
  ws.onopen = () => {
    retryMs = 500;
    $('link').dataset.state = 'live';
    document.body.removeAttribute('data-lost');
    $('lost').hidden = true;
    text($('link-text'), 'live');
    loadHistory();
    loadSessions();
    watch();
  };
  ws.onmessage = m => {
    site = JSON.parse(m.data);
    remember(site);
    showSite(site);
    showStations(site.station_list);
    followSessions(site.station_list);
    followFiles(site.station_list);
    followFirmware(site.station_list);
    draw();
    watch();
  };
  ws.onclose = () => {
    clearTimeout(silence);
    $('link').dataset.state = 'lost';
    text($('link-text'), 'no connection');
    document.body.setAttribute('data-lost', '');
    text($('lost'), `The hub does not answer, trying again… ${site ? `What is shown is from ${clock(site.time, true)}.` : ''}`);
    $('lost').hidden = false;
    setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, 15000);
  };
}

/* ---- commands ---- */

$('limit-form').addEventListener('submit', async e => {
  e.preventDefault();
  try {
    const s = await api('PUT', '/site', {limit_a: Number($('limit-input').value)});
    delete $('limit-form').dataset.edited;
    notice(`Site limit is ${+s.limit_a.toFixed(1)} A per phase.`);
  } catch (err) {
    notice(err.message);
  }
});
function checkLimit() {
  const v = Number($('limit-input').value);
  $('limit-input').setCustomValidity(v > 0 && v < 1 ? 'From 1 to 10000 A, or 0: nobody charges.' : '');
}
$('limit-input').addEventListener('input', () => {
  $('limit-form').dataset.edited = '1';
  checkLimit();
});
for (const b of document.querySelectorAll('[data-step]'))
  b.addEventListener('click', () => {
    const i = $('limit-input');
    const next = Math.round((Number(i.value) + Number(b.dataset.step)) * 10) / 10;
    i.value = next < 1 ? (Number(b.dataset.step) < 0 ? 0 : 1) : Math.min(next, 10000);
    $('limit-form').dataset.edited = '1';
    checkLimit();
  });
$('auto-start').addEventListener('change', async e => {
  try {
    await api('PUT', '/site', {auto_start: e.target.checked});
  } catch (err) {
    notice(err.message);
  }
});
for (const f of ['kind', 'level', 'module', 'since', 'until', 'text']) $('log-' + f).addEventListener('input', () => loadLog());
$('log-follow').addEventListener('change', e => e.target.checked && loadLog());
$('log-filter').addEventListener('submit', e => e.preventDefault());

text($('hint'), `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ocpp/<its name>`);
makeBars();
connect();
setInterval(loadSessions, 15000);
setInterval(() => $('log-follow').checked && loadLog(true), 2000);
new ResizeObserver(draw).observe($('chart'));
