import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SupervisorStatus } from '../../host/host/serving.ts';
import { ask, open } from '../support/front.ts';

const top: SupervisorStatus = {
  name: 'top',
  parent: undefined,
  strategy: 'one-for-all',
  restartsMax: 3,
  periodMs: 5_000,
  restartsNow: 1,
  state: 'up',
  children: [
    { name: 'a', kind: 'agent', state: 'up', restarts: 2, lastExit: 'trap unreachable', restartsInMs: 40 },
  ],
};

test('supervisors are listed with their children, and a tree is started anew by the name of its root', async (t) => {
  const { front, serving } = await open(t);
  const inner: SupervisorStatus = { ...top, name: 'inner', parent: 'top', state: 'ended', children: [] };
  serving.trees.push(top, inner);
  const { parent: _none, ...shown } = top;
  assert.deepEqual((await ask(front, '/v1/supervisors')).json.supervisors, [shown, inner]);
  const post = { method: 'POST' };
  assert.equal((await ask(front, '/v1/supervisors/top/restart', post)).status, 204);
  assert.equal((await ask(front, '/v1/supervisors/inner/restart', post)).status, 404);
  assert.equal((await ask(front, '/v1/supervisors/nobody/restart', post)).status, 404);
  assert.deepEqual(serving.restarted, ['top']);
});
