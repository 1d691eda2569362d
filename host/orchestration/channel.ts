import { WaitLine, type Waits } from './waits.ts';

export interface ChannelOptions<T> {
  /** Values it holds at most. */
  readonly valuesMax: number;
  /** Where those wait who find it full or empty. */
  readonly waits: Waits;
  /** What crosses instead of what is put; throws for what may not. Called only when the value is accepted. */
  readonly admit?: (value: T) => T;
}

/** What came of putting a value. */
export type PutEnd = 'put' | 'full' | 'closed' | 'cancelled' | 'refused';

/** What came of taking one; a value is never `undefined`. */
export type Taken<T> =
  | { readonly kind: 'taken'; readonly value: T }
  | { readonly kind: 'empty' | 'closed' | 'cancelled' | 'refused' };

export const channelValuesMax = 1_048_576;

/**
 * A bounded queue of values from many to many: each value goes to one taker, in the order in which they were put.
 * Whoever finds it full or empty may wait; those who wait have their turn in the order in which they came.
 */
export class Channel<T extends NonNullable<unknown>> {
  readonly valuesMax: number;
  readonly #admit: ((value: T) => T) | undefined;
  /** A ring whose size is a power of two; it grows until it holds `valuesMax`. */
  #ring: (T | undefined)[];
  #mask: number;
  #head = 0;
  #length = 0;
  #isClosed = false;
  readonly #takers: WaitLine<T>;
  readonly #putters: WaitLine<T>;

  constructor({ valuesMax, waits, admit }: ChannelOptions<T>) {
    this.valuesMax = Math.max(1, Math.min(channelValuesMax, Math.floor(valuesMax)));
    this.#admit = admit;
    this.#ring = new Array<T | undefined>(ringOf(Math.min(this.valuesMax, ringStart))).fill(undefined);
    this.#mask = this.#ring.length - 1;
    this.#takers = new WaitLine<T>(waits);
    this.#putters = new WaitLine<T>(waits);
  }

  get length(): number {
    return this.#length;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether somebody waits to put or to take. */
  get isAwaited(): boolean {
    return !this.#takers.isEmpty || !this.#putters.isEmpty;
  }

  /** Puts a value without waiting. */
  tryPut(value: T): 'put' | 'full' | 'closed' {
    if (this.#isClosed) return 'closed';
    if (this.#length >= this.valuesMax) return 'full';
    this.#accept(this.#admit === undefined ? value : this.#admit(value));
    return 'put';
  }

  /** Takes the oldest value without waiting; `undefined`: there is none. */
  tryTake(): T | undefined {
    if (this.#length === 0) return undefined;
    const value = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length -= 1;
    if (!this.#putters.isEmpty) this.#letIn();
    return value;
  }

  /** Puts a value, and waits for room at most `waitMs`. */
  async put(value: T, waitMs: number, signal?: AbortSignal): Promise<PutEnd> {
    const at = this.tryPut(value);
    if (at !== 'full' || waitMs <= 0) return at;
    const [end] = await this.#putters.wait(waitMs, signal, value);
    if (end === 'came') return 'put';
    return end === 'timed-out' ? 'full' : end;
  }

  /** Takes the oldest value, and waits for one at most `waitMs`. What a closed channel holds can still be taken. */
  async take(waitMs: number, signal?: AbortSignal): Promise<Taken<T>> {
    const value = this.tryTake();
    if (value !== undefined) return { kind: 'taken', value };
    if (this.#isClosed) return { kind: 'closed' };
    const [end, given] = await this.#takers.wait(waitMs, signal);
    if (end === 'came') return { kind: 'taken', value: given as T };
    return { kind: end === 'timed-out' ? 'empty' : end };
  }

  /** A value that was taken and whose taker is gone: the next one taken, beyond the bound if need be. */
  putBack(value: T): void {
    const taker = this.#takers.first;
    if (taker !== undefined) {
      this.#takers.give(taker, value);
      return;
    }
    if (this.#length > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#ring[this.#head] = value;
    this.#length += 1;
  }

  /** Nothing is put any more; those who wait are told so. */
  close(): void {
    this.#isClosed = true;
    this.#putters.close();
    this.#takers.close();
  }

  #accept(value: T): void {
    const taker = this.#takers.first;
    if (taker === undefined) this.#push(value);
    else this.#takers.give(taker, value);
  }

  #push(value: T): void {
    if (this.#length > this.#mask) this.#grow();
    this.#ring[(this.#head + this.#length) & this.#mask] = value;
    this.#length += 1;
  }

  /** There is room: whoever has waited longest for it puts now. */
  #letIn(): void {
    const putter = this.#putters.first;
    if (putter?.item === undefined || this.#length >= this.valuesMax) return;
    this.#push(this.#admit === undefined ? putter.item : this.#admit(putter.item));
    this.#putters.give(putter);
  }

  #grow(): void {
    const { length } = this.#ring;
    const grown = new Array<T | undefined>(length * 2).fill(undefined);
    for (let at = 0; at < this.#length; at += 1) grown[at] = this.#ring[(this.#head + at) & this.#mask];
    this.#ring = grown;
    this.#mask = grown.length - 1;
    this.#head = 0;
  }
}

const ringStart = 1024;

function ringOf(values: number): number {
  return values <= 1 ? 1 : 2 ** (32 - Math.clz32(values - 1));
}
