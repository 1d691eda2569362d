import type { Random } from '../clock.ts';
import { Serial } from '../ids/serial.ts';

const idCharsMax = 128;
const idPattern = /^[A-Za-z0-9._~:+/=-]+$/;

/** Names requests: the caller's own name when it is one, else a fresh one, unique beyond this process. */
export class RequestIds {
  readonly #fresh: Serial;

  constructor(random: Random) {
    this.#fresh = new Serial(`${Buffer.from(random.fill(new Uint8Array(9))).toString('base64url')}.`);
  }

  of(given: string | string[] | undefined): string {
    if (typeof given === 'string' && given.length <= idCharsMax && idPattern.test(given)) return given;
    return this.#fresh.next();
  }
}
