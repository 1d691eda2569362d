import { HostError } from '../../errors.ts';
import type { World } from '../component/world.ts';
import { compatibleName } from '../linker.ts';
import { fullName, interfacesOf, isFallible, rootInterface, type WorldFunction } from './general-world.ts';
import { camelCase, parseFunctionName, pascalCase } from './js-names.ts';

/** One exported function and how to reach it in what jco's `instantiate` gave. */
export interface ExportedFunction {
  readonly fullName: string;
  readonly type: WorldFunction['type'];
  readonly isFallible: boolean;
  readonly invoke: (exports: JsExports, args: readonly unknown[]) => unknown;
}

export type JsExports = Readonly<Record<string, unknown>>;

/** A component's exported functions by every name they may be called by. */
export class ExportTable {
  readonly #byName = new Map<string, ExportedFunction>();
  readonly #bare = new Map<string, ExportedFunction[]>();

  constructor(world: World) {
    for (const { name, functions } of interfacesOf(world, 'exports')) {
      for (const each of functions) this.#add(world, name, each);
    }
  }

  #add(world: World, interfaceName: string, { name, type }: WorldFunction): void {
    const found: ExportedFunction = {
      fullName: fullName(interfaceName, name),
      type,
      isFallible: isFallible(world.types, type),
      invoke: invoker(interfaceName, name),
    };
    this.#byName.set(found.fullName, found);
    if (interfaceName === rootInterface) return;
    this.#byName.set(`${compatibleName(interfaceName)}#${name}`, found);
    const alike = this.#bare.get(name);
    if (alike === undefined) this.#bare.set(name, [found]);
    else alike.push(found);
  }

  /** `handle`, `wasi:cli/run@0.2.6#run` in any compatible version, or a function's bare name if only one has it. */
  find(name: string): ExportedFunction | undefined {
    const exact = this.#byName.get(name) ?? this.#byName.get(compatibleExport(name));
    if (exact !== undefined) return exact;
    const alike = this.#bare.get(name);
    return alike?.length === 1 ? alike[0] : undefined;
  }

  /** @throws HostError `HOST_ERR_EXPORT_UNKNOWN` with what there is */
  require(name: string): ExportedFunction {
    const found = this.find(name);
    if (found !== undefined) return found;
    const known = [...new Set([...this.#byName.values()].map((each) => each.fullName))];
    throw new HostError(
      'HOST_ERR_EXPORT_UNKNOWN',
      `the component exports no single function '${name}'; it has ${known.join(', ') || 'none'}`,
      { name, known },
    );
  }
}

function compatibleExport(name: string): string {
  const hash = name.indexOf('#');
  return hash < 0 ? name : `${compatibleName(name.slice(0, hash))}${name.slice(hash)}`;
}

/** Where a resource's method `then` is: no WIT name has a `$`. */
const hiddenThen = '$then';

/**
 * Moves a method `then` of the guest's resources out of the way of promises, which call it when they resolve
 * with such a resource.
 */
export function hideThenMethods(exports: JsExports): void {
  const homes = [exports, ...Object.values(exports).filter((one) => typeof one === 'object' && one !== null)];
  for (const resource of homes.flatMap((home) => Object.values(home as JsExports))) {
    const methods: unknown = typeof resource === 'function' ? resource.prototype : undefined;
    if (typeof methods !== 'object' || methods === null || !Object.hasOwn(methods, 'then')) continue;
    Object.defineProperty(methods, hiddenThen, { value: Reflect.get(methods, 'then') });
    Reflect.deleteProperty(methods, 'then');
  }
}

type AnyFunction = (...args: unknown[]) => unknown;

function invoker(interfaceName: string, functionName: string): ExportedFunction['invoke'] {
  const at = (exports: JsExports): JsExports =>
    interfaceName === rootInterface ? exports : (exports[interfaceName] as JsExports);
  const name = parseFunctionName(functionName);
  if (name.kind === 'function') {
    const member = camelCase(name.member);
    return (exports, args) => (at(exports)[member] as AnyFunction)(...args);
  }
  const resource = pascalCase(name.resource);
  if (name.kind === 'constructor')
    return (exports, args) => new (at(exports)[resource] as new (...args: unknown[]) => object)(...args);
  const member = camelCase(name.member);
  if (name.kind === 'static')
    return (exports, args) => (at(exports)[resource] as Record<string, AnyFunction>)[member]?.(...args);
  return (exports, [self, ...args]) => {
    const owner = at(exports)[resource] as { prototype: Record<string, AnyFunction> };
    return owner.prototype[member === 'then' ? hiddenThen : member]?.apply(self, args);
  };
}
