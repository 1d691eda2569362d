import type { Random } from '../clock.ts';
import { Serial } from '../ids/serial.ts';

const prefixBytes = 9;

/** Names for messages from outside, unique over restarts and hosts. */
export class MessageIds {
  readonly #serial: Serial;

  constructor(random: Random) {
    this.#serial = new Serial(
      `${Buffer.from(random.fill(new Uint8Array(prefixBytes))).toString('base64url')}-`,
    );
  }

  next(): string {
    return this.#serial.next();
  }
}
