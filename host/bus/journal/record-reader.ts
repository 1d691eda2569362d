/** Reads what `RecordWriter` wrote. Every method throws a `RangeError` beyond the end. */
export class RecordReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, from: number, end: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u48(): number {
    return this.#bytes.readUIntLE(this.#take(6), 6);
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** A copy: what it is read from is a whole segment, which it must not keep alive. */
  data(): Uint8Array<ArrayBuffer> {
    const length = this.u32();
    const from = this.#take(length);
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(from, from + length));
    return copy;
  }

  text(): string {
    const length = this.u32();
    const from = this.#take(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  #take(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#end) throw new RangeError('record ends early');
    this.#at = from + bytes;
    return from;
  }
}
