import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generatedModule } from '../../support/generated.ts';
import { metered } from '../../support/metered.ts';
import { naiveFuel, naiveMeter } from '../../support/naive-meter.ts';
import { fc } from '../../support/properties.ts';

type Ran = { readonly outcome: string; readonly used: bigint };

function outcomeOf(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    return error instanceof WebAssembly.Exception ? 'exception' : `${error}`;
  }
}

function plainly(bytes: Uint8Array<ArrayBuffer>, a: number, b: number): string {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return outcomeOf(() => (exports.f as WebAssembly.ExportedFunction)(a, b));
}

function naively(bytes: Uint8Array<ArrayBuffer>, a: number, b: number): Ran {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(naiveMeter(bytes)));
  const outcome = outcomeOf(() => (exports.f as WebAssembly.ExportedFunction)(a, b));
  return { outcome, used: (exports[naiveFuel] as WebAssembly.Global<'i64'>).value };
}

async function cleverly(bytes: Uint8Array, fuelSlice: bigint, a: number, b: number): Promise<Ran> {
  const { budget, run } = await metered(bytes, { fuelSlice });
  const outcome = outcomeOf(() => run('f', a, b));
  return { outcome, used: budget.fuelUsed };
}

test('generated modules: same result as unmetered, same fuel as counting every operator, for any slice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: -3, max: 70 }), fc.nat(9), async (seed, a, b) => {
      const bytes = generatedModule(seed);
      const naive = naively(bytes, a, b);
      assert.equal(naive.outcome, plainly(bytes, a, b));
      for (const fuelSlice of [1n, 13n, 1_000_000n])
        assert.deepEqual(await cleverly(bytes, fuelSlice, a, b), naive, `seed ${seed}`);
    }),
    { numRuns: 300 },
  );
});

test('generated modules: a kill falls at the same count for any slice, at or after the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 200 }), async (seed, fuelMax) => {
      const bytes = generatedModule(seed);
      const total = naively(bytes, 5, 6).used;
      const counts = new Set<bigint>();
      for (const fuelSlice of [1n, 50n, 1_000_000n]) {
        const { budget, run } = await metered(bytes, { fuelSlice, fuelMax: BigInt(fuelMax) });
        outcomeOf(() => run('f', 5, 6));
        assert.equal(budget.cause !== undefined && budget.fuelUsed <= BigInt(fuelMax), false);
        if (budget.cause === undefined) assert.equal(budget.fuelUsed, total);
        counts.add(budget.fuelUsed);
      }
      assert.equal(counts.size, 1, `seed ${seed}`);
    }),
    { numRuns: 200 },
  );
});
