import { WitError } from '../../linker.ts';
import { Trap } from '../../trap.ts';
import { Failure, IoError } from './error.ts';
import { type Guest, Resource } from './guest.ts';
import { Pollable } from './poll.ts';
import type { ByteSink } from './sink.ts';
import { type ByteSource, streamChunkBytesMax } from './source.ts';

/** What `blocking-write-and-flush` and its zeroes take at once (wasi:io/streams). */
const blockingWriteBytesMax = 4096;

/** Variant `stream-error`. */
export type StreamError =
  | { readonly tag: 'closed' }
  | { readonly tag: 'last-operation-failed'; readonly val: IoError };

function streamError(guest: Guest, end: 'closed' | Failure): WitError<StreamError> {
  if (end === 'closed') return new WitError({ tag: 'closed' });
  return new WitError({ tag: 'last-operation-failed', val: new IoError(guest, end) });
}

function bounded(len: bigint, max: number): number {
  return len > BigInt(max) ? max : Number(len);
}

let sourceOf: (stream: InputStream) => ByteSource;

/** Resource `wasi:io/streams.input-stream`. */
export class InputStream extends Resource {
  readonly #guest: Guest;
  readonly #source: ByteSource;

  static {
    sourceOf = (stream) => stream.#source;
  }

  /** `onClose` replaces closing the source, where it outlives the handle. */
  constructor(guest: Guest, source: ByteSource, onClose?: () => void) {
    super(guest, onClose ?? (() => source.close()));
    this.#guest = guest;
    this.#source = source;
  }

  read(len: bigint): Uint8Array {
    this.#guest.budget.check();
    const bytes = this.#source.take(bounded(len, streamChunkBytesMax));
    if (bytes === 'closed' || bytes instanceof Failure) throw streamError(this.#guest, bytes);
    return bytes;
  }

  blockingRead(len: bigint): Uint8Array | Promise<Uint8Array> {
    const bytes = this.read(len);
    return bytes.length > 0 || len === 0n ? bytes : this.#readLater(len);
  }

  skip(len: bigint): bigint {
    return BigInt(this.read(len).length);
  }

  blockingSkip(len: bigint): bigint | Promise<bigint> {
    const bytes = this.blockingRead(len);
    return bytes instanceof Promise ? bytes.then(({ length }) => BigInt(length)) : BigInt(bytes.length);
  }

  subscribe(): Pollable {
    return new Pollable(this.#guest, this.#source);
  }

  async #readLater(len: bigint): Promise<Uint8Array> {
    for (;;) {
      await this.#guest.until([this.#source]);
      const bytes = this.read(len);
      if (bytes.length > 0) return bytes;
    }
  }
}

/** Resource `wasi:io/streams.output-stream`. */
export class OutputStream extends Resource {
  readonly #guest: Guest;
  readonly #sink: ByteSink;
  #permit = 0;

  /** `onClose` replaces closing the sink, where it outlives the handle. */
  constructor(guest: Guest, sink: ByteSink, onClose?: () => void) {
    super(guest, onClose ?? (() => guest.keep(sink.close())));
    this.#guest = guest;
    this.#sink = sink;
  }

  checkWrite(): bigint {
    this.#permit = this.#room();
    return BigInt(this.#permit);
  }

  /** @throws Trap for more bytes than the last `check-write` permitted */
  write(contents: Uint8Array): void {
    if (contents.length > this.#permit)
      throw new Trap('canonical-abi', 'wasi:io/streams: write without a permit from check-write');
    this.#room();
    this.#permit -= contents.length;
    this.#sink.put(contents);
  }

  /** @throws Trap for more than 4096 bytes */
  blockingWriteAndFlush(contents: Uint8Array): Promise<void> | undefined {
    if (contents.length > blockingWriteBytesMax)
      throw new Trap('canonical-abi', `wasi:io/streams: more than ${blockingWriteBytesMax} bytes at once`);
    const room = this.#room();
    if (room < contents.length) return this.#writeLater(contents);
    this.#sink.put(contents);
    return this.blockingFlush();
  }

  flush(): void {
    this.#room();
    this.#sink.flush();
  }

  blockingFlush(): Promise<void> | undefined {
    this.flush();
    if (!this.#sink.isReady()) return this.#ready();
    this.#room();
    return undefined;
  }

  subscribe(): Pollable {
    return new Pollable(this.#guest, this.#sink);
  }

  writeZeroes(len: bigint): void {
    if (len > BigInt(this.#permit))
      throw new Trap('canonical-abi', 'wasi:io/streams: write-zeroes without a permit from check-write');
    this.write(new Uint8Array(Number(len)));
  }

  blockingWriteZeroesAndFlush(len: bigint): Promise<void> | undefined {
    if (len > BigInt(blockingWriteBytesMax))
      throw new Trap('canonical-abi', `wasi:io/streams: more than ${blockingWriteBytesMax} zeroes at once`);
    return this.blockingWriteAndFlush(new Uint8Array(Number(len)));
  }

  splice(source: InputStream, len: bigint): bigint {
    const bytesMax = bounded(len, this.#room());
    const bytes = source.read(BigInt(bytesMax));
    this.#sink.put(bytes);
    return BigInt(bytes.length);
  }

  async blockingSplice(source: InputStream, len: bigint): Promise<bigint> {
    for (;;) {
      await this.#ready();
      const moved = this.splice(source, len);
      if (moved > 0n || len === 0n) return moved;
      await this.#guest.until([sourceOf(source)]);
    }
  }

  #room(): number {
    this.#guest.budget.check();
    const room = this.#sink.room();
    if (room === 'closed' || room instanceof Failure) throw streamError(this.#guest, room);
    return room;
  }

  /** Waits for room and reports an end that came meanwhile. */
  async #ready(): Promise<void> {
    await this.#guest.until([this.#sink]);
    this.#room();
  }

  async #writeLater(contents: Uint8Array): Promise<void> {
    this.#sink.flush();
    await this.#ready();
    this.#sink.put(contents);
    await this.blockingFlush();
  }
}
