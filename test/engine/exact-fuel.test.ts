import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelBytes, kernels } from '../../bench/kernels/kernels.ts';
import { generatedModule } from '../support/generated.ts';
import { naiveFuel, naiveMeter } from '../support/naive-meter.ts';
import { fc } from '../support/properties.ts';
import { answer, restless } from '../support/restless.ts';

// Fuel is a number of the program, not of the run: whatever the clock and the thread's others do.

interface Ran {
  readonly outcome: string;
  readonly used: bigint;
}

const nameOf = (error: unknown): string =>
  error instanceof WebAssembly.Exception ? 'exception' : String(error);

async function outcomeOf(run: () => unknown): Promise<string> {
  try {
    return String(await run());
  } catch (error) {
    return nameOf(error);
  }
}

async function counted(bytes: Uint8Array<ArrayBuffer>, a: number, b: number): Promise<Ran> {
  const ask = (c: number, d: number): number => answer(c, d, exports.g as WebAssembly.ExportedFunction);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(naiveMeter(bytes)), { host: { ask } });
  const outcome = await outcomeOf(() => (exports.f as WebAssembly.ExportedFunction)(a, b));
  return { outcome, used: (exports[naiveFuel] as WebAssembly.Global<'i64'>).value };
}

test('generated guests that call the host use what their operators cost, however they are disturbed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.boolean(), async (seed, unrest, isSynchronous) => {
      const bytes = generatedModule(seed, true);
      const expected = await counted(bytes, 5, 6);
      const { budget, run } = await restless(bytes, { seed: unrest, isSynchronous });
      const outcome = await outcomeOf(() => run('f', 5, 6));
      assert.deepEqual({ outcome, used: budget.fuelUsed }, expected);
    }),
    { numRuns: 400 },
  );
});

test('generated guests are killed at the same count, however they are disturbed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 300 }), fc.nat(), async (seed, fuelMax, unrest) => {
      const bytes = generatedModule(seed, true);
      const counts = new Set<string>();
      for (const one of [unrest, unrest + 1, unrest + 2]) {
        const { budget, run } = await restless(bytes, { seed: one, fuelMax: BigInt(fuelMax) });
        const outcome = await outcomeOf(() => run('f', 5, 6));
        counts.add(`${budget.fuelUsed} ${budget.cause?.kind ?? outcome}`);
      }
      assert.equal(counts.size, 1, [...counts].join(', '));
    }),
    { numRuns: 200 },
  );
});

for (const { name, check } of kernels) {
  test(`kernel ${name} uses what Wasmtime counted, however it is disturbed`, async () => {
    for (const isSynchronous of [false, true]) {
      const { budget, run } = await restless(kernelBytes(name), {
        seed: check.size + name.length,
        isSynchronous,
      });
      assert.equal(await run('run', check.size), check.result);
      assert.equal(budget.fuelUsed, check.fuelStart + check.fuelRun);
    }
  });
}
