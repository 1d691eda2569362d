import type { CoreFunction } from '../engine/artifact.ts';
import type { FuncType, Primitive, TypeDef } from '../engine/component/types.ts';
import { encodeValue, parseCall, parseValue } from '../engine/component/wave.ts';
import { TextTooLong } from '../engine/component/wave-text.ts';
import type { World } from '../engine/component/world.ts';
import type { Artifact, Launched } from '../engine/engine.ts';
import { HostError } from '../errors.ts';

/** One export, its arguments, and how its result is shown. */
export interface PlannedInvoke {
  readonly call: (launched: Launched) => Promise<unknown>;
  /** Gives up as soon as the text is longer than `bytesMax`. */
  readonly print: (value: unknown, bytesMax: number) => Uint8Array | 'too-long' | undefined;
  /** Whether the export returns a WIT `result`. */
  readonly isFallible: boolean;
}

interface Target {
  readonly name: string;
  /** Computed for the one that is called: others may have types nobody can write down. */
  readonly typeOf: () => FuncType;
}

/**
 * Reads `name(arg, …)` in WAVE against what the program exports; arguments are checked before anything runs.
 * @throws HostError `HOST_ERR_EXPORT_UNKNOWN` with what there is, `HOST_ERR_VALUE_INVALID` for an argument
 */
export function planInvoke(artifact: Artifact, text: string): PlannedInvoke {
  const { name, args } = parseCall(text);
  const types = artifact.facts.world?.types ?? [];
  const target = find(targetsOf(artifact), name);
  const type = target.typeOf();
  if (args.length !== type.params.length) {
    const wanted = type.params.map((param) => param.name).join(', ');
    throw new HostError(
      'HOST_ERR_VALUE_INVALID',
      `${target.name} takes ${type.params.length} arguments (${wanted}), ${args.length} given`,
      { name: target.name },
    );
  }
  const values = args.map((arg, index) => parseValue(arg, type.params[index]?.type ?? 'bool', types));
  return {
    call: ({ instance }) => instance.call(target.name, values),
    print: (value, bytesMax) => printed(value, type, types, bytesMax),
    isFallible: isFallible(type, types),
  };
}

function textOr(encode: () => Uint8Array): Uint8Array | 'too-long' {
  try {
    return encode();
  } catch (thrown) {
    if (thrown instanceof TextTooLong) return 'too-long';
    throw thrown;
  }
}

const newline = 0x0a;

function printed(
  value: unknown,
  type: FuncType,
  types: readonly TypeDef[],
  bytesMax: number,
): Uint8Array | 'too-long' | undefined {
  if (type.result === undefined) return undefined;
  // The outcome has taken an `ok` out of its result already; what is shown is the whole value.
  const whole = isFallible(type, types) ? { tag: 'ok', val: value } : value;
  const { result } = type;
  const text = textOr(() => encodeValue(whole, result, types, bytesMax));
  if (text === 'too-long') return text;
  const line = new Uint8Array(text.length + 1);
  line.set(text);
  line[text.length] = newline;
  return line;
}

function isFallible(type: FuncType, types: readonly TypeDef[]): boolean {
  return typeof type.result === 'number' && types[type.result]?.kind === 'result';
}

function find(targets: readonly Target[], name: string): Target {
  const exact = targets.find((target) => target.name === name);
  if (exact !== undefined) return exact;
  const members = targets.filter((target) => target.name.endsWith(`#${name}`));
  const [only] = members;
  if (only !== undefined && members.length === 1) return only;
  const known = targets.map((target) => target.name).join(', ');
  const ambiguous =
    members.length > 1
      ? `${name} is ambiguous: ${members.map((member) => member.name).join(', ')}`
      : undefined;
  throw new HostError(
    'HOST_ERR_EXPORT_UNKNOWN',
    ambiguous ?? `no export '${name}'; the program exports: ${known || 'no function'}`,
    { name },
  );
}

function targetsOf({ facts }: Artifact): Target[] {
  if (facts.world !== undefined) return worldTargets(facts.world);
  return (facts.modules[0]?.functions ?? []).map((core) => ({
    name: core.name,
    typeOf: () => numericType(core),
  }));
}

function worldTargets(world: World): Target[] {
  return world.exports.flatMap((item): Target[] => {
    if (item.kind === 'func') return [{ name: item.name, typeOf: () => item.type }];
    if (item.kind !== 'interface') return [];
    return item.interface.functions.map(({ name, type }) => ({
      name: `${item.name}#${name}`,
      typeOf: () => type,
    }));
  });
}

const numeric: Readonly<Record<string, Primitive>> = { i32: 's32', i64: 's64', f32: 'f32', f64: 'f64' };

/** A core function as a WIT one: numbers only, and one result at most. */
function numericType({ name, params, results }: CoreFunction): FuncType {
  const fields = params.map((core, index) => ({ name: `p${index}`, type: primitive(name, core) }));
  const [result] = results;
  if (result === undefined) return { params: fields };
  if (results.length === 1) return { params: fields, result: primitive(name, result) };
  throw new HostError(
    'HOST_ERR_EXPORT_UNKNOWN',
    `${name} returns ${results.length} values; only functions with one can be called`,
    { name },
  );
}

function primitive(name: string, core: string): Primitive {
  const type = numeric[core];
  if (type === undefined)
    throw new HostError(
      'HOST_ERR_EXPORT_UNKNOWN',
      `${name} takes or returns ${core}; only numbers can be passed`,
      { name },
    );
  return type;
}
