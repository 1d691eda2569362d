import type { StringEncoding } from '../component/component.ts';
import type { Layouts } from '../component/layout.ts';
import { camelCase } from '../component/names.ts';
import { isNullable, type Primitive, type TypeDef, type TypeRef } from '../component/types.ts';
import { type Abi, liftedElementBytes, sequenceBytesMax, violation } from './abi.ts';
import { type Numeric, numericArrays } from './numeric.ts';
import { recordMaker } from './record-shapes.ts';
import { type LiftText, liftText } from './text.ts';

/** A core value: i32, f32 and f64 are numbers, i64 a bigint. */
export type CoreValue = number | bigint;
/** Reads a value at an aligned pointer whose bytes are known to be in bounds. */
export type Load = (abi: Abi, pointer: number) => unknown;
/** Reads a value from core values, beginning at `at`. */
export type LiftFlat = (abi: Abi, core: readonly CoreValue[], at: number) => unknown;

const bits = new DataView(new ArrayBuffer(8));

export function f32FromBits(value: number): number {
  bits.setInt32(0, value);
  return bits.getFloat32(0);
}

export function f64FromBits(value: bigint): number {
  bits.setBigInt64(0, value);
  return bits.getFloat64(0);
}

/** Lifting (component-model CanonicalABI.md, "Loading" and "Flat Lifting") compiled to closures, once per type. */
export class Lifts {
  readonly #defs: readonly TypeDef[];
  readonly #layouts: Layouts;
  readonly #text: LiftText;
  readonly #loads = new Map<TypeRef, Load>();
  readonly #flats = new Map<TypeRef, LiftFlat>();

  constructor(defs: readonly TypeDef[], layouts: Layouts, encoding: StringEncoding) {
    this.#defs = defs;
    this.#layouts = layouts;
    this.#text = liftText[encoding];
  }

  load(ref: TypeRef): Load {
    let load = this.#loads.get(ref);
    if (load === undefined) {
      load =
        typeof ref === 'string' ? this.#loadPrimitive(ref) : this.#loadDef(this.#defs[ref] as TypeDef, ref);
      this.#loads.set(ref, load);
    }
    return load;
  }

  flat(ref: TypeRef): LiftFlat {
    let flat = this.#flats.get(ref);
    if (flat === undefined) {
      flat =
        typeof ref === 'string' ? this.#flatPrimitive(ref) : this.#flatDef(this.#defs[ref] as TypeDef, ref);
      this.#flats.set(ref, flat);
    }
    return flat;
  }

  #loadPrimitive(type: Primitive): Load {
    if (type !== 'string') return loads[type];
    const text = this.#text;
    return (abi, pointer) =>
      text(abi, abi.view.getUint32(pointer, true), abi.view.getUint32(pointer + 4, true));
  }

  #flatPrimitive(type: Primitive): LiftFlat {
    if (type !== 'string') return flats[type];
    const text = this.#text;
    return (abi, core, at) => text(abi, core[at] as number, core[at + 1] as number);
  }

  #loadDef(def: TypeDef, ref: TypeRef): Load {
    switch (def.kind) {
      case 'record':
        return this.#loadRecord(
          def.fields.map((field) => field.type),
          ref,
          recordMaker(keysOf(def.fields)),
        );
      case 'tuple':
        return this.#loadRecord(def.types, ref, (values) => values);
      case 'list':
        return def.length === undefined
          ? this.#loadList(def.element)
          : this.#loadFixed(def.element, def.length);
      case 'map':
        return this.#loadMap(def.key, def.value);
      case 'flags': {
        const toFlags = flagsMaker(def.names);
        const read = unsignedReads[this.#layouts.of(ref).size as 1 | 2 | 4];
        return (abi, pointer) => toFlags(read(abi.view, pointer));
      }
      default:
        return this.#loadVariant(this.#variantOf(def), ref);
    }
  }

  #loadRecord(types: readonly TypeRef[], ref: TypeRef, make: (values: unknown[]) => unknown): Load {
    const parts = types.map((type) => this.load(type));
    const offsets = this.#layouts.of(ref).offsets as readonly number[];
    const count = parts.length;
    return (abi, pointer) => {
      const values = new Array<unknown>(count);
      for (let index = 0; index < count; index += 1)
        values[index] = (parts[index] as Load)(abi, pointer + (offsets[index] as number));
      return make(values);
    };
  }

  #loadVariant(shape: VariantShape, ref: TypeRef): Load {
    const { payloadOffset = 0, discriminantBytes = 1 } = this.#layouts.of(ref);
    const read = unsignedReads[discriminantBytes];
    const payloads = shape.types.map((type) => (type === undefined ? undefined : this.load(type)));
    const { make } = shape;
    const count = payloads.length;
    return (abi, pointer) => {
      const index = read(abi.view, pointer);
      if (index >= count) throw violation(`case ${index} of a variant that has ${count}`);
      const payload = payloads[index];
      return make(index, payload === undefined ? undefined : payload(abi, pointer + payloadOffset));
    };
  }

  #loadList(element: TypeRef): Load {
    const list = this.#list(element);
    return (abi, pointer) =>
      list(abi, abi.view.getUint32(pointer, true), abi.view.getUint32(pointer + 4, true));
  }

  /** Reads a list from its pointer and length: a typed array for numbers, an array for everything else. */
  #list(element: TypeRef): (abi: Abi, pointer: number, length: number) => unknown {
    const { size, align } = this.#layouts.of(element);
    const Numbers = typeof element === 'string' ? numericArrays[element as Numeric] : undefined;
    if (Numbers !== undefined) {
      return (abi, pointer, length) => {
        const at = checkList(abi, pointer, length, size, align, size);
        if (element === 'u8') return abi.bytes.slice(at, at + length);
        return new Numbers(abi.bytes.slice(at, at + length * size).buffer);
      };
    }
    const load = this.load(element);
    const cost = Math.max(size, liftedElementBytes);
    return (abi, pointer, length) =>
      loadMany(abi, checkList(abi, pointer, length, size, align, cost), length, size, load);
  }

  #loadFixed(element: TypeRef, length: number): Load {
    const { size } = this.#layouts.of(element);
    const load = this.load(element);
    const cost = length * Math.max(size, liftedElementBytes);
    return (abi, pointer) => {
      abi.charge(cost);
      return loadMany(abi, pointer, length, size, load);
    };
  }

  #loadMap(key: TypeRef, value: TypeRef): Load {
    const pairs = this.#map(key, value);
    return (abi, pointer) =>
      pairs(abi, abi.view.getUint32(pointer, true), abi.view.getUint32(pointer + 4, true));
  }

  #map(key: TypeRef, value: TypeRef): (abi: Abi, pointer: number, length: number) => unknown {
    const { size, align, offsets } = this.#layouts.record([key, value]);
    const loadKey = this.load(key);
    const loadValue = this.load(value);
    const valueOffset = offsets?.[1] as number;
    const cost = Math.max(size, 2 * liftedElementBytes);
    return (abi, pointer, length) => {
      const at = checkList(abi, pointer, length, size, align, cost);
      const map = new Map<unknown, unknown>();
      for (let index = 0; index < length; index += 1) {
        const entry = at + index * size;
        map.set(loadKey(abi, entry), loadValue(abi, entry + valueOffset));
      }
      return map;
    };
  }

  #flatDef(def: TypeDef, ref: TypeRef): LiftFlat {
    switch (def.kind) {
      case 'record':
        return this.#flatRecord(
          def.fields.map((field) => field.type),
          recordMaker(keysOf(def.fields)),
        );
      case 'tuple':
        return this.#flatRecord(def.types, (values) => values);
      case 'list': {
        if (def.length !== undefined)
          return this.#flatRecord(
            Array.from({ length: def.length }, () => def.element),
            (values) => values,
          );
        const list = this.#list(def.element);
        return (abi, core, at) => list(abi, core[at] as number, (core[at + 1] as number) >>> 0);
      }
      case 'map': {
        const map = this.#map(def.key, def.value);
        return (abi, core, at) => map(abi, core[at] as number, (core[at + 1] as number) >>> 0);
      }
      case 'flags': {
        const toFlags = flagsMaker(def.names);
        return (_abi, core, at) => toFlags(core[at] as number);
      }
      default:
        return this.#flatVariant(this.#variantOf(def), ref);
    }
  }

  #flatRecord(types: readonly TypeRef[], make: (values: unknown[]) => unknown): LiftFlat {
    const parts = types.map((type) => this.flat(type));
    const widths = types.map((type) => this.#flatOf(type).length);
    const count = parts.length;
    return (abi, core, start) => {
      const values = new Array<unknown>(count);
      for (let index = 0, at = start; index < count; index += 1) {
        values[index] = (parts[index] as LiftFlat)(abi, core, at);
        at += widths[index] as number;
      }
      return make(values);
    };
  }

  #variantOf(def: TypeDef): VariantShape {
    if (def.kind === 'option' && isNullable(this.#defs, def.type))
      return { types: [undefined, def.type], make: nestedOption };
    return variantOf(def);
  }

  #flatOf(ref: TypeRef): string {
    const { flat } = this.#layouts.of(ref);
    if (flat === undefined)
      throw new Error('bug: a value of more than 16 core values travels through memory');
    return flat;
  }

  #flatVariant(shape: VariantShape, ref: TypeRef): LiftFlat {
    const joined = this.#flatOf(ref).slice(1);
    const payloads = shape.types.map((type) =>
      type === undefined ? undefined : coerced(this.flat(type), this.#flatOf(type), joined),
    );
    const { make } = shape;
    const count = payloads.length;
    return (abi, core, at) => {
      const index = (core[at] as number) >>> 0;
      if (index >= count) throw violation(`case ${index} of a variant that has ${count}`);
      const payload = payloads[index];
      return make(index, payload === undefined ? undefined : payload(abi, core, at + 1));
    };
  }
}

/** A payload that travels as other core types than its own, because another case needs them. */
function coerced(lift: LiftFlat, own: string, joined: string): LiftFlat {
  if (joined.startsWith(own)) return lift;
  const count = own.length;
  const steps = Array.from(own, (type, index) => coercions[`${joined[index]}${type}`]);
  return (abi, core, at) => {
    const values = new Array<CoreValue>(count);
    for (let index = 0; index < count; index += 1) {
      const value = core[at + index] as CoreValue;
      const step = steps[index];
      values[index] = step === undefined ? value : step(value);
    }
    return lift(abi, values, 0);
  };
}

/** From the type that travels to the type that is meant: i I f F = i32 i64 f32 f64. */
const coercions: Readonly<Record<string, (value: CoreValue) => CoreValue>> = {
  if: (value) => f32FromBits(value as number),
  Ii: (value) => Number(BigInt.asIntN(32, value as bigint)),
  If: (value) => f32FromBits(Number(BigInt.asIntN(32, value as bigint))),
  IF: (value) => f64FromBits(value as bigint),
};

function checkList(
  abi: Abi,
  pointer: number,
  length: number,
  size: number,
  align: number,
  cost: number,
): number {
  if (length * size > sequenceBytesMax) throw violation(`a list of ${length * size} bytes`);
  const at = abi.check(pointer, length * size, align, 'list');
  abi.charge(length * cost);
  return at;
}

function loadMany(abi: Abi, at: number, length: number, size: number, load: Load): unknown[] {
  const values = new Array<unknown>(length);
  for (let index = 0; index < length; index += 1) values[index] = load(abi, at + index * size);
  return values;
}

export interface VariantShape {
  readonly types: readonly (TypeRef | undefined)[];
  /** The JavaScript value of a case with its payload. */
  readonly make: (index: number, payload: unknown) => unknown;
}

function variantOf(def: TypeDef): VariantShape {
  switch (def.kind) {
    case 'variant': {
      const names = def.cases.map((one) => one.name);
      const types = def.cases.map((one) => one.type);
      return {
        types,
        make: (index, val) =>
          types[index] === undefined ? { tag: names[index] } : { tag: names[index], val },
      };
    }
    case 'enum': {
      const { names } = def;
      return { types: names.map(() => undefined), make: (index) => names[index] };
    }
    case 'result':
      return { types: [def.ok, def.err], make: (index, val) => ({ tag: index === 0 ? 'ok' : 'err', val }) };
    case 'option':
      return { types: [undefined, def.type], make: (_index, val) => val };
    default:
      throw new Error(`bug: a ${def.kind} in the fast lane`);
  }
}

function keysOf(fields: readonly { readonly name: string }[]): string[] {
  return fields.map((field) => camelCase(field.name));
}

const nestedOption = (index: number, val: unknown): unknown =>
  index === 0 ? { tag: 'none' } : { tag: 'some', val };

function flagsMaker(names: readonly string[]): (value: number) => unknown {
  const keys = names.map(camelCase);
  return (value) => {
    const flags: Record<string, boolean> = {};
    for (let index = 0; index < keys.length; index += 1)
      flags[keys[index] as string] = ((value >>> index) & 1) === 1;
    return flags;
  };
}

const unsignedReads: { readonly [size in 1 | 2 | 4]: (view: DataView, pointer: number) => number } = {
  1: (view, pointer) => view.getUint8(pointer),
  2: (view, pointer) => view.getUint16(pointer, true),
  4: (view, pointer) => view.getUint32(pointer, true),
};

function toChar(code: number): string {
  if (code >= 0x110000 || (code >= 0xd800 && code <= 0xdfff)) throw violation(`${code} is not a character`);
  return String.fromCodePoint(code);
}

/** NaN payloads do not pass: there is one NaN. */
const oneNaN = (value: number): number => (Number.isNaN(value) ? Number.NaN : value);

const noErrorContext = (): never => {
  throw new Error('bug: error-context in the fast lane');
};

const loads: { readonly [type in Exclude<Primitive, 'string'>]: Load } = {
  bool: (abi, pointer) => abi.view.getUint8(pointer) !== 0,
  s8: (abi, pointer) => abi.view.getInt8(pointer),
  u8: (abi, pointer) => abi.view.getUint8(pointer),
  s16: (abi, pointer) => abi.view.getInt16(pointer, true),
  u16: (abi, pointer) => abi.view.getUint16(pointer, true),
  s32: (abi, pointer) => abi.view.getInt32(pointer, true),
  u32: (abi, pointer) => abi.view.getUint32(pointer, true),
  s64: (abi, pointer) => abi.view.getBigInt64(pointer, true),
  u64: (abi, pointer) => abi.view.getBigUint64(pointer, true),
  f32: (abi, pointer) => oneNaN(abi.view.getFloat32(pointer, true)),
  f64: (abi, pointer) => oneNaN(abi.view.getFloat64(pointer, true)),
  char: (abi, pointer) => toChar(abi.view.getUint32(pointer, true)),
  'error-context': noErrorContext,
};

const flats: { readonly [type in Exclude<Primitive, 'string'>]: LiftFlat } = {
  bool: (_abi, core, at) => core[at] !== 0,
  s8: (_abi, core, at) => ((core[at] as number) << 24) >> 24,
  u8: (_abi, core, at) => (core[at] as number) & 0xff,
  s16: (_abi, core, at) => ((core[at] as number) << 16) >> 16,
  u16: (_abi, core, at) => (core[at] as number) & 0xffff,
  s32: (_abi, core, at) => (core[at] as number) | 0,
  u32: (_abi, core, at) => (core[at] as number) >>> 0,
  s64: (_abi, core, at) => BigInt.asIntN(64, core[at] as bigint),
  u64: (_abi, core, at) => BigInt.asUintN(64, core[at] as bigint),
  f32: (_abi, core, at) => oneNaN(core[at] as number),
  f64: (_abi, core, at) => oneNaN(core[at] as number),
  char: (_abi, core, at) => toChar((core[at] as number) >>> 0),
  'error-context': noErrorContext,
};
