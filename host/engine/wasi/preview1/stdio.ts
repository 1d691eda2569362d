import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Budget } from '../../budget.ts';
import { FileError, fileErrorOf } from '../files/file-error.ts';
import type { Soon } from '../files/port.ts';
import type { InputSource, OutputSink } from '../grants.ts';

/** Bytes asked of the source at once. */
const inputBytesMax = 65_536;
/** Bytes a sink may still be busy with while the guest goes on. */
const pendingBytesMax = 262_144;
/** What a write under way costs the host beside its bytes: many small ones fill it like few large ones. */
const writeOverheadBytes = 1024;
/** Bytes of one write; the guest is told that the rest was not taken. */
const outputBytesMax = 1_048_576;

/** Standard input with one read ahead, so that `poll_oneoff` can tell whether there is something to read. */
export class Input {
  readonly isTerminal: boolean;
  readonly #source: InputSource;
  #bytes: Uint8Array = new Uint8Array(0);
  #ended = false;
  #failed: unknown;
  #filling: Promise<void> | undefined;

  constructor(source: InputSource) {
    this.#source = source;
    this.isTerminal = source.isTerminal;
  }

  /** Bytes that can be read now; undefined when nobody knows yet, 0 at the end. */
  get ready(): number | undefined {
    if (this.#bytes.length > 0) return this.#bytes.length;
    return this.#ended || this.#failed !== undefined ? 0 : undefined;
  }

  /** Resolves when `ready` is known. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    try {
      let bytes = await this.#source.read(inputBytesMax);
      // Nothing yet is not the end, which is all that an empty read would be to the guest.
      while (bytes?.length === 0) {
        await nextTurn();
        bytes = await this.#source.read(inputBytesMax);
      }
      if (bytes === undefined) this.#ended = true;
      else this.#bytes = bytes;
    } catch (thrown) {
      this.#failed = thrown;
    }
  }

  /** Takes at most `bytesMax` of what is ready; empty at the end. */
  take(bytesMax: number): Uint8Array {
    if (this.#failed !== undefined) throw new FileError('io');
    const taken = this.#bytes.subarray(0, bytesMax);
    this.#bytes = this.#bytes.subarray(taken.length);
    return taken;
  }
}

/** Standard output and error: bytes go to the sink in order, and the guest waits only for a sink that lags. */
export class Output {
  readonly isTerminal: boolean;
  readonly #sink: OutputSink;
  readonly #budget: Budget;
  #pendingBytes = 0;
  #pending: Promise<void> = Promise.resolve();
  #failed: FileError | undefined;

  constructor(sink: OutputSink, budget: Budget) {
    this.#sink = sink;
    this.#budget = budget;
    this.isTerminal = sink.isTerminal;
  }

  /** Takes a copy of `bytes` and says how many it took. A sink that failed says why from then on, or is a broken pipe. */
  write(bytes: Uint8Array): Soon<number> {
    if (this.#failed !== undefined) throw this.#failed;
    if (bytes.length === 0) return 0;
    const taken = bytes.slice(0, outputBytesMax);
    this.#budget.chargeOutput(taken.length);
    this.#send(taken);
    return this.#pendingBytes <= pendingBytesMax ? taken.length : this.#pending.then(() => taken.length);
  }

  /** Resolves when the sink has taken everything. */
  flush(): Promise<void> {
    return this.#pending;
  }

  #send(bytes: Uint8Array): void {
    const cost = bytes.length + writeOverheadBytes;
    this.#pendingBytes += cost;
    this.#pending = Promise.all([this.#pending, this.#sink.write(bytes)]).then(
      () => {
        this.#pendingBytes -= cost;
      },
      (thrown: unknown) => {
        const failure = fileErrorOf(thrown);
        this.#failed = failure instanceof FileError ? failure : new FileError('pipe');
        this.#pendingBytes -= cost;
      },
    );
  }
}
