import type { Wheel } from '../clock/wheel.ts';

interface Held {
  readonly from: number;
  readonly timer: number;
  readonly resolve: () => void;
}

/**
 * Senders ahead of their rate. What they sent is on its way and keeps its order; they hear of it when their rate has
 * caught up, so one that sends in a loop sleeps instead of being refused again and again, which costs more than sending.
 */
export class Pace {
  readonly #wheel: Wheel;
  readonly #heldMax: number;
  readonly #kind: number;
  readonly #held = new Map<number, Held>();
  #token = 0;

  /** `heldMax`: senders that wait at once. */
  constructor(wheel: Wheel, heldMax: number) {
    this.#wheel = wheel;
    this.#heldMax = heldMax;
    this.#kind = wheel.kind((token) => this.#release(token));
  }

  /** Senders that wait. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether one more cannot wait: it is refused instead. */
  get isFull(): boolean {
    return this.#held.size >= this.#heldMax;
  }

  /** The same result, in `ms` milliseconds at the earliest or when its sender is gone. */
  async hold<T>(from: number, result: T | Promise<T>, ms: number): Promise<T> {
    await this.#wait(from, ms);
    return result;
  }

  #wait(from: number, ms: number): Promise<void> {
    this.#token = (this.#token + 1) & 0x7fffffff;
    const token = this.#token;
    const timer = this.#wheel.after(this.#kind, token, ms);
    if (timer === 0) return Promise.resolve();
    return new Promise((resolve) => this.#held.set(token, { from, timer, resolve }));
  }

  #release(token: number): void {
    const held = this.#held.get(token);
    this.#held.delete(token);
    held?.resolve();
  }

  /** A sender is gone. */
  endOf(from: number): void {
    for (const [token, held] of this.#held) {
      if (held.from !== from) continue;
      this.#wheel.cancel(held.timer);
      this.#release(token);
    }
  }
}
