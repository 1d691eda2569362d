import { shortestFloat } from './cbor-float.ts';
import { CborWriter, textBytesMax } from './cbor-writer.ts';

/** What CBOR holds, as far as the chain uses it. Whole numbers beyond 2^53 are bigints. */
export type CborValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly CborValue[]
  | CborMap
  | CborTag
  | CborFloat;

export type CborMap = ReadonlyMap<CborValue, CborValue>;

export interface CborTag {
  readonly tag: number | bigint;
  readonly value: CborValue;
}

/** A float that is a whole number: to write it as an integer would be another encoding. */
export interface CborFloat {
  readonly float: number;
}

/** Bytes that are not CBOR, or not in the one form that RFC 8949 §4.2.1 leaves. */
export class CborError extends Error {
  override readonly name = 'CborError';
}

const depthMax = 16;

/** @throws CborError when `bytes` are not exactly one item in deterministic form */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes);
  const value = reader.item(0);
  if (reader.at !== bytes.length) throw new CborError(`${bytes.length - reader.at} bytes are left over`);
  return value;
}

const utf8: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads items one after the other; strict about the deterministic form. */
export class CborReader {
  readonly bytes: Uint8Array;
  at = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  item(depth: number): CborValue {
    if (depth > depthMax) throw new CborError(`deeper than ${depthMax} levels`);
    const initial = this.#byte();
    const major = initial >> 5;
    if (major === 7) return this.#simple(initial & 31);
    const value = this.#argument(initial & 31);
    if (major === 0) return value;
    if (major === 1) return typeof value === 'bigint' ? -1n - value : negated(value);
    if (major === 6) return this.#tagged(value, depth);
    return this.#sized(major, this.#length(value), depth);
  }

  #sized(major: number, length: number, depth: number): CborValue {
    // A copy, also of a Buffer, whose own slice is none.
    if (major === 2) return new Uint8Array(this.#take(length));
    if (major === 3) return this.#text(length);
    if (major === 4) return this.#array(length, depth);
    return this.#map(length, depth);
  }

  #text(length: number): string {
    try {
      return utf8.decode(this.#take(length));
    } catch (error) {
      if (error instanceof CborError) throw error;
      throw new CborError('a text is not UTF-8');
    }
  }

  #array(length: number, depth: number): CborValue[] {
    const items: CborValue[] = [];
    for (let index = 0; index < length; index++) items.push(this.item(depth + 1));
    return items;
  }

  #map(length: number, depth: number): Map<CborValue, CborValue> {
    const map = new Map<CborValue, CborValue>();
    let before: Uint8Array | undefined;
    for (let index = 0; index < length; index++) {
      const from = this.at;
      const key = this.item(depth + 1);
      const encoded = this.bytes.subarray(from, this.at);
      if (before !== undefined && Buffer.compare(before, encoded) >= 0)
        throw new CborError('the keys of a map are not in order');
      before = encoded;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  #tagged(tag: number | bigint, depth: number): CborValue {
    const value = this.item(depth + 1);
    if (tag !== 2 && tag !== 3) return { tag, value };
    if (!(value instanceof Uint8Array)) throw new CborError('a big number is not of bytes');
    if (value.length <= 8 || value[0] === 0) throw new CborError('a number is longer than it needs to be');
    const number = BigInt(`0x${Buffer.from(value).toString('hex')}`);
    return tag === 2 ? number : -1n - number;
  }

  #simple(info: number): CborValue {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    if (info === 23) return undefined;
    if (info < 25 || info > 27) throw new CborError(`simple value ${info}`);
    const from = this.at - 1;
    const raw = this.#take(2 ** (info - 24));
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    const value = info === 25 ? view.getFloat16(0) : info === 26 ? view.getFloat32(0) : view.getFloat64(0);
    if (Buffer.compare(shortestFloat(value), this.bytes.subarray(from, this.at)) !== 0)
      throw new CborError('a number is longer than it needs to be');
    return Number.isInteger(value) ? { float: value } : value;
  }

  #argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) throw new CborError('a length is not given');
    const width = 2 ** (info - 24);
    const at = this.at;
    this.#take(width);
    const value = this.#wide(at, width);
    if (value < (width === 1 ? 24 : 2 ** (width * 4)))
      throw new CborError('a number is longer than it needs to be');
    return value;
  }

  #wide(at: number, width: number): number | bigint {
    if (width === 1) return this.#view.getUint8(at);
    if (width === 2) return this.#view.getUint16(at);
    if (width === 4) return this.#view.getUint32(at);
    const value = this.#view.getBigUint64(at);
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  #length(value: number | bigint): number {
    if (value > this.bytes.length - this.at) throw new CborError('it ends too early');
    return Number(value);
  }

  #byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new CborError('it ends too early');
    this.at += 1;
    return byte;
  }

  #take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new CborError('it ends too early');
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }
}

function negated(value: number): number | bigint {
  return value === Number.MAX_SAFE_INTEGER ? -1n - BigInt(value) : -1 - value;
}

/** Deterministic CBOR of a value; for what is not written by the thousand. */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter(new ArrayBuffer(roomFor(value)));
  write(writer, value);
  return new Uint8Array(writer.bytes.buffer, 0, writer.at);
}

function roomFor(value: CborValue): number {
  if (typeof value === 'string') return textBytesMax(value);
  if (typeof value === 'bigint') return 16 + value.toString(16).length;
  if (typeof value !== 'object' || value === null) return 9;
  if (value instanceof Uint8Array) return value.length + 9;
  let room = 9;
  if (isArray(value)) for (const item of value) room += roomFor(item);
  else if (isMap(value)) for (const [key, item] of value) room += roomFor(key) + roomFor(item);
  else if ('tag' in value) room += 9 + roomFor(value.value);
  return room;
}

function write(writer: CborWriter, value: CborValue): void {
  if (value === null) writer.null();
  else if (value === undefined) writer.raw(Uint8Array.of(0xf7));
  else if (typeof value === 'string') writer.text(value);
  else if (typeof value === 'number') writer.number(value);
  else if (typeof value === 'bigint') writer.bigint(value);
  else if (typeof value === 'boolean') writer.boolean(value);
  else if (value instanceof Uint8Array) writer.byteString(value);
  else if (isArray(value)) {
    writer.array(value.length);
    for (const item of value) write(writer, item);
  } else if (isMap(value)) writeMap(writer, value);
  else if ('float' in value) writer.raw(shortestFloat(value.float));
  else {
    writer.raw(tagHead(value.tag));
    write(writer, value.value);
  }
}

function writeMap(writer: CborWriter, map: CborMap): void {
  const entries = [...map].map(([key, value]) => [encodeCbor(key), value] as const);
  entries.sort(([a], [b]) => Buffer.compare(a, b));
  writer.map(entries.length);
  for (const [key, value] of entries) {
    writer.raw(key);
    write(writer, value);
  }
}

/** The head of a tag is that of the same number with another major type. */
function tagHead(tag: number | bigint): Uint8Array {
  const head = encodeCbor(tag);
  head[0] = (head[0] ?? 0) | 0xc0;
  return head;
}

function isArray(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

function isMap(value: CborValue): value is CborMap {
  return value instanceof Map;
}
