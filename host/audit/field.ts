import type { fieldNames, Kind } from './kinds.ts';

/** What a field of an event may be. Numbers need not be whole; text of any length (see `fieldBytesMax`). */
export type Field =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | readonly string[]
  | Personal
  | Digest;

/** One field for each name of the kind; `null` for what is not known. */
export type FieldsOf<K extends Kind> = Filled<(typeof fieldNames)[K]>;

type Filled<Names extends readonly unknown[]> = { readonly [Index in keyof Names]: Field };

/** UTF-8 or raw bytes of one field; a longer one is recorded by its length and SHA-256. */
export const fieldBytesMax = 8_192;
/** Bytes of one event. */
export const eventBytesMax = 32_768;

/**
 * Marks a field as about a person: it is on the chain sealed with that person's key, and unreadable for ever once
 * the key is erased, while the chain still verifies.
 */
export class Personal {
  /** Who it is about, as the host's owner names people: an account, a patient number. */
  readonly subject: string;
  readonly value: string | Uint8Array;

  constructor(subject: string, value: string | Uint8Array) {
    this.subject = subject;
    this.value = value;
  }
}

/** Bytes beyond which the thread that records takes the digest itself: moving them would cost more. */
export const digestBytesMax = 1_024;

/** Marks a field as the SHA-256 of these bytes; the chain's thread computes it. The pen copies them at once. */
export class Digest {
  bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** As `Personal`, after its way over the chain. */
export interface SealedField {
  readonly kind: 'sealed';
  /** The number of the person's key in `subjects.keys`. */
  readonly slot: number;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** A field that was longer than `fieldBytesMax`. */
export interface LongField {
  readonly kind: 'long';
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

/** A field as it is read. Whole numbers beyond 2^53 are bigints. */
export type ReadField =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | readonly ReadField[]
  | SealedField
  | LongField;
