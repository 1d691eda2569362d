import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FuelSlice } from '../../host/engine/fuel-slice.ts';

test('a slice that took long makes the next ones short, and short ones let them grow again', () => {
  const slice = new FuelSlice(2_000_000n, 0);
  assert.equal(slice.fuel, 2_000_000n);
  slice.end(4);
  assert.equal(slice.fuel, 250_000n);
  // What is neither long nor short leaves it as it is.
  slice.end(4.25);
  assert.equal(slice.fuel, 250_000n);
  slice.end(4.35);
  slice.end(4.45);
  assert.equal(slice.fuel, 1_000_000n);
});

test('what passed before the guest had the thread again does not count', () => {
  const slice = new FuelSlice(1000n, 0);
  slice.begin(500);
  slice.end(500.25);
  assert.equal(slice.fuel, 1000n);
});

test('a slice always has some fuel', () => {
  const slice = new FuelSlice(2_000_000n, 0);
  for (let ms = 0; ms < 10_000; ms += 1000) slice.end(ms);
  assert.equal(slice.fuel, 2_000_000n >> 10n);
});
