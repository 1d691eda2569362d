import type { Outcome } from '../outcome.ts';
import type { DeadReason } from './dead-letters.ts';
import type { Delivery, Reply } from './delivery.ts';
import type { Journal } from './journal-port.ts';

/** What became of a message, or the answer to it, while what its receiver sent is on its way to the disk. */
export interface Held {
  readonly delivery: Delivery;
  readonly outcome: Outcome<Uint8Array | undefined> | undefined;
  readonly reply: Reply | undefined;
  /** Why it is given up whatever its outcome says. */
  readonly reason?: DeadReason | undefined;
}

/** Messages that go to the journal's disk together. */
export class Flush {
  state: 'under-way' | 'safe' | 'lost' = 'under-way';
  readonly held: Held[] = [];
}

/**
 * What an agent sent is on disk before the outcome of the message that made it send leaves this thread: otherwise
 * the message would be dealt with, and what came of it lost.
 */
export class Flushes {
  readonly #journal: Journal;
  readonly #release: (flush: Flush) => void;
  #last: { readonly promise: Promise<void>; readonly flush: Flush } | undefined;

  /** `release` is called once for each flush, when it has ended. */
  constructor(journal: Journal, release: (flush: Flush) => void) {
    this.#journal = journal;
    this.#release = release;
  }

  /** The flush that takes along what was accepted last. */
  get current(): Flush {
    const promise = this.#journal.flushed();
    if (this.#last?.promise === promise) return this.#last.flush;
    const flush = new Flush();
    this.#last = { promise, flush };
    promise.then(
      () => this.#end(flush, 'safe'),
      () => this.#end(flush, 'lost'),
    );
    return flush;
  }

  #end(flush: Flush, state: 'safe' | 'lost'): void {
    if (this.#last?.flush === flush) this.#last = undefined;
    flush.state = state;
    this.#release(flush);
  }
}
