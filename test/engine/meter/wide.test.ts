import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metered } from '../../support/metered.ts';
import { fc } from '../../support/properties.ts';

const guest = () =>
  metered(`(module
    (func (export "add") (param i64 i64 i64 i64) (result i64 i64)
      (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (func (export "sub") (param i64 i64 i64 i64) (result i64 i64)
      (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (func (export "signed") (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
    (func (export "unsigned") (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))`);

const halves = (wide: bigint): bigint[] => [BigInt.asIntN(64, wide), BigInt.asIntN(64, wide >> 64n)];
const whole = (low: bigint, high: bigint): bigint => (high << 64n) | BigInt.asUintN(64, low);
/** Numbers of 64 bits, with those at the edges often. */
const word = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, 2n ** 32n - 1n, -(2n ** 32n)),
);

test('wide arithmetic, which the engine does not have, is done by functions of the rewriter', async () => {
  const { run } = await guest();
  fc.assert(
    fc.property(word, word, word, word, (a, b, c, d) => {
      assert.deepEqual(run('add', a, b, c, d), halves(whole(a, b) + whole(c, d)));
      assert.deepEqual(run('sub', a, b, c, d), halves(whole(a, b) - whole(c, d)));
      assert.deepEqual(run('signed', a, b), halves(a * b));
      assert.deepEqual(run('unsigned', a, b), halves(BigInt.asUintN(64, a) * BigInt.asUintN(64, b)));
    }),
    { numRuns: 1000 },
  );
});

test('an operator of wide arithmetic costs what any other does', async () => {
  const { run, budget } = await guest();
  run('add', 1n, 2n, 3n, 4n);
  assert.equal(budget.fuelUsed, 6n);
  run('signed', 1n, 2n);
  assert.equal(budget.fuelUsed, 10n);
});
