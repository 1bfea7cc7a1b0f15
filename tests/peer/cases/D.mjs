// D: the local list: sent whole or in parts, its version, kept over restarts.
import assert from 'node:assert/strict';
import { TOKEN } from '../post.mjs';

const OTHER = { idToken: 'CAFE0001', type: 'ISO14443' };
const entry = (idToken, status = 'Accepted') => ({ idToken, idTokenInfo: { status } });

async function send(s, updateType, versionNumber, localAuthorizationList, status = 'Accepted') {
  s.undo.push(() => s.call('SendLocalList', { versionNumber: 1, updateType: 'Full' }));
  await s.ask('SendLocalList', { updateType, versionNumber, ...(localAuthorizationList ? { localAuthorizationList } : {}) }, status);
}

async function version(s, want) { assert.deepEqual(await s.call('GetLocalListVersion'), { versionNumber: want }); }

// Does the list know this token? LocalPreAuthorize makes it visible: the server is not asked.
async function known(s, token, want) {
  await s.set('AuthCtrlr.LocalPreAuthorize', true);
  await s.plugIn();
  const since = s.mark;
  s.double.token = () => 'Invalid';
  await s.present(token);
  if (want) {
    await s.event({ eventType: 'Started' }, { since });
    assert.equal(s.of('Authorize', since).length, 0);
  } else await s.next('Authorize', { since });
}

const one = (s) => send(s, 'Full', 5, [entry(TOKEN)]);

export default [
  {
    id: 'D_01',
    title: 'a whole list',
    async steps(s) {
      await one(s);
      await version(s, 5);
      await known(s, TOKEN, true);
    },
  },
  {
    id: 'D_02',
    title: 'a part is added',
    given: one,
    async steps(s) {
      await send(s, 'Differential', 6, [entry(OTHER)]);
      await version(s, 6);
      await known(s, OTHER, true);
    },
  },
  {
    id: 'D_03',
    title: 'a part is removed',
    given: one,
    async steps(s) {
      await send(s, 'Differential', 6, [{ idToken: TOKEN }]);
      await version(s, 6);
      await known(s, TOKEN, false);
    },
  },
  {
    id: 'D_04',
    title: 'a whole list of nothing',
    given: one,
    async steps(s) {
      await send(s, 'Full', 5);
      await version(s, 5);
      await known(s, TOKEN, false);
    },
  },
  {
    id: 'D_05',
    title: 'a part of nothing',
    given: one,
    async steps(s) {
      await send(s, 'Differential', 6);
      await version(s, 6);
      await known(s, TOKEN, true);
    },
  },
  {
    id: 'D_06',
    title: 'a part of an older version',
    given: one,
    async steps(s) {
      await send(s, 'Differential', 4, [entry(OTHER)], 'VersionMismatch');
      await version(s, 5);
      await known(s, OTHER, false);
    },
  },
  {
    id: 'D_07',
    title: 'kept over a restart',
    given: one,
    async steps(s) {
      await s.booted();
      await version(s, 5);
      await known(s, TOKEN, true);
    },
  },
  { id: 'D_08', title: 'the version', given: one, steps: (s) => version(s, 5) },
  {
    id: 'D_10',
    title: 'the version, switched off',
    async given(s) {
      await one(s);
      await s.set('LocalAuthListCtrlr.Enabled', false);
    },
    steps: (s) => version(s, 0),
  },
];
