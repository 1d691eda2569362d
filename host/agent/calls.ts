import type { Budget, Carried, StopCause } from '../engine/budget.ts';
import type { CallWaiter, Instance } from '../engine/instance.ts';
import { HostError } from '../errors.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Outcome, Usage } from '../outcome.ts';
import { outcomeOf, returned, stopped, trapped, usageOf } from './judge.ts';

export type CallOutcome = Outcome<Uint8Array | undefined>;

/** Who waits for the end of a call: one of the two is called, once. */
export interface CallEnd {
  ended(outcome: CallOutcome): void;
  /** Not the guest's doing: the call did not take place. */
  refused(thrown: unknown): void;
}

/** What watches over a call. */
export interface CallWatch {
  /** Calls `Calls.overdue` at a moment of the monotonic clock, unless called off by the timer it returns. */
  arm(atMs: number): number;
  disarm(timer: number): void;
  /** The call under way is being ended: what it waits for ends too. */
  stopped(): void;
}

/** A call whose agent has left its instance in the middle of it, and goes on in another. */
export interface AwayCall {
  readonly end: CallEnd;
  /** Ends it at its deadline. */
  timer: number;
  carried: Carried;
  readonly usage: Usage;
}

/** What a call comes to that is ended while its agent is away. */
export function endedAway({ carried, usage }: AwayCall, cause: StopCause, nowMs: number): CallOutcome {
  return outcomeOf(cause, { ...usage, wallMs: nowMs - carried.startedMs }) as CallOutcome;
}

/** How long a stopped guest may take to unwind before its thread stops waiting for it. */
const unwindMsMax = 2_000;

/**
 * The calls of one instance, one at a time: at its deadline, or when the asker gives up, a call is stopped; if
 * its guest does not unwind, it is over without it. Made once per instance, so that a call makes few objects.
 */
export class Calls implements CallWaiter {
  readonly budget: Budget;
  readonly #instance: Instance;
  readonly #watch: CallWatch;
  readonly #recorder: Recorder | undefined;
  #end: CallEnd | undefined;
  #timer = 0;
  #isUnwinding = false;

  /** `recorder`: of an agent whose history is kept. */
  constructor(instance: Instance, budget: Budget, watch: CallWatch, recorder?: Recorder) {
    this.#instance = instance;
    this.budget = budget;
    this.#watch = watch;
    this.#recorder = recorder;
  }

  /** Calls an export with one argument. */
  begin(name: string, argument: unknown, deadlineMs: number, end: CallEnd): void {
    const { budget } = this;
    this.#end = end;
    budget.restart(deadlineMs);
    this.#timer = this.#watch.arm(budget.startedMs + deadlineMs);
    this.#recorder?.begin(name, argument);
    const instance = this.#instance;
    if (instance.begin !== undefined) instance.begin(name, argument, this);
    else callWhole(instance, name, argument).then(this.returned, this.threw);
  }

  /** As `begin`. */
  call(name: string, argument: unknown, deadlineMs: number): Promise<CallOutcome> {
    return new Promise((ended, refused) => this.begin(name, argument, deadlineMs, { ended, refused }));
  }

  /** Whether a call is under way that may go on. */
  get goesOn(): boolean {
    return this.#end !== undefined && !this.#isUnwinding && this.budget.cause === undefined;
  }

  /** Its agent leaves the instance, by what `hibernate` does at once, and takes the call under way along. */
  leave(hibernate: () => void): AwayCall | undefined {
    const end = this.#end;
    if (end === undefined) return undefined;
    this.#end = undefined;
    const usage = usageOf(this.budget);
    this.budget.settle(usage);
    hibernate();
    return { end, timer: this.#timer, carried: this.budget.carry(), usage };
  }

  /** Goes on with a call that another instance began. */
  goOn({ end, timer }: AwayCall, value: Promise<unknown>): void {
    this.#end = end;
    this.#timer = timer;
    value.then(this.returned, this.threw);
  }

  /** The time is over, or, once it was stopped, so is the time to unwind. */
  overdue(): void {
    if (this.#end === undefined) return;
    if (this.#isUnwinding) {
      const outcome = stopped(this.budget);
      if (outcome !== undefined) this.#ended(this.#over(), outcome as CallOutcome);
      return;
    }
    this.budget.stopForDeadline();
    this.#unwind();
  }

  /** The time of the call under way does not run until `thaw`. */
  freeze(): void {
    if (!this.goesOn || this.budget.isFrozen) return;
    this.#watch.disarm(this.#timer);
    this.budget.freeze();
  }

  thaw(): void {
    if (!this.budget.isFrozen) return;
    this.budget.thaw();
    if (this.goesOn) this.#timer = this.#watch.arm(this.budget.deadlineAtMs);
  }

  /** Ends the call under way, if there is one. */
  stop(cause: StopCause): void {
    if (this.#end === undefined) return;
    this.budget.stop(cause);
    this.#unwind();
  }

  #unwind(): void {
    this.#isUnwinding = true;
    this.#watch.stopped();
    this.#watch.disarm(this.#timer);
    this.#timer = this.#watch.arm(this.budget.clock.monotonicMs() + unwindMsMax);
  }

  /** Who waits for the end, from now on nobody. */
  #over(): CallEnd | undefined {
    const end = this.#end;
    if (end !== undefined) this.#watch.disarm(this.#timer);
    this.#end = undefined;
    this.#isUnwinding = false;
    return end;
  }

  readonly returned = (value: unknown): void => {
    this.#ended(this.#over(), judged(this.budget, value));
  };

  readonly threw = (thrown: unknown): void => {
    const end = this.#over();
    const outcome = stopped(this.budget);
    if (outcome !== undefined) this.#ended(end, outcome as CallOutcome);
    else if (thrown instanceof HostError) end?.refused(thrown);
    else this.#ended(end, trapped(thrown, this.budget) as CallOutcome);
  };

  #ended(end: CallEnd | undefined, outcome: CallOutcome): void {
    if (end === undefined) return;
    this.budget.settle(outcome.usage);
    this.#recorder?.end(outcome);
    end.ended(outcome);
  }
}

/**
 * What a call comes to that nobody watches: as a call of an agent, without a deadline.
 * @throws HostError for what was not the guest's doing
 */
export async function judgeCall(budget: Budget, act: () => Promise<unknown>): Promise<CallOutcome> {
  try {
    return judged(budget, await act());
  } catch (thrown) {
    const outcome = stopped(budget);
    if (outcome !== undefined) return outcome as CallOutcome;
    if (thrown instanceof HostError) throw thrown;
    return trapped(thrown, budget) as CallOutcome;
  }
}

/** A call is over when nothing is left of it: what goes on after its value is told under its limits too. */
async function callWhole(instance: Instance, name: string, argument: unknown): Promise<unknown> {
  const value = await instance.call(name, [argument]);
  await instance.settled?.();
  return value;
}

/** What came back, unless the guest was stopped or gave more than it may. */
function judged(budget: Budget, value: unknown): CallOutcome {
  const outcome = stopped(budget) ?? returned(value, true, usageOf(budget));
  if (outcome.kind !== 'ok') return outcome as CallOutcome;
  const body = outcome.value as Uint8Array | undefined;
  const max = budget.limits.outputBytesMax;
  const used = budget.outputBytes + (body?.length ?? 0);
  if (used <= max) return outcome as CallOutcome;
  return { kind: 'limit', limit: 'outputBytesMax', max, used, usage: outcome.usage };
}
