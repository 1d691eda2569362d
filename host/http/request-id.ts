import type { Random } from '../clock.ts';

const idCharsMax = 128;
const idPattern = /^[A-Za-z0-9._~:+/=-]+$/;

/** Names requests: the caller's own name when it is one, else a fresh one, unique beyond this process. */
export class RequestIds {
  readonly #prefix: string;
  #next = 0;

  constructor(random: Random) {
    this.#prefix = Buffer.from(random.fill(new Uint8Array(9))).toString('base64url');
  }

  of(given: string | string[] | undefined): string {
    if (typeof given === 'string' && given.length <= idCharsMax && idPattern.test(given)) return given;
    this.#next += 1;
    return `${this.#prefix}.${this.#next.toString(36)}`;
  }
}
