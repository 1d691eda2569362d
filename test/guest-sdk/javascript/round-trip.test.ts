import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { World } from '../../../host/engine/component/world.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { type HostFunction, Linker, WitError } from '../../../host/engine/linker.ts';
import { fc } from '../../support/properties.ts';
import { buildScript, onFastLane, onGeneralLane, targetOf } from '../../support/script-agent.ts';
import { seedOf } from '../../support/seed.ts';
import { witType, witValue, writeWit } from '../../support/wit-values.ts';

after(stopTranspiler);

const worlds = 3;
const typesPerWorld = 12;
const valuesPerType = 4;

/** A world that gives values back: by itself (`echo`), and through the host (`relay`). */
function witFor(seed: number): { readonly wit: string; readonly refs: readonly string[] } {
  // Lists of a fixed length are refused by name.
  const known = witType().filter((type) => !JSON.stringify(type).includes('"length"'));
  const types = fc.sample(known, { numRuns: typesPerWorld, seed });
  const { declarations, refs } = writeWit(types);
  const names = [...declarations.matchAll(/^\w+ (t\d+) /gm)].map(([, name]) => name);
  const functions = (kind: string): string =>
    refs.map((ref, index) => `${kind}${index}: func(value: ${ref}) -> ${ref};`).join(' ');
  const use = names.length === 0 ? '' : `use types.{${names.join(', ')}};`;
  const wit = `package test:echo@0.1.0;
interface types { ${declarations} }
interface far { ${use} ${functions('echo')} }
interface near { ${use} ${functions('echo')} ${functions('relay')} }
world w { import far; export near; }`;
  return { wit, refs };
}

const isResult = (ref: string): boolean => ref === 'result' || ref.startsWith('result<');

/** `result` comes back as `{tag, val}` from the host's call, and is returned or thrown in a program. */
const source = (refs: readonly string[]): string => `
import far from 'test:echo/far@0.1.0';
const settle = ({ tag, val }) => { if (tag === 'err') throw val; return val; };
const relay = (call) => { try { return call(); } catch (error) { throw error.payload; } };
export const near = {
${refs
  .map((ref, index) =>
    isResult(ref)
      ? `echo${index}: settle, relay${index}: (value) => relay(() => far.echo${index}(value)),`
      : `echo${index}: (value) => value, relay${index}: (value) => far.echo${index}(value),`,
  )
  .join('\n')}
};`;

function echoLinker(refs: readonly string[]): Linker {
  const functions = refs.map((ref, index): [string, HostFunction] => [
    `echo${index}`,
    (value) => {
      if (!isResult(ref)) return value;
      if (value.tag === 'err') throw new WitError(value.val);
      return value.val;
    },
  ]);
  return new Linker().define('test:echo/far@0.1.0', {
    functions: Object.fromEntries(functions),
    suspending: new Set(),
  });
}

test('a program gives back every value of random worlds, in both lanes', async () => {
  const first = seedOf('ROUND_TRIP_SEED');
  for (let world = 0; world < worlds; world += 1) await checkWorld(first + world);
});

async function checkWorld(seed: number): Promise<void> {
  const { wit, refs } = witFor(seed);
  const where = `ROUND_TRIP_SEED=${seed}`;
  const target = await targetOf({ wit });
  const { bytes } = await buildScript(source(refs), { wit });
  for (const lane of [onFastLane, onGeneralLane]) {
    const instance = await lane(bytes, echoLinker(refs));
    for (const [index, ref] of refs.entries())
      await checkType(instance, target.world, index, seed, `${where}, ${lane.name}: ${ref}`);
  }
}

async function checkType(
  instance: Instance,
  world: World,
  index: number,
  seed: number,
  where: string,
): Promise<void> {
  const near = world.exports.find((item) => item.kind === 'interface');
  assert.ok(near?.kind === 'interface');
  const type = near.interface.functions.find(({ name }) => name === `echo${index}`)?.type.result;
  assert.ok(type !== undefined);
  for (const value of fc.sample(witValue(world.types, type), { numRuns: valuesPerType, seed }))
    for (const name of [`echo${index}`, `relay${index}`]) {
      const back = await instance.call(`test:echo/near@0.1.0#${name}`, [value]).catch((cause: unknown) => {
        throw new Error(`${where}, ${name}: ${String(cause)}`, { cause });
      });
      assert.deepStrictEqual(back, value, `${where}, ${name}`);
    }
}
