import { WitError } from '../../../linker.ts';
import type { Failure } from '../../preview2/error.ts';
import type { Guest } from '../../preview2/guest.ts';
import { type ErrorCode, HttpFault } from '../../preview2/http/codes.ts';
import { type FieldLine, type Fields, takeLines } from '../../preview2/http/fields.ts';
import type { Result } from '../../preview2/http/incoming-body.ts';
import type { BodyTransfer } from '../../preview2/http/outgoing-body.ts';
import { pacedSink } from '../../preview2/paced-streams.ts';
import { streamChunkBytesMax } from '../../preview2/source.ts';
import { type GuestStream, quietly, type Settled, writing } from '../flow.ts';

/** How trailers come: none, some, or what went wrong instead. */
export type Trailers = Result<Fields | undefined, ErrorCode>;

/** A stream and what follows it, as `consume-body` gives them. */
export type Consumed = [body: AsyncIterable<Uint8Array>, trailers: PromiseLike<Trailers>];

const gone: ErrorCode = { tag: 'connection-terminated' };

/** What a guest put into a message of its own, and the future that tells how it went. */
export class Contents {
  readonly #guest: Guest;
  readonly #stream: GuestStream<number> | undefined;
  readonly #trailers: PromiseLike<Trailers>;
  readonly #sent: PromiseWithResolvers<Settled<ErrorCode>> = Promise.withResolvers();
  #isTaken = false;

  constructor(guest: Guest, stream: GuestStream<number> | undefined, trailers: PromiseLike<Trailers>) {
    this.#guest = guest;
    this.#stream = stream;
    this.#trailers = trailers;
  }

  get isEmpty(): boolean {
    return this.#stream === undefined;
  }

  /** Settled when the message was sent, or consumed by the guest itself, or will never be. */
  get sent(): Promise<Settled<ErrorCode>> {
    return this.#sent.promise;
  }

  /** Sends everything; undefined where there is nothing but the header. */
  send(transfer: BodyTransfer | undefined): void {
    this.#isTaken = true;
    const stream = this.#stream;
    const work =
      transfer === undefined || stream === undefined ? this.#sendNothing() : this.#send(stream, transfer);
    void quietly(work.then(this.#sent.resolve));
  }

  /** Gives everything back to the guest, which tells in `outcome` how it fared. */
  consume(outcome: PromiseLike<Settled<ErrorCode>>): Consumed {
    this.#isTaken = true;
    outcome.then(this.#sent.resolve, () => this.#sent.resolve({ tag: 'err', val: gone }));
    return [relayed(this.#stream), this.#trailers];
  }

  /** Nobody wants it any more; harmless afterwards. */
  drop(): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.#stream?.[Symbol.dispose]();
    this.#sent.resolve({ tag: 'err', val: gone });
  }

  async #send(stream: GuestStream<number>, transfer: BodyTransfer): Promise<Settled<ErrorCode>> {
    const sink = pacedSink(transfer.sink, this.#guest.network);
    const moved = await writing(this.#guest, stream, sink, streamCode);
    const trailers = moved.tag === 'ok' ? await this.#trailers : moved;
    if (trailers.tag === 'err') {
      transfer.abort(new HttpFault(trailers.val));
      return trailers;
    }
    return finished(transfer, linesOf(trailers));
  }

  async #sendNothing(): Promise<Settled<ErrorCode>> {
    const trailers = await this.#trailers;
    if (trailers.tag === 'err') return trailers;
    if (linesOf(trailers).length === 0) return { tag: 'ok' };
    return { tag: 'err', val: { tag: 'internal-error', val: 'there are no trailers without contents' } };
  }
}

function finished(transfer: BodyTransfer, lines: readonly FieldLine[]): Settled<ErrorCode> {
  try {
    transfer.finish(lines);
    return { tag: 'ok' };
  } catch (thrown) {
    if (thrown instanceof WitError) return { tag: 'err', val: thrown.payload as ErrorCode };
    throw thrown;
  }
}

function linesOf(trailers: { readonly val?: Fields | undefined }): readonly FieldLine[] {
  return trailers.val === undefined ? [] : takeLines(trailers.val);
}

function streamCode(failure: Failure | undefined): ErrorCode {
  return failure?.detail?.of === 'http' ? failure.detail.code : gone;
}

/** What the guest writes, as it reads it. */
function relayed(stream: GuestStream<number> | undefined): AsyncIterable<Uint8Array> {
  const ended = { done: true, value: undefined } as const;
  let isOpen = stream !== undefined;
  const end = (): typeof ended => {
    if (isOpen) stream?.[Symbol.dispose]();
    isOpen = false;
    return ended;
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    while (isOpen && stream !== undefined) {
      const { value, done } = await stream.read({ count: streamChunkBytesMax });
      if (done === true) end();
      if (value !== undefined)
        return {
          done: false,
          value: typeof value === 'number' ? Uint8Array.of(value) : Uint8Array.from(value),
        };
    }
    return end();
  };
  const iterator = { next, return: async () => end() };
  return { [Symbol.asyncIterator]: () => iterator };
}
