import type { StopCause } from '../engine/budget.ts';
import type { Answer, AsyncCalls, Rest } from '../engine/instance.ts';
import { sizeOf } from './value-size.ts';

/** The agent whose calls these are. */
export interface ParkingOwner {
  /** Bytes of answers that are kept for it while it is out of memory. */
  readonly answersBytesMax: number;
  /** A call waits. */
  rests(): void;
  /** A call that waits can go on. */
  ready(): void;
  /** Ends the call: more answers came than may be kept. */
  stop(cause: StopCause): void;
}

/**
 * What one agent has asked and has no answer to, wherever the agent is: answers go to the instance it is in, and are
 * kept while it is in none. There is at most one answer for each call, and an instance has at most
 * `handlesMax` calls open.
 */
export class Parking implements Rest {
  readonly #owner: ParkingOwner;
  /** Of the instance it is in. */
  #calls: AsyncCalls | undefined;
  /** Calls that were open when it left an instance and still are, and how to cancel them. */
  readonly #open = new Map<number, (() => void) | undefined>();
  #kept: Answer[] = [];
  #keptBytes = 0;
  #isReady = false;

  constructor(owner: ParkingOwner) {
    this.#owner = owner;
  }

  /** Whether something came for a call that waits. */
  get isReady(): boolean {
    return this.#isReady;
  }

  began(): void {
    this.#isReady = false;
    this.#owner.rests();
  }

  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#owner.ready();
  }

  /** It is in an instance again. False: calls are open there that nobody will answer. */
  join(calls: AsyncCalls): boolean {
    const isWhole = calls.pending.every(({ token }) => this.#open.has(token));
    if (!isWhole) return false;
    this.#calls = calls;
    calls.rest = this;
    calls.onLateAnswer = this.#answer;
    calls.reopen([...this.#open].map(([token, cancel]) => ({ token, cancel: this.#closing(token, cancel) })));
    this.#isReady = false;
    const kept = this.#kept;
    this.#forgetKept();
    for (const answer of kept) calls.answer(answer);
    return true;
  }

  #closing(token: number, cancel: (() => void) | undefined): () => void {
    return () => {
      this.#open.delete(token);
      cancel?.();
    };
  }

  /** Lets the call that waits take what came. */
  resume(): void {
    this.#isReady = false;
    if (this.#calls?.resume() === false) this.began();
  }

  /** It is about to leave its instance. */
  leave(): void {
    for (const { token, cancel } of this.#calls?.pending ?? [])
      if (!this.#open.has(token)) this.#open.set(token, cancel);
    this.#calls = undefined;
  }

  readonly #answer = (answer: Answer): void => {
    if (!this.#open.has(answer.token)) return;
    if (this.#calls === undefined) this.#keep(answer);
    else {
      this.#open.delete(answer.token);
      this.#calls.answer(answer);
    }
  };

  #keep(answer: Answer): void {
    const { answersBytesMax: max } = this.#owner;
    this.#keptBytes += 'value' in answer ? sizeOf(answer.value, max) : 0;
    const used = this.#keptBytes;
    if (used > max) this.#owner.stop({ kind: 'limit', limit: 'memoryBytesMax', max, used });
    else {
      this.#kept.push(answer);
      this.ready();
    }
  }

  #forgetKept(): void {
    for (const { token } of this.#kept) this.#open.delete(token);
    this.#kept = [];
    this.#keptBytes = 0;
  }

  /** Nobody waits for anything any more. */
  end(): void {
    const calls = this.#calls?.pending.map(({ cancel }) => cancel) ?? this.#open.values();
    this.#isReady = false;
    this.#forgetKept();
    const cancels = [...calls];
    this.#calls = undefined;
    this.#open.clear();
    for (const cancel of cancels) cancel?.();
  }
}
