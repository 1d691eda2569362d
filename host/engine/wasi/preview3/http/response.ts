import type { ServerResponse } from 'node:http';
import { WitError } from '../../../linker.ts';
import { type Guest, Resource } from '../../preview2/guest.ts';
import type { ErrorCode } from '../../preview2/http/codes.ts';
import { contentLength, type FieldLine, Fields, heldBytesOf, takeLines } from '../../preview2/http/fields.ts';
import { BodyTransfer } from '../../preview2/http/outgoing-body.ts';
import { setLines } from '../../preview2/http/requests.ts';
import type { IncomingResponse } from '../../preview2/http/responses.ts';
import type { GuestStream, Settled } from '../flow.ts';
import { type Consumed, Contents, type Trailers } from './contents.ts';
import { incomingBody, pulled } from './incoming.ts';

/** Where a response comes from: the guest, or a server. */
type Origin =
  | { readonly of: 'guest'; readonly lines: readonly FieldLine[]; readonly contents: Contents }
  | { readonly of: 'server'; readonly message: IncomingResponse };

let consume: (response: Response, outcome: PromiseLike<Settled<ErrorCode>>) => Consumed;
let send: (response: Response, to: ServerResponse) => Promise<Settled<ErrorCode>>;

/** A status with which an answer ends; others only announce one. */
const finalStatusMin = 200;

/** Resource `wasi:http/types.response` of WASI 0.3. */
export class Response extends Resource {
  readonly #guest: Guest;
  readonly #origin: Origin;
  #status: number;

  static {
    consume = (response, outcome) => response.#consume(outcome);
    send = (response, to) => response.#send(to);
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
        : incomingBody(this.#guest, origin.message.consume());
    // A server is not told what the guest made of its answer: HTTP/1.1 has no words for that.
    if (origin.of === 'server') outcome.then(nothing, nothing);
    this[Symbol.dispose]();
    return consumed;
  }

  #send(to: ServerResponse): Promise<Settled<ErrorCode>> {
    this.#guest.budget.check();
    const { lines, contents } = this.#parts();
    to.statusCode = this.#status < finalStatusMin ? 500 : this.#status;
    setLines(to, lines);
    if (contents.isEmpty) {
      to.end();
      contents.send(undefined);
    } else {
      const transfer = new BodyTransfer(this.#guest, 'HTTP-response-body-size', contentLength(lines));
      to.flushHeaders();
      transfer.attach(to);
      contents.send(transfer);
    }
    this[Symbol.dispose]();
    return contents.sent;
  }

  /** One that came from a server goes on as it comes. */
  #parts(): { readonly lines: readonly FieldLine[]; readonly contents: Contents } {
    const origin = this.#origin;
    if (origin.of === 'guest') return origin;
    const lines = takeLines(origin.message.headers());
    const [stream, trailers] = incomingBody(this.#guest, origin.message.consume());
    return { lines, contents: new Contents(this.#guest, pulled(stream), trailers) };
  }
}

/** Answers a client with a response that a guest gave away; resolves when all of it is on its way, or what was wrong with it. */
export function respond(response: Response, to: ServerResponse): Promise<Settled<ErrorCode>> {
  return send(response, to);
}

const nothing = (): void => {};
