import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { recordBytesMax } from './chain-hash.ts';
import { beginsSeal, decodeSeal, type SignedSeal } from './seal.ts';
import { decodeHeader, headerBytesMax, type SegmentHeader } from './segment.ts';

/** What `next` came to; `malformed` is nothing the chain's writer writes, `torn` begins as an entry and ends too early. */
export type Entry = 'event' | 'seal' | 'end' | 'torn' | 'malformed';

const chunkBytes = 1 << 18;
const entryBytesMax = recordBytesMax + 512;
export const checkBytes = 4;

/** Reads a segment file entry by entry, without making an object for each. */
export class SegmentReader {
  readonly path: string;
  readonly fileBytes: number;
  /** Of the last entry. */
  entryOffset = 0;
  entryBytes = 0;
  /** The record of the last event: `bytes[recordAt]`, good until `next`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(chunkBytes + entryBytesMax);
  recordAt = 0;
  recordBytes = 0;
  checkAt = 0;
  /** The last seal. */
  seal: SignedSeal | undefined;
  readonly #fd: number;
  #at = 0;
  #filled = 0;
  #fileAt: number;

  /** @throws the system's error */
  constructor(path: string, offset = 0) {
    this.path = path;
    this.#fd = openSync(path, 'r');
    this.fileBytes = fstatSync(this.#fd).size;
    this.#fileAt = offset;
  }

  /** Where the next entry begins. */
  get offset(): number {
    return this.#fileAt - (this.#filled - this.#at);
  }

  /** The header, and its bytes; undefined when there is none. Called first. */
  header(): { readonly header: SegmentHeader; readonly bytes: Uint8Array } | undefined {
    this.#fill();
    const length = this.#itemLength(0, Math.min(this.#filled, headerBytesMax));
    if (length === undefined) return undefined;
    const bytes = Uint8Array.prototype.slice.call(this.bytes, 0, length);
    const header = decodeHeader(bytes);
    if (header === undefined) return undefined;
    this.#at = length;
    return { header, bytes };
  }

  next(): Entry {
    if (this.#filled - this.#at < entryBytesMax) this.#fill();
    this.entryOffset = this.offset;
    const left = this.#filled - this.#at;
    if (left === 0) return 'end';
    if (beginsSeal(this.bytes, this.#at)) return this.#readSeal();
    return this.#readEvent(left);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** `[check, record]`: 82 44 check, then a byte string with its shortest head. */
  #readEvent(left: number): Entry {
    const { bytes } = this;
    const at = this.#at;
    if (bytes[at] !== 0x82 || (left > 1 && bytes[at + 1] !== 0x44)) return 'malformed';
    const headAt = at + 2 + checkBytes;
    if (left < 3 + checkBytes) return 'torn';
    const head = bytes[headAt] as number;
    // Bytes behind the last one read are left from before.
    if (left < 3 + checkBytes + (head === 0x58 ? 1 : head === 0x59 ? 2 : 0)) return 'torn';
    let length = head - 0x40;
    let from = headAt + 1;
    if (head === 0x58) {
      length = bytes[headAt + 1] as number;
      from = headAt + 2;
    } else if (head === 0x59) {
      length = ((bytes[headAt + 1] as number) << 8) | (bytes[headAt + 2] as number);
      from = headAt + 3;
    } else if (head < 0x40 || head > 0x57) return 'malformed';
    if (length > recordBytesMax || length < (head === 0x58 ? 24 : head === 0x59 ? 256 : 0))
      return 'malformed';
    if (from + length > this.#filled) return 'torn';
    this.checkAt = at + 2;
    this.recordAt = from;
    this.recordBytes = length;
    this.#at = from + length;
    this.entryBytes = this.#at - at;
    return 'event';
  }

  #readSeal(): Entry {
    const length = this.#itemLength(this.#at, this.#filled);
    if (length === undefined) return this.#filled - this.#at < 1024 ? 'torn' : 'malformed';
    const seal = decodeSeal(this.bytes.subarray(this.#at, this.#at + length));
    if (seal === undefined) return 'malformed';
    this.seal = seal;
    this.#at += length;
    this.entryBytes = length;
    return 'seal';
  }

  /** Bytes of the flat array of CBOR items at `at`; undefined when it is none or does not end before `end`. */
  #itemLength(at: number, end: number): number | undefined {
    const { bytes } = this;
    const items = (bytes[at] ?? 0) - 0x80;
    if (items < 1 || items > 16) return undefined;
    let next = at + 1;
    for (let item = 0; item < items; item++) {
      const initial = bytes[next] ?? 0;
      const info = initial & 31;
      if (info > 27) return undefined;
      const width = info < 24 ? 0 : 2 ** (info - 24);
      let value = info;
      if (width > 0) value = 0;
      for (let index = 1; index <= width; index++) value = value * 256 + (bytes[next + index] ?? 0);
      const major = initial >> 5;
      next += 1 + width + (major === 2 || major === 3 ? value : 0);
      if (next > end) return undefined;
    }
    return next - at;
  }

  #fill(): void {
    this.bytes.copyWithin(0, this.#at, this.#filled);
    this.#filled -= this.#at;
    this.#at = 0;
    while (this.#filled < entryBytesMax) {
      const read = readSync(
        this.#fd,
        this.bytes,
        this.#filled,
        this.bytes.length - this.#filled,
        this.#fileAt,
      );
      if (read === 0) break;
      this.#filled += read;
      this.#fileAt += read;
    }
  }
}
