import type { ComponentType, ExternType, InstanceType, Item, ModuleType, TypeEntry } from './component.ts';
import type { CoreExternType, CoreFuncType, CoreLimits } from './core-module.ts';
import type { FuncType, TypeDef, TypeRef } from './types.ts';

/** The type that an item offers when it is exported or passed on. */
export function typeOf(item: Item): ExternType {
  if (item.sort === 'type') return { sort: 'type', type: item.node };
  if (item.sort === 'func') return { sort: 'func', type: item.node.type };
  if (item.sort === 'instance') return { sort: 'instance', type: item.node.type };
  if (item.sort === 'component') return { sort: 'component', type: item.node.type };
  return { sort: 'module', type: item.node.type };
}

/**
 * Whether an item of type `given` can stand where `wanted` is asked for ("Type Checking" in Explainer.md).
 * Value types compare by structure; which resource a handle refers to is not compared, since that needs the
 * substitution of type imports: whoever links resources must compare their identity.
 */
export class Comparison {
  readonly #defs: readonly TypeDef[];
  /** Pairs that matched before: types that share parts without end, or are compared often, cost their size once. */
  readonly #equal = new Set<string>();
  readonly #fitting = new Map<object, Set<object>>();

  constructor(defs: readonly TypeDef[]) {
    this.#defs = defs;
  }

  isSubtype(given: ExternType, wanted: ExternType): boolean {
    if (given.type === wanted.type) return given.sort === wanted.sort;
    if (this.#fitting.get(given.type)?.has(wanted.type) === true) return true;
    const fits = this.#compare(given, wanted);
    if (fits) this.#remember(given.type, wanted.type);
    return fits;
  }

  #remember(given: object, wanted: object): void {
    const known = this.#fitting.get(given);
    if (known === undefined) this.#fitting.set(given, new Set([wanted]));
    else known.add(wanted);
  }

  #compare(given: ExternType, wanted: ExternType): boolean {
    if (given.sort === 'func' && wanted.sort === 'func') return this.#func(given.type, wanted.type);
    if (given.sort === 'type' && wanted.sort === 'type') return this.#entry(given.type, wanted.type);
    if (given.sort === 'instance' && wanted.sort === 'instance')
      return this.#instance(given.type, wanted.type);
    if (given.sort === 'component' && wanted.sort === 'component')
      return this.#component(given.type, wanted.type);
    if (given.sort === 'module' && wanted.sort === 'module') return isModuleSubtype(given.type, wanted.type);
    return false;
  }

  #instance(given: InstanceType, wanted: InstanceType): boolean {
    for (const [name, type] of wanted.exports) {
      const own = given.exports.get(name);
      if (own === undefined || !this.isSubtype(own, type)) return false;
    }
    return true;
  }

  #component(given: ComponentType, wanted: ComponentType): boolean {
    for (const [name, type] of given.imports) {
      const offered = wanted.imports.get(name);
      if (offered === undefined || !this.isSubtype(offered, type)) return false;
    }
    return this.#instance(given, wanted);
  }

  #entry(given: TypeEntry, wanted: TypeEntry): boolean {
    if (given.kind === 'value' && wanted.kind === 'value') return this.#value(given.ref, wanted.ref);
    if (given.kind === 'func' && wanted.kind === 'func') return this.#func(given.type, wanted.type);
    if (given.kind === 'resource') return wanted.kind === 'resource';
    if (given.kind === 'instance' && wanted.kind === 'instance')
      return this.#instance(given.type, wanted.type) && this.#instance(wanted.type, given.type);
    if (given.kind === 'component' && wanted.kind === 'component')
      return this.#component(given.type, wanted.type) && this.#component(wanted.type, given.type);
    return false;
  }

  #func(given: FuncType, wanted: FuncType): boolean {
    return (
      given.async === wanted.async &&
      given.params.length === wanted.params.length &&
      given.params.every((param, index) => {
        const other = wanted.params[index];
        return other !== undefined && param.name === other.name && this.#value(param.type, other.type);
      }) &&
      this.#optional(given.result, wanted.result)
    );
  }

  #optional(given: TypeRef | undefined, wanted: TypeRef | undefined): boolean {
    if (given === undefined || wanted === undefined) return given === wanted;
    return this.#value(given, wanted);
  }

  #value(given: TypeRef, wanted: TypeRef): boolean {
    if (given === wanted) return true;
    if (typeof given === 'string' || typeof wanted === 'string') return false;
    const pair = `${given} ${wanted}`;
    if (this.#equal.has(pair)) return true;
    const equal = this.#def(this.#defs[given] as TypeDef, this.#defs[wanted] as TypeDef);
    if (equal) this.#equal.add(pair);
    return equal;
  }

  #def(a: TypeDef, b: TypeDef): boolean {
    if (a.kind === 'record' && b.kind === 'record')
      return same(a.fields, b.fields, (x, y) => x.name === y.name && this.#value(x.type, y.type));
    if (a.kind === 'variant' && b.kind === 'variant')
      return same(a.cases, b.cases, (x, y) => x.name === y.name && this.#optional(x.type, y.type));
    if (a.kind === 'list' && b.kind === 'list')
      return a.length === b.length && this.#value(a.element, b.element);
    if (a.kind === 'map' && b.kind === 'map') return a.key === b.key && this.#value(a.value, b.value);
    if (a.kind === 'tuple' && b.kind === 'tuple') return same(a.types, b.types, (x, y) => this.#value(x, y));
    if ((a.kind === 'flags' && b.kind === 'flags') || (a.kind === 'enum' && b.kind === 'enum'))
      return same(a.names, b.names, (x, y) => x === y);
    if (a.kind === 'option' && b.kind === 'option') return this.#value(a.type, b.type);
    if (a.kind === 'result' && b.kind === 'result')
      return this.#optional(a.ok, b.ok) && this.#optional(a.err, b.err);
    if ((a.kind === 'stream' || a.kind === 'future') && a.kind === b.kind)
      return this.#optional(a.element, b.element);
    return a.kind === b.kind && (a.kind === 'own' || a.kind === 'borrow' || a.kind === 'resource');
  }
}

function same<T>(a: readonly T[], b: readonly T[], equal: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((one, index) => equal(one, b[index] as T));
}

function isModuleSubtype(given: ModuleType, wanted: ModuleType): boolean {
  const offered = new Map(wanted.imports.map((one) => [JSON.stringify([one.module, one.name]), one.type]));
  for (const one of given.imports) {
    const type = offered.get(JSON.stringify([one.module, one.name]));
    if (type === undefined || !isCoreSubtype(type, one.type)) return false;
  }
  for (const [name, type] of wanted.exports) {
    const own = given.exports.get(name);
    if (own === undefined || !isCoreSubtype(own, type)) return false;
  }
  return true;
}

/** Whether a core export can satisfy a core import; what kind of reference something is, the engine checks. */
export function isCoreSubtype(given: CoreExternType, wanted: CoreExternType): boolean {
  if (given.sort === 'func' && wanted.sort === 'func') return isCoreFuncEqual(given.type, wanted.type);
  if (given.sort === 'tag' && wanted.sort === 'tag') return isCoreFuncEqual(given.type, wanted.type);
  if (given.sort === 'global' && wanted.sort === 'global')
    return given.type.value === wanted.type.value && given.type.mutable === wanted.type.mutable;
  if (given.sort === 'memory' && wanted.sort === 'memory') return isWithin(given.limits, wanted.limits);
  if (given.sort === 'table' && wanted.sort === 'table') return isWithin(given.limits, wanted.limits);
  return given.sort === wanted.sort;
}

function isCoreFuncEqual(a: CoreFuncType | undefined, b: CoreFuncType | undefined): boolean {
  return a === undefined || b === undefined || (a.params === b.params && a.results === b.results);
}

function isWithin(given: CoreLimits, wanted: CoreLimits): boolean {
  if (given.shared !== wanted.shared || given.wide !== wanted.wide || given.min < wanted.min) return false;
  return wanted.max === undefined || (given.max !== undefined && given.max <= wanted.max);
}
