// G: availability: what is told of the connector, and taking it out of service.
import assert from 'node:assert/strict';
import { EVSE } from '../post.mjs';

const LEVELS = { evse: { evse: { id: EVSE } }, station: {}, connector: { evse: { id: EVSE, connectorId: 1 } } };

async function change(s, level, operationalStatus, status = 'Accepted') {
  await s.ask('ChangeAvailability', { operationalStatus, ...LEVELS[level] }, status);
}

// Out of service for this case; back in service behind it, at every level.
async function unavailable(s, level) {
  s.undo.push(() => change(s, level, 'Operative'));
  const since = s.mark;
  await change(s, level, 'Inoperative');
  await s.status('Unavailable', since);
}

const goesOut = (id, level) => ({
  id,
  title: `${level}: out of service`,
  async steps(s) {
    await unavailable(s, level);
    await s.do('plug');
    await s.present();
    await s.stays(1000, 'it charges', async () => !await s.value('contactor'));
  },
});
const comesBack = (id, level) => ({
  id,
  title: `${level}: back in service`,
  given: (s) => unavailable(s, level),
  async steps(s) {
    const since = s.mark;
    await change(s, level, 'Operative');
    await s.status('Available', since);
    await s.charging();
  },
});
const staysIn = (id, level) => ({ id, title: `${level}: in service, again`, steps: (s) => change(s, level, 'Operative') });
const staysOut = (id, level) => ({
  id,
  title: `${level}: out of service, again`,
  given: (s) => unavailable(s, level),
  async steps(s) {
    await change(s, level, 'Inoperative');
    await s.ask('TriggerMessage', { requestedMessage: 'StatusNotification', ...LEVELS.connector }, 'Accepted');
    await s.status('Unavailable', s.from);
  },
});
const afterTransaction = (id, level) => ({
  id,
  title: `${level}: out of service after the transaction`,
  given: (s) => s.charging(),
  async steps(s) {
    s.undo.push(() => change(s, level, 'Operative'));
    await change(s, level, 'Inoperative', 'Scheduled');
    const since = s.mark;
    await s.stays(700, 'it stopped', () => s.value('contactor'));
    assert.equal(s.of('StatusNotification', since).length, 0);
    await s.stopAuthorised();
    await s.event({ eventType: 'Ended' }, { since });
    await s.status('Unavailable', since);
  },
});
const overRestart = (id, level) => ({
  id,
  title: `${level}: out of service over a restart`,
  given: (s) => unavailable(s, level),
  async steps(s) {
    await change(s, level, 'Inoperative');
    await s.booted({ by: 'reset', type: 'Immediate', status: 'Unavailable' });
    await s.booted({ status: 'Unavailable' });
  },
});

export default [
  { id: 'G_01', title: 'a cable is plugged in: Occupied', steps: (s) => s.plugIn() },
  {
    id: 'G_02',
    title: 'it is unplugged: Available',
    given: (s) => s.plugIn(),
    steps: (s) => s.unplug(),
  },
  goesOut('G_03', 'evse'),
  comesBack('G_04', 'evse'),
  goesOut('G_05', 'station'),
  comesBack('G_06', 'station'),
  goesOut('G_07', 'connector'),
  comesBack('G_08', 'connector'),
  staysIn('G_09', 'evse'),
  staysOut('G_10', 'evse'),
  afterTransaction('G_11', 'evse'),
  staysIn('G_12', 'station'),
  staysOut('G_13', 'station'),
  afterTransaction('G_14', 'station'),
  staysIn('G_15', 'connector'),
  staysOut('G_16', 'connector'),
  afterTransaction('G_17', 'connector'),
  overRestart('G_18', 'evse'),
  overRestart('G_19', 'connector'),
  overRestart('G_21', 'station'),
];
