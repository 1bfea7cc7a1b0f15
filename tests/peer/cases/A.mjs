// A: the password of security profile 1.
import assert from 'node:assert/strict';

const PASSWORD = 'SecurityCtrlr.BasicAuthPassword';

// Sets a password; the station comes back with it, by itself or after a restart.
async function change(s, password) {
  const since = s.double.knocks.length;
  s.undo.push(() => s.sim.do('set password', s.number));
  s.double.password = password;
  const { attributeStatus } = await s.put(PASSWORD, password);
  assert.ok(['Accepted', 'RebootRequired'].includes(attributeStatus), attributeStatus);
  if (attributeStatus === 'RebootRequired') await s.booted();
  const first = await s.double.until('a new connection', () => s.double.knocks.slice(since).find((k) => k.accepted));
  assert.equal(first.password, password);
  await s.double.connected();
}

export default [
  {
    id: 'A_09',
    title: 'a new password is taken and used for the next connection',
    async steps(s) {
      await change(s, 'a-new-password-of-26-chars');
      await s.ask('TriggerMessage', { requestedMessage: 'Heartbeat' }, 'Accepted');
    },
  },
  {
    id: 'A_10',
    title: 'a password shorter than 16 characters is rejected, the old one stays',
    async given(s) { await change(s, 'the-old-password-of-29-chars.'); },
    async steps(s) {
      assert.equal((await s.put(PASSWORD, 'fifteen-letters')).attributeStatus, 'Rejected');
      await s.booted();
      assert.equal(s.double.knocks.at(-1).password, 'the-old-password-of-29-chars.');
    },
  },
];
