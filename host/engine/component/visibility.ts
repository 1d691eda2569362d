import type { ExternType, InstanceType, TypeEntry } from './component.ts';
import type { Reader } from './reader.ts';
import { type FuncType, partsOf, type TypeDef, type TypeRef } from './types.ts';

/**
 * Which of a component's own types its imports, or its exports, may mention ("External Visibility of Types" in
 * Explainer.md): a record, variant, enum or flags type that the component defines must have been imported or
 * exported under a name before, and be mentioned by that name. Types that come from other instances, and
 * resources, are not followed.
 */
export class Visibility {
  readonly #defs: readonly TypeDef[];
  /** Types that the component's type sections define. */
  readonly #local: ReadonlySet<number>;
  readonly #named = new Set<number>();
  /** Types that were found visible: names are only ever added. */
  readonly #visible = new Set<number>();
  readonly #instances = new Set<InstanceType>();

  constructor(defs: readonly TypeDef[], local: ReadonlySet<number>) {
    this.#defs = defs;
    this.#local = local;
  }

  /** Checks one import or export, then counts the types it names. */
  add(reader: Reader, name: string, type: ExternType): void {
    if (type.sort === 'func') this.#checkFunc(reader, name, type.type);
    else if (type.sort === 'type') {
      this.#checkEntry(reader, name, type.type);
      this.name(type);
    } else if (type.sort === 'instance') {
      this.name(type);
      this.#checkFuncs(reader, name, type.type);
    }
  }

  /** Counts the types that an import or export names. */
  name(type: ExternType): void {
    if (type.sort === 'type') {
      if (type.type.kind === 'value' && typeof type.type.ref === 'number') this.#named.add(type.type.ref);
      return;
    }
    if (type.sort !== 'instance' || this.#instances.has(type.type)) return;
    this.#instances.add(type.type);
    for (const inner of type.type.exports.values()) this.name(inner);
  }

  #checkFuncs(reader: Reader, name: string, type: InstanceType): void {
    for (const inner of type.exports.values())
      if (inner.sort === 'func') this.#checkFunc(reader, name, inner.type);
  }

  #checkFunc(reader: Reader, name: string, type: FuncType): void {
    for (const param of type.params) this.#check(reader, name, param.type);
    if (type.result !== undefined) this.#check(reader, name, type.result);
  }

  /** A type that gets a name itself is only asked for its parts. */
  #checkEntry(reader: Reader, name: string, entry: TypeEntry): void {
    if (entry.kind === 'func') this.#checkFunc(reader, name, entry.type);
    if (entry.kind !== 'value' || typeof entry.ref !== 'number') return;
    for (const part of partsOf(this.#defs[entry.ref] as TypeDef)) this.#check(reader, name, part);
  }

  #check(reader: Reader, name: string, ref: TypeRef): void {
    if (typeof ref === 'string' || this.#visible.has(ref) || this.#named.has(ref)) return;
    const def = this.#defs[ref] as TypeDef;
    if (isNameable(def)) {
      if (this.#local.has(ref))
        reader.fail(
          `'${name.slice(0, 80)}' mentions a ${def.kind} that has no name outside of the component`,
        );
    } else for (const part of partsOf(def)) this.#check(reader, name, part);
    this.#visible.add(ref);
  }
}

/** Kinds of value types that cannot be written without a name. */
export function isNameable({ kind }: TypeDef): boolean {
  return kind === 'record' || kind === 'variant' || kind === 'enum' || kind === 'flags';
}
