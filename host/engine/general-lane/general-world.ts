import type { FuncType, TypeDef, TypeRef } from '../component/types.ts';
import type { World, WorldItem } from '../component/world.ts';

/** One imported or exported interface by full name; `$root` holds the functions of the world itself. */
export interface WorldInterface {
  readonly name: string;
  readonly functions: readonly WorldFunction[];
  /** WIT names of the resources it declares. */
  readonly resources: readonly string[];
}

export interface WorldFunction {
  /** WIT name within its interface: `run`, `[method]pollable.block`. */
  readonly name: string;
  readonly type: FuncType;
}

export const rootInterface = '$root';

/** One side of a world by interface, the world's own functions last and only if there are any. */
export function interfacesOf(world: World, side: 'imports' | 'exports'): WorldInterface[] {
  const items = world[side];
  const interfaces = items.flatMap((item) => (item.kind === 'interface' ? [interfaceOf(world, item)] : []));
  const functions = items.flatMap((item) =>
    item.kind === 'func' ? [{ name: item.name, type: item.type }] : [],
  );
  return functions.length === 0
    ? interfaces
    : [...interfaces, { name: rootInterface, functions, resources: [] }];
}

function interfaceOf(world: World, item: WorldItem & { kind: 'interface' }): WorldInterface {
  const { functions, types } = item.interface;
  const resources = types
    .filter(({ type }) => declares(world.types, item.name, type))
    .map(({ name }) => name);
  return { name: item.name, functions, resources };
}

/** A resource that an interface only uses belongs to its owner. */
function declares(types: readonly TypeDef[], owner: string, type: TypeRef): boolean {
  const def = typeof type === 'number' ? types[type] : undefined;
  return def?.kind === 'resource' && def.owner === owner;
}

/** How a function of a world is named outside of it: `wasi:cli/run@0.2.6#run`, `handle`. */
export function fullName(interfaceName: string, functionName: string): string {
  return interfaceName === rootInterface ? functionName : `${interfaceName}#${functionName}`;
}

/** Whether a function's WIT type is a `result`: its `err` is a value then, not a trap. */
export function isFallible(types: readonly TypeDef[], type: FuncType): boolean {
  return typeof type.result === 'number' && types[type.result]?.kind === 'result';
}
