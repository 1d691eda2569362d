import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../../host/clock.ts';
import { StealBoard } from '../../host/scheduler/steal-board.ts';
import { backlogMin, Thief, takenMax } from '../../host/scheduler/thief.ts';
import { fc } from '../support/properties.ts';

/** Draws what it is told, one after the other, again and again. */
function drawing(draws: readonly number[]): Random {
  let at = 0;
  return {
    fill: (bytes) => {
      new DataView(bytes.buffer).setUint32(0, draws[at++ % draws.length] ?? 0);
      return bytes;
    },
  };
}

interface Asked {
  readonly thief: number;
  readonly victim: number;
  readonly max: number;
  /** How many wait at each thread at that moment, as the board says. */
  readonly backlogs: readonly number[];
  readonly end: (taken: number) => void;
}

/** Thieves of so many threads on one board, and what they ask for. */
class Threads {
  readonly board: StealBoard;
  readonly thieves: readonly Thief[];
  readonly open = new Map<number, Asked>();
  readonly all: Asked[] = [];
  nowMs = 1;

  constructor(count: number, random: Random) {
    this.board = StealBoard.create(count);
    this.thieves = Array.from(
      { length: count },
      (_, at) =>
        new Thief({
          self: at + 1,
          board: new StealBoard(this.board.shared),
          random,
          nowMs: () => this.nowMs,
          steal: ({ victim, max }) => this.#ask(at + 1, victim, max),
        }),
    );
  }

  #ask(thief: number, victim: number, max: number): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const backlogs = Array.from({ length: this.board.threads + 1 }, (_, one) => this.board.backlogOf(one));
    const asked = { thief, victim, max, backlogs, end: resolve };
    this.open.set(thief, asked);
    this.all.push(asked);
    return promise;
  }

  /** One look of a thread at which so many wait. */
  look(thread: number, backlog: number): void {
    void this.thieves[thread - 1]?.look({ isIdle: backlog === 0, backlog });
  }

  async end(thief: number, taken: number): Promise<void> {
    this.open.get(thief)?.end(taken);
    this.open.delete(thief);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
}

type Step =
  | { readonly kind: 'look'; readonly backlogs: readonly number[] }
  | { readonly kind: 'end'; readonly thread: number; readonly taken: number }
  | { readonly kind: 'pass'; readonly ms: number };

const steps = (threads: number): fc.Arbitrary<Step[]> => {
  const thread = fc.integer({ min: 1, max: threads });
  const backlog = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }));
  const backlogs = fc.array(backlog, { minLength: threads, maxLength: threads });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('look' as const), backlogs }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), thread, taken: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(4000) }) },
    ),
    { maxLength: 60, size: 'max' },
  );
};

test('half of the threads steal at most, nobody from itself, from nobody who has few, and half of what is there at most', async () => {
  const cases = fc
    .integer({ min: 2, max: 9 })
    .chain((threads) => fc.tuple(fc.constant(threads), fc.array(fc.nat(), { minLength: 1 }), steps(threads)));
  let count = 0;
  await fc.assert(
    fc.asyncProperty(cases, async ([threads, draws, all]) => {
      const model = new Threads(threads, drawing(draws));
      for (const step of all) {
        if (step.kind === 'look')
          for (const look of [0, 1])
            for (const [at, backlog] of step.backlogs.entries())
              model.look(at + 1, backlog && backlog + look);
        else if (step.kind === 'end') await model.end(step.thread, step.taken);
        else model.nowMs += step.ms;
        assert.ok(model.open.size <= Math.max(1, Math.floor(threads / 2)));
      }
      for (const { thief, victim, max, backlogs } of model.all) {
        const backlog = backlogs[victim] ?? 0;
        assert.notEqual(victim, thief);
        assert.ok(backlog >= backlogMin);
        assert.ok(max <= Math.ceil(backlog / 2) && max <= takenMax && max > 0);
      }
      count += model.all.length;
    }),
  );
  assert.ok(count > 100, `only ${count} attempts in all cases`);
});

test('of two victims drawn at random the one with more is taken from, and every rich one is drawn at times', async () => {
  const model = new Threads(
    6,
    drawing(Array.from({ length: 997 }, (_, at) => (at * 2_654_435_761) % 2 ** 32)),
  );
  const backlogs = [0, 0, 10, 20, 30, 40];
  const taken = new Map<number, number>();
  for (let round = 0; round < 600; round++) {
    for (let thread = 2; thread <= 6; thread++) model.look(thread, backlogs[thread - 1] ?? 0);
    model.look(1, 0);
    const asked = model.open.get(1);
    if (asked === undefined) continue;
    taken.set(asked.victim, (taken.get(asked.victim) ?? 0) + 1);
    await model.end(1, 1);
  }
  const [few = 0, some = 0, more = 0, most = 0] = [3, 4, 5, 6].map((thread) => taken.get(thread) ?? 0);
  // Whoever has least of all is never the one with more of two.
  assert.equal(few, 0);
  assert.ok(0 < some && some < more && more < most, [few, some, more, most].join(' '));
});

test('a backlog that is gone by the next look, and a moment without work, are no reason', () => {
  const model = new Threads(2, drawing([0]));
  for (const backlog of [9, 0, 9, 0]) {
    model.look(1, backlog);
    model.look(2, 0);
  }
  assert.equal(model.all.length, 0);
  for (const own of [0, 3, 0, 3]) {
    model.look(1, 9);
    model.look(2, own);
  }
  assert.equal(model.all.length, 0);
  model.look(2, 0);
  model.look(2, 0);
  assert.deepEqual(
    model.all.map(({ thief, victim, max }) => [thief, victim, max]),
    [[2, 1, 5]],
  );
});

test('who brought nothing waits, longer each time; who brought something may go again at once', async () => {
  const model = new Threads(2, drawing([0]));
  const busy = (): void => {
    for (let look = 0; look < 2; look++) {
      model.look(1, 9);
      model.look(2, 0);
    }
  };
  const attempts: number[] = [];
  for (let ms = 0; ms < 2_000; ms += 10) {
    model.nowMs += 10;
    busy();
    if (model.open.size > 0) attempts.push(ms);
    await model.end(2, 0);
  }
  const gaps = attempts.slice(1).map((ms, at) => ms - (attempts[at] ?? 0));
  assert.deepEqual(gaps, [100, 200, 400, 800]);
  model.nowMs += 5_000;
  busy();
  await model.end(2, 3);
  busy();
  assert.equal(model.open.size, 1);
});

test('a thread that was lost while it stole makes room for another', () => {
  const model = new Threads(2, drawing([0]));
  for (let look = 0; look < 2; look++) {
    model.look(1, 9);
    model.look(2, 0);
  }
  assert.equal(model.board.enter(1), false);
  model.board.forget(2);
  assert.equal(model.board.enter(1), true);
  assert.equal(model.board.backlogOf(2), 0);
});
