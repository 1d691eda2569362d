import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PolicyName, policyNames } from '../../host/config/scheduler-settings.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import { nobody, RunQueue } from '../../host/scheduler/run-queue.ts';
import { fc } from '../support/properties.ts';
import { NaiveQueue } from './naive-queue.ts';

const keysMax = 12;
const key = fc.nat(keysMax - 1);
const level = fc.nat(5);
type Step = readonly [what: string, key: number, amount: number];
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('push'), key, fc.constant(9)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('push'), key, level) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('shift'), key, fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('again'), key, fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('charge'), key, fc.integer({ min: 1, max: 1_000 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('remove'), key, fc.constant(0)) },
);
const terms = fc.array(fc.record({ level, weight: fc.integer({ min: 1, max: 10 }) }), {
  minLength: keysMax,
  maxLength: keysMax,
});

/** Does the same with both, and what they say must be the same. */
function walk(queue: RunQueue, naive: NaiveQueue, steps: readonly Step[]): void {
  for (const [what, key, amount] of steps) {
    if (what === 'push') {
      queue.push(key, undefined, amount);
      naive.push(key, amount);
    } else if (what === 'shift') assert.equal(queue.shift(), naive.shift());
    else if (what === 'again') {
      queue.again(key);
      naive.again(key);
    } else if (what === 'charge') {
      queue.charge(key, amount, 0);
      naive.charge(key, amount);
    } else assert.equal(queue.remove(key), naive.remove(key));
    assert.equal(queue.length, naive.length);
    assert.equal(queue.isWanted(key), naive.isWanted(key));
    for (let level = 0; level < 6; level += 1) assert.equal(queue.lengthOf(level), naive.lengthOf(level));
  }
  while (naive.length > 0) assert.equal(queue.shift(), naive.shift());
  assert.equal(queue.shift(), nobody);
}

test('fair shares in levels: the same as a list that is searched each time', () => {
  fc.assert(
    fc.property(terms, fc.array(step, { maxLength: 300, size: 'max' }), (terms, steps) => {
      const queue = new RunQueue({ nowMs: () => 1 });
      const naive = new NaiveQueue();
      for (const [key, { level, weight }] of terms.entries()) {
        queue.set(key, { level, weight });
        naive.set(key, level, weight);
      }
      walk(queue, naive, steps);
    }),
    { numRuns: 100 },
  );
});

test('ranks of any kind: the same as a list that is searched each time', () => {
  const ranks = fc.array(fc.nat(4), { minLength: keysMax, maxLength: keysMax });
  fc.assert(
    fc.property(terms, ranks, fc.array(step, { maxLength: 300, size: 'max' }), (terms, ranks, steps) => {
      const rank = ({ key }: { readonly key: number }): number => ranks[key] as number;
      const queue = new RunQueue({ policy: 'custom', rank, nowMs: () => 1 });
      const naive = new NaiveQueue((key) => ranks[key] as number);
      for (const [key, { level }] of terms.entries()) {
        queue.set(key, { level });
        naive.set(key, level, 1);
      }
      walk(queue, naive, steps);
    }),
    { numRuns: 100 },
  );
});

/** Agents that compute without an end, in slices of about a million of fuel. */
class Loops {
  nowMs = 1;
  readonly queue: RunQueue;
  readonly fuel: number[];
  readonly turns: number[];

  constructor(policy: PolicyName, count: number) {
    const rank = ({ arrivedMs }: { readonly arrivedMs: number }): number => arrivedMs;
    this.queue = new RunQueue({ policy, rank, nowMs: () => this.nowMs, forecast: new Profiles() });
    this.fuel = new Array<number>(count).fill(0);
    this.turns = new Array<number>(count).fill(0);
  }

  turn(fuel: number): number {
    const key = this.queue.shift();
    this.nowMs += 0.2;
    this.queue.charge(key, fuel, 0.2);
    this.fuel[key] = (this.fuel[key] ?? 0) + fuel;
    this.turns[key] = (this.turns[key] ?? 0) + 1;
    this.queue.again(key);
    return key;
  }
}

const weightsOfMany = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 20 });

for (const policy of ['fair-share', 'weighted-fair-queueing'] as const)
  test(`${policy}: nobody is more than two slices away from its share`, () => {
    fc.assert(
      fc.property(
        weightsOfMany,
        fc.infiniteStream(fc.integer({ min: 500_000, max: 2_000_000 })),
        (weights, slices) => {
          const loops = new Loops(policy, weights.length);
          for (const [key, weight] of weights.entries()) {
            loops.queue.set(key, { weight });
            loops.queue.push(key);
          }
          for (let turn = 0; turn < 2_000; turn += 1) loops.turn(slices.next().value as number);
          // By unit of weight: what one has more than another is at most a slice of each.
          const shares = weights.map((weight, key) => (loops.fuel[key] as number) / weight);
          for (const [a, share] of shares.entries())
            for (const [b, other] of shares.entries()) {
              const most = 2_000_000 / (weights[a] as number) + 2_000_000 / (weights[b] as number);
              assert.ok(Math.abs(share - other) <= most, `${a} has ${share} by weight, ${b} ${other}`);
            }
        },
      ),
      { numRuns: 30 },
    );
  });

test('fair-share: an agent with a new message goes before those that have just had a turn, however many compute', () => {
  const message = fc.record({ afterTurns: fc.integer({ min: 1, max: 20 }), fuel: fc.nat(20_000) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 10 }),
      fc.array(message, { minLength: 50, maxLength: 200 }),
      (count, weight, messages) => {
        const loops = new Loops('fair-share', count);
        for (let key = 0; key <= count; key += 1) loops.queue.set(key, { weight });
        for (let key = 0; key < count; key += 1) loops.queue.push(key);
        for (let turn = 0; turn < count; turn += 1) loops.turn(2_000_000);
        for (const { afterTurns, fuel } of messages) {
          // Slices of equal fuel, so that all who compute have used the same.
          for (let turn = 0; turn < afterTurns; turn += 1) loops.turn(2_000_000);
          loops.queue.push(count);
          assert.ok(loops.queue.isWanted(0));
          assert.equal(loops.queue.shift(), count);
          loops.queue.charge(count, fuel, 0);
        }
      },
    ),
    { numRuns: 50 },
  );
});

for (const policy of policyNames.filter((name) => name !== 'custom'))
  test(`${policy}: whoever waits has a turn in time, in whatever level, and whoever else comes`, () => {
    fc.assert(
      fc.property(level, fc.integer({ min: 1, max: 10 }), (level, weight) => {
        const loops = new Loops(policy, 12);
        for (let key = 0; key < 10; key += 1) {
          loops.queue.set(key, { level: key % 6, weight, deadlineMs: 10, rate: 100 });
          loops.queue.push(key);
        }
        for (let turn = 0; turn < 100; turn += 1) loops.turn(1_000_000);
        loops.queue.set(11, { level, weight: 1 });
        loops.queue.push(11);
        // Messages that are dealt with in one turn each, one after the other, for each of the others.
        const untilMs = loops.nowMs + 60_000;
        while (loops.nowMs < untilMs) {
          const key = loops.queue.shift();
          if (key === 11) return;
          loops.nowMs += 0.5;
          loops.queue.charge(key, 1_000_000, 0.5);
          loops.queue.push(key);
        }
        assert.fail('it had no turn within a minute');
      }),
      { numRuns: 12 },
    );
  });
