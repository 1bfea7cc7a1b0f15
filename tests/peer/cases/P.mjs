// P: what vendors add.
import assert from 'node:assert/strict';

const THRESHOLD = { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'OfflineThreshold' } };
const CUSTOM = { vendorId: 'org.example.test', word: 'ünïcödé', deep: { list: [1, 2, { three: true }] } };

export default [
  {
    id: 'P_01',
    title: 'data of a vendor that nobody knows',
    async steps(s) {
      const { status } = await s.call('DataTransfer', { vendorId: 'org.example.test', messageId: 'nothing' });
      assert.ok(['UnknownVendorId', 'UnknownMessageId', 'Rejected'].includes(status), status);
    },
  },
  {
    id: 'P_03',
    title: 'customData at every level is passed over',
    given: (s) => s.set('OCPPCommCtrlr.OfflineThreshold', 100),
    async steps(s) {
      const what = {
        component: { ...THRESHOLD.component, customData: CUSTOM }, variable: { ...THRESHOLD.variable, customData: CUSTOM }, customData: CUSTOM,
      };
      const set = await s.call('SetVariables', { setVariableData: [{ ...what, attributeValue: '200', attributeType: 'Actual' }], customData: CUSTOM });
      assert.equal(set.setVariableResult[0].attributeStatus, 'Accepted');
      const got = await s.call('GetVariables', { getVariableData: [{ ...what, attributeType: 'Actual' }], customData: CUSTOM });
      const [r] = got.getVariableResult;
      assert.deepEqual([r.attributeStatus, r.attributeType ?? 'Actual', r.attributeValue], ['Accepted', 'Actual', '200']);
    },
  },
];
