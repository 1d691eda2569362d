import type { HostFunction, HostInterface, HostResource } from '../engine/linker.ts';
import type { HandleName } from './value-writer.ts';

/** One thing that can be done with a resource. */
export interface HandleAction {
  /** `interface#Class.method`, `interface#Class:static`, `interface#Class.constructor`. */
  readonly name: string;
  readonly kind: 'method' | 'static' | 'constructor';
  readonly key: string;
}

/** What a guest does with a resource; `self` is its handle, undefined for a static function. */
export type HandleCall = (what: HandleAction, self: object | undefined, args: readonly unknown[]) => unknown;

const adoption = Symbol('adoption');

/**
 * A class whose constructor, methods and static functions ask `call`: guests hold these instead of the host's own
 * objects, so that what guests do is seen, and what the host does with its objects is not.
 */
export function handleClass(
  name: string,
  real: HostResource,
  call: HandleCall,
): { shown: HostResource; names: readonly string[] } {
  const made: HandleAction = { name: `${name}.constructor`, kind: 'constructor', key: 'constructor' };
  const shown = class {
    constructor(...args: unknown[]) {
      if (args[0] !== adoption) call(made, this, args);
    }
  };
  const names = [made.name];
  for (const key of methodsOf(real.prototype as object)) {
    const what: HandleAction = { name: `${name}.${key}`, kind: 'method', key };
    names.push(what.name);
    const value = function (this: object, ...args: unknown[]): unknown {
      return call(what, this, args);
    };
    Object.defineProperty(shown.prototype, key, { value });
  }
  for (const key of staticsOf(real)) {
    const what: HandleAction = { name: `${name}:${key}`, kind: 'static', key };
    names.push(what.name);
    Object.defineProperty(shown, key, { value: (...args: unknown[]) => call(what, undefined, args) });
  }
  Object.defineProperty(shown.prototype, Symbol.dispose, {
    value: () => {},
    configurable: true,
    writable: true,
  });
  return { shown, names };
}

/** A handle of a class of `handleClass` for an object that is already there. */
export function adopted(shown: HostResource): object {
  return Reflect.construct(shown as new (mark: symbol) => object, [adoption]) as object;
}

function methodsOf(prototype: object): string[] {
  const names = new Set<string>();
  for (
    let each = prototype;
    each !== Object.prototype && each !== null;
    each = Object.getPrototypeOf(each) as object
  )
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each)))
      if (name !== 'constructor' && typeof value === 'function') names.add(name);
  return [...names];
}

function staticsOf(real: HostResource): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(real))
    .filter(([, { value }]) => typeof value === 'function')
    .map(([name]) => name);
}

/** Resources are offered under names in PascalCase, functions in camelCase. */
function isResource(key: string, offered: HostFunction | HostResource): offered is HostResource {
  return /^[A-Z]/.test(key) && typeof offered.prototype === 'object';
}

/** An interface with other functions and classes in the place of its own. */
export function wrapped(
  interfaceName: string,
  offered: HostInterface,
  functionFor: (name: string, real: HostFunction) => HostFunction,
  classFor: (name: string, real: HostResource) => HostResource,
): HostInterface {
  const functions = Object.fromEntries(
    Object.entries(offered.functions).map(([key, real]) => {
      const name = `${interfaceName}#${key}`;
      return [key, isResource(key, real) ? classFor(name, real) : functionFor(name, real as HostFunction)];
    }),
  );
  return { functions, suspending: offered.suspending };
}

/** Which handle a guest holds for which object of the host. */
export class Handles {
  readonly #classes = new Map<unknown, Shown>();
  #reals = new WeakMap<object, object>();
  #shown = new WeakMap<object, object>();
  #names = new WeakMap<object, HandleName>();
  #count = 0;

  /** Whether no class was shown: nothing can be a handle. */
  get isNone(): boolean {
    return this.#classes.size === 0;
  }

  /** Whether there was no handle yet. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** `type` names the class. */
  show(real: HostResource, shown: HostResource, type: string): void {
    this.#classes.set(real, { shown, type });
  }

  /** Another life, which knows no handle of the one before. */
  restart(): void {
    if (this.#count === 0) return;
    this.#count = 0;
    this.#reals = new WeakMap();
    this.#shown = new WeakMap();
    this.#names = new WeakMap();
  }

  nameOf(handle: object): HandleName | undefined {
    return this.#count === 0 ? undefined : this.#names.get(handle);
  }

  act(what: HandleAction, real: HostResource, self: object | undefined, args: readonly unknown[]): unknown {
    const own = this.unwrapAll(args);
    if (what.kind === 'constructor') {
      const made = Reflect.construct(real as new (...all: unknown[]) => object, own) as object;
      this.#join(made, self as object, this.#classes.get(real)?.type ?? '');
      return undefined;
    }
    const on = what.kind === 'static' ? real : (this.#reals.get(self as object) as object);
    return Reflect.apply(Reflect.get(on, what.key) as HostFunction, on, own);
  }

  #join(real: object, handle: object, type: string): void {
    this.#reals.set(handle, real);
    this.#shown.set(real, handle);
    this.#names.set(handle, { number: this.#count, type });
    this.#count += 1;
    const dispose = Reflect.get(real, Symbol.dispose) as (() => void) | undefined;
    if (dispose !== undefined)
      Object.defineProperty(handle, Symbol.dispose, { value: () => dispose.call(real) });
  }

  unwrapAll(args: readonly unknown[]): unknown[] {
    return args.map((each) => mapDeep(each, (value) => this.#reals.get(value)));
  }

  /** The same value with handles in the place of the host's objects. */
  wrapDeep(value: unknown): unknown {
    return mapDeep(value, (one) => this.#handleFor(one));
  }

  #handleFor(real: object): object | undefined {
    const known = this.#shown.get(real);
    if (known !== undefined) return known;
    const found = this.#classOf(real);
    if (found === undefined) return undefined;
    const handle = adopted(found.shown);
    this.#join(real, handle, found.type);
    return handle;
  }

  #classOf(real: object): Shown | undefined {
    for (let each: object | null = real; each !== null && each !== Object.prototype; ) {
      const found = this.#classes.get(each.constructor);
      if (found !== undefined) return found;
      each = Object.getPrototypeOf(each) as object | null;
    }
    return undefined;
  }
}

interface Shown {
  readonly shown: HostResource;
  readonly type: string;
}

/** A value with some of its objects exchanged; parts in which nothing changes are the same objects. */
export function mapDeep(value: unknown, exchange: (one: object) => object | undefined): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => mapDeep(item, exchange));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  const other = exchange(value);
  if (other !== undefined) return other;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, mapDeep(part, exchange)] as const);
  const isSame = entries.every(([key, part]) => part === Reflect.get(value, key));
  return isSame ? value : Object.fromEntries(entries);
}
