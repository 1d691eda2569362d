import type { Wheel } from '../clock/wheel.ts';

/** How a wait ended. `refused`: there are too many already. */
export type WaitEnd = 'came' | 'closed' | 'timed-out' | 'cancelled' | 'refused';

/** Somebody who waits in one line, and for how long. */
export class Waiter<T> {
  next: Waiter<T> | undefined;
  previous: Waiter<T> | undefined;
  line: WaitLine<T> | undefined;
  readonly resolve: (end: WaitEnd) => void;
  /** What it brings, or what it was given. */
  item: T | undefined;
  timer = 0;
  number = 0;

  constructor(item: T | undefined, resolve: (end: WaitEnd) => void) {
    this.item = item;
    this.resolve = resolve;
  }
}

/** All who wait for something of one room, with their deadlines on one wheel. */
export class Waits {
  readonly #wheel: Wheel;
  readonly #kind: number;
  readonly #waiters = new Map<number, Waiter<unknown>>();
  readonly #waitersMax: number;
  #last = 0;

  constructor(wheel: Wheel, waitersMax = 100_000) {
    this.#wheel = wheel;
    this.#waitersMax = waitersMax;
    this.#kind = wheel.kind((number) => this.end(this.#waiters.get(number), 'timed-out'));
  }

  get size(): number {
    return this.#waiters.size;
  }

  get isFull(): boolean {
    return this.#waiters.size >= this.#waitersMax;
  }

  /** Begins a wait; false: there are too many, or no timer is left for it. */
  begin(waiter: Waiter<unknown>, waitMs: number): boolean {
    if (this.isFull) return false;
    do this.#last = (this.#last + 1) | 0;
    while (this.#waiters.has(this.#last));
    waiter.number = this.#last;
    if (waitMs !== Number.POSITIVE_INFINITY) {
      waiter.timer = this.#wheel.after(this.#kind, waiter.number, waitMs);
      if (waiter.timer === 0) return false;
    }
    this.#waiters.set(waiter.number, waiter);
    return true;
  }

  /** Ends a wait; one that has ended is left alone. */
  end(waiter: Waiter<unknown> | undefined, end: WaitEnd): void {
    if (waiter === undefined || !this.#waiters.delete(waiter.number)) return;
    if (waiter.timer !== 0) this.#wheel.cancel(waiter.timer);
    waiter.line?.unlink(waiter);
    waiter.resolve(end);
  }
}

/** Those who wait for the same, first come first served. */
export class WaitLine<T> {
  readonly #waits: Waits;
  #first: Waiter<T> | undefined;
  #last: Waiter<T> | undefined;

  constructor(waits: Waits) {
    this.#waits = waits;
  }

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Waits at most `waitMs` (`Infinity`: for ever), and until `signal` aborts. The item of the waiter is what it brings. */
  wait(
    waitMs: number,
    signal?: AbortSignal,
    item?: T,
  ): Promise<readonly [end: WaitEnd, item: T | undefined]> {
    if (signal?.aborted === true) return Promise.resolve(['cancelled', undefined]);
    if (waitMs <= 0) return Promise.resolve(['timed-out', undefined]);
    return new Promise((resolve) => {
      const cancel = (): void => this.#waits.end(waiter, 'cancelled');
      const waiter = new Waiter<T>(item, (end) => {
        signal?.removeEventListener('abort', cancel);
        resolve([end, waiter.item]);
      });
      if (!this.#waits.begin(waiter, waitMs)) {
        resolve(['refused', undefined]);
        return;
      }
      signal?.addEventListener('abort', cancel, { once: true });
      this.#append(waiter);
    });
  }

  /** Whoever has waited longest: `give` or `letGo` ends the wait. */
  get first(): Waiter<T> | undefined {
    return this.#first;
  }

  /** Ends a wait with what was waited for. */
  give(waiter: Waiter<T>, item?: T): void {
    if (item !== undefined) waiter.item = item;
    this.#waits.end(waiter, 'came');
  }

  /** Ends everybody's wait: there will be nothing. */
  close(): void {
    while (this.#first !== undefined) this.#waits.end(this.#first, 'closed');
  }

  #append(waiter: Waiter<T>): void {
    waiter.line = this;
    waiter.previous = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
  }

  unlink(waiter: Waiter<unknown>): void {
    const own = waiter as Waiter<T>;
    if (own.line !== this) return;
    if (own.previous === undefined) this.#first = own.next;
    else own.previous.next = own.next;
    if (own.next === undefined) this.#last = own.previous;
    else own.next.previous = own.previous;
    own.line = undefined;
    own.next = undefined;
    own.previous = undefined;
  }
}
