/** The whole numbers a header or statement may hold: exact in a double. */
export const wholeMax: number = Number.MAX_SAFE_INTEGER;

/**
 * Writes the one form everything signed or sealed has: numbers big-endian, of fixed width; texts UTF-8 and byte
 * strings behind their length. Two different values never have the same bytes (docs/identity.md).
 */
export class BytesWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(bytesHint = 256) {
    this.#bytes = Buffer.allocUnsafe(bytesHint);
  }

  get length(): number {
    return this.#length;
  }

  /** Begins anew, in the memory it has: what `view` gave before is overwritten. */
  reset(): this {
    this.#length = 0;
    return this;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  /** A whole number up to `wholeMax`, in eight bytes. */
  u64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#bytes.writeUInt32BE(value >>> 0, at + 4);
    return this;
  }

  /** Bytes as they are: of a length both sides know. */
  raw(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** UTF-8 behind its length in two bytes. The caller has seen to it that it fits: at most 21,845 characters. */
  text(value: string): this {
    // Three bytes a character at most; the length is known after writing.
    const at = this.#room(2 + value.length * 3);
    const written = this.#bytes.write(value, at + 2);
    this.#bytes.writeUInt16BE(written, at);
    this.#length = at + 2 + written;
    return this;
  }

  /** Bytes behind their length in four bytes. */
  block(value: Uint8Array): this {
    return this.u32(value.length).raw(value);
  }

  /** What was written, in this writer's own memory: good until the next write or reset. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, in memory of its own. */
  take(): Uint8Array<ArrayBuffer> {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length) as Uint8Array<ArrayBuffer>;
  }

  #room(bytes: number): number {
    const at = this.#length;
    const needed = at + bytes;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }
}

/**
 * Reads what `BytesWriter` writes, out of bytes nobody vouches for. Nothing throws: after a step beyond the end, or
 * over a text that is not UTF-8 in its only form, `isGood` is false and every value is empty.
 */
export class BytesReader {
  readonly #bytes: Buffer;
  #at = 0;
  #isGood = true;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  get isGood(): boolean {
    return this.#isGood;
  }

  /** Whether all was good and nothing is left. */
  get isDone(): boolean {
    return this.#isGood && this.#at === this.#bytes.length;
  }

  u8(): number {
    const at = this.#step(1);
    return at < 0 ? 0 : (this.#bytes[at] ?? 0);
  }

  u16(): number {
    const at = this.#step(2);
    return at < 0 ? 0 : this.#bytes.readUInt16BE(at);
  }

  u32(): number {
    const at = this.#step(4);
    return at < 0 ? 0 : this.#bytes.readUInt32BE(at);
  }

  u64(): number {
    const at = this.#step(8);
    if (at < 0) return 0;
    const value = this.#bytes.readUInt32BE(at) * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4);
    if (value <= wholeMax) return value;
    this.#isGood = false;
    return 0;
  }

  /** In the memory that is read. */
  raw(length: number): Uint8Array {
    const at = this.#step(length);
    return this.#bytes.subarray(at < 0 ? 0 : at, at < 0 ? 0 : at + length);
  }

  text(): string {
    const length = this.u16();
    const at = this.#step(length);
    if (at < 0) return '';
    const text = this.#bytes.toString('utf8', at, at + length);
    // Bytes that are no UTF-8 become U+FFFD, which writes back as other bytes, or as more of them.
    if (!text.includes('\uFFFD') || this.#bytes.subarray(at, at + length).equals(Buffer.from(text)))
      return text;
    this.#isGood = false;
    return '';
  }

  block(): Uint8Array {
    return this.raw(this.u32());
  }

  #step(length: number): number {
    const at = this.#at;
    if (!this.#isGood || at + length > this.#bytes.length) {
      this.#isGood = false;
      return -1;
    }
    this.#at = at + length;
    return at;
  }
}
