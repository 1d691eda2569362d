import type { Readable, Writable } from 'node:stream';
import type { Failure } from './error.ts';
import { Signal } from './readiness.ts';
import { BufferedSink } from './sink.ts';
import { type ByteSource, failure } from './source.ts';

/** A Node stream as a source: Node buffers up to its high-water mark, then the sender waits. */
export class ReadableSource implements ByteSource {
  readonly #readable: Readable;
  readonly #signal = new Signal();
  readonly #onClose: () => void;
  #end: 'closed' | Failure | undefined;

  constructor(
    readable: Readable,
    fail: (cause: unknown) => Failure = failure,
    onClose: () => void = () => {},
  ) {
    this.#readable = readable;
    this.#onClose = onClose;
    readable.on('readable', () => {
      // An empty read at the end is what makes the stream say that it has ended.
      if (readable.readableLength === 0) readable.read(0);
      this.#signal.notify();
    });
    readable.on('end', () => this.fail('closed'));
    readable.on('error', (cause) => this.fail(fail(cause)));
    readable.on('close', () => this.fail('closed'));
  }

  /** Ends the stream; bytes that have arrived are still read. */
  fail(end: 'closed' | Failure): void {
    this.#end ??= end;
    this.#signal.notify();
  }

  onChange(wake: () => void): () => void {
    return this.#signal.onChange(wake);
  }

  isReady(): boolean {
    return this.#readable.readableLength > 0 || this.#end !== undefined;
  }

  take(bytesMax: number): Uint8Array | 'closed' | Failure {
    const there = this.#readable.readableLength;
    if (there > 0) return bytesMax === 0 ? new Uint8Array() : this.#read(Math.min(bytesMax, there));
    const end = this.#end;
    if (end === undefined) return new Uint8Array();
    this.#end = 'closed';
    return end;
  }

  close(): void {
    this.fail('closed');
    this.#onClose();
  }

  #read(count: number): Uint8Array {
    const bytes: unknown = this.#readable.read(count);
    // Reading exactly what was left does not make Node say that the stream has ended; an empty read does.
    if (this.#readable.readableLength === 0) this.#readable.read(0);
    return bytes instanceof Uint8Array ? bytes : new Uint8Array();
  }
}

/** A sink that writes to a Node stream and waits until the system has taken each write. */
export function writableSink(
  writable: Writable,
  end: () => Promise<unknown>,
  fail: (cause: unknown) => Failure = failure,
  charge?: (bytes: number) => void,
): BufferedSink {
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      writable.write(bytes, (cause) => (cause === null || cause === undefined ? resolve() : reject(cause)));
    });
  const sink = new BufferedSink({ write, end, fail, ...(charge && { charge }) });
  writable.on('error', (cause) => sink.fail(fail(cause)));
  writable.on('close', () => sink.fail('closed'));
  return sink;
}
