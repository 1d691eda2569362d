import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from '../../host/engine/budget.ts';
import { defaultLimits } from '../../host/limits.ts';
import { HandClock } from '../support/hand-clock.ts';

const turn = { isWanted: () => false, giveWay: async () => {} };

/** A guest that shares its thread and is, after `ms`, at the end of its fuel where it cannot be paused. */
function allocating(ms: number, waited: boolean): Budget {
  const clock = new HandClock();
  const budget = new Budget({ limits: defaultLimits, clock, turn });
  const cell = new WebAssembly.Global<'i64'>({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  budget.restart();
  clock.turn(ms);
  if (waited) budget.waited();
  budget.synchronousDepth = 1;
  cell.value = -1n;
  budget.out();
  return budget;
}

test('a guest that holds its thread where it cannot be paused is stopped', () => {
  assert.equal(allocating(10_000, false).cause?.kind, 'limit');
});

test('the time it waited for the host is not time that it held the thread', () => {
  assert.equal(allocating(10_000, true).cause, undefined);
});
