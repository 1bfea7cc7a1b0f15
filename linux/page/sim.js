// The simulator's page: shows one station's display and the truth about it, and does what a person there can do.
'use strict';

const $ = (id) => document.getElementById(id);
const FAULTS = {
  diode: 'diode shorted', cp_short: 'pilot shorted', cp_open: 'pilot broken', weld: 'contactor welds', no_close: 'contactor stays open',
  rcd: 'RCD trips', 'phase_loss 2': 'phase 2 lost', pp_open: 'no proximity', pp_short: 'proximity shorted', lock_stuck: 'lock stuck',
  aux_stuck: 'auxiliary contact stuck', rcm_dead: 'residual-current monitor dead', pilot_stuck: 'pilot driver stuck', adc_dead: 'converter dead',
};
// Faults of a part that a station has only with this setting; without it they change nothing.
const PART = { lock_stuck: 'lock_fitted', aux_stuck: 'aux_fitted', rcm_dead: 'rcm_fitted' };
const HOLD_MS = 1500; // a control that a person has just moved is left alone until the world has followed
const moved = new Map(); // control: when
let station = Number(new URLSearchParams(location.search).get('station')) || 1;

// The controls show the world; nothing is remembered here.
function show(id, value) {
  const control = $(id);
  if (value === undefined || Date.now() - (moved.get(id) ?? 0) < HOLD_MS) return;
  if (control.value !== String(value)) control.value = value;
  const out = $(`${id}-out`);
  if (out) out.textContent = `${value} ${out.dataset.unit}`;
}

function showControls(truth, belief) {
  show('max', truth.car.max_a);
  show('phases', truth.car.phases);
  show('cable', truth.cable_ohm);
  show('volt', truth.mains_volt[0]);
  show('hot', truth.ambient_c);
  show('language', belief.language);
  for (const button of $('faults').children) {
    const [name, phase] = button.dataset.fault.split(' ');
    const on = phase ? truth.faults.phase_loss[phase - 1] : truth.faults[name];
    button.setAttribute('aria-pressed', String(on));
    const part = PART[name];
    const unfitted = Boolean(part) && belief[part] === false;
    button.disabled = unfitted && !on;
    button.title = unfitted ? `no effect: this station has no such part. Start ecs-sim with --set ${part}=1` : '';
  }
}

async function act(verb) {
  try {
    const answer = await fetch('/do', { method: 'POST', body: JSON.stringify({ station, verb }) });
    const { error } = await answer.json();
    $('said').textContent = error ? `${verb}: ${error}` : verb;
    $('said').className = error ? 'refused' : '';
    return !error;
  } catch {
    $('said').textContent = 'ecs-sim does not answer';
    $('said').className = 'refused';
    return false;
  }
}

for (const button of document.querySelectorAll('[data-verb]')) {
  button.addEventListener('click', () => act(button.dataset.verb));
}
for (const [name, label] of Object.entries(FAULTS)) {
  const button = document.createElement('button');
  button.textContent = label;
  button.dataset.fault = name;
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', async () => {
    const on = button.getAttribute('aria-pressed') !== 'true';
    const shown = station;
    if (await act(`fault ${name} ${on ? 'on' : 'off'}`) && station === shown) button.setAttribute('aria-pressed', String(on));
  });
  $('faults').append(button);
}
$('card').addEventListener('submit', (event) => {
  event.preventDefault();
  const token = $('token').value.trim();
  if (token) act(`token "${token.replaceAll('"', '')}"`);
});
function control(id, verb) {
  const out = $(`${id}-out`);
  $(id).addEventListener('input', () => {
    moved.set(id, Date.now());
    if (out) out.textContent = `${$(id).value} ${out.dataset.unit}`;
  });
  $(id).addEventListener('change', async () => {
    moved.set(id, Date.now());
    if (!await act(`${verb} ${$(id).value}`)) moved.delete(id);
  });
}
control('language', 'set language');
control('phases', 'car phases');
control('cable', 'cable');
control('max', 'car max_a');
control('volt', 'mains volt');
control('hot', 'temperature');
$('station').addEventListener('change', () => {
  station = Number($('station').value);
  moved.clear();
  history.replaceState(null, '', `?station=${station}`);
});

const list = (values, digits) => values.map((v) => v.toFixed(digits)).join('  ');

function rows(truth, belief) {
  return {
    'Volts': list(truth.volt, 0), 'Amperes': list(truth.amp, 1), 'Energy': `${(truth.energy_wh / 1000).toFixed(2)} kWh`,
    'Contactor': truth.contactor ? 'closed' : 'open', 'Pilot': `${truth.pilot}, ${truth.duty_percent.toFixed(1)} %`,
    'Battery': `${(truth.soc * 100).toFixed(0)} %`, 'Inside': `${truth.temperature_c.toFixed(0)} °C`,
    'Station says': belief.running ? `${belief.state}${belief.fault === 'NoError' ? '' : `: ${belief.fault}`}` : 'no power',
    'Offers': belief.running ? `${belief.offered_a} A (${belief.reason})` : '–',
    'Server': belief.online ? (belief.registered ? 'accepted' : 'connected') : 'offline',
  };
}

async function look() {
  try {
    const [state, stations] = await Promise.all(['/state', '/stations'].map(async (path) => (await fetch(path)).json()));
    if ($('station').length !== stations.length) {
      $('station').replaceChildren(...stations.map((s) => new Option(s.id, s.station)));
      $('station').value = station = Math.min(station, stations.length);
    }
    showControls(state.stations[station - 1], stations[station - 1]);
    const cells = Object.entries(rows(state.stations[station - 1], stations[station - 1])).flatMap(([name, value]) => {
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = name;
      dd.textContent = value;
      return [dt, dd];
    });
    $('truth').replaceChildren(...cells);
    const image = new Image();
    image.src = `/lcd.png?station=${station}&t=${Date.now()}`;
    await image.decode();
    $('lcd').src = image.src;
  } catch {
    $('said').textContent = 'ecs-sim does not answer';
    $('said').className = 'refused';
  }
  setTimeout(look, document.hidden ? 2000 : 400);
}
look();
