import type { Wheel } from '../clock/wheel.ts';
import type { Outbox } from './outbox.ts';

interface Fence {
  /** Threads that have not passed it. */
  readonly left: Set<number>;
  readonly resolve: (isPassed: boolean) => void;
  readonly timer: number;
}

export interface FencesOptions {
  readonly self: number;
  readonly threads: number;
  readonly outbox: Outbox;
  readonly wheel: Wheel;
}

/** Moments that every thread has passed: what was said before is known to whom it was said. */
export class Fences {
  readonly #options: FencesOptions;
  readonly #timeoutKind: number;
  readonly #open = new Map<number, Fence>();
  #token = 0;

  constructor(options: FencesOptions) {
    this.#options = options;
    this.#timeoutKind = options.wheel.kind((token) => this.#end(token, false));
  }

  /**
   * Resolves once all others have accepted what this thread said before, and this one what they had said until then.
   * False: one of them did not within the time.
   */
  pass(timeoutMs: number): Promise<boolean> {
    const { self, threads, outbox, wheel } = this.#options;
    this.#token = (this.#token + 1) & 0x7fffffff;
    const token = this.#token;
    const left = new Set(Array.from({ length: threads }, (_, thread) => thread));
    left.delete(self);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const others = [...left];
    const timer = wheel.after(this.#timeoutKind, token, timeoutMs);
    this.#open.set(token, { left, resolve, timer });
    if (timer === 0 || others.length === 0) this.#end(token, timer !== 0);
    else for (const thread of others) outbox.owed(thread, { kind: 'fence', token });
    return promise;
  }

  /** Another thread asks. */
  asked(token: number, from: number): void {
    this.#options.outbox.owed(from, { kind: 'passed', token });
  }

  passed(token: number, from: number): void {
    const left = this.#open.get(token)?.left;
    left?.delete(from);
    if (left?.size === 0) this.#end(token, true);
  }

  /** A thread is gone: all that it said was accepted. */
  forget(thread: number): void {
    for (const token of [...this.#open.keys()]) this.passed(token, thread);
  }

  #end(token: number, isPassed: boolean): void {
    const fence = this.#open.get(token);
    if (fence === undefined) return;
    this.#open.delete(token);
    this.#options.wheel.cancel(fence.timer);
    fence.resolve(isPassed);
  }
}
