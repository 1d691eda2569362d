import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from '../../host/engine/budget.ts';
import { defaultLimits } from '../../host/limits.ts';
import { TurnedClock } from '../agent/turned-clock.ts';

/** A guest that calls host functions and burns hardly any fuel, beside others. */
function caller(isWanted: boolean): { afterMs(ms: number): Promise<'gives way' | 'goes on'> } {
  const clock = new TurnedClock('2026-01-01T00:00:00Z');
  const turn = { isWanted: () => isWanted, giveWay: () => Promise.resolve(), charge: () => {} };
  const budget = new Budget({ limits: defaultLimits, clock, turn });
  const cell = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  budget.restart();
  return {
    afterMs: async (ms) => {
      await clock.pass(ms);
      for (let calls = 0; calls < 64; calls += 1) budget.check();
      return cell.value < 0n && budget.out() === 1 ? 'gives way' : 'goes on';
    },
  };
}

test('a guest that calls the host gives way after a millisecond to those who wait', async () => {
  assert.equal(await caller(true).afterMs(1), 'gives way');
});

test('a guest that calls the host for less than a millisecond goes on, whoever waits', async () => {
  assert.equal(await caller(true).afterMs(0.5), 'goes on');
});

test('a guest that calls the host goes on while nobody waits, until the event loop has to turn', async () => {
  const alone = caller(false);
  assert.equal(await alone.afterMs(0.75), 'goes on');
  assert.equal(await alone.afterMs(0.25), 'gives way');
});

test('a life begins with a slice, in a cell that was another guest’s, and what it uses counts', () => {
  const turn = { isWanted: () => true, giveWay: () => Promise.resolve(), charge: () => {} };
  const clock = new TurnedClock('2026-01-01T00:00:00Z');
  const budget = new Budget({ limits: defaultLimits, clock, turn, fuelSlice: 1_000n });
  const cell = new WebAssembly.Global({ value: 'i64', mutable: true }, -77n);
  budget.attachFuel(cell);
  budget.beginLife();
  assert.equal(cell.value, 1_000n);
  cell.value -= 10n;
  assert.equal(budget.fuelUsed, 10n);
});

test('a guest that was stopped before its life began does not live', () => {
  const budget = new Budget({ limits: defaultLimits, clock: new TurnedClock('2026-01-01T00:00:00Z') });
  const cell = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  budget.stop({ kind: 'cancelled', reason: 'gone' });
  budget.beginLife();
  assert.ok(cell.value < 0n);
  assert.equal(budget.out(), 0);
});

test('what a guest has used is the same whether its slice was cut short or not', async () => {
  const clock = new TurnedClock('2026-01-01T00:00:00Z');
  const turn = { isWanted: () => true, giveWay: () => Promise.resolve(), charge: () => {} };
  const budget = new Budget({ limits: defaultLimits, clock, turn });
  const cell = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  budget.restart();
  cell.value -= 1000n;
  const before = budget.fuelUsed;
  await clock.pass(2);
  for (let calls = 0; calls < 64; calls += 1) budget.check();
  assert.equal(budget.out(), 1);
  assert.equal(budget.fuelUsed, before);
});

/** What a turn was told that one guest used. */
class Charges {
  readonly told: [key: number, fuel: number, ms: number][] = [];
  readonly isWanted = (): boolean => false;
  readonly giveWay = (): Promise<void> => Promise.resolve();
  readonly charge = (key: number, fuel: number, ms: number): void => void this.told.push([key, fuel, ms]);
}

test('what a guest uses is charged to it at the end of each slice and of each call, once', async () => {
  const clock = new TurnedClock('2026-01-01T00:00:00Z');
  const turn = new Charges();
  const budget = new Budget({ limits: defaultLimits, clock, turn, turnKey: 7, fuelSlice: 1_000n });
  const cell = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  budget.restart();
  await clock.pass(1);
  cell.value -= 1_010n;
  budget.out();
  await clock.pass(2);
  cell.value -= 300n;
  budget.settle();
  assert.deepEqual(turn.told, [
    [7, 1_010, 1],
    [7, 300, 2],
  ]);
  budget.restart();
  cell.value -= 5n;
  budget.settle();
  assert.deepEqual(turn.told.at(-1), [7, 5, 0]);
});

test('a slice that ends while the guest is paused is granted anew: nobody asks it for fuel when it goes on', async () => {
  const clock = new TurnedClock('2026-01-01T00:00:00Z');
  // The host reads ahead for the guest meanwhile, and looks at the clock where it begins and ends.
  const giveWay = async (): Promise<void> => {
    await clock.pass(20);
    for (let calls = 0; calls < 64; calls += 1) budget.check();
    assert.equal(cell.value, -1n);
  };
  const budget = new Budget({
    limits: defaultLimits,
    clock,
    turn: { isWanted: () => true, giveWay, charge: () => {} },
  });
  const cell = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(cell);
  cell.value = -1000n;
  assert.equal(budget.out(), 1);
  await budget.pause();
  assert.ok(cell.value >= 0n);
  assert.equal(budget.fuelUsed, 1000n);
});
