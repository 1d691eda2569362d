import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from '../../host/engine/budget.ts';
import { defaultLimits } from '../../host/limits.ts';
import { HandClock } from '../support/hand-clock.ts';

const turn = { isWanted: () => false, giveWay: async () => {}, charge: () => {} };

interface Guest {
  readonly clock: HandClock;
  readonly budget: Budget;
  /** Comes to the end of a fuel slice. */
  slice(): void;
}

/** A guest that shares its thread. */
function guest(): Guest {
  const clock = new HandClock();
  const budget = new Budget({ limits: defaultLimits, clock, turn });
  const cell = new WebAssembly.Global<'i64'>({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  budget.restart();
  const slice = (): void => {
    cell.value = -1n;
    budget.out();
  };
  return { clock, budget, slice };
}

test('a guest that holds its thread where it cannot be paused is stopped', () => {
  const { clock, budget, slice } = guest();
  budget.synchronousDepth += 1;
  slice();
  clock.turn(249);
  slice();
  assert.equal(budget.cause, undefined);
  clock.turn(1);
  slice();
  assert.deepEqual(budget.cause, { kind: 'limit', limit: 'deadlineMs', max: 250, used: 250 });
});

test('what came before, waits for the host among it, is no time that it held the thread', () => {
  const { clock, budget, slice } = guest();
  for (let stretch = 0; stretch < 3; stretch += 1) {
    clock.turn(10_000);
    budget.synchronousDepth += 1;
    slice();
    clock.turn(200);
    slice();
    budget.synchronousDepth -= 1;
  }
  assert.equal(budget.cause, undefined);
});
