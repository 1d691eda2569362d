import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalendarLine } from '../../host/scheduler/calendar-line.ts';
import type { Line } from '../../host/scheduler/line.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import { RingLine } from '../../host/scheduler/ring-line.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';
import { fc } from '../support/properties.ts';

const entries = fc.array(
  fc.record({ rank: fc.nat(20), isVoid: fc.boolean(), isDropped: fc.boolean(), isFresh: fc.boolean() }),
  {
    maxLength: 500,
    size: 'max',
  },
);

/** Adds entries, drops some first ones between, sweeps, and gives the keys of those left in order. */
function swept(
  line: Line,
  all: readonly { rank: number; isVoid: boolean; isDropped: boolean; isFresh: boolean }[],
): number[] {
  const dropped = new Set<number>();
  for (const [key, { rank, isDropped, isFresh }] of all.entries()) {
    line.add(key, key + 1, rank, isFresh);
    if (!isDropped) continue;
    line.look();
    dropped.add(line.key);
    line.drop();
  }
  line.sweep((key) => all[key]?.isVoid === false);
  assert.equal(line.size, all.filter(({ isVoid }, key) => !isVoid && !dropped.has(key)).length);
  const keys: number[] = [];
  while (line.size > 0) {
    line.look();
    assert.equal(line.stamp, line.key + 1);
    keys.push(line.key);
    line.drop();
  }
  return keys;
}

test('a calendar that was swept gives what is left by rank, and equals in the order in which they came', () => {
  fc.assert(
    fc.property(entries, (all) => {
      const keys = swept(new CalendarLine(), all);
      const rankOf = (key: number): number => all[key]?.rank as number;
      assert.deepEqual(
        keys,
        [...keys].sort((a, b) => rankOf(a) - rankOf(b) || a - b),
      );
    }),
  );
});

test('a ring that was swept gives what is left in the order in which it came', () => {
  fc.assert(
    fc.property(entries, (all) => {
      const keys = swept(new RingLine(), all);
      assert.deepEqual(
        keys,
        [...keys].sort((a, b) => a - b),
      );
    }),
  );
});

/** Numbers that look like chance and are the same each time. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) yield state / 2 ** 32;
}

const rankings: Readonly<Record<string, (chance: number, turn: number, last: number) => number>> = {
  'all over': (chance) => chance * 1e9,
  'from the last on, as passes are': (chance, _turn, last) => last + chance * 1e6,
  'few and equal': (chance) => Math.floor(chance * 3),
  'a few far out': (chance) => (chance > 0.99 ? chance * 1e15 : chance),
  falling: (chance, turn) => chance - turn,
  'endless among them': (chance) => (chance > 0.9 ? Number.POSITIVE_INFINITY : chance),
};

for (const [what, rankOf] of Object.entries(rankings))
  test(`thousands in a calendar come out as out of a sorted list: ranks ${what}`, () => {
    const line = new CalendarLine();
    const list: { key: number; rank: number; stamp: number }[] = [];
    const chances = numbers(7);
    const chance = (): number => chances.next().value as number;
    let last = 0;
    const takeBoth = (): void => {
      list.sort((a, b) => (a.rank === b.rank ? a.stamp - b.stamp : a.rank - b.rank));
      // Several at a time: sorting is slow.
      for (const { key, rank } of list.splice(0, 1 + Math.floor(chance() * 400))) {
        line.look();
        assert.deepEqual([line.key, line.rank], [key, rank]);
        line.drop();
        last = rank;
      }
    };
    for (let turn = 1; turn <= 20_000; turn += 1) {
      const rank = rankOf(chance(), turn, last);
      list.push({ key: turn, rank, stamp: turn });
      line.add(turn, turn, rank, chance() < 0.3);
      if (chance() < (turn < 8_000 ? 0.001 : 0.006)) takeBoth();
    }
    while (list.length > 0) takeBoth();
    assert.equal(line.size, 0);
  });

for (const policy of ['round-robin', 'fair-share'] as const)
  test(`${policy}: who comes and leaves a hundred thousand times changes nothing for who waits`, () => {
    const queue = new RunQueue({ policy, nowMs: () => 1, forecast: new Profiles() });
    for (let key = 10; key < 20; key += 1) queue.push(key);
    for (let time = 0; time < 100_000; time += 1) {
      queue.push(time % 10);
      assert.equal(queue.remove(time % 10), true);
    }
    const order = Array.from({ length: 10 }, () => queue.shift());
    assert.deepEqual(order, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });
