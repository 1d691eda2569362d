import type { Turn } from '../engine/budget.ts';

export interface DispatcherOptions {
  /**
   * Lets one agent handle one message, or go on with one; whoever does calls `ended` when it has or waits without a
   * stack, in any case and once.
   */
  readonly run: (id: number) => void;
  /** Calls under way at once, those that wait on a stack included. */
  readonly activeMax: number;
  /** Milliseconds of starting calls after which the event loop gets its turn. */
  readonly turnMsMax: number;
  readonly nowMs: () => number;
  /** Whether messages from other threads wait to be read; lets those that go to them leave. */
  readonly isPending: () => boolean;
}

const startsPerLook = 8;
/** A microtask of a promise costs a quarter of what `queueMicrotask` does, which makes an asynchronous resource. */
const now: Promise<void> = Promise.resolve();
const queueSlotsFirst = 64;

/**
 * Whose turn it is on this thread: agents with mail, one message each, in the order in which they got it. A
 * guest that computes gives way to them between two fuel slices.
 */
export class Dispatcher implements Turn {
  readonly #options: DispatcherOptions;
  /** Agents with mail: a ring of ids, its size a power of two. */
  #queue = new Uint32Array(queueSlotsFirst);
  #head = 0;
  #length = 0;
  #active = 0;
  #isScheduled = false;
  #turnStartedMs: number | undefined;
  /** Guests that gave way; at most as many as calls are under way. */
  readonly #paused: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Calls under way. */
  get active(): number {
    return this.#active;
  }

  /** Agents that wait for their turn. */
  get queued(): number {
    return this.#length;
  }

  /** Puts an agent with mail at the end of the line. Call it once for each message it may take. */
  wake(id: number): void {
    if (this.#length === this.#queue.length) this.#grow();
    this.#queue[(this.#head + this.#length) & (this.#queue.length - 1)] = id;
    this.#length += 1;
    this.#schedule();
  }

  isWanted(_key: number): boolean {
    return (this.#length > 0 && this.#active < this.#options.activeMax) || this.#options.isPending();
  }

  /** After those in line now have started, and whatever the event loop has. */
  giveWay(_key: number): Promise<void> {
    return new Promise((resolve) => {
      this.#paused.push(resolve);
      if (this.#paused.length === 1) setImmediate(this.#resume);
    });
  }

  charge(_key: number, _fuel: number, _ms: number): void {}

  /** One at a time: between two guests that compute, whatever the event loop has comes first. */
  readonly #resume = (): void => {
    // Lets go what the others said in their turn: else it waits until this guest's next slice is over.
    this.#options.isPending();
    const resume = this.#paused.shift();
    if (this.#paused.length > 0) setImmediate(this.#resume);
    resume?.();
  };

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#isTurnOver()) setImmediate(this.#drain);
    else void now.then(this.#drain);
  }

  /** Calls beget calls within one turn of the event loop; when that lasts too long, I/O has to come in between. */
  #isTurnOver(): boolean {
    const nowMs = this.#options.nowMs();
    if (this.#turnStartedMs === undefined) {
      this.#turnStartedMs = nowMs;
      setImmediate(this.#endTurn);
    }
    return nowMs - this.#turnStartedMs >= this.#options.turnMsMax;
  }

  readonly #endTurn = (): void => {
    this.#turnStartedMs = undefined;
  };

  readonly #drain = (): void => {
    this.#isScheduled = false;
    const { activeMax } = this.#options;
    for (let started = 1; this.#length > 0 && this.#active < activeMax; started += 1) {
      this.#start(this.#shift());
      if (started % startsPerLook === 0 && this.#length > 0 && this.#isTurnOver()) {
        this.#schedule();
        return;
      }
    }
  };

  #start(id: number): void {
    this.#active += 1;
    this.#options.run(id);
  }

  /** What `run` began is over. */
  ended(): void {
    this.#active -= 1;
    if (this.#length > 0) this.#schedule();
  }

  #shift(): number {
    const id = this.#queue[this.#head] as number;
    this.#head = (this.#head + 1) & (this.#queue.length - 1);
    this.#length -= 1;
    return id;
  }

  #grow(): void {
    const grown = new Uint32Array(this.#queue.length * 2);
    for (let at = 0; at < this.#length; at += 1)
      grown[at] = this.#queue[(this.#head + at) & (this.#queue.length - 1)] as number;
    this.#queue = grown;
    this.#head = 0;
  }
}
