import type { Clock, Random } from '../clock.ts';
import { fractionOf } from './backoff.ts';

/** When somebody is asked how it is, and what that means. */
export interface HealthRules {
  /** Milliseconds from one answer to the next question. */
  readonly intervalMs: number;
  /** Milliseconds for an answer; none in time is a bad one. */
  readonly timeoutMs: number;
  /** Bad answers in a row that make it unhealthy, 1 or more. */
  readonly failuresMax: number;
  /** Good answers in a row that make it healthy, 1 or more. */
  readonly successesMin: number;
  /** Milliseconds before the first question. */
  readonly delayMs: number;
}

export const defaultHealthRules: HealthRules = {
  intervalMs: 30_000,
  timeoutMs: 1_000,
  failuresMax: 3,
  successesMin: 1,
  delayMs: 0,
};

export type HealthState = 'unknown' | 'healthy' | 'unhealthy';

export interface HealthRooms {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly random: Random;
  /** Asks; undefined: it is well, else what is wrong. Rejecting is a bad answer too. */
  readonly probe: (signal: AbortSignal) => Promise<string | undefined>;
  /** It is healthy now, or is not any more: `why` says what the last answer was. */
  readonly turned: (state: 'healthy' | 'unhealthy', why: string | undefined) => void;
}

/** Share of the interval over which first questions are spread, so that not all are asked at once. */
const spread = 0.1;

/** Asks somebody again and again how it is: its liveness, or its readiness; what follows is its owner's affair. */
export class HealthCheck {
  readonly #rules: HealthRules;
  readonly #rooms: HealthRooms;
  #state: HealthState = 'unknown';
  #inARow = 0;
  #stopping: AbortController | undefined;

  constructor(rules: HealthRules, rooms: HealthRooms) {
    this.#rules = rules;
    this.#rooms = rooms;
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Begins anew, with nothing known. */
  start(): void {
    this.stop();
    this.#state = 'unknown';
    this.#inARow = 0;
    const stopping = new AbortController();
    this.#stopping = stopping;
    void this.#run(stopping.signal).catch(() => undefined);
  }

  stop(): void {
    this.#stopping?.abort(new Error('nobody asks any more'));
    this.#stopping = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#rooms;
    const { delayMs, intervalMs } = this.#rules;
    await clock.sleep(delayMs + intervalMs * spread * fractionOf(random), signal);
    while (!signal.aborted) {
      const trouble = await this.#ask(signal);
      if (signal.aborted) return;
      this.#count(trouble);
      await clock.sleep(intervalMs, signal);
    }
  }

  async #ask(signal: AbortSignal): Promise<string | undefined> {
    const { clock, probe } = this.#rooms;
    const { timeoutMs } = this.#rules;
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    const late = clock.sleep(timeoutMs, both).then(
      () => `no answer within ${timeoutMs} ms`,
      () => undefined,
    );
    try {
      return await Promise.race([probe(both), late]);
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    } finally {
      over.abort(new Error('the time for an answer is over'));
    }
  }

  #count(trouble: string | undefined): void {
    const is = trouble === undefined ? 'healthy' : 'unhealthy';
    if (is === this.#state) {
      this.#inARow = 0;
      return;
    }
    this.#inARow = Math.sign(this.#inARow) === (trouble === undefined ? 1 : -1) ? this.#inARow : 0;
    this.#inARow += trouble === undefined ? 1 : -1;
    const { failuresMax, successesMin } = this.#rules;
    if (Math.abs(this.#inARow) < (trouble === undefined ? successesMin : failuresMax)) return;
    this.#inARow = 0;
    this.#state = is;
    this.#rooms.turned(is, trouble);
  }
}
