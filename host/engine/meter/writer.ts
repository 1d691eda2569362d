const utf8 = new TextEncoder();
/** Copies up to this long go byte by byte, which is faster than a typed-array call. */
const shortCopyBytesMax = 48;

/** A growing byte buffer. */
export class Writer {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacityBytes: number = 256) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    if (this.length >= this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  u64(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }

  /** Signed LEB128 of an integer within the safe range. */
  signed(value: number): void {
    let rest = value;
    while (rest < -0x40 || rest >= 0x40) {
      const low = rest - Math.floor(rest / 0x80) * 0x80;
      this.byte(low | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest & 0x7f);
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    if (count > shortCopyBytesMax) {
      this.bytes.set(source.subarray(start, end), this.length);
      this.length += count;
      return;
    }
    const target = this.bytes;
    let to = this.length;
    for (let from = start; from < end; from += 1) target[to++] = source[from] as number;
    this.length = to;
  }

  append(other: Writer): void {
    this.copy(other.bytes, 0, other.length);
  }

  raw(...values: readonly number[]): void {
    for (const value of values) this.byte(value);
  }

  name(text: string): void {
    const encoded = utf8.encode(text);
    this.u32(encoded.length);
    this.copy(encoded, 0, encoded.length);
  }

  /** Leaves room for a size written later by `closeSized`; returns where the sized part starts. */
  openSized(): number {
    this.reserve(5);
    this.length += 5;
    return this.length;
  }

  /** Writes the size of what was written since `openSized` in front of it, moving it down over the unused room. */
  closeSized(start: number): number {
    const size = this.length - start;
    const sizeBytes = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x200000 ? 3 : size < 0x10000000 ? 4 : 5;
    const moved = start - 5 + sizeBytes;
    this.bytes.copyWithin(moved, start, this.length);
    this.length = start - 5;
    this.u32(size);
    this.length += size;
    return moved;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}
