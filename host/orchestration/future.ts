import { WaitLine, type Waits } from './waits.ts';

/** What is awaited, or why it is not there. */
export type Awaited<T> =
  | { readonly kind: 'ready'; readonly value: T }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'timed-out' | 'cancelled' | 'refused' };

/** A value that will be there once, for everybody who awaits it; each of them for as long as it likes. */
export class Future<T> {
  readonly #line: WaitLine<never>;
  #settled: Awaited<T> | undefined;

  constructor(waits: Waits) {
    this.#line = new WaitLine<never>(waits);
  }

  get isSettled(): boolean {
    return this.#settled !== undefined;
  }

  /** False: it was settled before, and stays as it was. */
  resolve(value: T): boolean {
    return this.#settle({ kind: 'ready', value });
  }

  fail(why: string): boolean {
    return this.#settle({ kind: 'failed', why });
  }

  /** Awaits it at most `waitMs`. */
  async await(waitMs: number, signal?: AbortSignal): Promise<Awaited<T>> {
    if (this.#settled !== undefined) return this.#settled;
    const [end] = await this.#line.wait(waitMs, signal);
    if (this.#settled !== undefined && end === 'closed') return this.#settled;
    return { kind: end === 'cancelled' || end === 'refused' ? end : 'timed-out' };
  }

  #settle(settled: Awaited<T>): boolean {
    if (this.#settled !== undefined) return false;
    this.#settled = settled;
    this.#line.close();
    return true;
  }
}
