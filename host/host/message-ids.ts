import type { Random } from '../clock.ts';

const prefixBytes = 9;
/** More than a host will ever count. */
const countDigits = 9;

/**
 * Names for messages from outside, unique over restarts and hosts. All are of one length: an agent reads the name of
 * its message, and what that costs must not depend on how many messages came before.
 */
export class MessageIds {
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#prefix = Buffer.from(random.fill(new Uint8Array(prefixBytes))).toString('base64url');
  }

  next(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36).padStart(countDigits, '0')}`;
  }
}
