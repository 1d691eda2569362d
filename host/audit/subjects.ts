import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import type { SealedField } from './field.ts';

const magic = Buffer.from('MHSK1\0\0\0');
const keyBytes = 32;
const headBytes: number = magic.length + keyBytes;
/** A keyed hash of the person's name, then the key. All zeros: erased, or never used. */
const slotBytes = 64;
const nonceBytes = 12;
const tagBytes = 16;

export function subjectsPath(folder: string): string {
  return join(folder, 'subjects.keys');
}

/**
 * A key for each person that events are about. Whoever has the file can read personal fields; when a person's key is
 * overwritten, nobody can, and the chain still verifies.
 */
export class Subjects {
  readonly #fd: number;
  readonly #chain: Uint8Array;
  readonly #random: Random;
  readonly #salt: Buffer;
  readonly #slots = new Map<string, number>();
  readonly #keys = new Map<number, Uint8Array>();
  #next = 0;
  #unwritten: { readonly slot: number; readonly bytes: Buffer }[] = [];

  /** @throws HostError `HOST_ERR_AUDIT_CORRUPT` when the file is none, or others may read it; the system's error */
  constructor(folder: string, chain: Uint8Array, random: Random) {
    this.#chain = chain;
    this.#random = random;
    const path = subjectsPath(folder);
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    const { size, mode } = fstatSync(this.#fd);
    if ((mode & 0o077) !== 0) throw open(path);
    if (size === 0) this.#begin();
    this.#salt = this.#load(path);
  }

  /** Encrypts a value about `subject` with that person's key, which is made when it is the first. */
  seal(subject: string, value: CborValue): SealedField {
    const slot = this.#slotOf(subject);
    const nonce = this.#random.fill(new Uint8Array(nonceBytes));
    const cipher = createCipheriv('aes-256-gcm', this.#keys.get(slot) as Uint8Array, nonce);
    cipher.setAAD(contextOf(this.#chain, slot));
    const ciphertext = Buffer.concat([cipher.update(encodeCbor(value)), cipher.final(), cipher.getAuthTag()]);
    return { kind: 'sealed', slot, nonce, ciphertext };
  }

  /** Makes new keys durable: before anything is written that needs them. @throws the system's error */
  flush(): void {
    if (this.#unwritten.length === 0) return;
    for (const { slot, bytes } of this.#unwritten) writeSync(this.#fd, bytes, 0, slotBytes, offsetOf(slot));
    fdatasyncSync(this.#fd);
    this.#unwritten = [];
  }

  /**
   * Overwrites a person's key, and what says whose it was.
   * @returns the number of the key; undefined when the chain knows nothing of this person
   * @throws the system's error when the disk does not take it: then nothing is erased
   */
  forget(subject: string): number | undefined {
    const name = this.#nameOf(subject);
    const slot = this.#slots.get(name);
    if (slot === undefined) return undefined;
    this.flush();
    writeSync(this.#fd, Buffer.alloc(slotBytes), 0, slotBytes, offsetOf(slot));
    fdatasyncSync(this.#fd);
    this.#slots.delete(name);
    this.#keys.get(slot)?.fill(0);
    this.#keys.delete(slot);
    return slot;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #slotOf(subject: string): number {
    const name = this.#nameOf(subject);
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#next++;
    const key = this.#random.fill(new Uint8Array(keyBytes));
    this.#slots.set(name, slot);
    this.#keys.set(slot, key);
    this.#unwritten.push({ slot, bytes: Buffer.concat([Buffer.from(name, 'base64'), key]) });
    return slot;
  }

  #nameOf(subject: string): string {
    return createHmac('sha256', this.#salt).update(subject).digest('base64');
  }

  #begin(): void {
    const salt = this.#random.fill(new Uint8Array(keyBytes));
    writeSync(this.#fd, Buffer.concat([magic, salt]), 0, headBytes, 0);
    fdatasyncSync(this.#fd);
  }

  #load(path: string): Buffer {
    const { size } = fstatSync(this.#fd);
    const bytes = Buffer.alloc(size);
    readSync(this.#fd, bytes, 0, size, 0);
    if (!bytes.subarray(0, magic.length).equals(magic)) throw noKeys(path);
    for (const { slot, name, key } of slotsOf(bytes)) {
      this.#next = slot + 1;
      if (name === undefined) continue;
      this.#slots.set(name, slot);
      this.#keys.set(slot, key);
    }
    return bytes.subarray(magic.length, headBytes);
  }
}

interface Slot {
  readonly slot: number;
  readonly name: string | undefined;
  readonly key: Uint8Array;
}

function* slotsOf(bytes: Buffer): Generator<Slot> {
  for (let slot = 0; offsetOf(slot) < bytes.length; slot++) {
    const raw = bytes.subarray(offsetOf(slot), offsetOf(slot) + slotBytes);
    const isUsed = raw.some((byte) => byte !== 0);
    yield {
      slot,
      name: isUsed ? raw.toString('base64', 0, keyBytes) : undefined,
      key: Uint8Array.prototype.slice.call(raw, keyBytes),
    };
  }
}

function offsetOf(slot: number): number {
  return headBytes + slot * slotBytes;
}

/** For those who may read what events say about people. */
export interface PersonalReader {
  /** The value; undefined when its key was erased. @throws the cipher's error when it was changed */
  read(field: SealedField): CborValue | 'erased';
}

/** Reads the keys once. @throws the system's error */
export function personalReader(folder: string, chain: Uint8Array): PersonalReader {
  const keys = new Map<number, Uint8Array>();
  for (const { slot, name, key } of slotsOf(readFileSync(subjectsPath(folder))))
    if (name !== undefined) keys.set(slot, key);
  return {
    read: ({ slot, nonce, ciphertext }) => {
      const key = keys.get(slot);
      if (key === undefined) return 'erased';
      const decipher = createDecipheriv('aes-256-gcm', key, nonce);
      decipher.setAAD(contextOf(chain, slot));
      decipher.setAuthTag(ciphertext.subarray(-tagBytes));
      return decodeCbor(
        Buffer.concat([decipher.update(ciphertext.subarray(0, -tagBytes)), decipher.final()]),
      );
    },
  };
}

function contextOf(chain: Uint8Array, slot: number): Buffer {
  return Buffer.concat([Buffer.from('motehost/audit/personal\0'), encodeCbor([chain, slot])]);
}

function open(path: string): HostError {
  const message = `others than its owner may read ${path}, which holds the keys to what is said about people; chmod 600 ${path}`;
  return new HostError('HOST_ERR_AUDIT_CORRUPT', message, { path });
}

function noKeys(path: string): HostError {
  const message = `${path} is not a file of keys; restore it: without it nothing that is said about people can be read`;
  return new HostError('HOST_ERR_AUDIT_CORRUPT', message, { path });
}
