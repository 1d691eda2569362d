import { shortestFloat } from './cbor-float.ts';

const unsigned = 0;
const negative = 1;
const byteString = 2;
const textString = 3;
const arrayMajor = 4;
const mapMajor = 5;
const tagMajor = 6;

/** Characters that are written one by one; beyond it a call into the engine is quicker. */
const loopCharsMax = 48;
const two32 = 2 ** 32;

/**
 * Writes deterministic CBOR (RFC 8949 §4.2.1: shortest heads, definite lengths) into one buffer. It neither grows
 * nor checks for room: the caller knows the worst case (`textBytesMax`).
 */
export class CborWriter {
  bytes: Buffer<ArrayBuffer>;
  at = 0;

  constructor(bytes: ArrayBuffer) {
    this.bytes = Buffer.from(bytes);
  }

  array(length: number): void {
    this.#head(arrayMajor, length);
  }

  map(length: number): void {
    this.#head(mapMajor, length);
  }

  tag(number: number): void {
    this.#head(tagMajor, number);
  }

  null(): void {
    this.bytes[this.at++] = 0xf6;
  }

  boolean(value: boolean): void {
    this.bytes[this.at++] = value ? 0xf5 : 0xf4;
  }

  /** Whole numbers as integers, others as the shortest float that is the same number. */
  number(value: number): void {
    if (!Number.isInteger(value) || Object.is(value, -0)) this.#float(value);
    else if (value >= 2 ** 64 || value < -(2 ** 64)) this.bigint(BigInt(value));
    else if (value >= 0) this.#head(unsigned, value);
    else if (value >= -Number.MAX_SAFE_INTEGER) this.#head(negative, -1 - value);
    else this.bigint(BigInt(value));
  }

  /** A whole number of 0 to 2^64 - 2048. */
  uint(value: number): void {
    if (value < 24) this.bytes[this.at++] = value;
    else this.#head(unsigned, value);
  }

  bigint(value: bigint): void {
    const isNegative = value < 0n;
    const rest = isNegative ? -1n - value : value;
    if (rest < 1n << 64n) this.#bigHead(isNegative ? negative : unsigned, rest);
    else this.#bignum(isNegative, rest);
  }

  text(value: string): void {
    const { length } = value;
    if (length > loopCharsMax) {
      this.#longText(value);
      return;
    }
    const from = this.at;
    this.#head(textString, length);
    const { bytes } = this;
    let at = this.at;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.at = from;
        this.#longText(value);
        return;
      }
      bytes[at++] = code;
    }
    this.at = at;
  }

  byteString(value: Uint8Array): void {
    this.#head(byteString, value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** What comes before `length` bytes that the caller puts there. */
  byteStringHead(length: number): void {
    this.#head(byteString, length);
  }

  /** Bytes that are CBOR already. */
  raw(value: Uint8Array): void {
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  #longText(value: string): void {
    const length = Buffer.byteLength(value);
    this.#head(textString, length);
    this.bytes.write(value, this.at, length, 'utf8');
    this.at += length;
  }

  #head(major: number, value: number): void {
    const { bytes, at } = this;
    const type = major << 5;
    if (value < 24) {
      bytes[at] = type | value;
      this.at = at + 1;
    } else if (value < 0x100) {
      bytes[at] = type | 24;
      bytes[at + 1] = value;
      this.at = at + 2;
    } else if (value < 0x10000) {
      bytes[at] = type | 25;
      bytes[at + 1] = value >>> 8;
      bytes[at + 2] = value;
      this.at = at + 3;
    } else this.#wideHead(type, value);
  }

  #wideHead(type: number, value: number): void {
    if (value < two32) {
      this.bytes[this.at++] = type | 26;
    } else {
      this.bytes[this.at++] = type | 27;
      this.#uint32(Math.floor(value / two32));
    }
    this.#uint32(value >>> 0);
  }

  #uint32(value: number): void {
    const { bytes, at } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.at = at + 4;
  }

  #bigHead(major: number, value: bigint): void {
    if (value <= Number.MAX_SAFE_INTEGER) {
      this.#head(major, Number(value));
      return;
    }
    this.bytes[this.at] = (major << 5) | 27;
    this.at = this.bytes.writeBigUInt64BE(value, this.at + 1);
  }

  #bignum(isNegative: boolean, rest: bigint): void {
    const hex = rest.toString(16);
    this.tag(isNegative ? 3 : 2);
    this.byteString(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
  }

  #float(value: number): void {
    this.raw(shortestFloat(value));
  }
}

/** The most bytes a text may take, its head included. */
export function textBytesMax(text: string): number {
  return text.length * 3 + 5;
}
