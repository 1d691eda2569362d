import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AllocationStrategy,
  Allocator,
  allocationStrategies,
  type Wanted,
} from '../../host/scheduler/allocation.ts';
import { fc } from '../support/properties.ts';

const gibibyte = 1024 ** 3;
const has = { cpu: 1, memoryBytes: gibibyte };
const places = [1, 2, 3].map((number) => ({ number, has }));
const wants = (cpu: number, share = cpu): Wanted => ({ cpu, memoryBytes: share * gibibyte });

/** Three threads, of which one has three agents already, one is half full, one is empty. */
function make(strategy: AllocationStrategy): Allocator {
  const allocator = new Allocator({ strategy, places });
  allocator.settle(1, 1, wants(0.2));
  allocator.settle(2, 2, wants(0.5));
  return allocator;
}

test('each strategy gives another place', () => {
  assert.equal(make('first-fit').allocate(9, wants(0.3)), 1, 'the first with room');
  assert.equal(make('best-fit').allocate(9, wants(0.3)), 2, 'the fullest with room');
  assert.equal(make('worst-fit').allocate(9, wants(0.3)), 3, 'the emptiest');
  assert.equal(make('priority').allocate(9, wants(0.3)), 3, 'the emptiest, with a part kept back');
});

test('a place takes what fits, exactly that much, and nothing beyond', () => {
  const allocator = new Allocator({ strategy: 'first-fit', places: [{ number: 1, has }] });
  assert.equal(allocator.allocate(1, wants(0.5)), 1, 'allowed');
  assert.equal(allocator.allocate(2, wants(0.4)), 1, 'at the limit');
  assert.equal(allocator.allocate(3, wants(0.01)), undefined, 'over it');
  assert.equal(allocator.failures, 1);
  assert.equal(allocator.allocate(4, wants(0, 0.01)), undefined, 'memory is as scarce');
  allocator.release(2);
  assert.equal(allocator.allocate(3, wants(0.01)), 1, 'what was let go of is there again');
});

test('what is kept back is for the important, and only where priority counts', () => {
  for (const strategy of allocationStrategies) {
    const allocator = new Allocator({ strategy, places: [{ number: 1, has }] });
    allocator.allocate(1, wants(0.9));
    assert.equal(allocator.allocate(2, wants(0.1)), undefined);
    assert.equal(allocator.allocate(2, wants(0.1), true), strategy === 'priority' ? 1 : undefined, strategy);
  }
});

test('whoever asks again gives back what it had', () => {
  const allocator = new Allocator({ strategy: 'worst-fit', places });
  for (let count = 0; count < 100; count += 1) assert.notEqual(allocator.allocate(7, wants(0.6)), undefined);
  allocator.release(7);
  allocator.release(7);
  assert.deepEqual(
    [1, 2, 3].map((number) => allocator.loadOf(number)),
    [0, 0, 0],
  );
});

test('whatever comes and goes, no place is promised more than it has, and in the end nothing is', () => {
  const step = fc.record({
    key: fc.nat(8),
    cpu: fc.double({ min: 0, max: 1, noNaN: true }),
    isGone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.constantFrom(...allocationStrategies), fc.array(step), (strategy, steps) => {
      const allocator = new Allocator({ strategy, places });
      for (const { key, cpu, isGone } of steps) {
        if (isGone) allocator.release(key);
        else allocator.allocate(key, wants(cpu));
        for (const { number } of places) assert.ok(allocator.loadOf(number) <= 0.9 + 1e-6);
      }
      for (let key = 0; key <= 8; key += 1) allocator.release(key);
      for (const { number } of places) assert.ok(Math.abs(allocator.loadOf(number)) < 1e-6);
    }),
  );
});
