import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Random } from '../clock.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import type { SealedField } from './field.ts';
import { SubjectFile, type SubjectKey, type SubjectsSeal, subjectKeys } from './subject-file.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * A key for each person that events are about. Whoever has the file and the host's secret can read personal fields;
 * when a person's key is overwritten, nobody can, and the chain still verifies.
 */
export class Subjects {
  readonly #file: SubjectFile;
  readonly #chain: Uint8Array;
  readonly #random: Random;
  readonly #slots = new Map<string, number>();
  readonly #keys = new Map<number, Uint8Array>();
  #next = 0;
  #unwritten: { readonly slot: number; readonly content: SubjectKey }[] = [];

  /** @throws as `SubjectFile` */
  constructor(folder: string, chain: Uint8Array, seal: SubjectsSeal, random: Random) {
    this.#chain = chain;
    this.#random = random;
    this.#file = new SubjectFile(folder, chain, seal, random);
    this.#next = this.#file.found.length;
    for (const [slot, content] of this.#file.found.entries()) {
      if (content === undefined) continue;
      this.#slots.set(Buffer.from(content.name).toString('base64'), slot);
      this.#keys.set(slot, content.key);
    }
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
    for (const { slot, content } of this.#unwritten) this.#file.write(slot, content);
    this.#file.sync();
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
    this.#file.erase(slot);
    this.#slots.delete(name);
    this.#keys.get(slot)?.fill(0);
    this.#keys.delete(slot);
    return slot;
  }

  close(): void {
    this.#file.close();
  }

  #slotOf(subject: string): number {
    const name = this.#nameOf(subject);
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#next++;
    const key = this.#random.fill(new Uint8Array(keyBytes));
    this.#slots.set(name, slot);
    this.#keys.set(slot, key);
    this.#unwritten.push({ slot, content: { name: Buffer.from(name, 'base64'), key } });
    return slot;
  }

  #nameOf(subject: string): string {
    return createHmac('sha256', this.#file.salt).update(subject).digest('base64');
  }
}

/** For those who may read what events say about people. */
export interface PersonalReader {
  /** The value; undefined when its key was erased. @throws the cipher's error when it was changed */
  read(field: SealedField): CborValue | 'erased';
}

/** Reads the keys once. @param key as in `SubjectsSeal` @throws as `subjectKeys` */
export function personalReader(folder: string, chain: Uint8Array, key: Uint8Array): PersonalReader {
  const keys = subjectKeys(folder, chain, key);
  return {
    read: ({ slot, nonce, ciphertext }) => {
      const held = keys[slot];
      if (held === undefined) return 'erased';
      const decipher = createDecipheriv('aes-256-gcm', held.key, nonce);
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
