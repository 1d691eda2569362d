import { WitError } from '../../../linker.ts';
import { type Guest, Resource } from '../../preview2/guest.ts';
import type { Timeouts } from '../../preview2/http/requests.ts';

const noTimeouts: Timeouts = { connectNs: undefined, firstByteNs: undefined, betweenBytesNs: undefined };

let timeoutsOf: (options: RequestOptions) => Timeouts;

/** Resource `wasi:http/types.request-options` of WASI 0.3: all three timeouts are kept. */
export class RequestOptions extends Resource {
  readonly #guest: Guest;
  readonly #isMutable: boolean;
  #timeouts: Timeouts;

  static {
    timeoutsOf = (options) => options.#timeouts;
  }

  constructor(guest: Guest, timeouts: Timeouts = noTimeouts, isMutable = true) {
    super(guest);
    this.#guest = guest;
    this.#timeouts = timeouts;
    this.#isMutable = isMutable;
  }

  getConnectTimeout(): bigint | undefined {
    return this.#timeouts.connectNs;
  }

  setConnectTimeout(connectNs: bigint | undefined): void {
    this.#set({ connectNs });
  }

  getFirstByteTimeout(): bigint | undefined {
    return this.#timeouts.firstByteNs;
  }

  setFirstByteTimeout(firstByteNs: bigint | undefined): void {
    this.#set({ firstByteNs });
  }

  getBetweenBytesTimeout(): bigint | undefined {
    return this.#timeouts.betweenBytesNs;
  }

  setBetweenBytesTimeout(betweenBytesNs: bigint | undefined): void {
    this.#set({ betweenBytesNs });
  }

  clone(): RequestOptions {
    this.#guest.budget.check();
    return new RequestOptions(this.#guest, this.#timeouts);
  }

  /** @throws WitError `immutable` for options that a request has already */
  #set(changed: Partial<Timeouts>): void {
    if (!this.#isMutable) throw new WitError({ tag: 'immutable' });
    this.#timeouts = { ...this.#timeouts, ...changed };
  }
}

/** Reads options that the guest gave away. */
export function takeOptions(options: RequestOptions): Timeouts {
  options[Symbol.dispose]();
  return timeoutsOf(options);
}
