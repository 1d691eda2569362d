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

  /** Expressions for the core values of `value`; statements they need go into the body. */
  lower(body: Body, ref: TypeRef, value: string): string[] {
    const def = this.#types.def(ref);
    if (ref === 'string' || isBlock(def)) return [`(int32_t)${value}.ptr`, `(int32_t)${value}.len`];
    if (def === undefined)
      return [this.#isPlainFloat(ref) ? value : `(${coreType(this.#flat(ref))})${value}`];
    const members = this.#members(ref, def);
    if (members !== undefined)
      return members.flatMap((one) => this.lower(body, one.ref, `${value}.${one.name}`));
    const cases = this.#cases(ref, def);
    if (cases !== undefined) return this.#lowerCases(body, ref, cases, value);
    if (this.#isHandle(def)) return [`${value}.handle`];
    return [`(int32_t)${value}`];
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

  #isPlainFloat(ref: TypeRef): boolean {
    return ref === 'f32' || ref === 'f64';
  }

  #flat(ref: TypeRef): string {
    return this.#layouts.of(ref).flat ?? '';
  }

  /** The parts that are always there: fields, items; undefined for other types. */
  #members(ref: TypeRef, def: TypeDef): { readonly name: string; readonly ref: TypeRef }[] | undefined {
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

  #lowerCases(body: Body, ref: TypeRef, cases: Cases, value: string): string[] {
    const payload = this.#flat(ref).slice(1);
    const locals = Array.from(payload, (letter) => {
      const name = body.fresh();
      body.add(`${coreType(letter)} ${name} = 0;`);
      return name;
    });
    this.#eachCase(body, `${value}.${cases.tag}`, cases, (part, index) => {
      const own = this.#flat(part);
      const values = this.lower(body, part, `${value}.${cases.names[index]}`);
      for (const [at, one] of values.entries())
        body.add(`${locals[at]} = ${widened(one, own[at] as string, payload[at] as string)};`);
    });
    return [`(int32_t)${value}.${cases.tag}`, ...locals];
  }

  #liftMembers(
    body: Body,
    members: readonly { name: string; ref: TypeRef }[],
    flats: readonly string[],
    place: string,
  ): void {
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
 * From a payload's core type to the one that all cases share. The upper half of a number that travels as i64 is
 * nobody's concern; it goes by the number's sign, which suits receivers that look at it all the same.
 */
function widened(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (from === 'f')
    return to === 'i' ? `bits_of_float(${value})` : `(int64_t)(uint32_t)bits_of_float(${value})`;
  if (from === 'F') return `bits_of_double(${value})`;
  const number = /^\(int32_t\)(.+(?<!\.ptr))$/.exec(value)?.[1];
  return number === undefined ? `(int64_t)(uint32_t)${value}` : `(int64_t)${number}`;
}

function narrowed(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (to === 'f') return `float_of_bits((int32_t)${value})`;
  return to === 'F' ? `double_of_bits(${value})` : `(int32_t)${value}`;
}
