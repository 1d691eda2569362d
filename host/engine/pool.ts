import type { Transferable } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import type { HostError } from '../errors.ts';
import type { Answers } from './worker/channel.ts';
import { Thread } from './worker/client.ts';
import type { Calls } from './worker/protocol.ts';

export { Moved } from './worker/channel.ts';
export type { Thread, ThreadUsage } from './worker/client.ts';

export interface PoolOptions<Mine extends Calls, Theirs extends Calls> {
  /** The module each thread runs; it calls `joinOwner` (`worker/main.ts`). */
  readonly entry: URL;
  /** Places: as many threads serve at a time. One more is started ahead to take the place of a lost one. */
  readonly threads: number;
  /** What every thread is started with, whatever its place: a spare does not know it yet. */
  readonly start: unknown;
  readonly clock: Clock;
  /** MiB of JavaScript heap of each thread. */
  readonly heapMiBMax?: number;
  /** Milliseconds in which a started thread must be ready. */
  readonly readyMsMax?: number;
  /** What threads may call here; `thread` says which one did. */
  answers(thread: () => Thread<Mine, Theirs>): Answers<Mine>;
  /** What the thread at `place` prints; undefined for one that has no place yet. */
  onOutput(place: number | undefined, stream: 'stdout' | 'stderr', text: string): void;
  /**
   * A thread is in `place`, at the start (`lost` undefined) or in place of one that ended for the reason `lost`: what
   * is to live there has to be installed.
   */
  onPlaced(place: number, thread: Thread<Mine, Theirs>, lost: string | undefined): void;
  /** The thread in `place` has ended, for `reason`; `onPlaced` follows, at once when a thread stands by. */
  onLost?(place: number, reason: string): void;
}

const heapMiBDefault = 512;
const readyMsDefault = 10_000;
/** Waits between starts of threads that do not get ready. */
const firstRetryMs = 100;
const retryMsMax = 30_000;

/** Threads with a fixed number of places, and a warm one more. */
export class Pool<Mine extends Calls, Theirs extends Calls> {
  readonly #options: PoolOptions<Mine, Theirs>;
  readonly #places: (Thread<Mine, Theirs> | undefined)[];
  readonly #placeOf = new Map<Thread<Mine, Theirs>, number>();
  /** Every thread that was started and has not ended. */
  readonly #alive = new Set<Thread<Mine, Theirs>>();
  readonly #closing = new AbortController();
  /** Places without a thread, and why, in the order they became so. */
  readonly #vacant: { readonly place: number; readonly reason: string }[] = [];
  #spare: Thread<Mine, Theirs> | undefined;
  #recruiting: Promise<void> | undefined;
  #started = 0;

  private constructor(options: PoolOptions<Mine, Theirs>) {
    this.#options = options;
    this.#places = Array.from({ length: options.threads }, () => undefined);
  }

  /** @throws HostError `HOST_ERR_THREAD_LOST` when a thread ends, or is not ready in time, before all are placed */
  static async start<Mine extends Calls, Theirs extends Calls>(
    options: PoolOptions<Mine, Theirs>,
  ): Promise<Pool<Mine, Theirs>> {
    const pool = new Pool(options);
    try {
      const threads = await Promise.all(Array.from({ length: options.threads }, () => pool.#startThread()));
      for (const [place, thread] of threads.entries()) pool.#put(place, thread, undefined);
    } catch (thrown) {
      await pool.close(0);
      throw thrown;
    }
    pool.#recruit();
    return pool;
  }

  get threads(): number {
    return this.#places.length;
  }

  /** Whether a thread stands by. */
  get hasSpare(): boolean {
    return this.#spare !== undefined;
  }

  /** Undefined between a loss and the replacement, which is no time as long as there is a spare. */
  thread(place: number): Thread<Mine, Theirs> | undefined {
    return this.#places[place];
  }

  placeOf(thread: Thread<Mine, Theirs>): number | undefined {
    return this.#placeOf.get(thread);
  }

  /** Ends the thread at `place`, at the latest after `deadlineMs`; another takes its place, as after a loss. */
  async retire(place: number, deadlineMs: number): Promise<void> {
    const thread = this.#places[place];
    if (thread !== undefined) await this.#within(deadlineMs, (aborted) => thread.retire(aborted));
  }

  /** Lets all threads finish what they began, at most `deadlineMs`, and ends them. Nothing takes their places. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort();
    await this.#within(deadlineMs, (aborted) =>
      Promise.all([...this.#alive].map((thread) => this.#finish(thread, aborted))),
    );
    await this.#recruiting;
  }

  /** A thread that serves nobody has nothing to finish. */
  #finish(thread: Thread<Mine, Theirs>, aborted: AbortSignal): Promise<void> {
    return this.#placeOf.has(thread) ? thread.retire(aborted) : thread.terminate();
  }

  async #within(ms: number, work: (aborted: AbortSignal) => Promise<unknown>): Promise<void> {
    const deadline = new AbortController();
    const done = new AbortController();
    const timer = this.#options.clock.sleep(ms, done.signal).then(
      () => deadline.abort(),
      () => {},
    );
    await work(deadline.signal);
    done.abort();
    await timer;
  }

  /** Starts a thread and waits until it is ready. */
  async #startThread(): Promise<Thread<Mine, Theirs>> {
    const { entry, start, heapMiBMax, onOutput } = this.#options;
    const thread: Thread<Mine, Theirs> = new Thread<Mine, Theirs>({
      entry,
      name: `motehost ${++this.#started}`,
      start,
      heapMiBMax: heapMiBMax ?? heapMiBDefault,
      answers: this.#options.answers(() => thread),
      onOutput: (stream, text) => onOutput(this.#placeOf.get(thread), stream, text),
    });
    this.#alive.add(thread);
    void thread.ended.then((reason) => this.#onEnded(thread, reason));
    await this.#within(this.#options.readyMsMax ?? readyMsDefault, async (aborted) => {
      const giveUp = (): void => void thread.terminate('it was not ready in time');
      aborted.addEventListener('abort', giveUp, { once: true });
      await thread.ready.catch(() => {});
    });
    await thread.ready;
    return thread;
  }

  #put(place: number, thread: Thread<Mine, Theirs>, lost: string | undefined): void {
    this.#places[place] = thread;
    this.#placeOf.set(thread, place);
    this.#options.onPlaced(place, thread, lost);
  }

  #onEnded(thread: Thread<Mine, Theirs>, reason: string): void {
    this.#alive.delete(thread);
    if (this.#spare === thread) this.#spare = undefined;
    const place = this.#placeOf.get(thread);
    this.#placeOf.delete(thread);
    if (this.#closing.signal.aborted) return;
    if (place !== undefined) {
      this.#places[place] = undefined;
      this.#vacant.push({ place, reason });
      this.#options.onLost?.(place, reason);
    }
    this.#fill();
    this.#recruit();
  }

  #fill(): void {
    const spare = this.#spare;
    const vacancy = spare === undefined ? undefined : this.#vacant.shift();
    if (spare === undefined || vacancy === undefined) return;
    this.#spare = undefined;
    this.#put(vacancy.place, spare, vacancy.reason);
  }

  /** Starts threads, one after the other, until every place is taken and one stands by. */
  #recruit(): void {
    this.#recruiting ??= this.#recruitAll().finally(() => {
      this.#recruiting = undefined;
      // One was lost in the moment between the last look and now.
      if (this.#spare === undefined && !this.#closing.signal.aborted) this.#recruit();
    });
  }

  async #recruitAll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    let retryMs = firstRetryMs;
    while (this.#spare === undefined && !signal.aborted) {
      try {
        this.#spare = await this.#startThread();
        retryMs = firstRetryMs;
        this.#fill();
      } catch (thrown) {
        if (signal.aborted) return;
        this.#options.onOutput(undefined, 'stderr', (thrown as HostError).message);
        await clock.sleep(retryMs, signal).catch(() => {});
        retryMs = Math.min(2 * retryMs, retryMsMax);
      }
    }
  }
}

/** Bytes handed to a thread for good: their buffer moves, and is empty here afterwards. */
export function transferOf(parts: readonly Uint8Array<ArrayBuffer>[]): Transferable[] {
  return [
    ...new Set(
      parts.filter(({ buffer, byteLength }) => buffer.byteLength === byteLength).map(({ buffer }) => buffer),
    ),
  ];
}
