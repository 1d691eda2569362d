import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Approval } from '../../host/host/serving.ts';
import { ask, open } from '../support/front.ts';

const waiting: Approval = {
  id: 'a1',
  kind: 'step-up',
  principal: 'agent:shop',
  action: 'tool.call',
  resource: 'tool:files/write',
  context: {},
  policies: ['a.cedar#tools'],
  reason: 'it changes something',
  askedAtMs: 1,
  deadlineMs: 2,
};

test('what waits for a person is listed and answered once, with a reason', async (t) => {
  const { front, serving } = await open(t);
  serving.waiting.push(waiting, { ...waiting, id: 'a2' });
  assert.deepEqual((await ask(front, '/v1/approvals')).json.approvals, [waiting, { ...waiting, id: 'a2' }]);
  const post = { method: 'POST' };
  assert.equal((await ask(front, '/v1/approvals/a1/approve?reason=seen', post)).status, 204);
  assert.equal((await ask(front, '/v1/approvals/a2/deny', post)).status, 204);
  assert.equal((await ask(front, '/v1/approvals/a2/approve', post)).status, 404);
  assert.deepEqual(serving.answers, [
    { id: 'a1', isApproved: true, by: 'local', reason: 'seen' },
    { id: 'a2', isApproved: false, by: 'local', reason: '' },
  ]);
});
