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
  const names = new Set<string>();
  for (let each: object = real; each !== Function.prototype; each = Object.getPrototypeOf(each) as object)
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(each)))
      if (typeof value === 'function') names.add(name);
  return [...names];
}

/** Resources are offered under names in PascalCase, functions in camelCase. */
function isResource(key: string, offered: HostFunction | HostResource): offered is HostResource {
  return /^[A-Z]/.test(key) && typeof offered.prototype === 'object';
}

export interface Wrapping {
  functionFor(name: string, real: HostFunction): HostFunction;
  classFor(name: string, real: HostResource): HostResource;
  /** The class of `interface#Alias=Class` is offered under another name too. */
  alias(name: string): void;
}

/** An interface with other functions and classes in the place of its own; what was one class is one. */
export function wrapped(interfaceName: string, offered: HostInterface, wrapping: Wrapping): HostInterface {
  const functions: Record<string, HostFunction | HostResource> = {};
  const classes = new Map<HostResource, { readonly key: string; readonly shown: HostResource }>();
  for (const [key, real] of Object.entries(offered.functions)) {
    const name = `${interfaceName}#${key}`;
    if (!isResource(key, real)) {
      functions[key] = wrapping.functionFor(name, real as HostFunction);
      continue;
    }
    const known = classes.get(real);
    if (known !== undefined) wrapping.alias(`${name}=${known.key}`);
    const shown = known?.shown ?? wrapping.classFor(name, real);
    if (known === undefined) classes.set(real, { key, shown });
    functions[key] = shown;
  }
  return { functions, suspending: offered.suspending };
}

/** Which handle a guest holds for which object of the host. */
export class Handles {
  /** By prototype: what is offered to one guest may stand for the class that its objects are of. */
  readonly #classes = new Map<object, Shown>();
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
    this.#classes.set(real.prototype as object, { shown, type });
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
      this.#join(made, self as object, this.#classes.get(real.prototype as object)?.type ?? '');
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
    let each = Object.getPrototypeOf(real) as object | null;
    for (; each !== null && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) {
      const found = this.#classes.get(each);
      if (found !== undefined) return found;
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
