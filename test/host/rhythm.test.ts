import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rhythm } from '../../host/host/rhythm.ts';

interface Watched {
  readonly rhythm: Rhythm;
  looks: number;
  isStill: boolean;
  dueInMs: number;
}

function watched(): Watched {
  const state = { looks: 0, isStill: true, dueInMs: Number.POSITIVE_INFINITY };
  const rhythm = new Rhythm({
    look: () => {
      state.looks += 1;
    },
    isStill: () => state.isStill,
    dueInMs: () => state.dueInMs,
  });
  rhythm.start();
  return Object.assign(state, { rhythm });
}

const looksIn = (one: Watched, turn: (ms: number) => void, ms: number): number => {
  const before = one.looks;
  for (let passed = 0; passed < ms; passed += 10) turn(10);
  return one.looks - before;
};

test('a thread looks twenty times a second while anything happens, and once a second when nothing does', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const turn = (ms: number): void => t.mock.timers.tick(ms);
  const one = watched();
  assert.equal(looksIn(one, turn, 1_000), 20);
  assert.equal(looksIn(one, turn, 1_000), 20);
  assert.equal(looksIn(one, turn, 10_000), 10);
  one.rhythm.stir();
  assert.equal(looksIn(one, turn, 1_000), 20);
});

test('it does not slow down while something is under way, and is quick again when a rare look sees something', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const turn = (ms: number): void => t.mock.timers.tick(ms);
  const one = watched();
  one.isStill = false;
  assert.equal(looksIn(one, turn, 10_000), 200);
  one.isStill = true;
  looksIn(one, turn, 2_000);
  assert.equal(looksIn(one, turn, 2_000), 2);
  one.isStill = false;
  looksIn(one, turn, 1_000);
  assert.equal(looksIn(one, turn, 1_000), 20);
});

test('a rare look comes when somebody is due, not before and not a second later', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const turn = (ms: number): void => t.mock.timers.tick(ms);
  const one = watched();
  looksIn(one, turn, 1_950);
  one.dueInMs = 300;
  looksIn(one, turn, 50);
  assert.equal(looksIn(one, turn, 290), 0);
  assert.equal(looksIn(one, turn, 10), 1);
});

test('it stops, in the middle of a look too, and nothing begins it again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const turn = (ms: number): void => t.mock.timers.tick(ms);
  const one = watched();
  looksIn(one, turn, 3_000);
  one.rhythm.stop();
  one.rhythm.stir();
  assert.equal(looksIn(one, turn, 5_000), 0);
  let rhythm: Rhythm | undefined;
  let looks = 0;
  rhythm = new Rhythm({
    look: () => {
      looks += 1;
      rhythm?.stop();
    },
    isStill: () => true,
    dueInMs: () => 0,
  });
  rhythm.start();
  turn(10_000);
  assert.equal(looks, 1);
});
