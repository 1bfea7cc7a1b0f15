// The simulator's page: shows one station's display and the truth about it, and does what a person there can do.
'use strict';

const $ = (id) => document.getElementById(id);
const FAULTS = {
  diode: 'diode shorted', cp_short: 'pilot shorted', cp_open: 'pilot broken', weld: 'contactor welds', no_close: 'contactor stays open',
  rcd: 'RCD trips', 'phase_loss 2': 'phase 2 lost', pp_open: 'no proximity', pp_short: 'proximity shorted', lock_stuck: 'lock stuck',
  pilot_stuck: 'pilot driver stuck', adc_dead: 'converter dead',
};
let station = Number(new URLSearchParams(location.search).get('station')) || 1;

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
  button.addEventListener('click', async () => {
    const done = await act(button.dataset.verb);
    if (done && button.dataset.verb === 'fault none') for (const b of $('faults').children) b.setAttribute('aria-pressed', 'false');
  });
}
for (const [name, label] of Object.entries(FAULTS)) {
  const button = document.createElement('button');
  button.textContent = label;
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', async () => {
    const on = button.getAttribute('aria-pressed') !== 'true';
    if (await act(`fault ${name} ${on ? 'on' : 'off'}`)) button.setAttribute('aria-pressed', String(on));
  });
  $('faults').append(button);
}
$('card').addEventListener('submit', (event) => {
  event.preventDefault();
  const token = $('token').value.trim();
  if (token) act(`token "${token.replaceAll('"', '')}"`);
});
$('language').addEventListener('change', () => act(`set language ${$('language').value}`));
$('phases').addEventListener('change', () => act(`car phases ${$('phases').value}`));
$('cable').addEventListener('change', () => act(`cable ${$('cable').value}`));
function slider(id, unit, verb) {
  $(id).addEventListener('input', () => { $(`${id}-out`).textContent = `${$(id).value} ${unit}`; });
  $(id).addEventListener('change', () => act(`${verb} ${$(id).value}`));
}
slider('max', 'A', 'car max_a');
slider('volt', 'V', 'mains volt');
slider('hot', '°C', 'temperature');
$('station').addEventListener('change', () => {
  station = Number($('station').value);
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
