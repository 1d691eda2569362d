import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlacementName } from '../../host/config/scheduler-settings.ts';
import { rankOfLevel } from '../../host/scheduler/level.ts';
import { Placement } from '../../host/scheduler/placement.ts';

const critical = rankOfLevel('critical');

/** Where agents of these weights go, one after the other, on three threads that have room for 10 each. */
function placesOf(name: PlacementName, weights: readonly number[]): string {
  const placement = new Placement(name, 10);
  return weights
    .map((weight) => {
      const thread = placement.choose([1, 2, 3], { weight });
      placement.came(thread, { weight });
      return thread;
    })
    .join('');
}

test('least loaded: where the fewest agents are, whatever they weigh', () => {
  assert.equal(placesOf('least-loaded', [9, 1, 1, 9, 1]), '12312');
});

test('first fit: the first thread that has room', () => {
  assert.equal(placesOf('first-fit', [6, 6, 4, 4, 1]), '12123');
});

test('best fit: of the threads that have room the one with the least of it', () => {
  assert.equal(placesOf('best-fit', [6, 7, 2, 4, 8]), '12213');
});

test('where no thread has room, the one with the fewest agents', () => {
  for (const name of ['first-fit', 'best-fit'] as const)
    assert.equal(placesOf(name, [10, 10, 10, 5, 5]), '12312');
});

test('priority: who goes before others goes where the fewest such agents are', () => {
  const placement = new Placement('priority');
  const place = (level: number | undefined): number => {
    const terms = level === undefined ? {} : { level };
    const thread = placement.choose([1, 2], terms);
    placement.came(thread, terms);
    return thread;
  };
  assert.deepEqual([undefined, critical, undefined, critical, critical].map(place), [1, 1, 2, 2, 1]);
});

test('an agent that went leaves its room to others', () => {
  const placement = new Placement('first-fit', 10);
  placement.came(1, { weight: 10 });
  assert.equal(placement.choose([1, 2], {}), 2);
  placement.went(1, { weight: 10 });
  assert.equal(placement.choose([1, 2], {}), 1);
  assert.equal(placement.agentsOf(1), 0);
});
