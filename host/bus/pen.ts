import { spellings } from '../spelling.ts';

/** Of a text's length: its characters take two bytes each. */
const wideFlag = 0x8000_0000;
const absentText = 0xffff_ffff;

/** Up to here a text costs less written character by character than by a call. */
const loopCharsMax = 16;

/** Bytes of memory that a character needs while it is written. */
export const characterBytesMax = 3;

/** Writes values one after the other into memory whose owner knows it has room. Little-endian, without padding. */
export class Pen {
  at = 0;
  #bytes: Buffer;
  #view: DataView;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u32(value: number): void {
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  i32(value: number): void {
    this.#view.setInt32(this.at, value, true);
    this.at += 4;
  }

  f64(value: number): void {
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.at, value, true);
    this.at += 8;
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    this.#bytes.set(value, this.at);
    this.at += value.length;
  }

  /** One text with its length; any UTF-16, also half of a surrogate pair. */
  text(value: string | undefined): void {
    const lengthAt = this.at;
    this.u32(absentText);
    if (value === undefined) return;
    const isWide = this.characters(value);
    this.#view.setUint32(lengthAt, isWide ? (value.length | wideFlag) >>> 0 : value.length, true);
  }

  /** ASCII, which names, subjects and ids are, without its length; false, and nothing written: it is not. */
  ascii(value: string): boolean {
    const bytes = this.#bytes;
    const at = this.at;
    const { latest } = spellings;
    if (value === latest.text) {
      for (let index = 0; index < latest.bytes.length; index++)
        bytes[at + index] = latest.bytes[index] as number;
      this.at = at + latest.bytes.length;
      return true;
    }
    if (value.length > loopCharsMax) {
      if (bytes.write(value, at, 'utf8') !== value.length) return false;
      this.at = at + value.length;
      return true;
    }
    for (let index = 0; index < value.length; index++) {
      const char = value.charCodeAt(index);
      if (char > 0x7f) return false;
      bytes[at + index] = char;
    }
    this.at = at + value.length;
    return true;
  }

  /** Characters without their length: a byte each if they are ASCII, else two; true for two. */
  characters(value: string): boolean {
    // In UTF-8, all other characters take more than a byte: its length says whether there are any, in one call.
    const bytes = this.#bytes.write(value, this.at, 'utf8');
    if (bytes === value.length) {
      this.at += bytes;
      return false;
    }
    this.at += this.#bytes.write(value, this.at, 'utf16le');
    return true;
  }
}

/** Bytes that `Pen.text` takes at most. */
export function textBytesMax(value: string | undefined): number {
  return value === undefined ? 4 : 4 + characterBytesMax * value.length;
}

/** Reads what a `Pen` wrote. What it returns is never a view of the memory. */
export class Eye {
  at = 0;
  /** Where the record ends. */
  end = 0;
  #bytes: Buffer;
  #plain: Uint8Array;
  #view: DataView;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Goes to the `bytes` bytes at `at`. */
  look(at: number, bytes: number): this {
    this.at = at;
    this.end = at + bytes;
    return this;
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  i32(): number {
    const value = this.#view.getInt32(this.at, true);
    this.at += 4;
    return value;
  }

  f64(): number {
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  u64(): bigint {
    const value = this.#view.getBigUint64(this.at, true);
    this.at += 8;
    return value;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.raw(this.u32());
  }

  raw(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#pass(length);
    // Of a plain array: a Buffer's slice would be a view.
    return this.#plain.slice(at, at + length);
  }

  text(): string | undefined {
    const length = this.u32();
    if (length === absentText) return undefined;
    return length >= wideFlag ? this.wide(length - wideFlag) : this.narrow(length);
  }

  narrow(length: number): string {
    const at = this.#pass(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  wide(length: number): string {
    const at = this.#pass(2 * length);
    return this.#bytes.toString('utf16le', at, at + 2 * length);
  }

  #pass(length: number): number {
    const at = this.at;
    this.at = at + length;
    if (this.at > this.end) throw new Error('bug: a frame shorter than it says');
    return at;
  }
}
