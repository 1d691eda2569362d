import type { Layouts } from '../../../host/engine/component/layout.ts';
import type { TypeDef, TypeRef } from '../../../host/engine/component/types.ts';
import type { CTypes } from './c-types.ts';

const coreTypes: Readonly<Record<string, string>> = { i: 'int32_t', I: 'int64_t', f: 'float', F: 'double' };

/** The C type of a core value. */
export function coreType(letter: string): string {
  return coreTypes[letter] as string;
}

/** A function's body under construction: statements, and names nobody else has. */
export class Body {
  readonly lines: string[] = [];
  #depth = 1;
  #count = 0;

  add(line: string): void {
    this.lines.push(`${'  '.repeat(this.#depth)}${line}`);
  }

  block(head: string, inside: () => void): void {
    this.add(`${head} {`);
    this.#depth += 1;
    inside();
    this.#depth -= 1;
    this.add('}');
  }

  /** `v0`, `v1`, …: WIT's names do not come into bodies. */
  fresh(): string {
    this.#count += 1;
    return `v${this.#count - 1}`;
  }

  toString(): string {
    return this.lines.map((line) => `${line}\n`).join('');
  }
}

/** Writes the code that takes C values apart into core values and puts them together again. */
export class GlueValues {
  readonly #types: CTypes;
  readonly #layouts: Layouts;

  constructor(types: CTypes, layouts: Layouts) {
    this.#types = types;
    this.#layouts = layouts;
  }

  /**
   * Expressions for the core values of `value`, as core types `as` (a letter each: those of the type itself, or the
   * wider ones that it shares with other cases); statements they need go into the body.
   */
  lower(body: Body, ref: TypeRef, value: string, as: string = this.#flat(ref)): string[] {
    const def = this.#types.def(ref);
    const [first = 'i', second = 'i'] = as;
    if (ref === 'string' || isBlock(def))
      return [widened(`(int32_t)${value}.ptr`, 'i', first), widened(`(int32_t)${value}.len`, 'i', second)];
    const members = def === undefined ? undefined : this.#members(ref, def);
    if (members !== undefined) return this.#lowerMembers(body, members, value, as);
    const cases = def === undefined ? undefined : this.#cases(ref, def);
    if (cases !== undefined) return this.#lowerCases(body, cases, value, as);
    if (this.#isHandle(def)) return [widened(`${value}.handle`, 'i', first)];
    return [fitted(value, this.#flat(ref), first)];
  }

  /** Statements that set `place` from core values. */
  lift(body: Body, ref: TypeRef, flats: readonly string[], place: string): void {
    const def = this.#types.def(ref);
    const [first = '0', second = '0'] = flats;
    if (ref === 'string' || isBlock(def)) {
      body.add(`${place}.ptr = (void *)${first};`);
      body.add(`${place}.len = (size_t)${second};`);
      return;
    }
    const members = def === undefined ? undefined : this.#members(ref, def);
    const cases = def === undefined ? undefined : this.#cases(ref, def);
    if (members !== undefined) this.#liftMembers(body, members, flats, place);
    else if (cases !== undefined) this.#liftCases(body, ref, cases, flats, place);
    else if (this.#isHandle(def)) body.add(`${place}.handle = ${first};`);
    else body.add(`${place} = (${this.#types.of(ref)})${first};`);
  }

  /** A borrow of an exported resource is the user's own object. */
  #isHandle(def: TypeDef | undefined): boolean {
    return def?.kind === 'own' || (def?.kind === 'borrow' && !this.#types.isExported(def.resource));
  }

  #flat(ref: TypeRef): string {
    return this.#layouts.of(ref).flat ?? '';
  }

  /** The parts that are always there: fields, items; undefined for other types. */
  #members(ref: TypeRef, def: TypeDef): Member[] | undefined {
    if (def.kind === 'tuple') return def.types.map((part, index) => ({ name: `f${index}`, ref: part }));
    if (def.kind === 'list')
      return Array.from({ length: def.length ?? 0 }, (_, index) => ({
        name: `items[${index}]`,
        ref: def.element,
      }));
    if (def.kind !== 'record') return undefined;
    const names = this.#types.members(ref as number);
    return def.fields.map((field, index) => ({ name: names[index] as string, ref: field.type }));
  }

  #cases(ref: TypeRef, def: TypeDef): Cases | undefined {
    if (def.kind === 'option') return { tag: 'is_some', names: ['', 'val'], types: [undefined, def.type] };
    if (def.kind === 'result')
      return { tag: 'is_err', names: ['val.ok', 'val.err'], types: [def.ok, def.err] };
    if (def.kind !== 'variant') return undefined;
    const names = this.#types.members(ref as number).map((name) => `val.${name}`);
    return { tag: 'tag', names, types: def.cases.map((one) => one.type) };
  }

  #lowerMembers(body: Body, members: readonly Member[], value: string, as: string): string[] {
    let at = 0;
    return members.flatMap(({ name, ref }) => {
      const width = this.#flat(ref).length;
      at += width;
      return this.lower(body, ref, `${value}.${name}`, as.slice(at - width, at));
    });
  }

  #lowerCases(body: Body, cases: Cases, value: string, as: string): string[] {
    const locals = Array.from(as.slice(1), (letter) => {
      const name = body.fresh();
      body.add(`${coreType(letter)} ${name} = 0;`);
      return name;
    });
    this.#eachCase(body, `${value}.${cases.tag}`, cases, (part, index) => {
      const shared = as.slice(1, 1 + this.#flat(part).length);
      const values = this.lower(body, part, `${value}.${cases.names[index]}`, shared);
      for (const [at, one] of values.entries()) body.add(`${locals[at]} = ${one};`);
    });
    return [fitted(`${value}.${cases.tag}`, 'i', as[0] as string), ...locals];
  }

  #liftMembers(body: Body, members: readonly Member[], flats: readonly string[], place: string): void {
    let at = 0;
    for (const { name, ref } of members) {
      const width = this.#flat(ref).length;
      this.lift(body, ref, flats.slice(at, at + width), `${place}.${name}`);
      at += width;
    }
  }

  #liftCases(body: Body, ref: TypeRef, cases: Cases, flats: readonly string[], place: string): void {
    const payload = this.#flat(ref).slice(1);
    body.add(`${place}.${cases.tag} = ${flats[0]};`);
    this.#eachCase(body, flats[0] as string, cases, (part, index) => {
      const own = this.#flat(part);
      const values = Array.from(own, (letter, at) =>
        narrowed(flats[at + 1] as string, payload[at] as string, letter),
      );
      this.lift(body, part, values, `${place}.${cases.names[index]}`);
    });
  }

  /** Cases without a payload are left out. */
  #eachCase(body: Body, tag: string, cases: Cases, inside: (part: TypeRef, index: number) => void): void {
    const full = cases.types.flatMap((part, index) => (part === undefined ? [] : [{ part, index }]));
    if (full.length === 0) return;
    if (cases.tag !== 'tag') {
      for (const { part, index } of full)
        body.block(index === 0 ? `if (!${tag})` : `if (${tag})`, () => inside(part, index));
      return;
    }
    body.block(`switch (${tag})`, () => {
      for (const { part, index } of full)
        body.block(`case ${index}:`, () => {
          inside(part, index);
          body.add('break;');
        });
    });
  }
}

interface Member {
  readonly name: string;
  readonly ref: TypeRef;
}

interface Cases {
  readonly tag: string;
  readonly names: readonly string[];
  readonly types: readonly (TypeRef | undefined)[];
}

/** A list or map in a block of its own. */
function isBlock(def: TypeDef | undefined): boolean {
  return def?.kind === 'map' || (def?.kind === 'list' && def.length === undefined);
}

/**
 * A number of WIT or C as a core value. The upper half of a number that travels as i64 is nobody's concern; it goes by
 * the number's sign, which suits receivers that look at it all the same.
 */
function fitted(value: string, from: string, to: string): string {
  return from === 'i' || from === 'I' ? `(${coreType(to)})${value}` : widened(value, from, to);
}

/** From a core type to the one that all cases share; an address has no sign. */
function widened(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (from === 'f')
    return to === 'i' ? `bits_of_float(${value})` : `(int64_t)(uint32_t)bits_of_float(${value})`;
  return from === 'F' ? `bits_of_double(${value})` : `(int64_t)(uint32_t)${value}`;
}

function narrowed(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (to === 'f') return `float_of_bits((int32_t)${value})`;
  return to === 'F' ? `double_of_bits(${value})` : `(int32_t)${value}`;
}
