import { Layouts } from '../../host/engine/component/layout.ts';
import type { FuncType, TypeDef, TypeRef } from '../../host/engine/component/types.ts';
import { componentTypeSection, type World, worldOfComponentType } from '../../host/engine/component/world.ts';
import { type HostFunction, Linker, WitError } from '../../host/engine/linker.ts';
import { buildComponent, bumpAllocator, embedWorld } from './component-tools.ts';

/**
 * A component that gives back what it is given. For each type `refs[i]` it exports `echo<i>: func(x) -> x`, and
 * `relay<i>`, which asks the host's `test:echo/host` function `echo<i>` and returns the answer. Arguments are
 * freed after each call.
 */
export interface EchoComponent {
  readonly bytes: Uint8Array;
  readonly world: World;
  /** The type of `echo<i>`, in `world.types`. */
  readonly types: readonly TypeRef[];
}

export const echoHost = 'test:echo/host';

/** A host that gives back what the `echo…` functions of a world ask it. */
export function echoLinker(world: World): Linker {
  const item = world.imports.find((one) => one.name === echoHost);
  const imported = item?.kind === 'interface' ? item.interface.functions : [];
  const functions = imported.map(({ name, type }): [string, HostFunction] => {
    const isFallible = typeof type.result === 'number' && world.types[type.result]?.kind === 'result';
    return [name, (value: unknown) => (isFallible ? okOrThrow(value) : value)];
  });
  return new Linker().define(echoHost, { functions: Object.fromEntries(functions), suspending: new Set() });
}

function okOrThrow(value: unknown): unknown {
  const { tag, val } = value as { tag: string; val: unknown };
  if (tag === 'err') throw new WitError(val);
  return val;
}

const coreTypes: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64' };

/** Builds the component; `declarations` is WIT that `refs` refer to (see `writeWit`). */
export async function echoComponent(
  declarations: string,
  refs: readonly string[],
  encoding: 'utf8' | 'utf16' | 'compact-utf16' = 'utf8',
): Promise<EchoComponent> {
  const wit = echoWit(declarations, refs);
  const section = componentTypeSection(await embedWorld(wit, 'echo'));
  if (section === undefined) throw new Error('the embedded world is missing');
  const world = worldOfComponentType(section);
  const host = world.imports.find((item) => item.kind === 'interface' && item.name === echoHost);
  const functions = host?.kind === 'interface' ? host.interface.functions : [];
  const layouts = new Layouts(world.types);
  const bodies = functions.map((one, index) => new EchoBody(world.types, layouts, one.type, index));
  const wat = `(module
    ${bodies.map((body) => body.importText()).join('\n')}
    (memory (export "memory") 2)
    ${bumpAllocator}
    ${bodies.map((body) => body.exportText()).join('\n')})`;
  return {
    bytes: await buildComponent(wat, wit, 'echo', encoding),
    world,
    types: functions.map((one) => one.type.result as TypeRef),
  };
}

function echoWit(declarations: string, refs: readonly string[]): string {
  const names = [...declarations.matchAll(/^(?:record|variant|enum|flags) ([a-z0-9]+) /gm)].map(
    (match) => match[1],
  );
  return `package test:echo;
    interface types { ${declarations} }
    interface host { ${names.length > 0 ? `use types.{${names.join(', ')}};` : ''}
      ${refs.map((ref, index) => `echo${index}: func(x: ${ref}) -> ${ref};`).join('\n')} }
    world echo { ${names.length > 0 ? `use types.{${names.join(', ')}};` : ''}
      import host;
      ${refs.map((ref, index) => `export echo${index}: func(x: ${ref}) -> ${ref};`).join('\n')}
      ${refs.map((ref, index) => `export relay${index}: func(x: ${ref}) -> ${ref};`).join('\n')} }`;
}

/** The core code of one type's echo: copies flat parameters to where the result lies. */
class EchoBody {
  readonly #types: readonly TypeDef[];
  readonly #layouts: Layouts;
  readonly #ref: TypeRef;
  readonly #index: number;
  readonly #flat: string | undefined;

  constructor(types: readonly TypeDef[], layouts: Layouts, type: FuncType, index: number) {
    this.#types = types;
    this.#layouts = layouts;
    this.#ref = type.result as TypeRef;
    this.#index = index;
    this.#flat = layouts.of(this.#ref).flat;
  }

  get #params(): string[] {
    return Array.from(this.#flat ?? 'i', (letter) => coreTypes[letter] as string);
  }

  get #returnsPointer(): boolean {
    return this.#flat === undefined || this.#flat.length > 1;
  }

  importText(): string {
    const params = this.#returnsPointer ? [...this.#params, 'i32'] : this.#params;
    const result = this.#returnsPointer ? '' : `(result ${this.#params[0]})`;
    return `(import "${echoHost}" "echo${this.#index}" (func $host${this.#index} (param ${params.join(' ')}) ${result}))`;
  }

  exportText(): string {
    const params = this.#params.map((type, index) => `(param $p${index} ${type})`).join(' ');
    const result = this.#returnsPointer ? 'i32' : this.#params[0];
    const post = this.#returnsPointer ? '(param i32)' : `(param ${this.#params[0]})`;
    const name = this.#index;
    return `
      (func (export "echo${name}") ${params} (result ${result}) (local $r i32) ${this.#echoBody()})
      (func (export "cabi_post_echo${name}") ${post} (call $reset))
      (func (export "relay${name}") ${params} (result ${result}) (local $r i32) ${this.#relayBody()})
      (func (export "cabi_post_relay${name}") ${post} (call $reset))`;
  }

  #allocate(): string {
    const { size, align } = this.#layouts.of(this.#ref);
    return `(local.set $r (call $realloc (i32.const 0) (i32.const 0) (i32.const ${align}) (i32.const ${size})))`;
  }

  #echoBody(): string {
    if (this.#flat === undefined || !this.#returnsPointer) return '(local.get $p0)';
    const values = Array.from(this.#flat, (_, index) => `(local.get $p${index})`);
    return `${this.#allocate()} ${this.#store(this.#ref, 0, values)} (local.get $r)`;
  }

  #relayBody(): string {
    const args = this.#params.map((_, index) => `(local.get $p${index})`).join(' ');
    if (!this.#returnsPointer) return `(call $host${this.#index} ${args})`;
    return `${this.#allocate()} (call $host${this.#index} ${args} (local.get $r)) (local.get $r)`;
  }

  /** Stores flat values of a type at `$r + offset`. */
  #store(ref: TypeRef, offset: number, values: readonly string[]): string {
    const layout = this.#layouts.of(ref);
    const def = typeof ref === 'number' ? this.#types[ref] : undefined;
    if (def === undefined) return this.#storePrimitive(ref as string, offset, values);
    if (def.kind === 'record')
      return this.#storeAll(
        def.fields.map((field) => field.type),
        layout.offsets ?? [],
        offset,
        values,
      );
    if (def.kind === 'tuple') return this.#storeAll(def.types, layout.offsets ?? [], offset, values);
    if (def.kind === 'map' || (def.kind === 'list' && def.length === undefined))
      return this.#storePrimitive('string', offset, values);
    if (def.kind === 'list') {
      const { size } = this.#layouts.of(def.element);
      const types = Array.from({ length: def.length as number }, () => def.element);
      return this.#storeAll(
        types,
        types.map((_, index) => index * size),
        offset,
        values,
      );
    }
    if (def.kind === 'flags') return storeInteger(layout.size, offset, values[0] as string);
    return this.#storeVariant(casesOf(def), ref, offset, values);
  }

  #storePrimitive(type: string, offset: number, values: readonly string[]): string {
    if (type === 'string')
      return storeInteger(4, offset, values[0] as string) + storeInteger(4, offset + 4, values[1] as string);
    const { size, flat } = this.#layouts.of(type as TypeRef);
    if (flat === 'i') return storeInteger(size, offset, values[0] as string);
    return `(${coreTypes[flat as string]}.store offset=${offset} (local.get $r) ${values[0]})`;
  }

  #storeAll(
    types: readonly TypeRef[],
    offsets: readonly number[],
    base: number,
    values: readonly string[],
  ): string {
    let at = 0;
    return types
      .map((type, index) => {
        const width = this.#layouts.of(type).flat?.length ?? 0;
        const text = this.#store(type, base + (offsets[index] as number), values.slice(at, at + width));
        at += width;
        return text;
      })
      .join(' ');
  }

  #storeVariant(
    cases: readonly (TypeRef | undefined)[],
    ref: TypeRef,
    offset: number,
    values: readonly string[],
  ): string {
    const { flat = '', discriminantBytes = 1, payloadOffset = 0 } = this.#layouts.of(ref);
    const discriminant = values[0] as string;
    const stores = cases.map((type, index) => {
      if (type === undefined) return '';
      const own = this.#layouts.of(type).flat ?? '';
      const payload = Array.from(own, (letter, slot) =>
        narrow(values[slot + 1] as string, flat[slot + 1] as string, letter),
      );
      const body = this.#store(type, offset + payloadOffset, payload);
      return `(if (i32.eq ${discriminant} (i32.const ${index})) (then ${body}))`;
    });
    return storeInteger(discriminantBytes, offset, discriminant) + stores.join(' ');
  }
}

function casesOf(def: TypeDef): readonly (TypeRef | undefined)[] {
  if (def.kind === 'variant') return def.cases.map((one) => one.type);
  if (def.kind === 'option') return [undefined, def.type];
  if (def.kind === 'result') return [def.ok, def.err];
  if (def.kind === 'enum') return [];
  throw new Error(`no echo for ${def.kind}`);
}

function storeInteger(size: number, offset: number, value: string): string {
  const width = size === 1 ? '8' : size === 2 ? '16' : '';
  return `(i32.store${width} offset=${offset} (local.get $r) ${value})`;
}

/** From the core type that travels to the payload's own. */
function narrow(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (from === 'i') return `(f32.reinterpret_i32 ${value})`;
  if (to === 'i') return `(i32.wrap_i64 ${value})`;
  if (to === 'f') return `(f32.reinterpret_i32 (i32.wrap_i64 ${value}))`;
  return `(f64.reinterpret_i64 ${value})`;
}
