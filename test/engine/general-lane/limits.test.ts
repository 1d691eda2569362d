import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Budget } from '../../../host/engine/budget.ts';
import { instantiateGeneral, type PreparedGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import { labComponent, meteredLab } from './guests.ts';
import { labLinker } from './lab.ts';
import { budgetWith, prepareUnmetered, withModule } from './lane.ts';

let prepared: PreparedGeneral;
before(async () => {
  const plain = await prepareUnmetered(await labComponent(), labLinker());
  const minima = { memoryPages: 1, tableElements: 0 };
  prepared = withModule(plain, 'component.core.wasm', await meteredLab(), minima);
});
after(stopTranspiler);

const start = (budget: Budget) => instantiateGeneral(prepared, labLinker(), budget);

test('a running guest lets the event loop turn, and calls the host after it', async () => {
  const budget = budgetWith({}, { fuelSlice: 100n, yieldMs: 0 });
  const instance = await start(budget);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 0);
  const count = (): void => {
    turns += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  assert.equal(await instance.call('spin', [100_000]), 100_000);
  clearInterval(timer);
  clearImmediate(immediate);
  assert.ok(turns > 100, `${turns} turns`);
});

test('fuel is the same number for any slice, start function and allocator included', async () => {
  const used: bigint[] = [];
  for (const slices of [
    { fuelSlice: 1n, yieldMs: 0 },
    { fuelSlice: 777n, yieldMs: 0 },
    { fuelSlice: 1_000_000n },
  ]) {
    const budget = budgetWith({}, slices);
    const instance = await start(budget);
    assert.equal(await instance.call('spin', [5000]), 5000);
    assert.equal(await instance.call('echo', ['text']), 'text');
    used.push(budget.fuelUsed);
  }
  assert.deepEqual(used, [7000n, 7000n, 7000n]);
});

test('an allocator that runs out of a slice is not paused: JavaScript is below it', async () => {
  const budget = budgetWith({}, { fuelSlice: 1n, yieldMs: 0 });
  const instance = await start(budget);
  assert.equal(await instance.call('echo', ['text']), 'text');
  assert.equal(budget.synchronousDepth, 0);
});

test('an endless loop ends at the fuel limit, and the next instance runs', async () => {
  const budget = budgetWith({ fuelMax: 50_000n }, { fuelSlice: 1000n });
  const instance = await start(budget);
  await assert.rejects(instance.call('spin', [0]), { name: 'Trap', kind: 'unreachable' });
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'fuelMax');
  await assert.rejects(instance.call('spin', [1]), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  assert.equal(await (await start(budgetWith())).call('spin', [1]), 1);
});

test('an endless loop ends at the deadline', async () => {
  const budget = budgetWith({ deadlineMs: 30 }, { fuelSlice: 100_000n });
  const instance = await start(budget);
  await assert.rejects(instance.call('spin', [0]), { name: 'Trap', kind: 'unreachable' });
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'deadlineMs');
});

test('a guest that waits for ever is woken when it is stopped', async () => {
  const budget = budgetWith();
  const instance = await start(budget);
  const waiting = instance.call('wait', [99]);
  setImmediate(() => budget.stop({ kind: 'cancelled', reason: 'enough' }));
  await assert.rejects(waiting, { name: 'Trap' });
  assert.equal(budget.cause?.kind, 'cancelled');
});

test('a start function that never ends is stopped', async () => {
  const budget = budgetWith({ fuelMax: 500n });
  await assert.rejects(start(budget), { name: 'Trap', kind: 'unreachable' });
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'fuelMax');
});

test('memories that are over the limit from the beginning are not made', async () => {
  const budget = budgetWith({ memoryBytesMax: 65_535 });
  await assert.rejects(start(budget), { name: 'Stopped' });
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'memoryBytesMax');
});
