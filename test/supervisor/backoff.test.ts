import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../../host/clock.ts';
import { type Backoff, jitteredPauseMs, pauseMs } from '../../host/supervisor/backoff.ts';
import { fc } from '../support/properties.ts';
import { noChance } from './nursery.ts';

const base = { firstMs: 100, msMax: 1_000, multiplier: 2, jitter: 0, free: 0 };

test('pauses stay, grow by as much each time, or grow by a factor, up to the cap', () => {
  const pauses = (kind: Backoff['kind']): readonly number[] =>
    [1, 2, 3, 4, 5, 20].map((failures) => pauseMs({ ...base, kind }, failures));
  assert.deepEqual(pauses('fixed'), [100, 100, 100, 100, 100, 100]);
  assert.deepEqual(pauses('linear'), [100, 200, 300, 400, 500, 1_000]);
  assert.deepEqual(pauses('exponential'), [100, 200, 400, 800, 1_000, 1_000]);
});

test('the first few restarts may be free of a pause', () => {
  const rules = { ...base, kind: 'exponential', free: 2 } as const;
  assert.deepEqual(
    [1, 2, 3, 4].map((failures) => pauseMs(rules, failures)),
    [0, 0, 100, 200],
  );
});

test('chance takes off no more than its share, and nothing makes a pause longer than its cap', () => {
  const rules = fc.record({
    kind: fc.constantFrom<Backoff['kind']>('fixed', 'linear', 'exponential'),
    firstMs: fc.integer({ min: 1, max: 10_000 }),
    msMax: fc.integer({ min: 1, max: 100_000 }),
    multiplier: fc.double({ min: 1, max: 100, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    free: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(
    fc.property(
      rules,
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 0, max: 255 }),
      (one, failures, byte) => {
        const random: Random = { fill: (bytes) => bytes.fill(byte) };
        const whole = pauseMs(one, failures);
        const own = jitteredPauseMs(one, failures, random);
        assert.equal(jitteredPauseMs(one, failures, noChance), whole);
        assert.ok(own <= whole && own >= whole * (1 - one.jitter) && whole <= one.msMax);
        assert.ok(pauseMs(one, failures + 1) >= whole);
      },
    ),
  );
});
