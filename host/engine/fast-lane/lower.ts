import type { StringEncoding } from '../component/component.ts';
import type { Layouts } from '../component/layout.ts';
import { camelCase } from '../component/names.ts';
import { isNullable, type Primitive, type TypeDef, type TypeRef } from '../component/types.ts';
import type { Abi } from './abi.ts';
import type { CoreValue } from './lift.ts';
import { type NumberArray, type Numeric, numericArrays } from './numeric.ts';
import { fieldsReader } from './record-shapes.ts';
import { type LowerText, lowered, lowerText } from './text.ts';

/** Writes a value at an aligned pointer whose bytes are known to be in bounds. */
export type Store = (abi: Abi, pointer: number, value: unknown) => void;
/** Writes a value into `out` as core values, beginning at `at`. */
export type LowerFlat = (abi: Abi, value: unknown, out: CoreValue[], at: number) => void;

/**
 * Thrown when a value does not fit its type; made once, because it only says "ask `explain` what is wrong":
 * the fast path carries no paths along.
 */
export class Mismatch extends Error {}
const mismatch = new Mismatch('a value does not fit its type');

const bits = new DataView(new ArrayBuffer(8));
const nan32 = 0x7fc00000;

function f32Bits(value: number): number {
  if (Number.isNaN(value)) return nan32;
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}

function f64Bits(value: number): bigint {
  bits.setFloat64(0, Number.isNaN(value) ? Number.NaN : value);
  return bits.getBigInt64(0);
}

/** Lowering (component-model CanonicalABI.md, "Storing" and "Flat Lowering") compiled to closures, once per type. */
export class Lowers {
  readonly #defs: readonly TypeDef[];
  readonly #layouts: Layouts;
  readonly #text: LowerText;
  readonly #stores = new Map<TypeRef, Store>();
  readonly #flats = new Map<TypeRef, LowerFlat>();

  constructor(defs: readonly TypeDef[], layouts: Layouts, encoding: StringEncoding) {
    this.#defs = defs;
    this.#layouts = layouts;
    this.#text = lowerText[encoding];
  }

  store(ref: TypeRef): Store {
    let store = this.#stores.get(ref);
    if (store === undefined) {
      store =
        typeof ref === 'string' ? this.#storePrimitive(ref) : this.#storeDef(this.#defs[ref] as TypeDef, ref);
      this.#stores.set(ref, store);
    }
    return store;
  }

  flat(ref: TypeRef): LowerFlat {
    let flat = this.#flats.get(ref);
    if (flat === undefined) {
      flat =
        typeof ref === 'string' ? this.#flatPrimitive(ref) : this.#flatDef(this.#defs[ref] as TypeDef, ref);
      this.#flats.set(ref, flat);
    }
    return flat;
  }

  #storePrimitive(type: Primitive): Store {
    if (type !== 'string') return stores[type];
    const text = this.#text;
    return (abi, pointer, value) => {
      if (typeof value !== 'string') throw mismatch;
      const units = text(abi, value);
      abi.view.setUint32(pointer, lowered.pointer, true);
      abi.view.setUint32(pointer + 4, units, true);
    };
  }

  #flatPrimitive(type: Primitive): LowerFlat {
    if (type !== 'string') return flats[type];
    const text = this.#text;
    return (abi, value, out, at) => {
      if (typeof value !== 'string') throw mismatch;
      out[at + 1] = text(abi, value);
      out[at] = lowered.pointer;
    };
  }

  #storeDef(def: TypeDef, ref: TypeRef): Store {
    switch (def.kind) {
      case 'record':
        return this.#storeRecord(def.fields, ref);
      case 'tuple':
        return this.#storeTuple(def.types, ref);
      case 'list':
        return def.length === undefined
          ? this.#storeList(def.element)
          : this.#storeFixed(def.element, def.length);
      case 'map':
        return pairStore(this.#map(def.key, def.value));
      case 'flags': {
        const pack = flagsPacker(def.names);
        const write = unsignedWrites[this.#layouts.of(ref).size as 1 | 2 | 4];
        return (abi, pointer, value) => write(abi.view, pointer, pack(value));
      }
      default:
        return this.#storeVariant(this.#choice(def), ref);
    }
  }

  #storeRecord(fields: readonly { readonly name: string; readonly type: TypeRef }[], ref: TypeRef): Store {
    const read = fieldsReader(fields.map((field) => camelCase(field.name)));
    const parts = fields.map((field) => this.store(field.type));
    const offsets = this.#layouts.of(ref).offsets as readonly number[];
    return (abi, pointer, value) => {
      const values = read(asObject(value));
      for (let index = 0; index < parts.length; index += 1)
        (parts[index] as Store)(abi, pointer + (offsets[index] as number), values[index]);
    };
  }

  #storeTuple(types: readonly TypeRef[], ref: TypeRef): Store {
    const parts = types.map((type) => this.store(type));
    const offsets = this.#layouts.of(ref).offsets as readonly number[];
    return (abi, pointer, value) => {
      if (!Array.isArray(value) || value.length !== parts.length) throw mismatch;
      for (let index = 0; index < parts.length; index += 1)
        (parts[index] as Store)(abi, pointer + (offsets[index] as number), value[index]);
    };
  }

  #storeVariant(choice: Choice, ref: TypeRef): Store {
    const { payloadOffset = 0, discriminantBytes = 1 } = this.#layouts.of(ref);
    const write = unsignedWrites[discriminantBytes];
    const payloads = choice.types.map((type) => (type === undefined ? undefined : this.store(type)));
    const { indexOf, payloadOf } = choice;
    return (abi, pointer, value) => {
      const index = indexOf(value);
      const payload = payloads[index];
      if (payload !== undefined) payload(abi, pointer + payloadOffset, payloadOf(value));
      write(abi.view, pointer, index);
    };
  }

  #storeList(element: TypeRef): Store {
    return pairStore(this.#list(element));
  }

  #storeFixed(element: TypeRef, length: number): Store {
    const { size } = this.#layouts.of(element);
    const store = this.store(element);
    return (abi, pointer, value) => {
      const items = asSequence(value);
      if (items.length !== length) throw mismatch;
      for (let index = 0; index < length; index += 1) store(abi, pointer + index * size, items[index]);
    };
  }

  /** Allocates and fills a list; the pointer goes to `lowered`, the length is returned. */
  #list(element: TypeRef): (abi: Abi, value: unknown) => number {
    const { size, align } = this.#layouts.of(element);
    const store = this.store(element);
    const Numbers = typeof element === 'string' ? numericArrays[element as Numeric] : undefined;
    return (abi, value) => {
      if (Numbers !== undefined && value instanceof Numbers) return lowerNumbers(abi, value, align);
      if (!Array.isArray(value)) throw mismatch;
      const { length } = value;
      const pointer = abi.allocate(align, length * size);
      for (let index = 0; index < length; index += 1) store(abi, pointer + index * size, value[index]);
      lowered.pointer = pointer;
      return length;
    };
  }

  #map(key: TypeRef, value: TypeRef): (abi: Abi, value: unknown) => number {
    const { size, align, offsets } = this.#layouts.record([key, value]);
    const storeKey = this.store(key);
    const storeValue = this.store(value);
    const valueOffset = offsets?.[1] as number;
    return (abi, map) => {
      if (!(map instanceof Map)) throw mismatch;
      const length = map.size;
      const pointer = abi.allocate(align, length * size);
      let at = pointer;
      for (const [oneKey, oneValue] of map) {
        storeKey(abi, at, oneKey);
        storeValue(abi, at + valueOffset, oneValue);
        at += size;
      }
      lowered.pointer = pointer;
      return length;
    };
  }

  #flatDef(def: TypeDef, ref: TypeRef): LowerFlat {
    switch (def.kind) {
      case 'record':
        return this.#flatRecord(def.fields);
      case 'tuple':
        return this.#flatItems(def.types);
      case 'list':
        if (def.length !== undefined)
          return this.#flatItems(Array.from({ length: def.length }, () => def.element));
        return pairFlat(this.#list(def.element));
      case 'map':
        return pairFlat(this.#map(def.key, def.value));
      case 'flags': {
        const pack = flagsPacker(def.names);
        return (_abi, value, out, at) => {
          out[at] = pack(value);
        };
      }
      default:
        return this.#flatVariant(this.#choice(def), ref);
    }
  }

  #flatRecord(fields: readonly { readonly name: string; readonly type: TypeRef }[]): LowerFlat {
    const read = fieldsReader(fields.map((field) => camelCase(field.name)));
    const parts = fields.map((field) => this.flat(field.type));
    const widths = fields.map((field) => this.#flatOf(field.type).length);
    return (abi, value, out, start) => {
      const values = read(asObject(value));
      for (let index = 0, at = start; index < parts.length; index += 1) {
        (parts[index] as LowerFlat)(abi, values[index], out, at);
        at += widths[index] as number;
      }
    };
  }

  #flatItems(types: readonly TypeRef[]): LowerFlat {
    const parts = types.map((type) => this.flat(type));
    const widths = types.map((type) => this.#flatOf(type).length);
    return (abi, value, out, start) => {
      const items = asSequence(value);
      if (items.length !== parts.length) throw mismatch;
      for (let index = 0, at = start; index < parts.length; index += 1) {
        (parts[index] as LowerFlat)(abi, items[index], out, at);
        at += widths[index] as number;
      }
    };
  }

  #flatOf(ref: TypeRef): string {
    const { flat } = this.#layouts.of(ref);
    if (flat === undefined)
      throw new Error('bug: a value of more than 16 core values travels through memory');
    return flat;
  }

  #flatVariant(choice: Choice, ref: TypeRef): LowerFlat {
    const joined = this.#flatOf(ref).slice(1);
    const payloads = choice.types.map((type) => (type === undefined ? undefined : this.flat(type)));
    const zeros: CoreValue[] = Array.from(joined, (type) => (type === 'I' ? 0n : 0));
    const fixes = choice.types.map((type) =>
      type === undefined ? [] : widenings(this.#flatOf(type), joined),
    );
    const { indexOf, payloadOf } = choice;
    return (abi, value, out, at) => {
      const index = indexOf(value);
      out[at] = index;
      for (let slot = 0; slot < zeros.length; slot += 1) out[at + 1 + slot] = zeros[slot] as CoreValue;
      const payload = payloads[index];
      if (payload === undefined) return;
      payload(abi, payloadOf(value), out, at + 1);
      for (const { slot, widen } of fixes[index] as readonly Widening[])
        out[at + 1 + slot] = widen(out[at + 1 + slot] as CoreValue);
    };
  }

  #choice(def: TypeDef): Choice {
    switch (def.kind) {
      case 'variant':
        return tagged(
          def.cases.map((one) => one.name),
          def.cases.map((one) => one.type),
        );
      case 'result':
        return tagged(['ok', 'err'], [def.ok, def.err]);
      case 'option':
        return isNullable(this.#defs, def.type)
          ? tagged(['none', 'some'], [undefined, def.type])
          : plainOption(def.type);
      case 'enum':
        return enumChoice(def.names);
      default:
        throw new Error(`bug: a ${def.kind} in the fast lane`);
    }
  }
}

/** Which case a JavaScript value is, and its payload. */
interface Choice {
  readonly types: readonly (TypeRef | undefined)[];
  readonly indexOf: (value: unknown) => number;
  readonly payloadOf: (value: unknown) => unknown;
}

function tagged(names: readonly string[], types: readonly (TypeRef | undefined)[]): Choice {
  const indices = new Map<unknown, number>(names.map((name, index) => [name, index]));
  return {
    types,
    indexOf: (value) => {
      const index = indices.get(asObject(value).tag);
      if (index === undefined) throw mismatch;
      return index;
    },
    payloadOf: (value) => (value as { readonly val?: unknown }).val,
  };
}

function plainOption(type: TypeRef): Choice {
  return {
    types: [undefined, type],
    indexOf: (value) => (value === undefined || value === null ? 0 : 1),
    payloadOf: (value) => value,
  };
}

function enumChoice(names: readonly string[]): Choice {
  const indices = new Map<unknown, number>(names.map((name, index) => [name, index]));
  return {
    types: names.map(() => undefined),
    indexOf: (value) => {
      const index = indices.get(value);
      if (index === undefined) throw mismatch;
      return index;
    },
    payloadOf: () => undefined,
  };
}

interface Widening {
  readonly slot: number;
  readonly widen: (value: CoreValue) => CoreValue;
}

/** Slots in which a payload travels as another core type than its own. */
function widenings(own: string, joined: string): readonly Widening[] {
  const found: Widening[] = [];
  for (let slot = 0; slot < own.length; slot += 1) {
    const widen = coercions[`${own[slot]}${joined[slot]}`];
    if (widen !== undefined) found.push({ slot, widen });
  }
  return found;
}

/** From the type that is meant to the type that travels: i I f F = i32 i64 f32 f64. */
const coercions: Readonly<Record<string, (value: CoreValue) => CoreValue>> = {
  fi: (value) => f32Bits(value as number),
  iI: (value) => BigInt((value as number) >>> 0),
  fI: (value) => BigInt(f32Bits(value as number) >>> 0),
  FI: (value) => f64Bits(value as number),
};

function pairStore(lower: (abi: Abi, value: unknown) => number): Store {
  return (abi, pointer, value) => {
    const length = lower(abi, value);
    abi.view.setUint32(pointer, lowered.pointer, true);
    abi.view.setUint32(pointer + 4, length, true);
  };
}

function pairFlat(lower: (abi: Abi, value: unknown) => number): LowerFlat {
  return (abi, value, out, at) => {
    out[at + 1] = lower(abi, value);
    out[at] = lowered.pointer;
  };
}

function lowerNumbers(abi: Abi, numbers: NumberArray, align: number): number {
  const pointer = abi.allocate(align, numbers.byteLength);
  const source =
    numbers instanceof Uint8Array
      ? numbers
      : new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  abi.bytes.set(source, pointer);
  lowered.pointer = pointer;
  return numbers.length;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw mismatch;
  return value as Readonly<Record<string, unknown>>;
}

/** An array, or a typed array where a list of fixed length may be one. */
function asSequence(value: unknown): ArrayLike<unknown> {
  if (Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as Uint8Array;
  throw mismatch;
}

function flagsPacker(names: readonly string[]): (value: unknown) => number {
  const keys = names.map(camelCase);
  return (value) => {
    const flags = asObject(value);
    let packed = 0;
    for (let index = 0; index < keys.length; index += 1) {
      const flag = flags[keys[index] as string];
      if (flag === true) packed |= 1 << index;
      else if (flag !== false && flag !== undefined) throw mismatch;
    }
    return packed;
  };
}

const unsignedWrites: {
  readonly [size in 1 | 2 | 4]: (view: DataView, pointer: number, value: number) => void;
} = {
  1: (view, pointer, value) => view.setUint8(pointer, value),
  2: (view, pointer, value) => view.setUint16(pointer, value, true),
  4: (view, pointer, value) => view.setUint32(pointer, value, true),
};

function integer(min: number, max: number): (value: unknown) => number {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw mismatch;
    return value;
  };
}

function bigInteger(min: bigint, max: bigint): (value: unknown) => bigint {
  return (value) => {
    if (typeof value !== 'bigint' || value < min || value > max) throw mismatch;
    return value;
  };
}

function toBool(value: unknown): number {
  if (typeof value !== 'boolean') throw mismatch;
  return value ? 1 : 0;
}

function toFloat(value: unknown): number {
  if (typeof value !== 'number') throw mismatch;
  return Number.isNaN(value) ? Number.NaN : value;
}

function toCode(value: unknown): number {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2) throw mismatch;
  const code = value.codePointAt(0) as number;
  if ((code >= 0xd800 && code <= 0xdfff) || value.length !== (code > 0xffff ? 2 : 1)) throw mismatch;
  return code;
}

const toS8 = integer(-0x80, 0x7f);
const toU8 = integer(0, 0xff);
const toS16 = integer(-0x8000, 0x7fff);
const toU16 = integer(0, 0xffff);
const toS32 = integer(-0x80000000, 0x7fffffff);
const toU32 = integer(0, 0xffffffff);
const toS64 = bigInteger(-(2n ** 63n), 2n ** 63n - 1n);
const toU64 = bigInteger(0n, 2n ** 64n - 1n);

const noErrorContext = (): never => {
  throw new Error('bug: error-context in the fast lane');
};

const stores: { readonly [type in Exclude<Primitive, 'string'>]: Store } = {
  bool: (abi, pointer, value) => abi.view.setUint8(pointer, toBool(value)),
  s8: (abi, pointer, value) => abi.view.setInt8(pointer, toS8(value)),
  u8: (abi, pointer, value) => abi.view.setUint8(pointer, toU8(value)),
  s16: (abi, pointer, value) => abi.view.setInt16(pointer, toS16(value), true),
  u16: (abi, pointer, value) => abi.view.setUint16(pointer, toU16(value), true),
  s32: (abi, pointer, value) => abi.view.setInt32(pointer, toS32(value), true),
  u32: (abi, pointer, value) => abi.view.setUint32(pointer, toU32(value), true),
  s64: (abi, pointer, value) => abi.view.setBigInt64(pointer, toS64(value), true),
  u64: (abi, pointer, value) => abi.view.setBigUint64(pointer, toU64(value), true),
  f32: (abi, pointer, value) => abi.view.setFloat32(pointer, toFloat(value), true),
  f64: (abi, pointer, value) => abi.view.setFloat64(pointer, toFloat(value), true),
  char: (abi, pointer, value) => abi.view.setUint32(pointer, toCode(value), true),
  'error-context': noErrorContext,
};

function flatWith(convert: (value: unknown) => CoreValue): LowerFlat {
  return (_abi, value, out, at) => {
    out[at] = convert(value);
  };
}

const flats: { readonly [type in Exclude<Primitive, 'string'>]: LowerFlat } = {
  bool: flatWith(toBool),
  s8: flatWith(toS8),
  u8: flatWith(toU8),
  s16: flatWith(toS16),
  u16: flatWith(toU16),
  s32: flatWith(toS32),
  u32: flatWith(toU32),
  s64: flatWith(toS64),
  u64: flatWith(toU64),
  f32: flatWith(toFloat),
  f64: flatWith(toFloat),
  char: flatWith(toCode),
  'error-context': noErrorContext,
};
