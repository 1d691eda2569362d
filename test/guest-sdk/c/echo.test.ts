import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Bindings, generateBindings } from '../../../guest-sdk/c/build/bindings.ts';
import { buildProgram } from '../../../guest-sdk/c/build/build-program.ts';
import type { CFunction } from '../../../guest-sdk/c/build/c-functions.ts';
import type { TypeRef } from '../../../host/engine/component/types.ts';
import type { World } from '../../../host/engine/component/world.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { echoLinker } from '../../support/echo-component.ts';
import { onFastLane, onGeneralLane } from '../../support/lanes.ts';
import { fc } from '../../support/properties.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, witValue, writeWit } from '../../support/wit-values.ts';
import { counter, countFlags, folderOf, skip, worldOf } from './c-project.ts';

after(stopTranspiler);

const worlds = 8;
const typesPerWorld = 10;
const valuesPerType = 12;

/** For each type: `echo` gives it back, `relay` asks the host to, `swap` gives back two in the other order. */
function echoWit(declarations: string, refs: readonly string[]): string {
  const names = [...declarations.matchAll(/^\s*(?:record|variant|enum|flags) ([a-z0-9]+) /gm)].map(
    ([, name]) => name,
  );
  const use = names.length > 0 ? `use types.{${names.join(', ')}};` : '';
  const each = (write: (ref: string, index: number) => string): string => refs.map(write).join('\n');
  const next = (index: number): string => refs[(index + 1) % refs.length] as string;
  return `package test:echo;
    interface types { ${declarations} }
    interface host { ${use} ${each((ref, index) => `echo${index}: func(x: ${ref}) -> ${ref};`)} }
    world echo { ${use} import host;
      ${each((ref, index) => `export echo${index}: func(x: ${ref}) -> ${ref};`)}
      ${each((ref, index) => `export relay${index}: func(x: ${ref}) -> ${ref};`)}
      ${each((ref, index) => `export swap${index}: func(a: ${ref}, b: ${next(index)}) -> tuple<${next(index)}, ${ref}>;`)}
      export live: func() -> s32; }`;
}

/** What the user of such a world would write. */
function echoSource({ functions, headerName }: Bindings): string {
  const exports = functions.filter((one) => one.side === 'export');
  const bodies = exports.map((one) => `${one.prototype} {\n${bodyOf(one, functions)}}\n`);
  return `#include "${headerName}"\n${counter}\n${bodies.join('\n')}`;
}

function bodyOf(one: CFunction, functions: readonly CFunction[]): string {
  const value = (name: string): string =>
    one.params.find((param) => param.name === name)?.isPointer ? `*${name}` : name;
  const result = one.prototype.split(' ', 1)[0];
  if (one.field === 'live') return '  return live_blocks;\n';
  if (one.field.startsWith('swap'))
    return `  return (${result}){TAKE(${value('b')}), TAKE(${value('a')})};\n`;
  const ask = functions.find(
    (other) => other.side === 'import' && other.field === one.field.replace('relay', 'echo'),
  );
  const isEcho = one.field.startsWith('echo');
  const { result: shape } = one;
  if (shape.kind !== 'fallible')
    return `  return ${isEcho ? `TAKE(${value('x')})` : `${ask?.name}(${value('x')})`};\n`;
  const outs = [shape.ok === undefined ? [] : ['ret'], shape.err === undefined ? [] : ['err']].flat();
  if (!isEcho) return `  return ${ask?.name}(${[value('x'), ...outs].join(', ')});\n`;
  const give = (out: string, member: string): string =>
    outs.includes(out) ? `*${out} = TAKE(x->val.${member});` : '';
  return `  if (x->is_err) { ${give('err', 'err')} }\n  else { ${give('ret', 'ok')} }\n  return !x->is_err;\n`;
}

async function checkGenerated(seed: number): Promise<void> {
  const { declarations, refs } = writeWit(fc.sample(witType(), { numRuns: typesPerWorld, seed }));
  await checkWorld(declarations, refs, seed);
}

async function checkWorld(declarations: string, refs: readonly string[], seed: number): Promise<void> {
  const target = await worldOf(echoWit(declarations, refs), 'echo');
  const folder = folderOf({ 'agent.c': echoSource(generateBindings(target)) });
  const { bytes, warnings } = await buildProgram({
    folder,
    entry: 'agent.c',
    target,
    release: false,
    linkFlags: countFlags,
  });
  assert.deepEqual(warnings, []);
  const linker = echoLinker(target.world);
  for (const instance of [await onFastLane(bytes, linker), await onGeneralLane(bytes, linker)])
    await checkInstance(instance, target.world, seed, refs);
}

async function checkInstance(
  instance: Instance,
  world: World,
  seed: number,
  refs: readonly string[],
): Promise<void> {
  const sample = (ref: TypeRef): unknown[] =>
    fc.sample(witValue(world.types, ref), { numRuns: valuesPerType, seed });
  for (const item of world.exports) {
    if (item.kind !== 'func' || item.name === 'live') continue;
    const values = item.type.params.map((param) => sample(param.type));
    for (let at = 0; at < valuesPerType; at += 1) {
      const args = values.map((list) => list[at]);
      const where: string = `C_SEED=${seed} ${item.name}: ${refs[Number(/\d+/.exec(item.name)?.[0])]}`;
      const answer = await instance.call(item.name, args);
      assert.deepStrictEqual(answer, args.length === 1 ? args[0] : args.toReversed(), where);
      assert.equal(await instance.call('live', []), 0, `${where}: blocks that nobody freed`);
    }
  }
}

test('C gives back every value of generated worlds in both lanes, and frees every block of memory', {
  skip,
}, async () => {
  const first = seedOf('C_SEED');
  for (let world = 0; world < (process.env.C_SEED ? 1 : worlds); world += 1)
    await checkGenerated(first + world);
});

test('a negative number keeps its sign in a variant of variants that shares 64 bits', { skip }, async () => {
  const declarations = `variant outer { none, small(option<s8>), middle(result<s16>), letter(char), wide(result<u64>) }
    record both { left: outer, right: option<outer> }`;
  for (const seed of [1, 2, 3]) await checkWorld(declarations, ['outer', 'both'], seed);
});
