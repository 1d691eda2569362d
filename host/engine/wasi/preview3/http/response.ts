import { WitError } from '../../../linker.ts';
import { type Guest, Resource } from '../../preview2/guest.ts';
import type { ErrorCode } from '../../preview2/http/codes.ts';
import { type FieldLine, Fields, heldBytesOf, takeLines } from '../../preview2/http/fields.ts';
import type { IncomingResponse } from '../../preview2/http/responses.ts';
import type { GuestStream, Settled } from '../flow.ts';
import { type Consumed, Contents, type Trailers } from './contents.ts';
import { incomingBody } from './incoming.ts';

/** Where a response comes from: the guest, or a server. */
type Origin =
  | { readonly of: 'guest'; readonly lines: readonly FieldLine[]; readonly contents: Contents }
  | { readonly of: 'server'; readonly message: IncomingResponse };

let consume: (response: Response, outcome: PromiseLike<Settled<ErrorCode>>) => Consumed;

/** Resource `wasi:http/types.response` of WASI 0.3. */
export class Response extends Resource {
  readonly #guest: Guest;
  readonly #origin: Origin;
  #status: number;

  static {
    consume = (response, outcome) => response.#consume(outcome);
  }

  constructor(guest: Guest, origin: Origin) {
    const held = guest.held.open();
    if (origin.of === 'guest') held.resize(heldBytesOf(origin.lines));
    super(guest, () => {
      held.empty();
      if (origin.of === 'guest') origin.contents.drop();
      else origin.message[Symbol.dispose]();
    });
    this.#guest = guest;
    this.#origin = origin;
    this.#status = origin.of === 'guest' ? 200 : origin.message.status();
  }

  /** `new`, for one guest. */
  static made(
    guest: Guest,
    headers: Fields,
    stream: GuestStream<number> | undefined,
    trailers: PromiseLike<Trailers>,
  ): [Response, Promise<Settled<ErrorCode>>] {
    guest.budget.check();
    const contents = new Contents(guest, stream, trailers);
    return [new Response(guest, { of: 'guest', lines: takeLines(headers), contents }), contents.sent];
  }

  getStatusCode(): number {
    return this.#status;
  }

  /** @throws WitError for what is no status code */
  setStatusCode(status: number): void {
    if (status < 100 || status > 599) throw new WitError(undefined);
    this.#status = status;
  }

  getHeaders(): Fields {
    this.#guest.budget.check();
    const origin = this.#origin;
    return origin.of === 'server' ? origin.message.headers() : new Fields(this.#guest, origin.lines, false);
  }

  static consumeBody(response: Response, outcome: PromiseLike<Settled<ErrorCode>>): Consumed {
    return consume(response, outcome);
  }

  #consume(outcome: PromiseLike<Settled<ErrorCode>>): Consumed {
    this.#guest.budget.check();
    const origin = this.#origin;
    const consumed =
      origin.of === 'guest'
        ? origin.contents.consume(outcome)
        : incomingBody(this.#guest, origin.message.consume(), outcome);
    this[Symbol.dispose]();
    return consumed;
  }
}
