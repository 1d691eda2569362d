import type { Random } from '../clock.ts';

const prefixBytes = 9;

/** Names for messages from outside, unique over restarts and hosts. */
export class MessageIds {
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#prefix = Buffer.from(random.fill(new Uint8Array(prefixBytes))).toString('base64url');
  }

  next(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
