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

  constructor(from: Uint8Array) {
    this.set(from);
  }

  set(link: Uint8Array): void {
    this.#input.set(link, 1);
  }

  /** Adds the record at `bytes[from]`. @returns its link */
  add(bytes: Uint8Array, from: number, length: number): Buffer {
    const link = this.peek(bytes, from, length);
    this.#input.set(link, 1);
    return link;
  }

  /** What `add` would return. */
  peek(bytes: Uint8Array, from: number, length: number): Buffer {
    this.#input.set(bytes.subarray(from, from + length), 1 + hashBytes);
    return hash('sha256', this.#input.subarray(0, 1 + hashBytes + length), 'buffer');
  }

  /** The last link. */
  get link(): Buffer {
    return Buffer.from(this.#input.subarray(1, 1 + hashBytes));
  }
}

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** The link before the first event of a chain. */
export function genesisLink(chain: Uint8Array): Buffer {
  return sha256(Buffer.concat([Buffer.from('motehost/audit/genesis\0'), chain]));
}
