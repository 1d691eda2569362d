import type { OutgoingMessage } from 'node:http';
import { WitError } from '../../../linker.ts';
import { Trap } from '../../../trap.ts';
import { type Guest, Resource } from '../guest.ts';
import { pacedSink } from '../paced-streams.ts';
import { BufferedSink } from '../sink.ts';
import { OutputStream } from '../streams.ts';
import { HttpFault, httpFailure } from './codes.ts';
import { contentLength, type FieldLine, type Fields, latin1, takeLines } from './fields.ts';

/** Which `error-code` a wrong body length gives. */
export type Direction = 'HTTP-request-body-size' | 'HTTP-response-body-size';

let finishBody: (body: OutgoingBody, trailers: readonly FieldLine[]) => void;

/**
 * The bytes of one outgoing body between the guest and Node's message, which exists only once the request is
 * sent or the response is set: until then a bounded queue holds them.
 */
export class BodyTransfer {
  readonly sink: BufferedSink;
  readonly #guest: Guest;
  readonly #direction: Direction;
  readonly #length: number | undefined;
  readonly #message: PromiseWithResolvers<OutgoingMessage> = Promise.withResolvers();
  #written = 0;

  /** `length` is what the message's `content-length` promises; `onFirstByte` is called before the first write. */
  constructor(
    guest: Guest,
    direction: Direction,
    length: number | undefined,
    onFirstByte: (message: OutgoingMessage) => void = () => {},
  ) {
    this.#guest = guest;
    this.#direction = direction;
    this.#length = length;
    this.#message.promise.catch(() => {});
    let sentBytes = 0;
    const write = async (bytes: Uint8Array): Promise<void> => {
      const message = await this.#message.promise;
      if (!message.headersSent) onFirstByte(message);
      await writeTo(message, bytes);
      sentBytes += bytes.length;
      // A client that has all it was promised may go, whatever the guest still does.
      if (sentBytes === length && direction === 'HTTP-response-body-size') message.end();
    };
    this.sink = new BufferedSink({
      write,
      charge: (bytes) => this.#count(bytes),
      fail: httpFailure,
      held: guest.held.open(),
    });
  }

  /** The message the bytes go to. */
  attach(message: OutgoingMessage): void {
    this.#message.resolve(message);
  }

  /** There will be no message, or no more of it. */
  abort(fault: HttpFault): void {
    this.#message.reject(fault);
    this.sink.fail(httpFailure(fault));
    this.#message.promise.then(
      (message) => message.destroy(fault),
      () => {},
    );
  }

  /**
   * Ends the body after its last byte.
   * @throws WitError when its length is not what `content-length` promised
   */
  finish(trailers: readonly FieldLine[]): void {
    const length = this.#length;
    if (length !== undefined && length !== this.#written) {
      const code = { tag: this.#direction, val: BigInt(this.#written) };
      this.abort(new HttpFault(code));
      throw new WitError(code);
    }
    this.#guest.keep(this.#end(trailers));
  }

  /** Counted when they are taken over, so that `finish` knows at once. */
  #count(bytes: number): void {
    this.#written += bytes;
    if (this.#length === undefined || this.#written <= this.#length) return;
    this.abort(new HttpFault({ tag: this.#direction, val: BigInt(this.#written) }));
  }

  async #end(trailers: readonly FieldLine[]): Promise<void> {
    await this.sink.close();
    const message = await this.#message.promise;
    if (message.writableEnded) return;
    if (trailers.length > 0)
      message.addTrailers(trailers.map(([name, value]): [string, string] => [name, latin1(value)]));
    message.end();
  }
}

/** The body of a request with these header lines. */
export function requestTransfer(guest: Guest, lines: readonly FieldLine[]): BodyTransfer {
  const length = contentLength(lines);
  return new BodyTransfer(guest, 'HTTP-request-body-size', length, (message) => {
    // Node frames the body of a GET or DELETE only when told to; unframed it would be the next request.
    if (length === undefined) message.setHeader('transfer-encoding', 'chunked');
  });
}

/** Resource `wasi:http/types.outgoing-body`. */
export class OutgoingBody extends Resource {
  readonly #guest: Guest;
  readonly #transfer: BodyTransfer;
  #stream: 'none' | 'open' | 'dropped' = 'none';
  #isFinished = false;

  static {
    finishBody = (body, trailers) => body.#finish(trailers);
  }

  constructor(guest: Guest, transfer: BodyTransfer) {
    super(guest, (self) => {
      if (#isFinished in self && !self.#isFinished)
        transfer.abort(new HttpFault({ tag: 'connection-terminated' }));
    });
    this.#guest = guest;
    this.#transfer = transfer;
  }

  /** @throws WitError the second time */
  write(): OutputStream {
    this.#guest.budget.check();
    if (this.#stream !== 'none') throw new WitError(undefined);
    this.#stream = 'open';
    return new OutputStream(this.#guest, pacedSink(this.#transfer.sink, this.#guest.network), () => {
      this.#stream = 'dropped';
    });
  }

  /**
   * @throws WitError `HTTP-request-body-size` when the length is not as promised
   * @throws Trap while the body's stream is still open
   */
  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    finishBody(body, trailers === undefined ? [] : takeLines(trailers));
  }

  #finish(trailers: readonly FieldLine[]): void {
    this.#guest.budget.check();
    if (this.#stream === 'open')
      throw new Trap('canonical-abi', 'wasi:http: outgoing-body finished before its stream was dropped');
    this.#isFinished = true;
    this[Symbol.dispose]();
    this.#transfer.finish(trailers);
  }
}

/** Resolves when the system has taken the bytes; a message that is closed first takes no more. */
function writeTo(message: OutgoingMessage, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new HttpFault({ tag: 'connection-terminated' }));
    if (message.destroyed) closed();
    message.once('close', closed);
    message.write(bytes, (cause) => {
      message.off('close', closed);
      if (cause) reject(cause);
      else resolve();
    });
  });
}
