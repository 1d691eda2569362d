import { hash } from 'node:crypto';
import { eventBytesMax } from './field.ts';

export const hashBytes = 32;

/** Sealed personal fields make a record longer than its event was. */
export const recordBytesMax: number = eventBytesMax + 4_096;

/**
 * The links of a chain: `h = SHA-256(0x00 ‖ h before ‖ record)`. That is the leaf hash of RFC 6962 over
 * `h before ‖ record`, so the same value is a link and a leaf of its batch's tree.
 */
export class ChainHash {
  readonly #input: Buffer = Buffer.alloc(1 + hashBytes + recordBytesMax);

  /** The last link, where it stands in the input of the next. */
  readonly #last: Buffer = this.#input.subarray(1, 1 + hashBytes);

  constructor(from: Uint8Array) {
    this.set(from);
  }

  set(link: Uint8Array): void {
    this.#input.set(link, 1);
  }

  /** Adds the record at `bytes[from]`. @returns its link, whose bytes the next call overwrites */
  add(bytes: Uint8Array, from: number, length: number): Buffer {
    writeSha256(this.#inputOf(bytes, from, length), this.#last, 0);
    return this.#last;
  }

  /** What `add` would return; it stays. */
  peek(bytes: Uint8Array, from: number, length: number): Buffer {
    return sha256(this.#inputOf(bytes, from, length));
  }

  #inputOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
    const input = this.#input;
    if (Buffer.isBuffer(bytes)) bytes.copy(input, 1 + hashBytes, from, from + length);
    else input.set(bytes.subarray(from, from + length), 1 + hashBytes);
    return new Uint8Array(input.buffer, input.byteOffset, 1 + hashBytes + length);
  }

  /** The last link. */
  get link(): Buffer {
    return Buffer.from(this.#input.subarray(1, 1 + hashBytes));
  }
}

/** As `sha256`, into a place that is there: as text between costs half of what a buffer of its own does. */
export function writeSha256(bytes: Uint8Array, out: Buffer, at: number): void {
  out.write(hash('sha256', bytes, 'latin1'), at, hashBytes, 'latin1');
}

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** The link before the first event of a chain. */
export function genesisLink(chain: Uint8Array): Buffer {
  return sha256(Buffer.concat([Buffer.from('motehost/audit/genesis\0'), chain]));
}
