import { Failure } from '../preview2/error.ts';
import type { Guest } from '../preview2/guest.ts';
import type { ByteSink } from '../preview2/sink.ts';
import { type ByteSource, streamChunkBytesMax } from '../preview2/source.ts';

/** A WIT `result` as a value: what a future of WASI 0.3 gives. */
export type Settled<E> = { readonly tag: 'ok' } | { readonly tag: 'err'; readonly val: E };

/** What is on the other side of a stream that the guest gave away: its reading end. */
export interface GuestStream<T> {
  /** At least one element, at most `count`; a single one may come bare. */
  read(options: { readonly count: number }): Promise<{
    readonly value?: T | ArrayLike<T>;
    readonly done?: boolean;
  }>;
  [Symbol.dispose](): void;
}

/** A stream for the guest and the future that tells how it ended. */
export type Reading<T, E> = [stream: AsyncIterable<T>, end: Promise<Settled<E>>];

/**
 * Bytes for the guest, a chunk at a time and only when it reads. The future is settled when the bytes end, when they
 * fail, and when the guest drops the stream before that, which is no failure.
 */
export function reading<E>(
  guest: Guest,
  source: ByteSource,
  code: (failure: Failure) => E,
): Reading<Uint8Array, E> {
  const { promise, resolve } = Promise.withResolvers<Settled<E>>();
  let isOpen = true;
  const end = (how: Settled<E>): { done: true; value: undefined } => {
    if (isOpen) source.close();
    isOpen = false;
    resolve(how);
    return { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    while (isOpen) {
      const bytes = source.take(streamChunkBytesMax);
      if (bytes === 'closed') return end({ tag: 'ok' });
      if (bytes instanceof Failure) return end({ tag: 'err', val: code(bytes) });
      if (bytes.length > 0) return { done: false, value: new Uint8Array(bytes) };
      await guest.until([source]);
    }
    return end({ tag: 'ok' });
  };
  const iterator = { next, return: async () => end({ tag: 'ok' }) };
  return [{ [Symbol.asyncIterator]: () => iterator }, promise];
}

/** No bytes at all, and why. */
export function refusedReading<E>(val: E): Reading<Uint8Array, E> {
  const nothing: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
  };
  return [nothing, Promise.resolve({ tag: 'err', val })];
}

/** Moves what the guest writes into `sink` until either ends; resolves when the last byte has been taken. */
export async function writing<E>(
  guest: Guest,
  stream: GuestStream<number>,
  sink: ByteSink,
  code: (failure: Failure | undefined) => E,
): Promise<Settled<E>> {
  try {
    for (;;) {
      const room = await roomOf(guest, sink);
      if (typeof room !== 'number') return { tag: 'err', val: code(room === 'closed' ? undefined : room) };
      const { value, done } = await stream.read({ count: Math.min(room, streamChunkBytesMax) });
      const bytes = bytesOf(value);
      if (bytes.length > 0) sink.put(bytes);
      if (done === true) break;
    }
    sink.flush();
    const left = await roomOf(guest, sink);
    return left instanceof Failure ? { tag: 'err', val: code(left) } : { tag: 'ok' };
  } finally {
    stream[Symbol.dispose]();
    guest.keep(sink.close());
  }
}

async function roomOf(guest: Guest, sink: ByteSink): Promise<number | 'closed' | Failure> {
  for (;;) {
    const room = sink.room();
    if (room !== 0) return room;
    await guest.until([sink]);
  }
}

function bytesOf(value: number | ArrayLike<number> | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array();
  return typeof value === 'number' ? Uint8Array.of(value) : Uint8Array.from(value);
}

/** The guest may drop the future it was given: then nobody hears of its failure, and that must not end the process. */
export function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}
