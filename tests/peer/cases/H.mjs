// H: reservations.
import assert from 'node:assert/strict';
import { EVSE, TOKEN } from '../post.mjs';
import { GROUP, OTHER, info, says } from './C.mjs';

const ID = 42;

const request = (more = {}) => ({ id: ID, expiryDateTime: new Date(Date.now() + 3600000).toISOString(), idToken: TOKEN, evseId: EVSE, ...more });

async function reserved(s, more = {}) {
  s.undo.push(() => s.call('CancelReservation', { reservationId: ID }));
  const since = s.mark;
  await s.ask('ReserveNow', request(more), 'Accepted');
  await s.status('Reserved', since);
}

// Whom it is for charges.
async function used(s, token = TOKEN) {
  const since = s.mark;
  await s.present(token);
  await s.do('plug');
  await s.status('Occupied', since);
  await s.event({ chargingState: 'Charging' }, { since });
  await s.flowing();
}

const told = async (s, since, reservationUpdateStatus) => {
  const { payload } = await s.next('ReservationStatusUpdate', { since });
  assert.deepEqual([payload.reservationId, payload.reservationUpdateStatus], [ID, reservationUpdateStatus]);
};

export default [
  {
    id: 'H_01',
    title: 'reserved, and used by its token',
    seconds: 5,
    given: (s) => reserved(s),
    async steps(s) {
      const since = s.mark;
      await s.present();
      await s.status('Available', since);
      await s.do('plug');
      await s.event({ chargingState: 'Charging' }, { since });
    },
  },
  {
    id: 'H_02',
    title: 'reserved, another token charges nothing',
    async given(s) {
      await reserved(s);
      await s.do('plug');
      await s.untilValue('plugged', (v) => v);
    },
    async steps(s) {
      const since = s.mark;
      await s.present(OTHER);
      await s.stays(1000, 'it charges', async () => !await s.value('contactor'));
      assert.ok(s.events(since).every((p) => p.transactionInfo.chargingState !== 'Charging'));
      await s.remoteStart({ token: OTHER, status: 'Rejected' });
    },
  },
  {
    id: 'H_03',
    title: 'reserved already',
    given: (s) => reserved(s),
    steps: (s) => s.ask('ReserveNow', request({ id: ID + 1, idToken: OTHER }), 'Occupied'),
  },
  {
    id: 'H_04',
    title: 'occupied',
    given: (s) => s.charging(),
    steps: (s) => s.ask('ReserveNow', request({ idToken: OTHER }), 'Occupied'),
  },
  {
    id: 'H_06',
    title: 'out of service',
    async given(s) {
      s.undo.push(() => s.call('ChangeAvailability', { operationalStatus: 'Operative', evse: { id: EVSE } }));
      await s.ask('ChangeAvailability', { operationalStatus: 'Inoperative', evse: { id: EVSE } }, 'Accepted');
      await s.status('Unavailable');
    },
    steps: (s) => s.ask('ReserveNow', request({ idToken: OTHER }), 'Unavailable'),
  },
  {
    id: 'H_07',
    title: 'nobody came in time',
    seconds: 8,
    given: async (s) => reserved(s, { expiryDateTime: new Date(await s.clock() + 2500).toISOString() }),
    async steps(s) {
      const since = s.mark;
      await s.status('Available', since);
      await told(s, since, 'Expired');
      await used(s, OTHER);
    },
  },
  {
    id: 'H_17',
    title: 'cancelled',
    given: (s) => reserved(s),
    async steps(s) {
      const since = s.mark;
      await s.ask('CancelReservation', { reservationId: ID }, 'Accepted');
      await s.status('Available', since);
    },
  },
  { id: 'H_18', title: 'cancelled, but there is none', steps: (s) => s.ask('CancelReservation', { reservationId: 1 }, 'Rejected') },
  {
    id: 'H_19',
    title: 'used by another token of its group',
    seconds: 5,
    async given(s) {
      says(s, { [OTHER.idToken]: info('Accepted', GROUP) });
      await reserved(s, { groupIdToken: GROUP });
    },
    steps: (s) => used(s, OTHER),
  },
  {
    id: 'H_21',
    title: 'taken out of service: the reservation is gone',
    seconds: 6,
    given: (s) => reserved(s),
    async steps(s) {
      let since = s.mark;
      s.undo.push(() => s.call('ChangeAvailability', { operationalStatus: 'Operative', evse: { id: EVSE } }));
      await s.ask('ChangeAvailability', { operationalStatus: 'Inoperative', evse: { id: EVSE } }, 'Accepted');
      await s.status('Unavailable', since);
      await told(s, since, 'Removed');
      since = s.mark;
      await s.ask('ChangeAvailability', { operationalStatus: 'Operative', evse: { id: EVSE } }, 'Accepted');
      await s.status('Available', since);
      await used(s, OTHER);
    },
  },
  {
    id: 'H_23',
    title: 'replaced',
    seconds: 5,
    given: (s) => reserved(s),
    async steps(s) {
      await s.ask('ReserveNow', request({ idToken: OTHER }), 'Accepted');
      await s.ask('TriggerMessage', { requestedMessage: 'StatusNotification', evse: { id: EVSE, connectorId: 1 } }, 'Accepted');
      await s.status('Reserved', s.from);
      await used(s, OTHER);
    },
  },
];
