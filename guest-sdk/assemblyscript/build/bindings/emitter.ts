import type { Layout } from '../../../../host/engine/component/layout.ts';
import { partsOf, type TypeDef, type TypeRef } from '../../../../host/engine/component/types.ts';
import { isUserClass, userClass, variantSlots } from './home-module.ts';
import type { Model } from './model.ts';
import { distinct, Scope, typeName } from './names.ts';
import { isBoxed, isNullable, type Naming, primitiveText, typedArrayOf, typeText } from './type-text.ts';

/** Core types by the letters of `Layout.flat`. */
export const coreTypes: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64' };

/**
 * Writes AssemblyScript that moves values over the border (component-model CanonicalABI.md: "Loading", "Storing",
 * "Flat Lifting", "Flat Lowering"). Each composite type becomes a function, written once, when it is first asked for.
 *
 * Lifting copies into managed objects and gives the raw blocks back. Lowering copies nothing that lies in memory as
 * the border wants it: strings and lists of numbers are pointed to where they are, so whoever lowers keeps the value
 * alive; only what has to be laid out anew takes raw blocks (`temp`), which `release` gives back all at once.
 */
export class Emitter {
  readonly model: Model;
  readonly #functions: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #scope = new Scope();
  #locals = 0;

  /** @param taken names that the module has besides: a record `numbers` would be lifted by `liftNumbers` */
  constructor(model: Model, taken: readonly string[]) {
    this.model = model;
    for (const name of taken) this.#scope.take(name);
  }

  /** The functions that what was written so far calls. */
  get functions(): readonly string[] {
    return this.#functions;
  }

  readonly naming: Naming = (ref) => {
    if (isUserClass(this.model, ref)) return userClass(this.model, ref);
    const place = this.model.places.get(ref);
    if (place === undefined) throw new Error(`bug: type ${ref} is declared nowhere`);
    return `${place.home.alias}.${place.local}`;
  };

  text(ref: TypeRef): string {
    return typeText(this.model.defs, ref, this.naming);
  }

  layout(ref: TypeRef): Layout {
    return this.model.layouts.of(ref);
  }

  def(ref: TypeRef): TypeDef | undefined {
    return typeof ref === 'number' ? this.model.defs[ref] : undefined;
  }

  /** Writes one function, unless it was written before; gives its name. */
  define(verb: string, ref: TypeRef, write: (name: string) => string): string {
    const key = `${verb} ${shapeOf(this.model.defs, ref)}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = this.#scope.take(verb + describe(this.model.defs, ref));
    this.#names.set(key, name);
    // Functions may be recursive only through other types, and types are not: the place in the list does not matter.
    this.#functions.push(write(name));
    return name;
  }

  /** A name for a local that nothing else in the module has. */
  local(): string {
    this.#locals += 1;
    return `__${this.#locals}`;
  }
}

/** Equal for types that are written alike and lie alike in memory. */
function shapeOf(defs: readonly TypeDef[], ref: TypeRef): string {
  if (typeof ref === 'string') return ref;
  const def = defs[ref] as TypeDef;
  const parts = (): string =>
    partsOf(def)
      .map((part) => shapeOf(defs, part))
      .join(',');
  switch (def.kind) {
    case 'list':
      return `list${def.length ?? ''}<${parts()}>`;
    case 'result':
      return `result<${[def.ok, def.err].map((part) => (part === undefined ? '_' : shapeOf(defs, part))).join(',')}>`;
    case 'map':
    case 'tuple':
    case 'option':
      return `${def.kind}<${parts()}>`;
    case 'own':
    case 'borrow':
      return `${def.kind}<${def.resource}>`;
    default:
      return `#${ref}`;
  }
}

const describedMax = 40;

/** `ListOfHeader`, `OptionOfString`: words for the names of functions, which traps show. */
function describe(defs: readonly TypeDef[], ref: TypeRef): string {
  if (typeof ref === 'string') return typeName(ref);
  const def = defs[ref] as TypeDef;
  if (def.name !== undefined) return typeName(def.name);
  const inner = def.kind === 'list' ? def.element : def.kind === 'option' ? def.type : undefined;
  const text = inner === undefined ? typeName(def.kind) : `${typeName(def.kind)}Of${describe(defs, inner)}`;
  return text.length > describedMax ? typeName(def.kind) : text;
}

/** `at + 8`, or `at` alone. */
export function plus(at: string, offset: number): string {
  return offset === 0 ? at : `${at} + ${offset}`;
}

/** The trailing argument of `load` and `store`. */
export function immediate(offset: number): string {
  return offset === 0 ? '' : `, ${offset}`;
}

/** Unsigned integer that holds a case number or flags in memory. */
export function unsigned(bytes: number): string {
  return `u${bytes * 8}`;
}

/** Names of a record's fields or a tuple's items, with their types and offsets. */
export function membersOf(
  def: TypeDef,
  layout: Layout,
): readonly { readonly name: string; readonly type: TypeRef; readonly offset: number }[] {
  const offsets = layout.offsets ?? [];
  if (def.kind === 'tuple')
    return def.types.map((type, index) => ({ name: `item${index}`, type, offset: offsets[index] as number }));
  if (def.kind !== 'record') throw new Error(`bug: a ${def.kind} has no members`);
  const names = distinct(def.fields.map(({ name }) => name));
  return def.fields.map(({ type }, index) => ({
    name: names[index] as string,
    type,
    offset: offsets[index] as number,
  }));
}

/** How a value tells which case it is, and what each case carries. */
export interface CaseCode {
  /** Condition on the value for "it is case n"; undefined: the tag is a number to compare. */
  readonly type: TypeRef | undefined;
  /** The payload, read from a value that is this case. */
  payload(value: string): string;
  /** The whole value, made of a payload. */
  make(payload: string): string;
}

/** Cases of a variant, option or result, in the order of their numbers. */
export function casesOf(emitter: Emitter, ref: TypeRef): readonly CaseCode[] {
  const def = emitter.def(ref) as TypeDef;
  const { defs } = emitter.model;
  const text = emitter.text(ref);
  if (def.kind === 'option') {
    const inner = emitter.text(def.type);
    const boxed = isBoxed(defs, def.type);
    return [
      { type: undefined, payload: () => '', make: () => 'null' },
      {
        type: def.type,
        payload: (value) =>
          boxed ? `changetype<Box<${inner}>>(${value}).value` : `changetype<${inner}>(${value})`,
        make: (payload) => (boxed ? `new Box<${inner}>(${payload})` : payload),
      },
    ];
  }
  if (def.kind === 'result') {
    const [ok, err] = [def.ok, def.err].map((part) => (part === undefined ? 'Unit' : emitter.text(part)));
    const make = (way: string, payload: string): string =>
      `Result.${way}<${ok}, ${err}>(${payload || 'true'})`;
    return [
      { type: def.ok, payload: (value) => `${value}.unwrap()`, make: (payload) => make('ok', payload) },
      {
        type: def.err,
        payload: (value) => `${value}.unwrapError()`,
        make: (payload) => make('err', payload),
      },
    ];
  }
  if (def.kind !== 'variant') throw new Error(`bug: a ${def.kind} has no cases`);
  const names = distinct(def.cases.map(({ name }) => name));
  const slots = variantSlots(emitter.model, def.cases, emitter.naming);
  return def.cases.map((one, index) => ({
    type: one.type,
    payload: (value) => {
      const slot = slots[index];
      if (slot === undefined || one.type === undefined) return '';
      const own = emitter.text(one.type);
      return slot.type === own ? `${value}.${slot.field}` : `changetype<${own}>(${value}.${slot.field})`;
    },
    make: (payload) => `${text}.${names[index]}(${payload})`,
  }));
}

/** Condition that a value is case `index`. */
export function isCase(def: TypeDef, value: string, index: number): string {
  if (def.kind === 'option') return index === 0 ? `${value} === null` : `${value} !== null`;
  if (def.kind === 'result') return index === 0 ? `${value}.isOk` : `!${value}.isOk`;
  return `<i32>${value}.tag == ${index}`;
}

/** The case number of a value. */
export function caseNumber(def: TypeDef, value: string): string {
  if (def.kind === 'option') return `i32(${value} !== null)`;
  if (def.kind === 'result') return `i32(!${value}.isOk)`;
  return `<i32>${value}.tag`;
}

export { isNullable, primitiveText, typedArrayOf };
