/** Something a guest can wait for. */
export interface Readiness {
  /** Whether a wait would end at once; never blocks, consumes nothing. */
  isReady(): boolean;
  /** Calls `wake` at least when it may have become ready; spurious calls are allowed. Returns the way to unsubscribe. */
  onChange(wake: () => void): () => void;
}

/** Those who wait for a change of one thing. */
export class Signal {
  readonly #listeners = new Set<() => void>();

  readonly onChange = (wake: () => void): (() => void) => {
    // A wrapper per subscription: one wake function may be subscribed twice (duplicates in a poll list).
    const listener = (): void => wake();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Ready from the start and for ever. */
export const alwaysReady: Readiness = {
  isReady: () => true,
  onChange: (wake) => {
    queueMicrotask(wake);
    return () => {};
  },
};

/** A result that arrives later and stays. Rejections are values too: the producer gives what the guest shall see. */
export class Arrival<T> implements Readiness {
  readonly #signal = new Signal();
  readonly onChange: (wake: () => void) => () => void = this.#signal.onChange;
  #value: { readonly value: T } | undefined;

  isReady(): boolean {
    return this.#value !== undefined;
  }

  /** What arrived, boxed; undefined while nothing did. */
  get value(): { readonly value: T } | undefined {
    return this.#value;
  }

  /** The first call counts. */
  settle(value: T): void {
    if (this.#value !== undefined) return;
    this.#value = { value };
    this.#signal.notify();
  }
}
