import { camelCase, parseExternName } from '../../../host/engine/component/names.ts';
import type { FuncType, TypeDef, TypeRef } from '../../../host/engine/component/types.ts';
import type { Interface, World, WorldItem } from '../../../host/engine/component/world.ts';
import { HostError } from '../../../host/errors.ts';
import { isCommand } from './command.ts';

/** A world as the prelude's `Binding` reads it: names as JavaScript writes them, no `self` among parameters. */
export interface WorldData {
  readonly types: readonly object[];
  /** By full name; functions of the world itself under `worldInterface`. */
  readonly imports: Readonly<Record<string, InterfaceData>>;
  readonly exports: {
    readonly functions: readonly FunctionData[];
    readonly interfaces: readonly (InterfaceData & { readonly key: string })[];
  };
}

export interface InterfaceData {
  readonly functions: readonly FunctionData[];
  /** Resources by their index in `types`, and the names of their classes. */
  readonly resources: readonly (readonly [index: number, className: string])[];
}

export interface FunctionData {
  readonly kind: 'function' | 'constructor' | 'method' | 'static';
  /** Name of the function or member: `getRandomBytes`. */
  readonly key: string;
  /** What errors call it: `Router.add`. */
  readonly label: string;
  readonly resource?: number;
  readonly type: {
    readonly params: readonly { readonly key: string; readonly type: TypeRef }[];
    readonly result?: TypeRef;
  };
}

/** Functions that the world imports without an interface are the engine's globals. */
export const worldInterface = '$root';

export function worldData(world: World): WorldData {
  const exported = world.exports.flatMap((item) =>
    item.kind === 'interface'
      ? [{ key: interfaceKey(item.name), ...interfaceData(world, item.name, item.interface) }]
      : [],
  );
  const own = rootFunctions(world.imports);
  return {
    types: world.types.map(typeData),
    imports: {
      ...Object.fromEntries(
        world.imports.flatMap((item) =>
          item.kind === 'interface' ? [[item.name, interfaceData(world, item.name, item.interface)]] : [],
        ),
      ),
      ...(own.length === 0 ? {} : { [worldInterface]: { functions: own, resources: [] } }),
    },
    exports: {
      functions: rootFunctions(world.exports),
      interfaces: isCommand(world) ? exported.map(asMain) : exported,
    },
  };
}

/** What a command exports, by the name that its author knows. */
function asMain<T extends InterfaceData>(run: T): T {
  return { ...run, functions: run.functions.map((each) => ({ ...each, label: 'main' })) };
}

/** `a:b/request-log@1.0.0` → `requestLog`: the export of an entry file that implements the interface. */
export function interfaceKey(name: string): string {
  const extern = parseExternName(name);
  return camelCase(extern?.kind === 'interface' ? extern.interface : name);
}

/** `request-log` → `RequestLog`. */
export function pascalCase(name: string): string {
  const camel = camelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

function rootFunctions(items: readonly WorldItem[]): FunctionData[] {
  return items.flatMap((item) => (item.kind === 'func' ? [functionData(item, [], '')] : []));
}

function interfaceData(world: World, owner: string, { functions, types }: Interface): InterfaceData {
  const resources = types.flatMap(({ name, type }) => {
    const def = typeof type === 'number' ? world.types[type] : undefined;
    // A resource that another interface declares has its class there; another name for it is none.
    const isOwn =
      def?.kind === 'resource' && def.name === name && (def.owner === undefined || def.owner === owner);
    return isOwn ? [[type as number, pascalCase(name), name] as const] : [];
  });
  const short = `${interfaceKey(owner)}.`;
  return {
    functions: functions.map((each) => functionData(each, resources, short)),
    resources: resources.map(([index, className]) => [index, className]),
  };
}

function functionData(
  { name, type }: { readonly name: string; readonly type: FuncType },
  resources: readonly (readonly [number, string, string])[],
  prefix: string,
): FunctionData {
  const extern = parseExternName(name);
  if (extern === undefined || extern.kind === 'label' || extern.kind === 'interface')
    return { kind: 'function', key: camelCase(name), label: prefix + camelCase(name), type: typeOf(type, 0) };
  const found = resources.find(([, , resource]) => resource === extern.resource);
  const className = found?.[1] ?? pascalCase(extern.resource);
  const key = extern.kind === 'constructor' ? 'constructor' : camelCase(extern.member);
  return {
    kind: extern.kind,
    key,
    label: extern.kind === 'constructor' ? `new ${className}` : `${className}.${key}`,
    ...(found === undefined ? {} : { resource: found[0] }),
    type: typeOf(type, extern.kind === 'method' ? 1 : 0),
  };
}

function typeOf(type: FuncType, skipped: number): FunctionData['type'] {
  return {
    params: type.params.slice(skipped).map((param) => ({ key: camelCase(param.name), type: param.type })),
    ...(type.result === undefined ? {} : { result: type.result }),
  };
}

function typeData(def: TypeDef): object {
  const { name: _, owner: __, ...rest } = def;
  if (rest.kind === 'record')
    return { kind: 'record', fields: rest.fields.map(({ name, type }) => ({ key: camelCase(name), type })) };
  if (rest.kind === 'flags') return { kind: 'flags', keys: rest.names.map(camelCase) };
  return rest;
}

/**
 * Refuses a world the engine cannot serve, by name.
 * @throws HostError `HOST_ERR_BUILD_FAILED` naming what is wrong with it
 */
export function requireSupported(world: World): void {
  const problem = asyncProblem(world) ?? nameProblem(world) ?? typeProblem(world.types);
  if (problem === undefined) return;
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `world '${world.name ?? ''}' cannot be written in JavaScript: ${problem}`,
    { world: world.name },
  );
}

function typeProblem(types: readonly TypeDef[]): string | undefined {
  for (const def of types) {
    const what = def.name === undefined ? `a ${def.kind}` : `'${def.name}'`;
    if (def.kind === 'stream' || def.kind === 'future')
      return `${what} is a ${def.kind}, and this host runs WASI 0.2, which has none`;
    if (def.kind === 'list' && def.length !== undefined)
      return `${what} has a fixed length, which componentize-qjs does not know; use a list or a tuple`;
    if (def.kind === 'flags' && def.names.length > 32) return `${what} has more than 32 flags`;
  }
  return undefined;
}

function asyncProblem(world: World): string | undefined {
  for (const item of [...world.imports, ...world.exports]) {
    const functions =
      item.kind === 'func' ? [item] : item.kind === 'interface' ? item.interface.functions : [];
    const found = functions.find(({ type }) => type.async === true);
    if (found !== undefined)
      return `the function '${found.name}' is async, which agents in TypeScript and JavaScript cannot have yet`;
  }
  return undefined;
}

/** Exports are found by their short names alone. */
function nameProblem({ exports }: World): string | undefined {
  const keys = new Map<string, string>();
  for (const item of exports) {
    if (item.kind !== 'func' && item.kind !== 'interface') continue;
    const key = item.kind === 'func' ? camelCase(item.name) : interfaceKey(item.name);
    const other = keys.get(key);
    if (other !== undefined)
      return `it exports '${other}' and '${item.name}', and both would be the export ${key}`;
    keys.set(key, item.name);
  }
  return undefined;
}
