import type { Clock } from '../clock.ts';
import { Budget, Stopped, type Turn } from '../engine/budget.ts';
import type { Launched } from '../engine/engine.ts';
import { HostError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Outcome } from '../outcome.ts';
import { returned, stopped, trapped, usageOf } from './judge.ts';
import { sizeOf } from './value-size.ts';

/** One call of one agent, ready to go. */
export interface Invocation {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Others on the same thread, to whom a guest that computes gives way. */
  readonly turn?: Turn;
  /** Whose guest it is, to `turn`. */
  readonly turnKey?: number;
  /** Fuel units between two looks at the clock; any value gives the same outcome and counts. */
  readonly fuelSlice?: bigint;
  /** Links and instantiates under the budget; guest code may already run here (start functions). */
  readonly launch: (budget: Budget) => Promise<Launched>;
  readonly call: (launched: Launched) => Promise<unknown>;
  /** Whether what `call` gives is a WIT `result`; a record or variant of the guest's own may look like one. */
  readonly isFallible: boolean;
}

export interface Invoked {
  readonly outcome: Outcome;
  /** What the guest was refused, and what would allow it. */
  readonly denials: ReadonlyMap<string, string>;
}

/** How long a stopped guest may take to unwind before the host stops waiting for it. */
const unwindMsMax = 2_000;

/** The one path every invocation takes. The guest's failure is in the outcome; only the caller's or the world's is thrown. */
export async function invoke(invocation: Invocation): Promise<Invoked> {
  const { limits, clock, signal } = invocation;
  const slice = invocation.fuelSlice === undefined ? {} : { fuelSlice: invocation.fuelSlice };
  const turn = invocation.turn === undefined ? {} : { turn: invocation.turn };
  const turnKey = invocation.turnKey === undefined ? {} : { turnKey: invocation.turnKey };
  const budget = new Budget({ limits, clock, ...slice, ...turn, ...turnKey });
  return supervise(budget, signal, () => attempt(invocation, budget));
}

/** Waits for `act` to end, and sees to it that it does: at the deadline, when the caller gives up, when it is stopped. */
export async function supervise(
  budget: Budget,
  signal: AbortSignal | undefined,
  act: () => Promise<Outcome>,
): Promise<Invoked> {
  const { clock } = budget;
  const settled = new AbortController();
  const unwatch = watch(budget, clock, signal, settled.signal);
  try {
    const outcome = await Promise.race([act(), abandoned(budget, clock, settled.signal)]);
    return { outcome, denials: budget.denials };
  } finally {
    settled.abort();
    unwatch();
  }
}

async function attempt(invocation: Invocation, budget: Budget): Promise<Outcome> {
  const held: { launched?: Launched } = {};
  try {
    return await judge(budget, invocation.isFallible, async () => {
      held.launched = await invocation.launch(budget);
      const value = await invocation.call(held.launched);
      admitValue(value, budget);
      await held.launched.release();
      return value;
    });
  } finally {
    budget.settle();
    held.launched?.instance.dispose();
    await held.launched?.release();
  }
}

/** What came of a call into a guest. @throws HostError for what was not the guest's doing */
export async function judge(
  budget: Budget,
  isFallible: boolean,
  act: () => Promise<unknown>,
): Promise<Outcome> {
  try {
    const value = await act();
    return stopped(budget) ?? returned(value, isFallible, usageOf(budget));
  } catch (thrown) {
    const outcome = stopped(budget);
    if (outcome !== undefined) return outcome;
    if (thrown instanceof HostError) throw thrown;
    return trapped(thrown, budget);
  }
}

/** A value somebody will print is output like any other. @throws Stopped (cause `limit`) for one too large to print */
export function admitValue(value: unknown, budget: Budget): void {
  const max = budget.limits.outputBytesMax;
  const used = budget.outputBytes + sizeOf(value, max);
  if (used <= max) return;
  budget.stop({ kind: 'limit', limit: 'outputBytesMax', max, used });
  budget.check();
}

/** Stops the guest when the caller gives up or the deadline passes, also while it waits and burns no fuel. */
function watch(
  budget: Budget,
  clock: Clock,
  signal: AbortSignal | undefined,
  settled: AbortSignal,
): () => void {
  const cancel = (): void =>
    budget.stop({ kind: 'cancelled', reason: String(signal?.reason ?? 'cancelled') });
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel);
  clock.sleep(budget.deadlineLeftMs, settled).then(
    () => budget.stopForDeadline(),
    () => {},
  );
  return () => signal?.removeEventListener('abort', cancel);
}

/** Resolves only when a stopped guest does not unwind, for a wait in the host that ignores the stop. */
function abandoned(budget: Budget, clock: Clock, settled: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const unwatch = budget.onStop(() => {
      clock.sleep(unwindMsMax, settled).then(
        () => resolve(stopped(budget) ?? trapped(new Stopped('stopped'), budget)),
        () => {},
      );
    });
    settled.addEventListener('abort', unwatch);
  });
}
