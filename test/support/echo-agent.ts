import { generateBindings } from '../../guest-sdk/assemblyscript/build/bindings/generate.ts';
import { type Naming, typeText } from '../../guest-sdk/assemblyscript/build/bindings/type-text.ts';
import { type WorldTarget, worldTarget } from '../../guest-sdk/build/target.ts';
import { witOf } from '../../guest-sdk/build/wit-text.ts';
import type { TypeRef } from '../../host/engine/component/types.ts';
import { echoHost } from './echo-component.ts';
import { writtenAgent } from './written-agent.ts';

/** An agent in AssemblyScript that gives back what it is given; see `echoAgent`. */
export interface EchoAgent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly target: WorldTarget;
  /** The type of `echo<i>`, in `target.world.types`. */
  readonly types: readonly TypeRef[];
}

/**
 * For each type `refs[i]` it exports `echo<i>: func(x) -> x`, `relay<i>`, which asks the host's `test:echo/host`
 * function `echo<i>`, and `many<i>`, which takes and returns a list of it; `live` tells how many raw blocks it holds.
 */
export async function echoAgent(declarations: string, refs: readonly string[]): Promise<EchoAgent> {
  const wit = echoWit(declarations, refs);
  const target = await worldTarget(witOf(wit), 'echo');
  const source = echoSource(target, refs.length);
  const built = await writtenAgent(source, { wit, world: 'echo', countBlocks: true });
  const host = target.world.imports.find((item) => item.kind === 'interface' && item.name === echoHost);
  const functions = host?.kind === 'interface' ? host.interface.functions : [];
  return {
    bytes: new Uint8Array(built.bytes),
    target,
    types: functions.map(({ type }) => type.result as TypeRef),
  };
}

function echoWit(declarations: string, refs: readonly string[]): string {
  const names = [...declarations.matchAll(/^(?:record|variant|enum|flags) ([a-z0-9]+) /gm)].map(
    ([, name]) => name,
  );
  const use = names.length > 0 ? `use types.{${names.join(', ')}};` : '';
  const functions = (prefix: string, of: (ref: string) => string): string =>
    refs.map((ref, index) => `${prefix}${index}: func(x: ${of(ref)}) -> ${of(ref)};`).join('\n');
  return `package test:echo;
interface types { ${declarations} }
interface host { ${use} ${functions('echo', (ref) => ref)} }
world echo { ${use} import host;
${functions('export echo', (ref) => ref)}
${functions('export relay', (ref) => ref)}
${functions('export many', (ref) => `list<${ref}>`)}
export live: func() -> s32; }`;
}

function echoSource(target: WorldTarget, count: number): string {
  const { model } = generateBindings(target.world, target.name, './assembly/index');
  const naming: Naming = (ref) => {
    const place = model.places.get(ref);
    if (place === undefined) throw new Error(`no place for ${ref}`);
    return `${place.home.alias}.${place.local}`;
  };
  const lines = Array.from({ length: count }, (_, index) => {
    const typeOf = (name: string): string => {
      const item = target.world.exports.find((one) => one.kind === 'func' && one.name === name);
      if (item?.kind !== 'func') throw new Error(`no ${name}`);
      return typeText(model.defs, item.type.result as TypeRef, naming);
    };
    const [type, list] = [typeOf(`echo${index}`), typeOf(`many${index}`)];
    return `export function echo${index}(x: ${type}): ${type} { return x; }
export function relay${index}(x: ${type}): ${type} { return host.echo${index}(x); }
export function many${index}(x: ${list}): ${list} { return x; }`;
  });
  return `import * as host from "${echoHost}";
import { Box, Result, Unit } from "motehost:std";
import { ${Array.from({ length: 16 }, (_, index) => `Tuple${index + 1}`).join(', ')} } from "motehost:std";
${model.homes.map(({ alias, specifier }) => `import * as ${alias} from "${specifier}";`).join('\n')}
import { liveBlocks } from "motehost-sdk/abi/memory";
${lines.join('\n')}
export function live(): i32 { return liveBlocks(); }
`;
}
