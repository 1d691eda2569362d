import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartLane } from '../../host/agent/restart-lane.ts';

test('a few restarts do not wait, very many come at a steady pace, and after a pause a few do not again', () => {
  const lane = new RestartLane();
  const waits = Array.from({ length: 125 }, () => lane.enter(1_000));
  assert.deepEqual(new Set(waits.slice(0, 26)), new Set([0]));
  assert.deepEqual([waits[26], waits[124]], [10, 990]);
  assert.equal(lane.enter(10_000), 0);
});
