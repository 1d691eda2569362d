import { createSecretKey, type KeyObject } from 'node:crypto';
import { derive } from './host-secret.ts';

const noSalt = new Uint8Array(0);

/**
 * The keys of one direction of a session, one an epoch. Each step forgets the secret before it: who learns the key of
 * an epoch reads nothing of those before.
 */
export class KeyChain {
  #secret: Uint8Array;
  #epoch = 0;

  /** @param secret 32 bytes, of the first epoch; kept */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The key of the current epoch. */
  key(): KeyObject {
    return keyOf(this.#secret);
  }

  /** The key of a later epoch, without going there. */
  keyAhead(epoch: number): KeyObject {
    let secret = this.#secret;
    for (let at = this.#epoch; at < epoch; at++) secret = next(secret);
    return keyOf(secret);
  }

  advance(epoch: number): void {
    for (; this.#epoch < epoch; this.#epoch++) {
      const secret = next(this.#secret);
      this.#secret.fill(0);
      this.#secret = secret;
    }
  }
}

function next(secret: Uint8Array): Uint8Array {
  return derive(secret, noSalt, 'motehost/session/next');
}

function keyOf(secret: Uint8Array): KeyObject {
  const bytes = derive(secret, noSalt, 'motehost/session/key');
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
