import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Gate } from '../../host/agent/gate.ts';
import type { Turn } from '../../host/engine/budget.ts';

/** Turns that are dealt out by hand. */
class Turns implements Turn {
  readonly waiting: (() => void)[] = [];
  readonly charged: string[] = [];

  isWanted(): boolean {
    return this.waiting.length > 0;
  }

  giveWay(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  charge(key: number, fuel: number, ms: number): void {
    this.charged.push(`${key} ${fuel} ${ms}`);
  }

  next(): void {
    this.waiting.shift()?.();
  }
}

function gated(): { turns: Turns; gate: Gate; gone: number[]; giveWay: (key: number) => void } {
  const turns = new Turns();
  const gate = new Gate(turns);
  const gone: number[] = [];
  const giveWay = (key: number): void => void gate.giveWay(key).then(() => gone.push(key));
  return { turns, gate, gone, giveWay };
}

test('whoever is not held gives way to others, and is charged, as without a gate', async () => {
  const { turns, gate, gone, giveWay } = gated();
  gate.hold(2);
  assert.equal(gate.isWanted(1), false);
  giveWay(1);
  assert.equal(gate.isWanted(1), true);
  gate.charge(1, 5, 7);
  assert.deepEqual(turns.charged, ['1 5 7']);
  turns.next();
  await turn();
  assert.deepEqual(gone, [1]);
});

test('a held guest is asked to give way at once, stands still, and waits for a turn when it is released', async () => {
  const { turns, gate, gone, giveWay } = gated();
  gate.hold(1);
  assert.equal(gate.isWanted(1), true);
  giveWay(1);
  giveWay(1);
  await turn();
  assert.equal(gate.standing, 1);
  assert.equal(turns.waiting.length, 0, 'who stands is in nobody’s line');
  gate.release(1);
  await turn();
  assert.deepEqual(gone, []);
  turns.next();
  turns.next();
  await turn();
  assert.deepEqual(gone, [1, 1]);
  assert.equal(gate.isWanted(1), false);
});

test('a guest that waits for its turn when it is held stands still when it has it', async () => {
  const { turns, gate, gone, giveWay } = gated();
  giveWay(1);
  gate.hold(1);
  turns.next();
  await turn();
  assert.deepEqual(gone, []);
  gate.release(1);
  await turn();
  gate.hold(1);
  turns.next();
  await turn();
  assert.equal(gate.standing, 1, 'held again before its turn came');
  gate.release(1);
  await turn();
  turns.next();
  await turn();
  assert.deepEqual(gone, [1]);
});

test('a held guest that is ended goes on to its end, and its agent stays held', async () => {
  const { gate, gone, giveWay } = gated();
  gate.hold(1);
  giveWay(1);
  await turn();
  gate.letGo(1);
  await turn();
  assert.deepEqual(gone, [1]);
  assert.equal(gate.isWanted(1), true);
  gate.letGo(9);
  gate.release(9);
});
