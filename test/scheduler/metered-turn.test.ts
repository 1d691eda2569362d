import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeteredTurn } from '../../host/scheduler/metered-turn.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import { HandClock } from '../support/hand-clock.ts';

function make() {
  const clock = new HandClock();
  const profiles = new Profiles();
  const said: string[] = [];
  const owed = new Map<number, number>();
  let isWanted = false;
  const turns = new MeteredTurn({
    turn: {
      isWanted: () => isWanted,
      giveWay: async (key) => void said.push(`turn of ${key}`),
      charge: (key, fuel, ms) => void said.push(`${key} used ${fuel}, ${ms} ms`),
      letGo: (key) => void said.push(`${key} is let go`),
    },
    profiles,
    indexOf: (key) => key - 100,
    shares: {
      charge: (key, fuel, ms) => void said.push(`${key} owes for ${fuel}, ${ms} ms`),
      owedMs: (key) => Math.max(0, (owed.get(key) ?? 0) - clock.monotonicMs()),
    },
    clock,
  });
  const want = (wanted: boolean): void => {
    isWanted = wanted;
  };
  return { clock, profiles, said, owed, turns, want };
}

test('what a guest used is told to its profile, to its share and to whoever deals out turns', () => {
  const { turns, profiles, said } = make();
  turns.charge(105, 10, 3);
  profiles.ended(5, 3, 0, 1);
  assert.ok(profiles.executionMsOf(5) > 0.1);
  assert.deepEqual(said, ['105 owes for 10, 3 ms', '105 used 10, 3 ms']);
});

test('a guest gives way when somebody waits, and when it has no share left', () => {
  const { turns, owed, want, clock } = make();
  assert.equal(turns.isWanted(101), false);
  want(true);
  assert.equal(turns.isWanted(101), true);
  want(false);
  owed.set(101, clock.monotonicMs() + 5);
  assert.equal(turns.isWanted(101), true);
  assert.equal(turns.isWanted(102), false);
});

test('who owes goes on only when it is paid, and with a turn of its own', async () => {
  const { turns, owed, clock, said } = make();
  owed.set(101, clock.monotonicMs() + 50);
  let isBack = false;
  const back = turns.giveWay(101).then(() => {
    isBack = true;
  });
  while (turns.waiting === 0) await Promise.resolve();
  clock.turn(49);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isBack, false);
  clock.turn(1);
  await back;
  assert.deepEqual(said, ['turn of 101', 'turn of 101']);
  assert.equal(turns.waiting, 0);
});

test('a guest that is being ended is let go at once', async () => {
  const { turns, owed, said } = make();
  owed.set(101, Number.POSITIVE_INFINITY);
  const back = turns.giveWay(101);
  while (turns.waiting === 0) await Promise.resolve();
  turns.letGo(101);
  await back;
  assert.equal(turns.waiting, 0);
  assert.deepEqual(said, ['turn of 101', '101 is let go'], 'wherever it waited');
});
