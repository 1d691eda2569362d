import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { composedComponent, labComponent } from './guests.ts';
import { labLinker } from './lab.ts';
import { budgetWith, prepareMetered, prepareUnmetered } from './lane.ts';

after(stopTranspiler);

const waitLinker = (): Linker =>
  new Linker().define('$root', {
    functions: {
      wait: async (n: number) => {
        await new Promise((turn) => setImmediate(turn));
        return n;
      },
    },
    suspending: new Set(['wait']),
  });

test('a metered component gives what the unmetered one gives, and equal fuel for any slice', async () => {
  const bytes = await labComponent();
  const answers: unknown[] = [];
  const fuel: bigint[] = [];
  for (const prepare of [prepareUnmetered, prepareMetered, prepareMetered]) {
    const prepared = await prepare(bytes, labLinker());
    const budget = budgetWith({}, { fuelSlice: answers.length === 1 ? 1n : 10_000n, yieldMs: 0 });
    const instance = await instantiateGeneral(prepared, labLinker(), budget);
    const values: unknown[] = [];
    for (const [name, args] of [
      ['echo', ['text']],
      ['make', [3]],
      ['wait', [4]],
      ['spin', [2000]],
    ] as const)
      values.push(await instance.call(name, args));
    answers.push(values);
    fuel.push(budget.fuelUsed);
  }
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(answers[2], answers[0]);
  assert.equal(fuel[0], 0n);
  assert.ok((fuel[1] ?? 0n) > 2000n);
  assert.equal(fuel[1], fuel[2]);
});

test('components linked to each other run, wait and are paused, on one account', async () => {
  const prepared = await prepareMetered(await composedComponent(), waitLinker());
  const fuel: bigint[] = [];
  for (const slices of [{ fuelSlice: 1n, yieldMs: 0 }, { fuelSlice: 1_000_000n }]) {
    const budget = budgetWith({}, slices);
    const instance = await instantiateGeneral(prepared, waitLinker(), budget);
    assert.equal(await instance.call('run', [500]), 5040);
    assert.equal(await instance.call('run', [1]), 50);
    assert.equal(budget.memoryBytes, 2 * 65_536);
    fuel.push(budget.fuelUsed);
  }
  assert.equal(fuel[0], fuel[1]);
});

test('a start function that waits for the host ends in the trap cannot-block', async () => {
  const bytes = await parse(`(component
    (import "wait" (func $wait (param "n" u32) (result u32)))
    (core func $wait' (canon lower (func $wait)))
    (core module $m
      (import "" "wait" (func $wait (param i32) (result i32)))
      (func (export "run"))
      (func $start (drop (call $wait (i32.const 1))))
      (start $start))
    (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait'))))))
    (func (export "run") (canon lift (core func $i "run"))))`);
  for (const prepare of [prepareMetered, prepareUnmetered]) {
    const prepared = await prepare(bytes, waitLinker());
    const starting = instantiateGeneral(prepared, waitLinker(), budgetWith());
    await assert.rejects(starting, { name: 'Trap', kind: 'cannot-block' });
  }
});

test('an inner component that never ends is stopped for the whole', async () => {
  const prepared = await prepareMetered(await composedComponent(), waitLinker());
  const budget = budgetWith({ fuelMax: 100_000n });
  const instance = await instantiateGeneral(prepared, waitLinker(), budget);
  await assert.rejects(instance.call('run', [2 ** 32 - 1]), { name: 'Trap', kind: 'unreachable' });
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'fuelMax');
  assert.ok(budget.fuelUsed < 102_000n);
});
