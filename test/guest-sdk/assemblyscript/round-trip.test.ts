import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TypeRef } from '../../../host/engine/component/types.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { type EchoAgent, echoAgent } from '../../support/echo-agent.ts';
import { echoLinker } from '../../support/echo-component.ts';
import { onFastLane, onGeneralLane } from '../../support/lanes.ts';
import { fc } from '../../support/properties.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, witValue, writeWit } from '../../support/wit-values.ts';
import { writtenAgent } from '../../support/written-agent.ts';

after(stopTranspiler);

const worlds = 8;
const typesPerWorld = 12;
const valuesPerType = 4;

/** The type of `many<index>`. */
function listType({ target }: EchoAgent, index: number): TypeRef {
  const item = target.world.exports.find((one) => one.kind === 'func' && one.name === `many${index}`);
  assert.ok(item?.kind === 'func' && item.type.result !== undefined);
  return item.type.result;
}

test('a generated agent gives back every value of random worlds, in both lanes, and keeps no memory', async () => {
  const first = seedOf('ROUND_TRIP_SEED');
  for (let world = 0; world < worlds; world += 1) await checkWorld(first + world);
});

test('a negative number keeps its sign in a variant of variants that shares 64 bits', async () => {
  const declarations = `variant outer { none, small(option<s8>), middle(result<s16>), letter(char), wide(result<u64>) }
record both { left: outer, right: option<outer> }`;
  for (const seed of [1, 2, 3, 4, 5]) await checkTypes(declarations, ['outer', 'both'], seed);
});

async function checkWorld(seed: number): Promise<void> {
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: typesPerWorld, seed }));
  await checkTypes(declarations, refs, seed);
}

async function checkTypes(declarations: string, refs: readonly string[], seed: number): Promise<void> {
  const where = `ROUND_TRIP_SEED=${seed}`;
  const echo = await echoAgent(declarations, refs).catch((cause: unknown) => {
    throw new Error(`${where}: ${String(cause)}\n${declarations}\n${refs.join('; ')}`, { cause });
  });
  const linker = echoLinker(echo.target.world);
  const lanes = [await onFastLane(echo.bytes, linker), await onGeneralLane(echo.bytes, linker)];
  for (const [index, type] of echo.types.entries()) {
    for (const instance of lanes)
      await checkType(echo, instance, index, type, seed, `${where}: ${refs[index]}`);
    const [fast, general] = lanes.map(({ budget }) => budget.fuelUsed);
    assert.equal(fast, general, `${where}: ${refs[index]}: both lanes burn the same`);
  }
}

async function checkType(
  echo: EchoAgent,
  instance: Instance,
  index: number,
  type: TypeRef,
  seed: number,
  where: string,
): Promise<void> {
  const defs = echo.target.world.types;
  const calls = [
    ...fc.sample(witValue(defs, type), { numRuns: valuesPerType, seed }).flatMap((value) => [
      { name: `echo${index}`, value },
      { name: `relay${index}`, value },
    ]),
    ...fc
      .sample(witValue(defs, listType(echo, index)), { numRuns: 2, seed })
      .map((value) => ({ name: `many${index}`, value })),
  ];
  for (const { name, value } of calls) {
    assert.deepStrictEqual(await instance.call(name, [value]), value, `${where}, ${name}`);
    assert.equal(await instance.call('live', []), 0, `${where}, ${name}: raw blocks are left`);
  }
}

test('a world without imports burns the same in both lanes, from its start', async () => {
  const wit = 'package a:b; world w { export greet: func(name: string) -> string; }';
  const source =
    'const hello = "Hello" + ", ";\nexport function greet(name: string): string { return hello + name; }';
  const { bytes } = await writtenAgent(source, { wit });
  const [fast, general] = [await onFastLane(bytes), await onGeneralLane(bytes)];
  assert.equal(fast.budget.fuelUsed, general.budget.fuelUsed);
  for (const instance of [fast, general]) assert.equal(await instance.call('greet', ['Ada']), 'Hello, Ada');
  assert.equal(fast.budget.fuelUsed, general.budget.fuelUsed);
});

test('bits of flags that have no name do not leave the agent, on either lane', async () => {
  const wit =
    'package a:b; world w { flags rights { read, write, run } export all: func() -> rights; export two: func() -> list<rights>; }';
  const source = `import { Rights } from "a:b/w";
    export function all(): Rights { return <Rights>0xff; }
    export function two(): Rights[] { return [<Rights>-1, Rights.write | <Rights>8]; }`;
  const { bytes } = await writtenAgent(source, { wit });
  const everything = { read: true, write: true, run: true };
  for (const instance of [await onFastLane(bytes), await onGeneralLane(bytes)]) {
    assert.deepEqual(await instance.call('all', []), everything);
    const written = { read: false, write: true, run: false };
    assert.deepEqual(await instance.call('two', []), [everything, written]);
  }
});
