import { Failure } from './error.ts';
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

/** Reads ahead by one bounded chunk, and only when someone asked or waits: the producer feels back pressure. */
export class PullSource implements ByteSource {
  readonly #signal = new Signal();
  readonly #pull: (bytesMax: number) => Promise<Uint8Array | undefined>;
  readonly #fail: (cause: unknown) => Failure;
  #chunk: Uint8Array = new Uint8Array();
  #end: 'closed' | Failure | undefined;
  #pulling = false;

  /** `pull` gives the next bytes (at most as many), undefined at the end. */
  constructor(
    pull: (bytesMax: number) => Promise<Uint8Array | undefined>,
    fail: (cause: unknown) => Failure = failure,
  ) {
    this.#pull = pull;
    this.#fail = fail;
  }

  isReady(): boolean {
    return this.#chunk.length > 0 || this.#end !== undefined;
  }

  onChange(wake: () => void): () => void {
    this.#request(streamChunkBytesMax);
    return this.#signal.onChange(wake);
  }

  take(bytesMax: number): Uint8Array | 'closed' | Failure {
    if (this.#chunk.length > 0) {
      const bytes = this.#chunk.subarray(0, bytesMax);
      this.#chunk = this.#chunk.subarray(bytes.length);
      return bytes;
    }
    const end = this.#end;
    if (end !== undefined) {
      this.#end = 'closed';
      return end;
    }
    if (bytesMax > 0) this.#request(bytesMax);
    return this.#chunk;
  }

  close(): void {
    this.#chunk = new Uint8Array();
    this.#end = 'closed';
    this.#signal.notify();
  }

  #request(bytesMax: number): void {
    if (this.#pulling || this.isReady()) return;
    this.#pulling = true;
    this.#pull(bytesMax).then(
      (bytes) => this.#arrive(bytes),
      (cause) => this.#arrive(this.#fail(cause)),
    );
  }

  #arrive(bytes: Uint8Array | Failure | undefined): void {
    this.#pulling = false;
    if (this.#end !== undefined) return;
    if (bytes === undefined) this.#end = 'closed';
    else if (bytes instanceof Failure) this.#end = bytes;
    else this.#chunk = bytes;
    this.#signal.notify();
    // A producer may give an empty chunk: whoever waits asked for more.
  }
}

/** A failure nobody can say more about than its message. */
export function failure(cause: unknown): Failure {
  return new Failure(cause instanceof Error ? cause.message : String(cause));
}
