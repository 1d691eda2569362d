import { malformed } from './refusal.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A bounded cursor over module bytes. Every read past `end` or out of LEB128's limits is `HOST_ERR_MODULE_MALFORMED`. */
export class Reader {
  readonly bytes: Uint8Array;
  pos: number;
  readonly end: number;
  /** How many types there are: a reference to another one is malformed (the rewritten module will have more). */
  typeCount: number = Number.MAX_SAFE_INTEGER;

  constructor(bytes: Uint8Array, pos: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
  }

  get done(): boolean {
    return this.pos >= this.end;
  }

  byte(): number {
    const value = this.pos < this.end ? this.bytes[this.pos] : undefined;
    if (value === undefined) throw malformed('unexpected end', this.pos);
    this.pos += 1;
    return value;
  }

  peek(): number {
    const value = this.pos < this.end ? this.bytes[this.pos] : undefined;
    if (value === undefined) throw malformed('unexpected end', this.pos);
    return value;
  }

  /** Unsigned LEB128, at most 32 bits in at most 5 bytes. */
  u32(): number {
    const start = this.pos;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed('an integer out of range', start);
  }

  /** Unsigned LEB128, at most 64 bits in at most 10 bytes. */
  u64(): bigint {
    const start = this.pos;
    let value = 0n;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      if (shift === 63 && byte > 1) break;
      value |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) return value;
    }
    throw malformed('an integer out of range', start);
  }

  /** Signed LEB128 of at most `bits` (32, 33 or 64) as a number; 64-bit values lose precision beyond 2^53. */
  signed(bits: number): number {
    const start = this.pos;
    let value = 0;
    for (let shift = 0; shift < bits; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw malformed('an integer out of range', start);
  }

  skip(count: number): void {
    if (count > this.end - this.pos) throw malformed('unexpected end', this.end);
    this.pos += count;
  }

  /** A length-prefixed UTF-8 name. */
  name(): string {
    const length = this.u32();
    const start = this.pos;
    this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(start, this.pos));
    } catch {
      throw malformed('a name that is not UTF-8', start);
    }
  }

  /** A vector's count; every element takes at least a byte, so a larger count is malformed before anything is allocated. */
  count(): number {
    const start = this.pos;
    const count = this.u32();
    if (count > this.end - this.pos) throw malformed('a count larger than its section', start);
    return count;
  }

  /** Must stand exactly at the end. */
  finish(what: string): void {
    if (this.pos !== this.end) throw malformed(`${what} that does not fill its size`, this.pos);
  }
}
