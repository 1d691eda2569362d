import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../../../clock.ts';
import { WitError } from '../../../linker.ts';
import { Trap } from '../../../trap.ts';
import type { Failure } from '../error.ts';
import { type Guest, Resource } from '../guest.ts';
import { ReadableSource } from '../node-streams.ts';
import { pacedSource } from '../paced-streams.ts';
import { Pollable } from '../poll.ts';
import { systemCode } from '../reach.ts';
import { Arrival } from '../readiness.ts';
import { InputStream } from '../streams.ts';
import { type ErrorCode, HttpFault, httpCode, httpFailure } from './codes.ts';
import { Fields, linesFrom } from './fields.ts';

/** Bytes of a response's header section. */
export const headerBytesMax = 131_072;
/** What Node reads ahead of an unread body, and the message itself. */
const messageBytes = 131_072;
/** What a string costs beside its characters. */
const textBytes = 32;

/** What an incoming message that is kept costs the host. */
export function incomingBytes({ message, requestBytes }: Incoming): number {
  const texts = [...message.rawHeaders, ...message.rawTrailers];
  return texts.reduce((sum, text) => sum + text.length + textBytes, messageBytes + requestBytes);
}

/** A `result` inside a value. */
export type Result<T, E> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val: E };

/** An incoming message on its way into the guest, with what to do when nobody wants it any more. */
export interface Incoming {
  readonly message: IncomingMessage;
  /** Milliseconds a waiting guest is kept waiting for more of the body; undefined means for ever. */
  readonly betweenBytesMs: number | undefined;
  readonly clock: Clock;
  /** What the request costs the host, which Node keeps with its response; 0 where the guest serves. */
  readonly requestBytes: number;
  /** Ends the exchange; harmless after its natural end. */
  abandon(): void;
}

/** A body whose sender may not fall silent while the guest waits. */
class BodySource extends ReadableSource {
  readonly #incoming: Incoming;

  constructor(incoming: Incoming) {
    super(incoming.message, bodyFailure);
    this.#incoming = incoming;
  }

  override onChange(wake: () => void): () => void {
    const undo = super.onChange(wake);
    const { betweenBytesMs, clock } = this.#incoming;
    if (betweenBytesMs === undefined) return undo;
    const timer = new AbortController();
    clock.sleep(betweenBytesMs, timer.signal).then(
      () => this.fail(httpFailure(new HttpFault({ tag: 'connection-read-timeout' }))),
      () => {},
    );
    return () => {
      timer.abort();
      undo();
    };
  }
}

let finishBody: (body: IncomingBody) => FutureTrailers;

/** Resource `wasi:http/types.incoming-body`. */
export class IncomingBody extends Resource {
  readonly #guest: Guest;
  readonly #incoming: Incoming;
  readonly #source: BodySource;
  #stream: 'none' | 'open' | 'dropped' = 'none';
  #isFinished = false;

  static {
    finishBody = (body) => body.#finish();
  }

  constructor(guest: Guest, incoming: Incoming) {
    const held = guest.held.open();
    held.resize(incomingBytes(incoming));
    super(guest, (self) => {
      held.empty();
      if (#isFinished in self && !self.#isFinished) incoming.abandon();
    });
    this.#guest = guest;
    this.#incoming = incoming;
    this.#source = new BodySource(incoming);
  }

  /** @throws WitError the second time */
  stream(): InputStream {
    this.#guest.budget.check();
    if (this.#stream !== 'none') throw new WitError(undefined);
    this.#stream = 'open';
    return new InputStream(this.#guest, pacedSource(this.#source, this.#guest.network), () => {
      this.#stream = 'dropped';
    });
  }

  /** @throws Trap while the body's stream is still open */
  static finish(body: IncomingBody): FutureTrailers {
    return finishBody(body);
  }

  #finish(): FutureTrailers {
    this.#guest.budget.check();
    if (this.#stream === 'open')
      throw new Trap('canonical-abi', 'wasi:http: incoming-body finished before its stream was dropped');
    this.#isFinished = true;
    this[Symbol.dispose]();
    return new FutureTrailers(this.#guest, this.#incoming);
  }
}

/** Resource `wasi:http/types.future-trailers`: the rest of the body is thrown away to get at them. */
export class FutureTrailers extends Resource {
  readonly #guest: Guest;
  readonly #message: IncomingMessage;
  readonly #ended: Arrival<ErrorCode | 'ended'> = new Arrival();
  #isTaken = false;

  constructor(guest: Guest, incoming: Incoming) {
    const held = guest.held.open();
    held.resize(incomingBytes(incoming) + headerBytesMax);
    super(guest, () => {
      held.empty();
      incoming.abandon();
    });
    this.#guest = guest;
    this.#message = incoming.message;
    const { message } = incoming;
    if (message.readableEnded) this.#ended.settle('ended');
    message.on('end', () => this.#ended.settle('ended'));
    message.on('error', (cause) => this.#ended.settle(bodyCode(cause)));
    message.on('close', () => this.#ended.settle({ tag: 'HTTP-response-incomplete' }));
    if (message.destroyed && !message.readableEnded) this.#ended.settle({ tag: 'HTTP-response-incomplete' });
    // Node reads by itself only where nobody listens for 'readable'.
    message.removeAllListeners('readable');
    message.resume();
  }

  subscribe(): Pollable {
    return new Pollable(this.#guest, this.#ended);
  }

  get(): Result<Result<Fields | undefined, ErrorCode>, undefined> | undefined {
    this.#guest.budget.check();
    const ended = this.#ended.value?.value;
    if (ended === undefined) return undefined;
    if (this.#isTaken) return { tag: 'err', val: undefined };
    this.#isTaken = true;
    if (ended !== 'ended') return { tag: 'ok', val: { tag: 'err', val: ended } };
    const lines = linesFrom(this.#message.rawTrailers);
    const trailers = lines.length === 0 ? undefined : new Fields(this.#guest, lines, false);
    return { tag: 'ok', val: { tag: 'ok', val: trailers } };
  }
}

/** Node reports a message that was cut short as a reset connection. */
function bodyCode(cause: unknown): ErrorCode {
  return systemCode(cause) === 'ECONNRESET' ? { tag: 'HTTP-response-incomplete' } : httpCode(cause);
}

function bodyFailure(cause: unknown): Failure {
  return httpFailure(new HttpFault(bodyCode(cause)));
}
