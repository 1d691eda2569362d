/** Shapes of the records that nearly every turn holds; more may be added at the end, none may change. */
export const knownShapes: readonly (readonly string[])[] = [
  ['contentType', 'headers', 'body'],
  [
    'id',
    'subject',
    'sender',
    'replyTo',
    'sentAtNs',
    'deadlineNs',
    'attempt',
    'contentType',
    'headers',
    'body',
  ],
  ['name', 'value'],
  ['tag', 'val'],
  ['tag'],
];

const payloadShape = 0;
const messageShape = 1;
const headerShape = 2;
const variantShape = 3;
const bareVariantShape = 4;
const noFields: readonly string[] = [];

/** First byte of each value. */
export const tags = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** A zigzag varint: whole numbers of 31 bits. */
  int: 4,
  /** 8 bytes, little endian. */
  float: 5,
  /** 8 bytes, little endian, unsigned; and its negative. */
  natural: 6,
  negative: 7,
  /** Length in bytes, UTF-8. */
  text: 8,
  bytes: 9,
  /** Count, items. */
  list: 10,
  /** Count, then name and value of each field. */
  record: 11,
  /** Index of a known shape, values. */
  shaped: 12,
  /** Index in `viewTypes`, length in bytes, bytes. */
  view: 13,
  /** Number of the handle, name of its class. */
  handle: 14,
} as const;

/** A class of typed arrays. */
export type NumbersType = (new (
  bytes: ArrayBuffer,
) => ArrayBufferView) & { readonly BYTES_PER_ELEMENT: number };

/** The typed arrays that lists of numbers are lifted as; the index is written. */
export const viewTypes: readonly NumbersType[] = [
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  BigUint64Array,
  BigInt64Array,
  Float32Array,
  Float64Array,
];

/** A handle as it is written: how many there were before it, and the name of its class. */
export interface HandleName {
  readonly number: number;
  readonly type: string;
}

const asciiMax = 0x7f;
/** Characters up to which a loop beats a call into the runtime. */
const shortTextMax = 40;
/** A tag, two numbers and a short text fit. */
const roomBytes = 64;
const startBytes = 1024;
const keptBytesMax = 64 * 1024;
const intMax = 2 ** 30;
const depthMax = 64;

/** A record; the fields of known shapes by name. */
interface Fields extends Record<string, unknown> {
  readonly id?: unknown;
  readonly subject?: unknown;
  readonly sender?: unknown;
  readonly replyTo?: unknown;
  readonly sentAtNs?: unknown;
  readonly deadlineNs?: unknown;
  readonly attempt?: unknown;
  readonly contentType?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** A value that cannot be written: too deep, or of a kind that WIT does not have. */
export class UnwritableValue extends Error {
  override readonly name = 'UnwritableValue';
}

/** Writes values of WIT, in the conventions of `engine/linker.ts`, one after the other; the same value is the same bytes. */
export class ValueWriter {
  #bytes: Buffer;
  #numbers: DataView;
  #length = 0;
  readonly #bytesMax: number;
  readonly #handleOf: ((value: object) => HandleName | undefined) | undefined;

  /** `handleOf` is undefined for an object that is no handle. `bytesMax`: what does not fit any more is not written, and `isFull` says so. */
  constructor(bytesMax: number, handleOf?: (value: object) => HandleName | undefined) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(roomBytes, Math.min(bytesMax, startBytes)));
    this.#numbers = viewOf(this.#bytes);
    this.#bytesMax = bytesMax;
    this.#handleOf = handleOf;
  }

  isFull = false;

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Copies what was written; there must be room for it. */
  copyTo(into: Buffer, at: number): void {
    this.#bytes.copy(into, at, 0, this.#length);
  }

  /** Takes back what was written after the first `length` bytes. */
  clear(length = 0): void {
    this.#length = length;
    this.isFull = false;
    // One long turn must not be paid for by all that come after it.
    if (this.#bytes.length > keptBytesMax && length < startBytes)
      this.#move(Math.min(this.#bytesMax, startBytes));
  }

  byte(value: number): void {
    if (this.#hasRoom()) this.#put(value);
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (this.#hasRoom()) this.#putVarint(value);
  }

  natural(value: bigint): void {
    if (this.#hasRoom()) this.#putNatural(value);
  }

  text(value: string): void {
    if (this.#hasRoom()) this.#putText(value);
  }

  raw(value: Uint8Array): void {
    if (this.#hasRoom()) this.#putRaw(value);
  }

  /** @throws UnwritableValue */
  value(value: unknown): void {
    this.#value(value, 0);
  }

  #value(value: unknown, depth: number): void {
    if (!this.#hasRoom()) return;
    if (typeof value === 'string') {
      this.#put(tags.text);
      this.#putText(value);
    } else if (typeof value === 'object') this.#object(value, depth);
    else if (value === undefined) this.#put(tags.undefined);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') {
      this.#put(value < 0n ? tags.negative : tags.natural);
      this.#putNatural(value < 0n ? -value : value);
    } else if (typeof value === 'boolean') this.#put(value ? tags.true : tags.false);
    else throw new UnwritableValue(`a ${typeof value}`);
  }

  #number(value: number): void {
    if (Number.isInteger(value) && value >= -intMax && value < intMax && !Object.is(value, -0)) {
      this.#put(tags.int);
      this.#putVarint(value < 0 ? -2 * value - 1 : 2 * value);
    } else {
      this.#put(tags.float);
      this.#numbers.setFloat64(this.#length, value, true);
      this.#length += 8;
    }
  }

  #object(value: object | null, depth: number): void {
    if (depth >= depthMax) throw new UnwritableValue('too deep');
    if (value === null) this.#put(tags.null);
    else if (value instanceof Uint8Array) {
      this.#put(tags.bytes);
      this.#putRaw(value);
    } else if (Array.isArray(value)) this.#list(value, depth);
    else if (ArrayBuffer.isView(value)) this.#view(value);
    else this.#handleOrRecord(value, depth);
  }

  #handleOrRecord(value: object, depth: number): void {
    const handle = this.#handleOf?.(value);
    if (handle === undefined) {
      this.#record(value as Record<string, unknown>, depth);
      return;
    }
    this.#put(tags.handle);
    this.#putVarint(handle.number);
    this.#putText(handle.type);
  }

  #list(value: readonly unknown[], depth: number): void {
    this.#put(tags.list);
    this.#putVarint(value.length);
    for (let index = 0; index < value.length; index += 1) this.#value(value[index], depth + 1);
  }

  #view(value: ArrayBufferView): void {
    const index = viewTypes.findIndex((type) => value instanceof type);
    if (index < 0) throw new UnwritableValue(value.constructor.name);
    this.#put(tags.view);
    this.#put(index);
    this.#putRaw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  #record(value: Record<string, unknown>, depth: number): void {
    const shape = shapeOf(value);
    if (shape >= 0) {
      this.#put(tags.shaped);
      this.#put(shape);
      this.#shaped(shape, value, depth + 1);
      return;
    }
    const keys = Object.keys(value);
    this.#put(tags.record);
    this.#putVarint(keys.length);
    for (const key of keys) {
      this.text(key);
      this.#value(value[key], depth + 1);
    }
  }

  /** Fields that stand in the code are read several times faster than computed ones. */
  #shaped(shape: number, value: Fields, depth: number): void {
    if (shape === messageShape) {
      this.#value(value.id, depth);
      this.#value(value.subject, depth);
      this.#value(value.sender, depth);
      this.#value(value.replyTo, depth);
      this.#value(value.sentAtNs, depth);
      this.#value(value.deadlineNs, depth);
      this.#value(value.attempt, depth);
    }
    if (shape === messageShape || shape === payloadShape) {
      this.#value(value.contentType, depth);
      this.#value(value.headers, depth);
      this.#value(value.body, depth);
    } else for (const key of knownShapes[shape] as readonly string[]) this.#value(value[key], depth);
  }

  // What follows writes where there is room for `roomBytes` already.

  #put(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #putVarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#put((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#put(rest);
  }

  #putNatural(value: bigint): void {
    this.#numbers.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  #putRaw(value: Uint8Array): void {
    this.#putVarint(value.length);
    if (!this.#room(value.length)) return;
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #putText(value: string): void {
    if (value.length <= shortTextMax && this.#putShortText(value)) return;
    const size = Buffer.byteLength(value);
    this.#putVarint(size);
    if (!this.#room(size)) return;
    this.#bytes.write(value, this.#length, 'utf8');
    this.#length += size;
  }

  #putShortText(value: string): boolean {
    const { length } = value;
    const bytes = this.#bytes;
    const from = this.#length + 1;
    for (let at = 0; at < length; at += 1) {
      const code = value.charCodeAt(at);
      if (code > asciiMax) return false;
      bytes[from + at] = code;
    }
    bytes[this.#length] = length;
    this.#length = from + length;
    return true;
  }

  #hasRoom(): boolean {
    return this.#length + roomBytes <= this.#bytes.length || this.#room(0);
  }

  /** Room for so many bytes and what has a fixed length after them. */
  #room(bytes: number): boolean {
    const need = this.#length + bytes + roomBytes;
    if (need <= this.#bytes.length) return true;
    if (this.isFull || need > this.#bytesMax) {
      this.isFull = true;
      return false;
    }
    this.#move(Math.min(this.#bytesMax, Math.max(need, this.#bytes.length * 2)));
    return true;
  }

  #move(bytes: number): void {
    const other = Buffer.allocUnsafeSlow(bytes);
    this.#bytes.copy(other, 0, 0, this.#length);
    this.#bytes = other;
    this.#numbers = viewOf(other);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Index of the known shape whose fields it has, in order; -1 for another. */
function shapeOf(value: Record<string, unknown>): number {
  let count = 0;
  let candidate = -1;
  let fields: readonly string[] = noFields;
  for (const key in value) {
    if (count === 0) {
      candidate = shapeFrom(key);
      fields = knownShapes[candidate] ?? noFields;
    }
    if (fields[count] !== key) return -1;
    count += 1;
  }
  if (count === fields.length) return candidate;
  return candidate === variantShape && count === 1 ? bareVariantShape : -1;
}

function shapeFrom(firstKey: string): number {
  switch (firstKey) {
    case 'contentType':
      return payloadShape;
    case 'id':
      return messageShape;
    case 'name':
      return headerShape;
    case 'tag':
      return variantShape;
    default:
      return -1;
  }
}
