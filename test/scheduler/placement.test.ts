import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlacementName, placementNames } from '../../host/config/scheduler-settings.ts';
import { rankOfLevel } from '../../host/scheduler/level.ts';
import { coreMillionths, type Demand, Placement } from '../../host/scheduler/placement.ts';
import { newWorkload, Workload } from '../../host/scheduler/workload.ts';
import { fc } from '../support/properties.ts';

const critical = rankOfLevel('critical');
const high = rankOfLevel('high');
const gibibyte = 1024 ** 3;
const threads = [1, 2, 3];

/** Where agents go, one after the other. */
function settle(placement: Placement, demands: readonly Demand[], among = threads): string {
  return demands
    .map((demand) => {
      const thread = placement.choose(among, demand);
      if (thread !== undefined) placement.came(thread, demand);
      return thread ?? '-';
    })
    .join('');
}

/** Where agents of these weights go on three threads that have room for 10 each. */
function placesOf(name: PlacementName, weights: readonly number[]): string {
  return settle(
    new Placement({ name, weightMax: 10 }),
    weights.map((weight) => ({ weight })),
  );
}

const reserves = (share: number, memoryShare = share): Demand => ({
  cpu: Math.round(share * coreMillionths),
  memoryBytes: Math.floor(memoryShare * gibibyte),
});

/** Three threads, of which one has little to promise already, one half of it, one nothing. */
function half(name: PlacementName): Placement {
  const placement = new Placement({ name, memoryBytesMax: gibibyte });
  placement.came(1, reserves(0.2));
  placement.came(2, reserves(0.5));
  return placement;
}

test('balanced: where the least weighs', () => {
  assert.equal(placesOf('balanced', [9, 1, 1, 9, 1]), '12323');
  assert.equal(placesOf('balanced', [1, 1, 1, 1, 1]), '12312', 'of equals the first');
});

test('first fit: the first thread that has room', () => {
  assert.equal(placesOf('first-fit', [6, 6, 4, 4, 1]), '12123');
});

test('best fit: of the threads that have room the one with the least of it', () => {
  assert.equal(placesOf('best-fit', [6, 7, 2, 4, 8]), '12213');
});

test('where no thread has room for a weight, the one with the most left', () => {
  for (const name of ['first-fit', 'best-fit'] as const)
    assert.equal(placesOf(name, [10, 10, 10, 5, 5]), '12312');
});

test('priority: who goes before others goes where such agents weigh least, the others are balanced', () => {
  const of = (level: number | undefined): Demand => (level === undefined ? {} : { level });
  const demands = [undefined, critical, undefined, high, critical].map(of);
  assert.equal(settle(new Placement({ name: 'priority' }), demands, [1, 2]), '11221');
  assert.equal(settle(new Placement(), demands, [1, 2]), '12121');
});

test('each placement sends an agent that reserves a share elsewhere', () => {
  const chosen = placementNames.map((name) => [name, half(name).choose(threads, reserves(0.3))]);
  assert.deepEqual(Object.fromEntries(chosen), {
    balanced: 3,
    'first-fit': 1,
    'best-fit': 2,
    priority: 3,
  });
});

test('a thread promises what fits, exactly that much, and nothing beyond', () => {
  const placement = new Placement({ name: 'first-fit', memoryBytesMax: gibibyte });
  assert.equal(settle(placement, [reserves(0.5), reserves(0.4)], [1]), '11', 'at the limit');
  assert.equal(placement.choose([1], reserves(0.01)), undefined, 'over it');
  assert.equal(placement.choose([1], reserves(0.000_001, 0.01)), undefined, 'memory is as scarce');
  assert.equal(placement.choose([1], {}), 1, 'who reserves nothing has always a place');
  placement.went(1, reserves(0.4));
  assert.equal(placement.choose([1], reserves(0.01)), 1, 'what was let go of is there again');
});

test('what is kept back is for the first two levels, and only where priority counts', () => {
  for (const name of placementNames) {
    const placement = new Placement({ name, memoryBytesMax: gibibyte });
    placement.came(1, reserves(0.9));
    const more = reserves(0.1);
    assert.equal(placement.choose([1], { ...more, level: high }), undefined, name);
    assert.equal(placement.choose([1], { ...more, level: critical }), name === 'priority' ? 1 : undefined);
  }
});

test('those who reserve nothing share what others have left, by weight', () => {
  const placement = new Placement();
  placement.came(1, reserves(0.75));
  assert.equal(settle(placement, Array<Demand>(5).fill({}), [1, 2]), '22222');
  const weights = Array<Demand>(10).fill({});
  assert.equal(
    settle(placement, weights, [1, 2]).match(/1/g)?.length,
    2,
    'a fifth of fifteen, less the promised one',
  );
});

test('a thread that its agents keep busy has less left', () => {
  const busy = new Map([
    [1, 0.8],
    [2, 0.3],
    [3, 0.2],
  ]);
  const placement = new Placement({ busyOf: (thread) => busy.get(thread) ?? 0 });
  assert.equal(settle(placement, Array<Demand>(8).fill({})), '32323123');
  assert.equal(
    new Placement({ busyOf: (thread) => busy.get(thread) ?? 0 }).choose(threads, reserves(0.1)),
    3,
  );
});

test('how busy a thread is comes of what its agents computed from one look to the next', () => {
  let nowMs = 0;
  const memory = newWorkload(2);
  const workload = new Workload(memory, () => nowMs);
  memory[1] = 500;
  assert.equal(workload.busyOf(1), 0, 'no second is over yet');
  nowMs = 1_000;
  assert.deepEqual([workload.busyOf(1), workload.busyOf(2)], [0.5, 0]);
  memory[2] = 4_000;
  nowMs = 1_999;
  assert.equal(workload.busyOf(2), 0);
  nowMs = 3_000;
  assert.deepEqual([workload.busyOf(1), workload.busyOf(2)], [0, 1]);
});

test('an agent that went leaves its room to others', () => {
  const placement = new Placement({ name: 'first-fit', weightMax: 10 });
  placement.came(1, { weight: 10 });
  assert.equal(placement.choose([1, 2], {}), 2);
  placement.went(1, { weight: 10 });
  assert.equal(placement.choose([1, 2], {}), 1);
  assert.equal(placement.agentsOf(1), 0);
});

test('whatever comes and goes, no thread promises more than it has, and in the end nothing', () => {
  const step = fc.record({ cpu: fc.integer({ min: 0, max: coreMillionths }), leaves: fc.nat(9) });
  fc.assert(
    fc.property(fc.constantFrom(...placementNames), fc.array(step), (name, steps) => {
      const placement = new Placement({ name, memoryBytesMax: coreMillionths });
      const there: [number, Demand][] = [];
      for (const { cpu, leaves } of steps) {
        const [gone] = there.splice(leaves, 1);
        if (gone !== undefined) placement.went(...gone);
        const demand = { cpu, memoryBytes: cpu };
        const thread = placement.choose(threads, demand);
        if (thread !== undefined) {
          placement.came(thread, demand);
          there.push([thread, demand]);
        }
        for (const each of threads) assert.ok(placement.promisedOf(each) <= 0.9);
      }
      for (const gone of there) placement.went(...gone);
      for (const each of threads)
        assert.deepEqual([placement.promisedOf(each), placement.agentsOf(each)], [0, 0]);
    }),
  );
});
