import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeComponent } from '../../host/engine/component/decode.ts';
import { instantiateFast } from '../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../host/engine/fast-lane/plan.ts';
import { instantiateGeneral } from '../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../host/engine/instance.ts';
import { meter } from '../../host/engine/meter/meter.ts';
import { type EchoComponent, echoComponent, echoLinker } from '../support/echo-component.ts';
import { fc } from '../support/properties.ts';
import { seedOf } from '../support/seed.ts';
import { witType, witValue, writeWit } from '../support/wit-values.ts';
import { budgetWith, prepareMetered } from './general-lane/lane.ts';

after(stopTranspiler);

const worldsPerEncoding = 20;
const typesPerWorld = 10;
const valuesPerType = 3;
/** Of a few instructions, and of more than any call here burns. */
const slices = [{ fuelSlice: 97n, yieldMs: 1000 }, {}] as const;

type Launch = (slice: (typeof slices)[number]) => Promise<Instance>;

function fastLaneOf(echo: EchoComponent): Launch {
  const plan = planFastLane(decodeComponent(echo.bytes));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  const { offset, length } = plan.module;
  const core = echo.bytes.slice(offset, offset + length);
  const { bytes } = meter(core, { fuelCell: 'own', importCharges: plan.importCharges });
  const module = new WebAssembly.Module(bytes);
  return (slice) => instantiateFast(plan, module, echoLinker(echo.world), budgetWith({}, slice));
}

async function generalLaneOf(echo: EchoComponent): Promise<Launch> {
  const linker = echoLinker(echo.world);
  const prepared = await prepareMetered(echo.bytes, linker);
  return (slice) => instantiateGeneral(prepared, linker, budgetWith({}, slice));
}

interface Observed {
  readonly value: unknown;
  readonly fuel: bigint;
}

async function observe(instance: Instance, name: string, value: unknown): Promise<Observed> {
  const before = instance.budget.fuelUsed;
  const answer = await instance.call(name, [value]);
  return { value: answer, fuel: instance.budget.fuelUsed - before };
}

for (const encoding of ['utf8', 'utf16'] as const) {
  test(`a component that both lanes can run gives equal results and burns equal fuel in both, in ${encoding}`, async () => {
    const seed = seedOf('LANES_SEED');
    for (let world = 0; world < worldsPerEncoding; world += 1) await compareWorld(encoding, seed + world);
  });
}

async function compareWorld(encoding: 'utf8' | 'utf16', seed: number): Promise<void> {
  const types = fc.sample(witType(), { numRuns: typesPerWorld, seed });
  const { declarations, refs } = writeWit(types);
  const echo = await echoComponent(declarations, refs, encoding);
  const where = `LANES_SEED=${seed}`;
  const lanes = [
    fastLaneOf(echo),
    await generalLaneOf(echo).catch((cause) => {
      throw new Error(`${where}: ${declarations} ${refs.join('; ')}`, { cause });
    }),
  ];
  const runs = lanes.flatMap((launch) => slices.map((slice) => launch(slice)));
  const [first, ...others] = await Promise.all(runs);
  assert.ok(first !== undefined);
  for (const other of others) assert.equal(other.budget.fuelUsed, first.budget.fuelUsed, `${where}: start`);
  for (const [index, type] of echo.types.entries()) {
    const values = fc.sample(witValue(echo.world.types, type), { numRuns: valuesPerType, seed });
    for (const value of values) {
      for (const name of [`echo${index}`, `relay${index}`]) {
        const wanted = await observe(first, name, value);
        assert.deepStrictEqual(wanted.value, value, `${where}, ${name}: ${refs[index]}`);
        for (const other of others)
          assert.deepStrictEqual(
            await observe(other, name, value),
            wanted,
            `${where}, ${name}: ${refs[index]}`,
          );
      }
    }
  }
}
