import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotMs, timeoutDriver, Wheel, type WheelDriver } from '../../host/clock/wheel.ts';
import { fc } from '../support/properties.ts';

/** A wheel turned by hand, and what fired when. */
class Bench {
  nowMs: number;
  readonly fired: (readonly [number, number])[] = [];
  readonly wheel: Wheel;
  readonly kind: number;

  constructor(startMs = 0, timersMax = 1000) {
    this.nowMs = startMs;
    this.wheel = new Wheel({ nowMs: () => this.nowMs, timersMax });
    this.kind = this.wheel.kind((owner) => this.fired.push([owner, this.nowMs]));
  }

  turnAt(ms: number): number {
    this.nowMs = ms;
    return this.wheel.turn();
  }
}

test('a timer fires at its time or up to a slot later, never before', () => {
  const bench = new Bench();
  bench.wheel.arm(bench.kind, 1, 10);
  bench.turnAt(9.9);
  assert.deepEqual(bench.fired, []);
  bench.turnAt(12);
  assert.deepEqual(bench.fired, [[1, 12]]);
  bench.turnAt(30_000);
  assert.equal(bench.fired.length, 1);
});

test('a timer many rounds away waits for its round', () => {
  const bench = new Bench();
  bench.wheel.arm(bench.kind, 1, 100_000);
  for (let ms = 0; ms < 100_000; ms += 4) bench.turnAt(ms);
  assert.deepEqual(bench.fired, []);
  bench.turnAt(100_000);
  assert.equal(bench.fired.length, 1);
});

test('a wheel that was not turned for long fires everything that is due', () => {
  const bench = new Bench();
  for (let owner = 1; owner <= 100; owner++) bench.wheel.arm(bench.kind, owner, owner * 1000);
  assert.equal(bench.turnAt(50_000), 50);
  assert.equal(bench.turnAt(1_000_000), 50);
});

test('a cancelled timer does not fire, and cancelling it again cancels no other', () => {
  const bench = new Bench();
  const first = bench.wheel.arm(bench.kind, 1, 10);
  assert.deepEqual([bench.wheel.cancel(first), bench.wheel.cancel(first)], [true, false]);
  bench.wheel.arm(bench.kind, 2, 10);
  assert.equal(bench.wheel.cancel(first), false);
  assert.equal(bench.turnAt(20), 1);
  assert.deepEqual(
    bench.fired.map(([owner]) => owner),
    [2],
  );
  assert.equal(bench.wheel.cancel(0), false);
});

test('a timer that fires may cancel one that is due with it, and arm itself again', () => {
  const fired: number[] = [];
  let nowMs = 0;
  const wheel = new Wheel({ nowMs: () => nowMs });
  let second = 0;
  const kind = wheel.kind((owner) => {
    fired.push(owner);
    if (owner !== 1) return;
    wheel.cancel(second);
    wheel.arm(kind, 3, nowMs);
  });
  wheel.arm(kind, 1, 4);
  second = wheel.arm(kind, 2, 4);
  nowMs = 4;
  wheel.turn();
  assert.deepEqual(fired, [1]);
  nowMs = 8;
  wheel.turn();
  assert.deepEqual(fired, [1, 3]);
});

test('a kind that throws leaves the others of its slot to the next turn', () => {
  let nowMs = 0;
  const fired: number[] = [];
  const wheel = new Wheel({ nowMs: () => nowMs });
  const kind = wheel.kind((owner) => {
    if (owner === 1) throw new Error('thrown');
    fired.push(owner);
  });
  for (const owner of [1, 2]) wheel.arm(kind, owner, 4);
  nowMs = 4;
  assert.throws(() => wheel.turn(), { message: 'thrown' });
  wheel.turn();
  assert.deepEqual(fired, [2]);
});

test('as many timers as may be are armed, and no more', () => {
  const bench = new Bench(0, 2);
  const handles = [1, 2, 3].map((owner) => bench.wheel.arm(bench.kind, owner, 10));
  assert.deepEqual(
    handles.map((handle) => handle > 0),
    [true, true, false],
  );
  bench.turnAt(20);
  assert.ok(bench.wheel.arm(bench.kind, 4, 30) > 0);
});

test('a clock that has run for months changes nothing', () => {
  const startMs = slotMs * 2 ** 31 - 100;
  const bench = new Bench(startMs);
  for (let owner = 1; owner <= 50; owner++) bench.wheel.arm(bench.kind, owner, startMs + 4 * owner);
  for (let ms = startMs; ms <= startMs + 204; ms += 4) bench.turnAt(ms);
  assert.deepEqual(
    bench.fired,
    Array.from({ length: 50 }, (_, index) => [index + 1, startMs + 4 * (index + 1)]),
  );
});

test('every timer that is not cancelled fires once, in its slot', () => {
  const step = fc.oneof(
    fc.record({ arm: fc.nat(40_000) }),
    fc.record({ cancel: fc.nat(30) }),
    fc.record({ pass: fc.nat(20_000) }),
  );
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const bench = new Bench();
    const due = new Map<number, number>();
    const handles = new Map<number, number>();
    let owner = 0;
    for (const one of steps) {
      if ('arm' in one) {
        due.set(++owner, bench.nowMs + one.arm);
        handles.set(owner, bench.wheel.arm(bench.kind, owner, bench.nowMs + one.arm));
      } else if ('cancel' in one) {
        assert.equal(bench.wheel.cancel(handles.get(one.cancel) ?? 0), due.delete(one.cancel));
      } else {
        for (const untilMs = bench.nowMs + one.pass; bench.nowMs < untilMs; ) {
          bench.turnAt(bench.nowMs + 4);
          for (const [id] of bench.fired.splice(0)) {
            const dueMs = due.get(id) ?? Number.NaN;
            assert.ok(bench.nowMs >= dueMs && bench.nowMs <= dueMs + 2 * slotMs, `${id} at ${bench.nowMs}`);
            due.delete(id);
          }
        }
        for (const dueMs of due.values()) assert.ok(dueMs > bench.nowMs - 2 * slotMs);
      }
    }
    assert.equal(bench.wheel.armed, due.size);
  });
  fc.assert(property, { numRuns: 100 });
});

test('the driver is asked to wake the wheel for the next timer, not sooner', () => {
  let nowMs = 2;
  let turn = (): void => {};
  const asked: number[] = [];
  const driver = (turnWheel: () => void): WheelDriver => {
    turn = turnWheel;
    return { start: (delayMs) => asked.push(delayMs), stop: () => {} };
  };
  const fired: number[] = [];
  const wheel = new Wheel({ nowMs: () => nowMs, driver });
  const kind = wheel.kind((owner) => fired.push(owner));
  wheel.arm(kind, 1, 1000);
  wheel.arm(kind, 2, 2000);
  wheel.arm(kind, 3, 100);
  assert.deepEqual(asked, [998, 98]);
  nowMs = 100;
  turn();
  nowMs = 1000;
  turn();
  nowMs = 2000;
  turn();
  assert.deepEqual(fired, [3, 1, 2]);
  assert.deepEqual(asked, [998, 98, 900, 1000]);
});

test('the driver by setTimeout turns the wheel', async () => {
  await new Promise<void>((resolve, reject) => {
    const wheel = new Wheel({ nowMs: () => performance.now(), driver: timeoutDriver });
    // The driver's own timer keeps nothing alive.
    const alive = setTimeout(() => reject(new Error('it did not fire')), 5000);
    const kind = wheel.kind(() => {
      clearTimeout(alive);
      resolve();
    });
    wheel.after(kind, 1, 10);
  });
});

test('a wheel that is stopped has no timers', () => {
  const bench = new Bench();
  for (let owner = 1; owner <= 10; owner++) bench.wheel.arm(bench.kind, owner, 10 * owner);
  bench.wheel.stop();
  assert.equal(bench.wheel.armed, 0);
  assert.equal(bench.turnAt(1000), 0);
});
