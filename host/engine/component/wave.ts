import { HostError } from '../../errors.ts';
import { camelCase } from './names.ts';
import { type Field, isNullable, type Primitive, type TypeDef, type TypeRef } from './types.ts';
import { checkValue, describeType } from './values.ts';
import { type Token, type TokenKind, WaveLexer } from './wave-lexer.ts';
import { WaveText } from './wave-text.ts';

/** How deep values may be nested in text. */
const waveDepthMax = 200;

/** A call as text: the function's name and each argument's own text. */
export interface WaveCall {
  readonly name: string;
  readonly args: readonly string[];
}

/**
 * Splits `name(arg, …)` into its parts; each argument is parsed later, when its type is known. The name may be
 * a full one: `wasi:cli/run@0.2.6#run()`. A bare `name` is a call without arguments.
 * @throws HostError `HOST_ERR_VALUE_INVALID` with the position
 */
export function parseCall(text: string): WaveCall {
  const open = text.indexOf('(');
  const name = (open < 0 ? text : text.slice(0, open)).trim();
  if (name === '') throw invalid('write a call as name(argument, …)', 0);
  if (open < 0) return { name, args: [] };
  const lexer = new WaveLexer(text, open + 1);
  const args: string[] = [];
  const starts: number[] = [];
  for (;;) {
    const first = lexer.peek();
    if (first.kind === ')') break;
    starts.push(first.start);
    args.push(text.slice(first.start, skipValue(lexer)));
    if (lexer.peek().kind !== ',') break;
    lexer.next();
  }
  expect(lexer, ')', 'the end of the call');
  const rest = lexer.next();
  if (rest.kind !== 'end') throw invalid('unexpected text after the call', rest.start);
  return { name, args };
}

/** Passes over tokens up to a comma or bracket that ends the value; gives its end. */
function skipValue(lexer: WaveLexer): number {
  let depth = 0;
  let { end } = lexer.peek();
  for (;;) {
    const token = lexer.peek();
    if (token.kind === 'end') throw invalid('the call is not closed with )', token.start);
    if (depth === 0 && (token.kind === ',' || token.kind === ')')) return end;
    if (token.kind === '(' || token.kind === '[' || token.kind === '{') depth += 1;
    if (token.kind === ')' || token.kind === ']' || token.kind === '}') depth -= 1;
    if (depth < 0 || depth > waveDepthMax) throw invalid('brackets do not match', token.start);
    ({ end } = lexer.next());
  }
}

/**
 * Parses a value in WAVE syntax into the JavaScript conventions of `engine/linker.ts`.
 * `types` is the table `type` refers to (a world's `types`).
 * @throws HostError `HOST_ERR_VALUE_INVALID` with the position and the expected type
 */
export function parseValue(text: string, type: TypeRef, types: readonly TypeDef[]): unknown {
  const lexer = new WaveLexer(text, 0);
  const value = new WaveParser(lexer, types).value(type, 0);
  const rest = lexer.next();
  if (rest.kind !== 'end')
    throw invalid(`unexpected text after the ${describeType(types, type)}`, rest.start);
  return value;
}

function invalid(what: string, position: number): HostError {
  return new HostError('HOST_ERR_VALUE_INVALID', `${what} (at character ${position + 1})`, { position });
}

function expect(lexer: WaveLexer, kind: TokenKind, what: string): Token {
  const token = lexer.next();
  if (token.kind !== kind)
    throw invalid(`expected ${kind} for ${what}, found ${token.text || 'the end'}`, token.start);
  return token;
}

const integerRanges: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  s8: [-0x80n, 0x7fn],
  u8: [0n, 0xffn],
  s16: [-0x8000n, 0x7fffn],
  u16: [0n, 0xffffn],
  s32: [-0x80000000n, 0x7fffffffn],
  u32: [0n, 0xffffffffn],
  s64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

/** Digits an integer may be written with; 64 bits need 20. */
const integerDigitsMax = 40;

type NumbersOf = Readonly<Record<string, (items: readonly unknown[]) => unknown>>;

const numberLists: NumbersOf = {
  s8: (items) => Int8Array.from(items as number[]),
  u8: (items) => Uint8Array.from(items as number[]),
  s16: (items) => Int16Array.from(items as number[]),
  u16: (items) => Uint16Array.from(items as number[]),
  s32: (items) => Int32Array.from(items as number[]),
  u32: (items) => Uint32Array.from(items as number[]),
  s64: (items) => BigInt64Array.from(items as bigint[]),
  u64: (items) => BigUint64Array.from(items as bigint[]),
  f32: (items) => Float32Array.from(items as number[]),
  f64: (items) => Float64Array.from(items as number[]),
};

class WaveParser {
  readonly #lexer: WaveLexer;
  readonly #types: readonly TypeDef[];

  constructor(lexer: WaveLexer, types: readonly TypeDef[]) {
    this.#lexer = lexer;
    this.#types = types;
  }

  value(ref: TypeRef, depth: number): unknown {
    if (depth > waveDepthMax) throw invalid('the value is nested too deep', this.#lexer.peek().start);
    if (typeof ref === 'string') return this.#primitive(ref);
    const def = this.#types[ref] as TypeDef;
    switch (def.kind) {
      case 'record':
        return this.#record(def.fields, ref, depth);
      case 'tuple':
        return this.#tuple(def.types, ref, depth);
      case 'list':
        return this.#list(def.element, def.length, ref, depth);
      case 'map':
        return this.#map(def.key, def.value, ref, depth);
      case 'flags':
        return this.#flags(def.names, ref);
      case 'enum':
        return this.#case(def.names, ref);
      case 'variant':
        return this.#variant(def.cases, ref, depth);
      case 'option':
        return this.#option(def.type, ref, depth);
      case 'result':
        return this.#result(def.ok, def.err, ref, depth);
      default:
        throw invalid(
          `${describeType(this.#types, ref)} cannot be written as text`,
          this.#lexer.peek().start,
        );
    }
  }

  #fail(ref: TypeRef, token: Token): never {
    const found = token.text === '' ? 'the end' : token.text.slice(0, 40);
    throw invalid(`expected ${describeType(this.#types, ref)}, found ${found}`, token.start);
  }

  #primitive(type: Primitive): unknown {
    const token = this.#lexer.next();
    if (integerRanges[type] !== undefined) return this.#integer(type, token);
    if (type === 'f32' || type === 'f64') return this.#float(type, token);
    if (type === 'bool' && token.kind === 'label' && (token.text === 'true' || token.text === 'false'))
      return token.text === 'true';
    if (type === 'char' && token.kind === 'char') return token.value;
    if (type === 'string' && token.kind === 'string') return token.value;
    return this.#fail(type, token);
  }

  #integer(type: Primitive, token: Token): number | bigint {
    const [min, max] = integerRanges[type] as readonly [bigint, bigint];
    if (token.kind !== 'number' || !/^-?[0-9]+$/.test(token.text) || token.text.length > integerDigitsMax)
      this.#fail(type, token);
    const value = BigInt(token.text);
    if (value < min || value > max)
      throw invalid(`${token.text} is not a ${type} (${min} to ${max})`, token.start);
    return type === 's64' || type === 'u64' ? value : Number(value);
  }

  #float(type: Primitive, token: Token): number {
    if (token.kind === 'number') return type === 'f32' ? Math.fround(Number(token.text)) : Number(token.text);
    if (token.kind === 'label' && token.text === 'nan') return Number.NaN;
    if (token.kind === 'label' && token.text === 'inf') return Number.POSITIVE_INFINITY;
    if (token.kind === 'label' && token.text === '-inf') return Number.NEGATIVE_INFINITY;
    return this.#fail(type, token);
  }

  #record(fields: readonly Field[], ref: TypeRef, depth: number): unknown {
    const open = this.#open('{', ref);
    const values = new Map<string, unknown>();
    if (this.#lexer.peek().kind === ':') this.#lexer.next();
    else {
      this.#items('}', () => {
        const label = this.#label(ref);
        const field = fields.find((one) => one.name === label.value);
        if (field === undefined)
          throw invalid(`no field '${label.value}' in ${describeType(this.#types, ref)}`, label.start);
        if (values.has(field.name)) throw invalid(`field '${field.name}' is given twice`, label.start);
        expect(this.#lexer, ':', `field '${field.name}'`);
        values.set(field.name, this.value(field.type, depth + 1));
      });
    }
    expect(this.#lexer, '}', describeType(this.#types, ref));
    const record: Record<string, unknown> = {};
    for (const field of fields) {
      if (!values.has(field.name) && !this.#isOption(field.type))
        throw invalid(`field '${field.name}' is missing`, open.start);
      record[camelCase(field.name)] = values.has(field.name)
        ? values.get(field.name)
        : this.#none(field.type);
    }
    return record;
  }

  #tuple(types: readonly TypeRef[], ref: TypeRef, depth: number): unknown {
    const open = this.#open('(', ref);
    const values: unknown[] = [];
    this.#items(')', (token) => {
      const type = types[values.length];
      if (type === undefined) throw invalid(`more than ${types.length} items in a tuple`, token.start);
      values.push(this.value(type, depth + 1));
    });
    expect(this.#lexer, ')', describeType(this.#types, ref));
    if (values.length < types.length)
      throw invalid(`a tuple of ${types.length} items has ${values.length}`, open.start);
    return values;
  }

  #list(element: TypeRef, length: number | undefined, ref: TypeRef, depth: number): unknown {
    const open = this.#open('[', ref);
    const values: unknown[] = [];
    this.#items(']', () => values.push(this.value(element, depth + 1)));
    expect(this.#lexer, ']', describeType(this.#types, ref));
    if (length !== undefined && values.length !== length)
      throw invalid(`a list of ${length} items has ${values.length}`, open.start);
    const numbers = length === undefined && typeof element === 'string' ? numberLists[element] : undefined;
    return numbers === undefined ? values : numbers(values);
  }

  /** WAVE has no notation for maps yet; they are written as the list of pairs they stand for. */
  #map(key: TypeRef, value: TypeRef, ref: TypeRef, depth: number): unknown {
    this.#open('[', ref);
    const map = new Map<unknown, unknown>();
    this.#items(']', () => {
      this.#open('(', ref);
      const oneKey = this.value(key, depth + 1);
      expect(this.#lexer, ',', 'a key and its value');
      map.set(oneKey, this.value(value, depth + 1));
      expect(this.#lexer, ')', 'a key and its value');
    });
    expect(this.#lexer, ']', describeType(this.#types, ref));
    return map;
  }

  #flags(names: readonly string[], ref: TypeRef): unknown {
    this.#open('{', ref);
    const set = new Set<string>();
    this.#items('}', () => set.add(this.#case(names, ref)));
    expect(this.#lexer, '}', describeType(this.#types, ref));
    return Object.fromEntries(names.map((name) => [camelCase(name), set.has(name)]));
  }

  #case(names: readonly string[], ref: TypeRef): string {
    const label = this.#label(ref);
    const name = names.find((one) => one === label.value);
    if (name === undefined)
      throw invalid(`no case '${label.value}' in ${describeType(this.#types, ref)}`, label.start);
    return name;
  }

  #variant(
    cases: readonly { readonly name: string; readonly type?: TypeRef }[],
    ref: TypeRef,
    depth: number,
  ): unknown {
    const tag = this.#case(
      cases.map((one) => one.name),
      ref,
    );
    const type = cases.find((one) => one.name === tag)?.type;
    if (type === undefined) return { tag };
    return { tag, val: this.#payload(type, `case '${tag}'`, depth) };
  }

  #payload(type: TypeRef, what: string, depth: number): unknown {
    expect(this.#lexer, '(', what);
    const value = this.value(type, depth + 1);
    expect(this.#lexer, ')', what);
    return value;
  }

  #option(type: TypeRef, ref: TypeRef, depth: number): unknown {
    const nested = isNullable(this.#types, type);
    const token = this.#lexer.peek();
    if (token.kind === 'label' && token.text === 'none') {
      this.#lexer.next();
      return nested ? { tag: 'none' } : undefined;
    }
    if (token.kind === 'label' && token.text === 'some') {
      this.#lexer.next();
      const val = this.#payload(type, 'some', depth);
      return nested ? { tag: 'some', val } : val;
    }
    if (!this.#isFlat(type)) this.#fail(ref, token);
    return this.value(type, depth + 1);
  }

  #result(ok: TypeRef | undefined, err: TypeRef | undefined, ref: TypeRef, depth: number): unknown {
    const token = this.#lexer.peek();
    if (token.kind === 'label' && (token.text === 'ok' || token.text === 'err')) {
      this.#lexer.next();
      const type = token.text === 'ok' ? ok : err;
      if (type === undefined) return { tag: token.text, val: undefined };
      return { tag: token.text, val: this.#payload(type, token.text, depth) };
    }
    if (ok === undefined || !this.#isFlat(ok)) this.#fail(ref, token);
    return { tag: 'ok', val: this.value(ok, depth + 1) };
  }

  /** Whether `some(…)` and `ok(…)` around a payload may be left out. */
  #isFlat(ref: TypeRef): boolean {
    const kind = typeof ref === 'string' ? ref : this.#types[ref]?.kind;
    return kind !== 'option' && kind !== 'result';
  }

  #isOption(ref: TypeRef): boolean {
    return typeof ref === 'number' && this.#types[ref]?.kind === 'option';
  }

  #none(ref: TypeRef): unknown {
    const def = typeof ref === 'number' ? this.#types[ref] : undefined;
    return def?.kind === 'option' && isNullable(this.#types, def.type) ? { tag: 'none' } : undefined;
  }

  #open(kind: TokenKind, ref: TypeRef): Token {
    const token = this.#lexer.next();
    return token.kind === kind ? token : this.#fail(ref, token);
  }

  #label(ref: TypeRef): Token {
    const token = this.#lexer.next();
    return token.kind === 'label' ? token : this.#fail(ref, token);
  }

  /** Items up to, not with, the closing bracket; a comma after the last is allowed. */
  #items(close: TokenKind, item: (token: Token) => void): void {
    for (;;) {
      const token = this.#lexer.peek();
      if (token.kind === close) return;
      item(token);
      if (this.#lexer.peek().kind !== ',') return;
      this.#lexer.next();
    }
  }
}

/**
 * A value in WAVE syntax, on one line.
 * @throws HostError `HOST_ERR_VALUE_INVALID` naming the path at which the value does not fit `type`
 */
export function printValue(value: unknown, type: TypeRef, types: readonly TypeDef[]): string {
  return new TextDecoder().decode(encodeValue(value, type, types, Number.POSITIVE_INFINITY));
}

/**
 * The same as UTF-8, at most `bytesMax` bytes; a longer text is given up as soon as it is.
 * @throws HostError `HOST_ERR_VALUE_INVALID` naming the path at which the value does not fit `type`
 * @throws TextTooLong
 */
export function encodeValue(
  value: unknown,
  type: TypeRef,
  types: readonly TypeDef[],
  bytesMax: number,
): Uint8Array<ArrayBuffer> {
  const misfit = checkValue(types, type, value, 'value');
  if (misfit !== undefined) {
    const { path, expected, got } = misfit;
    throw new HostError('HOST_ERR_VALUE_INVALID', `${path} must be ${expected}, got ${got}`, {
      path,
      expected,
      got,
    });
  }
  const text = new WaveText(bytesMax);
  new WavePrinter(types, text).value(type, value);
  return text.bytes;
}

const keywords: ReadonlySet<string> = new Set(['true', 'false', 'inf', 'nan', 'some', 'none', 'ok', 'err']);
const caseLabel = (name: string): string => (keywords.has(name) ? `%${name}` : name);

function number(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

class WavePrinter {
  readonly #types: readonly TypeDef[];
  readonly #text: WaveText;

  constructor(types: readonly TypeDef[], text: WaveText) {
    this.#types = types;
    this.#text = text;
  }

  /** `value` is known to fit. */
  value(ref: TypeRef, value: unknown): void {
    if (ref === 'char') this.#text.quoted(value as string, "'");
    else if (ref === 'string') this.#text.quoted(value as string, '"');
    else if (typeof ref !== 'string') this.#composite(this.#types[ref] as TypeDef, value);
    else this.#text.plain(typeof value === 'number' ? number(value) : String(value));
  }

  #composite(def: TypeDef, value: unknown): void {
    if (def.kind === 'record') this.#record(def.fields, value as Record<string, unknown>);
    else if (def.kind === 'tuple')
      this.#all('(', def.types, ')', (type, index) => this.value(type, (value as unknown[])[index]));
    else if (def.kind === 'list')
      this.#all('[', value as unknown[], ']', (item) => this.value(def.element, item));
    else if (def.kind === 'map')
      this.#all('[', value as Map<unknown, unknown>, ']', (pair) => this.#pair(def.key, def.value, pair));
    else if (def.kind === 'flags') this.#flags(def.names, value as Record<string, unknown>);
    else if (def.kind === 'enum') this.#text.plain(caseLabel(value as string));
    else if (def.kind === 'option') this.#option(def.type, value);
    else this.#tagged(def, value as { tag: string; val?: unknown });
  }

  #pair(keyType: TypeRef, valueType: TypeRef, pair: readonly [key: unknown, value: unknown]): void {
    this.#all('(', [keyType, valueType], ')', (type, index) => this.value(type, pair[index]));
  }

  #all<T>(open: string, items: Iterable<T>, close: string, print: (item: T, index: number) => void): void {
    this.#text.plain(open);
    let index = 0;
    for (const item of items) {
      if (index > 0) this.#text.plain(', ');
      print(item, index);
      index += 1;
    }
    this.#text.plain(close);
  }

  #record(fields: readonly Field[], value: Readonly<Record<string, unknown>>): void {
    this.#all('{', fields, '}', ({ name, type }) => {
      this.#text.plain(`${name}: `);
      this.value(type, value[camelCase(name)]);
    });
  }

  #flags(names: readonly string[], value: Readonly<Record<string, unknown>>): void {
    const set = names.filter((name) => value[camelCase(name)] === true);
    this.#all('{', set, '}', (name) => this.#text.plain(name));
  }

  #option(type: TypeRef, value: unknown): void {
    const isNested = isNullable(this.#types, type);
    const { tag, val } = isNested ? (value as { tag: string; val?: unknown }) : flatOption(value);
    this.#case(tag, tag === 'none' ? undefined : type, val);
  }

  #tagged(def: TypeDef, { tag, val }: { readonly tag: string; readonly val?: unknown }): void {
    if (def.kind === 'result') this.#case(tag, tag === 'ok' ? def.ok : def.err, val);
    if (def.kind !== 'variant') return;
    const type = def.cases.find((one) => one.name === tag)?.type;
    this.#case(caseLabel(tag), type, val);
  }

  #case(label: string, type: TypeRef | undefined, value: unknown): void {
    this.#text.plain(label);
    if (type !== undefined) this.#all('(', [value], ')', (payload) => this.value(type, payload));
  }
}

function flatOption(value: unknown): { readonly tag: string; readonly val?: unknown } {
  return value === undefined || value === null ? { tag: 'none' } : { tag: 'some', val: value };
}
