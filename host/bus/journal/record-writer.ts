import { crc32 } from 'node:zlib';

const bytesAtFirst = 64 * 1024;
/** What a writer keeps when it is emptied; a burst's buffer is given back. */
const bytesKeptMax = 1024 * 1024;
const asciiCharsMax = 64;

/** Bytes of a record before its body: the body's length and its checksum. */
export const recordHeadBytes = 8;

/** Writes records one behind the other into one growing buffer: `u32 length, u32 crc32(body, salt), body`. */
export class RecordWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(bytesAtFirst);
  /** Bytes written so far. */
  length = 0;
  #start = 0;

  begin(): void {
    this.#start = this.length;
    this.#reserve(recordHeadBytes);
    this.length += recordHeadBytes;
  }

  /** Ends the record begun; `salt` seeds its checksum. */
  end(salt: number): void {
    const body = this.#start + recordHeadBytes;
    this.bytes.writeUInt32LE(this.length - body, this.#start);
    this.bytes.writeUInt32LE(crc32(this.bytes.subarray(body, this.length), salt), this.#start + 4);
  }

  /** Forgets everything from `length` on. */
  rewind(length: number): void {
    this.length = length;
    if (length === 0 && this.bytes.length > bytesKeptMax) this.bytes = Buffer.allocUnsafeSlow(bytesAtFirst);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.length = this.bytes.writeUInt16LE(value, this.length);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.length = this.bytes.writeUInt32LE(value, this.length);
  }

  u48(value: number): void {
    this.#reserve(6);
    this.length = this.bytes.writeUIntLE(value, this.length, 6);
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.length = this.bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.length);
  }

  f64(value: number): void {
    this.#reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  data(data: Uint8Array): void {
    this.u32(data.length);
    this.raw(data);
  }

  raw(data: Uint8Array): void {
    this.#reserve(data.length);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }

  text(text: string): void {
    this.#reserve(4 + text.length * 3);
    const from = this.length + 4;
    const length = this.#ascii(text, from) ? text.length : this.bytes.write(text, from, 'utf8');
    this.bytes.writeUInt32LE(length, this.length);
    this.length = from + length;
  }

  /** Short texts of ASCII, which names and subjects are, cost less written here than through the encoder. */
  #ascii(text: string, from: number): boolean {
    if (text.length > asciiCharsMax) return false;
    for (let index = 0; index < text.length; index++) {
      const char = text.charCodeAt(index);
      if (char > 0x7f) return false;
      this.bytes[from + index] = char;
    }
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
