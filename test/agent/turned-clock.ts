import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../host/clock.ts';

interface Sleeper {
  readonly atMs: number;
  readonly resolve: () => void;
}

/** A clock that a test turns. */
export class TurnedClock implements Clock {
  #wallMs: number;
  #steadyMs = 0;
  #sleepers: Sleeper[] = [];
  /** Waits begun so far. */
  sleeps = 0;

  constructor(start: string) {
    this.#wallMs = Date.parse(start);
  }

  wallNs(): bigint {
    return BigInt(this.#wallMs) * 1_000_000n;
  }

  monotonicNs(): bigint {
    return BigInt(this.#steadyMs) * 1_000_000n;
  }

  monotonicMs(): number {
    return this.#steadyMs;
  }

  get waiting(): number {
    return this.#sleepers.length;
  }

  get text(): string {
    return new Date(this.#wallMs).toISOString();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps += 1;
    return new Promise((resolve, reject) => {
      const sleeper = { atMs: this.#steadyMs + ms, resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Time passes, and every wait that ends meanwhile ends at its time. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#steadyMs + ms;
    for (;;) {
      await turn();
      const [next] = this.#sleepers.sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#to(Math.max(this.#steadyMs, next.atMs));
      this.#sleepers.shift();
      next.resolve();
    }
    this.#to(untilMs);
    await turn();
  }

  /** Time passes while nothing runs: waits end late, all at once. */
  async freeze(ms: number): Promise<void> {
    this.#to(this.#steadyMs + ms);
    await this.pass(0);
  }

  /** Somebody sets the wall clock. */
  set(start: string): void {
    this.#wallMs = Date.parse(start);
  }

  #to(steadyMs: number): void {
    this.#wallMs += steadyMs - this.#steadyMs;
    this.#steadyMs = steadyMs;
  }
}
