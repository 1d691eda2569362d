import { Failure } from './error.ts';
import type { Holding } from './held-bytes.ts';
import { type Readiness, Signal } from './readiness.ts';

/** Bytes a stream moves in one step, whatever the guest asks for. */
export const streamChunkBytesMax = 65_536;

/** Where an input stream's bytes come from. */
export interface ByteSource extends Readiness {
  /** At most `bytesMax` bytes that are there now, maybe none; a `Failure` once, then `'closed'`. */
  take(bytesMax: number): Uint8Array | 'closed' | Failure;
  /** The last reader is gone. */
  close(): void;
}

/** A value now, or a promise of it. */
export type Soon<T> = T | Promise<T>;

/** Reads ahead by one bounded chunk, and only when someone asked or waits: the producer feels back pressure. */
export class PullSource implements ByteSource {
  readonly #signal = new Signal();
  readonly onChange: (wake: () => void) => () => void = this.#signal.onChange;
  readonly #pull: (bytesMax: number) => Soon<Uint8Array | undefined>;
  readonly #fail: (cause: unknown) => Failure;
  readonly #onClose: (() => void) | undefined;
  readonly #held: Holding | undefined;
  #chunk: Uint8Array = new Uint8Array();
  #end: 'closed' | Failure | undefined;
  #pulling = false;

  /** `pull` gives the next bytes (at most as many), undefined at the end; `held` counts what is read ahead. */
  constructor(
    pull: (bytesMax: number) => Soon<Uint8Array | undefined>,
    fail: (cause: unknown) => Failure = failure,
    onClose?: () => void,
    held?: Holding,
  ) {
    this.#pull = pull;
    this.#fail = fail;
    this.#onClose = onClose;
    this.#held = held;
  }

  /** Asks for the next chunk: whoever looks wants to know when it is there. */
  isReady(): boolean {
    this.#request(streamChunkBytesMax);
    return this.#chunk.length > 0 || this.#end !== undefined;
  }

  take(bytesMax: number): Uint8Array | 'closed' | Failure {
    if (bytesMax > 0) this.#request(bytesMax);
    if (this.#chunk.length > 0) {
      const bytes = this.#chunk.subarray(0, bytesMax);
      this.#chunk = this.#chunk.subarray(bytes.length);
      if (this.#chunk.length === 0) this.#held?.empty();
      return bytes;
    }
    const end = this.#end;
    if (end === undefined) return this.#chunk;
    this.#end = 'closed';
    return end;
  }

  close(): void {
    this.#chunk = new Uint8Array();
    this.#held?.empty();
    this.#end = 'closed';
    this.#onClose?.();
    this.#signal.notify();
  }

  #request(bytesMax: number): void {
    if (this.#pulling || this.#chunk.length > 0 || this.#end !== undefined) return;
    this.#held?.resize(bytesMax);
    try {
      const bytes = this.#pull(bytesMax);
      if (!(bytes instanceof Promise)) {
        this.#arrive(bytes);
        return;
      }
      this.#pulling = true;
      bytes.then(
        (later) => this.#arrive(later),
        (cause) => this.#arrive(this.#fail(cause)),
      );
    } catch (cause) {
      this.#arrive(this.#fail(cause));
    }
  }

  #arrive(bytes: Uint8Array | Failure | undefined): void {
    this.#pulling = false;
    if (this.#end !== undefined) return;
    if (bytes === undefined) this.#end = 'closed';
    else if (bytes instanceof Failure) this.#end = bytes;
    else this.#chunk = bytes;
    this.#held?.resize(this.#chunk.length === 0 ? 0 : this.#chunk.buffer.byteLength);
    this.#signal.notify();
  }
}

/** A failure nobody can say more about than its message. */
export function failure(cause: unknown): Failure {
  return new Failure(cause instanceof Error ? cause.message : String(cause));
}
