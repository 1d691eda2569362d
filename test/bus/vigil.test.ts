import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vigil } from '../../host/bus/vigil.ts';
import { fc } from '../support/properties.ts';

const momentMs = 0.005;

/** A thread whose work comes when the test says, and what it spent on looking. */
class Idler {
  readonly vigil: Vigil;
  nowMs = 0;
  lookedMs = 0;
  looks = 0;
  found = 0;

  constructor(usMax = 100) {
    this.vigil = new Vigil(usMax);
  }

  /** Nothing to do, and something comes after `ms`; with `isInVain` only once it sleeps: both need the same core. */
  idle(ms: number, { isInVain = false, isJoining = false } = {}): void {
    const fromMs = this.nowMs;
    if (this.vigil.begin(this.nowMs, isJoining)) {
      this.looks += 1;
      let isAwake = true;
      while (isAwake && (isInVain || this.nowMs - fromMs < ms)) {
        this.nowMs += momentMs;
        isAwake = this.vigil.goesOn(this.nowMs, momentMs);
      }
      this.lookedMs += this.nowMs - fromMs;
      if (isAwake) this.found += 1;
      else this.#sleep(isInVain ? ms : fromMs + ms - this.nowMs);
    } else this.#sleep(ms);
    this.vigil.came(this.nowMs);
  }

  #sleep(ms: number): void {
    this.vigil.sleep(this.nowMs);
    this.nowMs += Math.max(0, ms) + 0.05;
  }
}

test('what comes a thousand times a second is never looked for', () => {
  const idler = new Idler();
  for (let at = 0; at < 5_000; at += 1) idler.idle(1);
  assert.equal(idler.looks, 0);
});

test('what comes soon is looked for, and found', () => {
  const idler = new Idler();
  for (let at = 0; at < 1_000; at += 1) idler.idle(0.01);
  assert.ok(idler.found > 990, String(idler.found));
});

test('where every look is in vain, a fiftieth of the time goes into looking', () => {
  const idler = new Idler();
  while (idler.nowMs < 10_000) idler.idle(0.01, { isInVain: true });
  assert.ok(idler.looks > 100, String(idler.looks));
  assert.ok(idler.lookedMs < idler.nowMs / 50, `${idler.lookedMs} of ${idler.nowMs}`);
});

test('who stopped looking begins again when what comes is soon again', () => {
  const idler = new Idler();
  for (let at = 0; at < 2_000; at += 1) idler.idle(0.01, { isInVain: true });
  const { found } = idler;
  for (let at = 0; at < 5_000; at += 1) idler.idle(0.01);
  assert.ok(idler.found - found > 3_000, String(idler.found - found));
});

test('who was given work by one that looks looks too, and not again within a millisecond if that was in vain', () => {
  const idler = new Idler();
  idler.idle(1);
  idler.idle(1, { isJoining: true });
  assert.equal(idler.looks, 1);
  const fromMs = idler.nowMs;
  while (idler.nowMs < fromMs + 100) idler.idle(0.2, { isJoining: true });
  assert.ok(idler.looks < 100, String(idler.looks));
});

test('a moment that was interrupted is the last one: somebody wants the core', () => {
  const vigil = new Vigil(1_000);
  assert.equal(vigil.begin(0, true), true);
  assert.equal(vigil.goesOn(0.01, 0.01), true);
  assert.equal(vigil.goesOn(0.31, 0.3), false);
  assert.equal(vigil.isOn, false);
});

test('with 0 microseconds it sleeps at once, whatever comes', () => {
  const idler = new Idler(0);
  for (let at = 0; at < 100; at += 1) idler.idle(0.001, { isJoining: true });
  assert.equal(idler.looks, 0);
});

test('whatever comes when, a look never lasts longer than three times its bound', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 0.5, noNaN: true }), { maxLength: 200 }), (gaps) => {
      const idler = new Idler();
      for (const gap of gaps) {
        const beforeMs = idler.lookedMs;
        idler.idle(gap, { isJoining: gap < 0.1 });
        assert.ok(idler.lookedMs - beforeMs <= 0.3 + momentMs);
      }
    }),
  );
});
