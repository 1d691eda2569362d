import { WitError } from '../../../linker.ts';
import { IoError } from '../../preview2/error.ts';
import type { Guest } from '../../preview2/guest.ts';
import type { ErrorCode } from '../../preview2/http/codes.ts';
import { IncomingBody } from '../../preview2/http/incoming-body.ts';
import { streamChunkBytesMax } from '../../preview2/source.ts';
import type { StreamError } from '../../preview2/streams.ts';
import { type GuestStream, quietly } from '../flow.ts';
import type { Consumed, Trailers } from './contents.ts';

/**
 * A body that comes from outside, and its trailers, which are there when the stream was read to its end or dropped.
 */
export function incomingBody(guest: Guest, body: IncomingBody): Consumed {
  const input = body.stream();
  const trailers = Promise.withResolvers<Trailers>();
  const ended = { done: true, value: undefined } as const;
  let isOpen = true;
  const end = (error?: ErrorCode): typeof ended => {
    if (!isOpen) return ended;
    isOpen = false;
    input[Symbol.dispose]();
    if (error === undefined) void quietly(trailersOf(guest, body).then(trailers.resolve));
    else {
      body[Symbol.dispose]();
      trailers.resolve({ tag: 'err', val: error });
    }
    return ended;
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    if (!isOpen) return ended;
    try {
      return { done: false, value: new Uint8Array(await input.blockingRead(BigInt(streamChunkBytesMax))) };
    } catch (thrown) {
      if (!(thrown instanceof WitError)) throw thrown;
      return end(codeOf(thrown.payload as StreamError));
    }
  };
  const iterator = { next, return: async () => end() };
  return [{ [Symbol.asyncIterator]: () => iterator }, trailers.promise];
}

/** A body that comes from outside, read like one that a guest writes. */
export function pulled(stream: AsyncIterable<Uint8Array>): GuestStream<number> {
  const source = stream[Symbol.asyncIterator]();
  let left = new Uint8Array();
  return {
    read: async ({ count }) => {
      if (left.length === 0) {
        const { value, done } = await source.next();
        if (done === true) return { done };
        left = new Uint8Array(value);
      }
      const value = left.subarray(0, count);
      left = left.subarray(count);
      return { value };
    },
    [Symbol.dispose]: () => void source.return?.(),
  };
}

/** Undefined for a stream that ended as it should. */
function codeOf(error: StreamError): ErrorCode | undefined {
  if (error.tag === 'closed') return undefined;
  const detail = IoError.detailOf(error.val);
  error.val[Symbol.dispose]();
  return detail?.of === 'http' ? detail.code : { tag: 'internal-error', val: undefined };
}

async function trailersOf(guest: Guest, body: IncomingBody): Promise<Trailers> {
  const future = IncomingBody.finish(body);
  using pollable = future.subscribe();
  await pollable.block();
  guest.budget.check();
  const taken = future.get();
  future[Symbol.dispose]();
  return taken?.tag === 'ok' ? taken.val : { tag: 'err', val: { tag: 'internal-error', val: undefined } };
}
