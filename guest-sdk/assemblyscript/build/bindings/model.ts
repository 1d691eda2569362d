import { Layouts } from '../../../../host/engine/component/layout.ts';
import { parseExternName } from '../../../../host/engine/component/names.ts';
import {
  type FuncType,
  partsOf,
  type TypeDef,
  type TypeRef,
} from '../../../../host/engine/component/types.ts';
import type { Interface, World, WorldItem } from '../../../../host/engine/component/world.ts';
import { HostError } from '../../../../host/errors.ts';
import { resourceMembers, Scope, typeName, valueName } from './names.ts';

/** One function of a world, with the names it gets in AssemblyScript. */
export interface Func {
  /** In WIT: `[method]r.m`, `request`. */
  readonly name: string;
  readonly type: FuncType;
  /** Module and name of the core import, or the core export's name with an empty module. */
  readonly core: { readonly module: string; readonly name: string };
  readonly kind: 'function' | 'constructor' | 'method' | 'static';
  /** The resource it belongs to, by its place in the type table. */
  readonly resource: number | undefined;
  /** Function or member name in AssemblyScript. */
  readonly local: string;
  /** A number for names in the glue. */
  readonly id: number;
}

/** The types and functions of one interface, or of the world itself: one AssemblyScript module. */
export interface Home {
  readonly direction: 'import' | 'export';
  /** What sources import it by: `motehost:agent/bus@0.1.0`. */
  readonly specifier: string;
  /** Namespace alias in the glue and in other modules; no name of WIT becomes one with an underscore inside. */
  readonly alias: string;
  /** Namespace of the user's file that holds the functions of an exported interface; undefined: its top level. */
  readonly namespace: string | undefined;
  /** Types in the order of WIT: those that are declared here, and those that are used or renamed here. */
  readonly types: readonly { readonly label: string; readonly local: string; readonly ref: TypeRef }[];
  readonly functions: readonly Func[];
  /** Names of the enums that tell the cases of variants apart, by the variant's place in the type table. */
  readonly tags: ReadonlyMap<number, string>;
}

/** A world as the generator sees it: every module and every name decided. */
export interface Model {
  readonly world: World;
  readonly defs: readonly TypeDef[];
  readonly layouts: Layouts;
  readonly homes: readonly Home[];
  /** Where a named type is declared. */
  readonly places: ReadonlyMap<number, Place>;
}

/** Where a type is declared, its name there, and its place in the type table under which it is. */
export interface Place {
  readonly home: Home;
  readonly local: string;
  readonly ref: number;
}

/**
 * Decides modules and names for a world.
 * @param worldName full name; the module of the world's own functions and types
 * @throws HostError `HOST_ERR_WIT_INVALID` naming what has no AssemblyScript yet: streams, futures
 */
export function modelOf(world: World, worldName: string): Model {
  const ids = { next: 0 };
  const homes = homesOf(world, worldName).map(({ item, ...about }, index) =>
    homeOf(item, { ...about, alias: `m_${index}` }, world.types, ids),
  );
  const places = placesOf(homes, world.types);
  const model = { world, defs: world.types, layouts: new Layouts(world.types), homes, places };
  requireSupported(model);
  return model;
}

function placesOf(homes: readonly Home[], defs: readonly TypeDef[]): Map<number, Place> {
  const places = new Map<number, Place>();
  for (const home of homes)
    for (const { label, local, ref } of home.types)
      if (typeof ref === 'number' && defs[ref]?.name === label && !places.has(ref))
        places.set(ref, twinPlace(homes, defs, home, label, ref) ?? { home, local, ref });
  return places;
}

/**
 * An interface that is imported and exported has every type twice. Types without resources are one class all the
 * same, the imported one's, or an agent could not hand on what it was given.
 */
function twinPlace(
  homes: readonly Home[],
  defs: readonly TypeDef[],
  home: Home,
  label: string,
  ref: number,
): Place | undefined {
  if (home.direction !== 'export' || hasResource(defs, ref)) return undefined;
  const twin = homes.find(({ specifier }) => `exports:${specifier}` === home.specifier);
  const type = twin?.types.find((one) => one.label === label);
  if (twin === undefined || typeof type?.ref !== 'number') return undefined;
  return { home: twin, local: type.local, ref: type.ref };
}

function hasResource(defs: readonly TypeDef[], ref: TypeRef): boolean {
  const def = typeof ref === 'number' ? defs[ref] : undefined;
  if (def === undefined) return false;
  return def.kind === 'resource' || partsOf(def).some((part) => hasResource(defs, part));
}

interface Pending {
  readonly item: Interface & { readonly name: string };
  readonly direction: 'import' | 'export';
  readonly specifier: string;
  readonly namespace: string | undefined;
  /** Whether it holds the functions of the world itself. */
  readonly isRoot: boolean;
}

function homesOf(world: World, worldName: string): Pending[] {
  const imported = new Set(interfacesOf(world.imports).map(({ name }) => name));
  const namespaces = namespacesOf(interfacesOf(world.exports).map(({ name }) => name));
  const root = (items: readonly WorldItem[]): Interface & { name: string } => ({
    name: '',
    functions: items.flatMap((item) => (item.kind === 'func' ? [item] : [])),
    types: items.flatMap((item) => (item.kind === 'type' ? [item] : [])),
  });
  return [
    ...interfacesOf(world.imports).map((item) => ({
      item,
      direction: 'import' as const,
      specifier: item.name,
      namespace: undefined,
      isRoot: false,
    })),
    {
      item: root(world.imports),
      direction: 'import',
      specifier: worldName,
      namespace: undefined,
      isRoot: true,
    },
    ...interfacesOf(world.exports).map((item) => ({
      item,
      direction: 'export' as const,
      specifier: imported.has(item.name) ? `exports:${item.name}` : item.name,
      namespace: namespaces.get(item.name),
      isRoot: false,
    })),
    {
      item: root(world.exports),
      direction: 'export',
      specifier: `exports:${worldName}`,
      namespace: undefined,
      isRoot: true,
    },
  ];
}

function interfacesOf(items: readonly WorldItem[]): (Interface & { readonly name: string })[] {
  return items.flatMap((item) => (item.kind === 'interface' ? [{ name: item.name, ...item.interface }] : []));
}

/** The shortest name of each exported interface that no other has: its own, with the package's, with the namespace's, with the version. */
export function namespacesOf(names: readonly string[]): Map<string, string> {
  const forms = names.map((name) => {
    const parsed = parseExternName(name);
    if (parsed?.kind !== 'interface') return [valueName(name)];
    const [namespace = '', words = ''] = parsed.package.split(':');
    const labels = [
      parsed.interface,
      `${words}-${parsed.interface}`,
      `${namespace}-${words}-${parsed.interface}`,
    ];
    const version = (parsed.version ?? '').replace(/[^0-9A-Za-z]+/g, '-');
    return [...labels, `${labels[2]}-v${version}`].map(valueName);
  });
  const scope = new Scope();
  return new Map(
    names.map((name, index) => {
      const own = forms[index] as string[];
      const isAlone = (form: string): boolean =>
        forms.every((other, at) => at === index || !other.includes(form));
      return [name, scope.take(own.find(isAlone) ?? (own.at(-1) as string))];
    }),
  );
}

function homeOf(
  item: Interface & { readonly name: string },
  about: Omit<Pending, 'item'> & { readonly alias: string },
  defs: readonly TypeDef[],
  ids: { next: number },
): Home {
  const scope = new Scope();
  const types = item.types.map(({ name, type }) => ({
    label: name,
    local: scope.take(typeName(name)),
    ref: type,
  }));
  const resources = new Map(
    types.flatMap(({ label, ref }) =>
      typeof ref === 'number' && defs[ref]?.kind === 'resource' ? [[label, ref] as const] : [],
    ),
  );
  const members = new Map(
    [...resources.values()].map((ref) => [ref, new Scope(resourceMembers[about.direction])]),
  );
  const functions = item.functions.map(({ name, type }): Func => {
    const parsed = parseExternName(name);
    const resource =
      parsed !== undefined && 'resource' in parsed ? resources.get(parsed.resource) : undefined;
    const label = parsed !== undefined && 'member' in parsed ? parsed.member : name;
    const kind =
      parsed?.kind === 'constructor' || parsed?.kind === 'method' || parsed?.kind === 'static'
        ? parsed.kind
        : 'function';
    const inScope = resource === undefined ? scope : (members.get(resource) as Scope);
    const wanted = kind === 'constructor' ? 'create' : valueName(label);
    return {
      name,
      type,
      core: coreName(item.name, name, about),
      kind,
      resource,
      local: kind === 'constructor' && !isFallible(type, defs) ? 'constructor' : inScope.take(wanted),
      id: ids.next++,
    };
  });
  const tags = new Map<number, string>();
  for (const { local, ref } of types)
    if (typeof ref === 'number' && defs[ref]?.kind === 'variant' && !tags.has(ref))
      tags.set(ref, scope.take(`${local}Tag`));
  return { ...about, types, functions, tags };
}

function coreName(
  owner: string,
  name: string,
  { direction, isRoot }: { readonly direction: string; readonly isRoot: boolean },
): { module: string; name: string } {
  if (direction === 'import') return { module: isRoot ? '$root' : owner, name };
  return { module: '', name: isRoot ? name : `${owner}#${name}` };
}

/** A constructor that may fail returns `result<own<r>, e>`: a static function here, since `new` cannot fail. */
function isFallible(type: FuncType, defs: readonly TypeDef[]): boolean {
  return typeof type.result === 'number' && defs[type.result]?.kind === 'result';
}

function requireSupported({ defs, homes }: Model): void {
  requireShort(defs);
  for (const home of homes) {
    if (home.direction === 'export' && home.functions.some(({ core }) => core.name === 'memory'))
      throw new HostError(
        'HOST_ERR_WIT_INVALID',
        `the world exports a function 'memory', which is what a program's memory is exported as; give it another name`,
      );
    for (const { name, type } of home.functions)
      for (const ref of [...type.params.map((param) => param.type), type.result])
        if (ref !== undefined) requireType(defs, ref, `the function ${fullName(home, name)}`);
    for (const { label, ref } of home.types) requireType(defs, ref, `the type ${fullName(home, label)}`);
  }
}

function fullName({ specifier }: Home, name: string): string {
  return `'${specifier}#${name}'`;
}

/** A type without a class of its own is written out wherever it stands. Twenty pairs of pairs are a million parts. */
const partsMax = 10_000;

function requireShort(defs: readonly TypeDef[]): void {
  const counts: number[] = [];
  // What a type is made of comes before it in the table.
  for (const [ref, def] of defs.entries()) {
    const isNamed = def.kind === 'record' || def.kind === 'variant';
    let count = 1;
    for (const part of isNamed ? [] : partsOf(def))
      count += typeof part === 'number' ? (counts[part] ?? 1) : 1;
    counts[ref] = count;
    if (count > partsMax)
      throw new HostError(
        'HOST_ERR_WIT_INVALID',
        `${def.name === undefined ? 'a type' : `the type '${def.name}'`} is made of more than ${partsMax} parts; make records of some of them`,
      );
  }
}

function requireType(defs: readonly TypeDef[], ref: TypeRef, where: string): void {
  const seen = new Set<TypeRef>();
  const visit = (one: TypeRef): void => {
    if (seen.has(one)) return;
    seen.add(one);
    if (one === 'error-context') throw unsupported(`${where} has an error-context`);
    const def = typeof one === 'number' ? defs[one] : undefined;
    if (def?.kind === 'stream' || def?.kind === 'future') throw unsupported(`${where} has a ${def.kind}`);
    if (def !== undefined && def.kind !== 'resource') for (const part of partsOf(def)) visit(part);
  };
  visit(ref);
}

function unsupported(what: string): HostError {
  return new HostError(
    'HOST_ERR_WIT_INVALID',
    `${what}, which AssemblyScript agents cannot have yet; streams and futures must stay out of the world`,
  );
}
