import { Trap } from '../../trap.ts';
import type { Failure } from './error.ts';
import type { Holding } from './held-bytes.ts';
import { type Readiness, Signal } from './readiness.ts';
import { failure, type Soon, streamChunkBytesMax } from './source.ts';

/** Bytes on their way out of all handles to one destination together. */
const pendingBytesMax = 1_048_576;

/** Where an output stream's bytes go. Ready when at least one byte may be put, or when it has ended. */
export interface ByteSink extends Readiness {
  /** How many bytes may be put now: 0 while full or flushing; a `Failure` once, then `'closed'`. */
  room(): number | 'closed' | Failure;
  /** Takes the bytes over. */
  put(bytes: Uint8Array): void;
  /** No room until all that was put has gone. */
  flush(): void;
  /** The last writer is gone; bytes on their way still go. Resolves when they have. */
  close(): Promise<void>;
}

export interface SinkOptions {
  /** Takes some bytes; resolves when more may come, rejects when no more can. */
  readonly write: (bytes: Uint8Array) => Soon<unknown>;
  /** Called before bytes are taken over; may throw to refuse them. */
  readonly charge?: (bytes: number) => void;
  /** Called once after the last byte. */
  readonly end?: () => Promise<unknown>;
  readonly fail?: (cause: unknown) => Failure;
  /** Where the bytes on their way are counted; for destinations of which a guest may have many. */
  readonly held?: Holding;
}

/** A bounded queue before an asynchronous destination; small writes that pile up go out together. */
export class BufferedSink implements ByteSink {
  readonly #options: SinkOptions;
  readonly #signal = new Signal();
  readonly onChange: (wake: () => void) => () => void = this.#signal.onChange;
  #queue: Uint8Array[] = [];
  #pendingBytes = 0;
  #flushing = false;
  #end: 'closed' | Failure | undefined;
  #busy = false;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  isReady(): boolean {
    return this.#end !== undefined || (!this.#flushing && this.#pendingBytes < streamChunkBytesMax);
  }

  room(): number | 'closed' | Failure {
    const end = this.#end;
    if (end !== undefined) {
      this.#end = 'closed';
      return end;
    }
    return this.#flushing ? 0 : Math.max(0, streamChunkBytesMax - this.#pendingBytes);
  }

  put(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#pendingBytes + bytes.length > pendingBytesMax)
      throw new Trap('canonical-abi', 'wasi:io/streams: more was written than check-write permitted');
    this.#options.held?.resize(this.#pendingBytes + bytes.length);
    this.#options.charge?.(bytes.length);
    this.#queue.push(bytes);
    this.#setPending(this.#pendingBytes + bytes.length);
    if (!this.#busy) this.#draining = this.#drain();
  }

  flush(): void {
    this.#flushing = this.#pendingBytes > 0;
  }

  /** Ends the stream from the destination's side. */
  fail(end: 'closed' | Failure): void {
    this.#end ??= end;
    this.#signal.notify();
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    this.fail('closed');
    await this.#draining;
    await this.#options.end?.();
  }

  #setPending(bytes: number): void {
    this.#pendingBytes = bytes;
    this.#options.held?.resize(bytes);
  }

  /** Without a wait when the destination takes the bytes at once. */
  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#queue.length > 0) {
        const bytes = joined(this.#queue);
        this.#queue = [];
        const written = this.#options.write(bytes);
        if (written instanceof Promise) await written;
        this.#setPending(this.#pendingBytes - bytes.length);
        if (this.#pendingBytes === 0) this.#flushing = false;
        this.#signal.notify();
      }
    } catch (cause) {
      this.#queue = [];
      this.#setPending(0);
      this.#flushing = false;
      this.fail((this.#options.fail ?? failure)(cause));
    } finally {
      this.#busy = false;
    }
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
