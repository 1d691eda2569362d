import { spellings } from '../../spelling.ts';
import { checksum } from './checksum.ts';

const bytesAtFirst = 64 * 1024;
/** What a writer keeps when it is emptied; a burst's buffer is given back. */
const bytesKeptMax = 1024 * 1024;
/** Up to here a text costs less written character by character than by a call. */
const loopCharsMax = 16;

/** Bytes of a record before its body: the body's length and its checksum. */
export const recordHeadBytes = 8;

/** Writes records one behind the other into one growing buffer: `u32 length, u32 crc32(body, salt), body`. */
export class RecordWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(bytesAtFirst);
  #view: DataView = viewOf(this.bytes);
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
    this.#view.setUint32(this.#start, this.length - body, true);
    const crc = checksum(this.bytes, this.#view, body, this.length, salt);
    this.#view.setUint32(this.#start + 4, crc, true);
  }

  /** Forgets everything from `length` on. */
  rewind(length: number): void {
    this.length = length;
    if (length === 0 && this.bytes.length > bytesKeptMax) this.#use(Buffer.allocUnsafeSlow(bytesAtFirst));
  }

  u8(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  u48(value: number): void {
    this.#reserve(6);
    const high = Math.floor(value / 2 ** 32);
    this.#view.setUint32(this.length, value - high * 2 ** 32, true);
    this.#view.setUint16(this.length + 4, high, true);
    this.length += 6;
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.length, value, true);
    this.length += 8;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
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
    this.#view.setUint32(this.length, length, true);
    this.length = from + length;
  }

  #ascii(text: string, from: number): boolean {
    const { latest } = spellings;
    if (text === latest.text) {
      const { bytes } = this;
      for (let index = 0; index < latest.bytes.length; index++)
        bytes[from + index] = latest.bytes[index] as number;
      return true;
    }
    if (text.length > loopCharsMax) return false;
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
    this.#use(grown);
  }

  #use(bytes: Buffer): void {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
