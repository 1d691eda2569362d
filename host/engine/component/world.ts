import { HostError } from '../../errors.ts';
import type { Component, ExternType, InstanceType } from './component.ts';
import { decodeComponent } from './decode.ts';
import { Reader } from './reader.ts';
import { type FuncType, mapParts, partsOf, type TypeDef, type TypeRef } from './types.ts';

/** What a component imports and exports, as plain data (it goes into caches and between threads). */
export interface World {
  /** The world's own name where the bytes tell it (`motehost:agent/handler@0.1.0`). */
  readonly name?: string;
  /** Every value and resource type that is used, each only referring to earlier ones. */
  readonly types: readonly TypeDef[];
  readonly imports: readonly WorldItem[];
  readonly exports: readonly WorldItem[];
}

export type WorldItem =
  | { readonly kind: 'func'; readonly name: string; readonly type: FuncType }
  | { readonly kind: 'type'; readonly name: string; readonly type: TypeRef }
  | { readonly kind: 'interface'; readonly name: string; readonly interface: Interface }
  /** A core module or a component: never linked by this host, shown by name only. */
  | { readonly kind: 'module' | 'component'; readonly name: string };

/** Functions by WIT name; resource members as `[constructor]r`, `[method]r.m`, `[static]r.m`. */
export interface Interface {
  readonly functions: readonly { readonly name: string; readonly type: FuncType }[];
  readonly types: readonly { readonly name: string; readonly type: TypeRef }[];
}

/** The world a component lives in: its imports and exports with every type resolved. */
export function worldOf(component: Component): World {
  const exports = new Map(
    [...component.exports].map(([name, one]): [string, ExternType] => [name, one.type]),
  );
  return new WorldBuilder(component).build(component.imports, exports);
}

/**
 * The world in a `component-type` custom section, as tools embed it into core modules that are to become
 * components. Takes the section's content (or a whole such component).
 * @throws HostError `HOST_ERR_COMPONENT_MALFORMED`, also when the bytes describe no single world
 */
export function worldOfComponentType(section: Uint8Array): World {
  const component = decodeComponent(section);
  for (const { type: outer } of component.exports.values()) {
    const entry = outer.sort === 'type' ? outer.type : undefined;
    const type =
      outer.sort === 'component' ? outer.type : entry?.kind === 'component' ? entry.type : undefined;
    if (type === undefined) continue;
    const inner = [...type.exports].find(([, one]) => one.sort === 'component');
    if (inner?.[1].sort !== 'component') continue;
    return {
      name: inner[0],
      ...new WorldBuilder(component).build(inner[1].type.imports, inner[1].type.exports),
    };
  }
  throw new HostError('HOST_ERR_COMPONENT_MALFORMED', 'the component-type section holds no world');
}

/**
 * The `component-type` custom section of a core module, or undefined when it has none.
 * @throws HostError `HOST_ERR_COMPONENT_MALFORMED` when the module's sections do not hold together
 */
export function componentTypeSection(module: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(module, 8, module.length);
  while (!reader.done) {
    const id = reader.byte();
    const body = reader.slice(reader.u32());
    if (id !== 0) continue;
    const name = body.name();
    if (name === 'component-type' || name.startsWith('component-type:'))
      return module.subarray(body.offset, body.end);
  }
  return undefined;
}

class WorldBuilder {
  readonly #source: readonly TypeDef[];
  readonly #origins: ReadonlyMap<number, number>;
  readonly #names = new Map<number, { name: string; owner?: string }>();
  readonly #used = new Set<number>();

  constructor({ types, origins }: Component) {
    this.#source = types;
    this.#origins = origins;
  }

  build(imports: ReadonlyMap<string, ExternType>, exports: ReadonlyMap<string, ExternType>): World {
    const importItems = [...imports].flatMap(([name, type]) => this.#item(name, type));
    const exportItems = [...exports].flatMap(([name, type]) => this.#item(name, type));
    this.#useParts();
    const order = [...this.#used].sort((a, b) => a - b);
    const places = new Map(order.map((old, index) => [old, index]));
    const to = (ref: TypeRef): TypeRef =>
      typeof ref === 'string' ? ref : (places.get(this.#originOf(ref)) as number);
    const types = order.map((old) => ({
      ...mapParts(this.#source[old] as TypeDef, to),
      ...this.#names.get(old),
    }));
    return {
      types,
      imports: importItems.map((item) => renumberItem(item, to)),
      exports: exportItems.map((item) => renumberItem(item, to)),
    };
  }

  /** Definitions refer only to earlier ones, so one pass from the end reaches all parts. */
  #useParts(): void {
    for (let index = this.#source.length - 1; index >= 0; index -= 1) {
      if (!this.#used.has(index)) continue;
      for (const part of partsOf(this.#source[index] as TypeDef)) this.#use(part);
    }
  }

  #use(ref: TypeRef): TypeRef {
    if (typeof ref === 'number') this.#used.add(this.#originOf(ref));
    return ref;
  }

  #originOf(ref: number): number {
    return this.#origins.get(ref) ?? ref;
  }

  #item(name: string, type: ExternType): WorldItem[] {
    if (type.sort === 'func') return [{ kind: 'func', name, type: this.#func(type.type) }];
    if (type.sort === 'instance')
      return [{ kind: 'interface', name, interface: this.#interface(name, type.type) }];
    if (type.sort !== 'type') return [{ kind: type.sort, name }];
    const ref = this.#named(name, type, undefined);
    return ref === undefined ? [] : [{ kind: 'type', name, type: ref }];
  }

  #interface(owner: string, type: InstanceType): Interface {
    const functions: { name: string; type: FuncType }[] = [];
    const types: { name: string; type: TypeRef }[] = [];
    for (const [name, one] of type.exports) {
      if (one.sort === 'func') functions.push({ name, type: this.#func(one.type) });
      const ref = one.sort === 'type' ? this.#named(name, one, owner) : undefined;
      if (ref !== undefined) types.push({ name, type: ref });
    }
    return { functions, types };
  }

  #func(type: FuncType): FuncType {
    for (const param of type.params) this.#use(param.type);
    if (type.result !== undefined) this.#use(type.result);
    return type;
  }

  /** Types keep the first name they are given, and the interface that gives it. */
  #named(
    name: string,
    type: Extract<ExternType, { sort: 'type' }>,
    owner: string | undefined,
  ): TypeRef | undefined {
    const found =
      type.type.kind === 'value'
        ? type.type.ref
        : type.type.kind === 'resource'
          ? type.type.index
          : undefined;
    const ref = typeof found === 'number' ? this.#originOf(found) : found;
    if (typeof ref === 'number' && !this.#names.has(ref))
      this.#names.set(ref, owner === undefined ? { name } : { name, owner });
    return ref === undefined ? undefined : this.#use(ref);
  }
}

function renumberItem(item: WorldItem, to: (ref: TypeRef) => TypeRef): WorldItem {
  if (item.kind === 'func') return { ...item, type: renumberFunc(item.type, to) };
  if (item.kind === 'type') return { ...item, type: to(item.type) };
  if (item.kind !== 'interface') return item;
  const { functions, types } = item.interface;
  return {
    ...item,
    interface: {
      functions: functions.map((one) => ({ name: one.name, type: renumberFunc(one.type, to) })),
      types: types.map((one) => ({ name: one.name, type: to(one.type) })),
    },
  };
}

function renumberFunc(type: FuncType, to: (ref: TypeRef) => TypeRef): FuncType {
  return {
    params: type.params.map((param) => ({ name: param.name, type: to(param.type) })),
    ...(type.result === undefined ? {} : { result: to(type.result) }),
    ...(type.async === undefined ? {} : { async: type.async }),
  };
}

/** Full names of the interfaces a world imports, and `$root` when it imports functions of its own: what a linker must offer. */
export function importNames(world: World): string[] {
  const names = world.imports.flatMap((item) =>
    item.kind === 'interface' && item.interface.functions.length > 0 ? [item.name] : [],
  );
  return world.imports.some((item) => item.kind === 'func') ? ['$root', ...names] : names;
}
