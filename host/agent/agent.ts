import type { Delivery } from '../bus/delivery.ts';
import { Capabilities } from '../capability/capabilities.ts';
import type { Clock } from '../clock.ts';
import { Budget, type StopCause, type Turn } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import { type Snapshot, snapshotBytes } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';
import { intersect, type Limits } from '../limits.ts';
import type { Outcome, Usage } from '../outcome.ts';
import { returned, stopped, trapped, usageOf } from './judge.ts';
import { RestartDelay } from './restart-delay.ts';
import type { Tally } from './roll.ts';
import type { Spec } from './spec.ts';

/** Why an instance ends in good order (wit/types.wit). */
export type StopReason = 'requested' | 'idle' | 'replaced' | 'restarting' | 'shutdown';

/** What a resident needs of its thread. */
export interface Surroundings {
  readonly clock: Clock;
  readonly turn: Turn;
  /**
   * Links and instantiates, or brings back what was saved, which it lets go of only when that has worked; waits
   * for room if there is none.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED`
   */
  launch(agent: Agent, saved: Saved | undefined, budget: Budget, deadlineMs: number): Promise<Launch>;
  /** It has an instance and nothing to do, from now on. */
  idle(agent: Agent): void;
  /** It is idle no longer. */
  busy(agent: Agent): void;
  /** Its state is in the heap, or is to be looked after there again. */
  kept(agent: Agent, saved: Saved): void;
  /** Its state is needed now, or by nobody any more. */
  released(agent: Agent, saved: Saved): void;
  /** Calls `agent.overdue()` after so many milliseconds, unless called off by the timer it returns. */
  arm(agent: Agent, ms: number): number;
  disarm(timer: number): void;
  /** The call under way is being ended: what it waits for ends too. */
  stopped(agent: Agent): void;
  /** Tells the people who run the host. */
  note(agent: Agent, what: AgentNote): void;
}

/** An instance, and whether it goes on where an earlier one was saved. */
export interface Launch {
  readonly resident: Resident;
  readonly isWoken: boolean;
}

export type AgentNote =
  | { readonly kind: 'started'; readonly resumed: boolean }
  | { readonly kind: 'denied'; readonly what: string; readonly cure: string }
  | { readonly kind: 'ended'; readonly outcome: Outcome | undefined; readonly reason: StopReason | 'failed' }
  | { readonly kind: 'refused'; readonly error: HostError };

/** How long a stopped guest may take to unwind before its thread stops waiting for it. */
const unwindMsMax = 2_000;

/**
 * Where an agent is in its life on its thread: not begun, or lost after a failure (`absent`); in memory
 * (`launching`, `idle`, `busy`); out of it, its state in the host's heap (`hibernated`) or on disk (`cold`).
 */
export type AgentPhase = 'absent' | 'launching' | 'idle' | 'busy' | 'leaving' | 'hibernated' | 'cold';

/** Where the state of an agent that is not in memory lies. */
export type Saved =
  | { readonly kind: 'warm'; readonly snapshot: Snapshot; readonly bytes: number }
  | { readonly kind: 'cold' };

/**
 * One agent on its thread: at most one instance, and in it at most one message at a time. It launches when a
 * message comes, and after a trap, a limit or a cancellation the instance is gone and the next message has a new one.
 */
export class Agent {
  readonly id: number;
  readonly name: string;
  #spec: Spec;
  readonly #around: Surroundings;
  #state: AgentPhase = 'absent';
  #budget: Budget | undefined;
  #resident: Resident | undefined;
  /** Ends the wait for a call whose guest does not unwind. */
  #giveUp: ((outcome: Outcome<Uint8Array | undefined>) => void) | undefined;
  #isUnwinding = false;
  #timer = 0;
  #hasLived = false;
  #saved: Saved | undefined;
  #leaving: Promise<unknown> | undefined;
  #handling: Promise<unknown> | undefined;
  readonly #delay = new RestartDelay();
  /** What it handles. */
  delivery: Delivery | undefined;
  #capabilities: Capabilities | undefined;
  handled = 0;
  failed = 0;
  fuel = 0n;
  memoryBytes = 0;
  lastUsedMs = 0;
  lastError: string | undefined;

  constructor(id: number, name: string, spec: Spec, around: Surroundings) {
    this.id = id;
    this.name = name;
    this.#spec = spec;
    this.#around = around;
  }

  get spec(): Spec {
    return this.#spec;
  }

  /** What its manifest grants, less what was taken back. */
  get capabilities(): Capabilities {
    this.#capabilities ??= Capabilities.of(this.#spec.manifest.grants, this.#spec.manifestPath);
    return this.#capabilities;
  }

  get phase(): AgentPhase {
    return this.#state;
  }

  /** Whether it holds an instance and no call is under way. */
  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  get resident(): Resident | undefined {
    return this.#resident;
  }

  /** Resolves when no message is under way. */
  async settled(): Promise<void> {
    await this.#handling;
  }

  /** Handles one message, with all that may go wrong in the outcome; never rejects. */
  handle(delivery: Delivery): Promise<Outcome<Uint8Array | undefined>> {
    const handling = this.#handle(delivery);
    this.#handling = handling;
    return handling;
  }

  async #handle(delivery: Delivery): Promise<Outcome<Uint8Array | undefined>> {
    this.delivery = delivery;
    const { message } = delivery;
    const deadlineMs = this.#deadlineMs(message.deadlineNs);
    try {
      if (this.#spec.program.facts.main.kind !== 'handler') return this.#unsupported();
      if (deadlineMs <= 0) return this.#late(deadlineMs);
      if (this.#leaving !== undefined) await this.#leaving;
      if (this.#state === 'idle') this.#around.busy(this);
      const resident = this.#resident ?? (await this.#launch(deadlineMs));
      const budget = this.#budget as Budget;
      const outcome = await this.#supervised(budget, this.#deadlineMs(message.deadlineNs), () =>
        resident.instance.call('handle', [message]),
      );
      return await this.#count(outcome, budget);
    } catch (thrown) {
      return this.#refused(thrown);
    } finally {
      this.delivery = undefined;
      this.lastUsedMs = this.#around.clock.monotonicMs();
    }
  }

  #deadlineMs(deadlineNs: bigint | undefined): number {
    const max = this.#spec.limits.deadlineMs;
    if (deadlineNs === undefined) return max;
    return Math.min(max, Number((deadlineNs - this.#around.clock.wallNs()) / 1_000n) / 1_000);
  }

  /** It answers HTTP requests and nothing else. */
  #unsupported(): Outcome<Uint8Array | undefined> {
    const failure = { tag: 'unsupported', val: 'the agent answers HTTP requests, not messages' };
    return { kind: 'error', exitCode: 1, failure, usage: noUsage };
  }

  #late(deadlineMs: number): Outcome<Uint8Array | undefined> {
    const usage = { fuel: 0n, memoryBytes: this.memoryBytes, wallMs: 0, outputBytes: 0 };
    const used = Math.round(-deadlineMs);
    return { kind: 'limit', limit: 'deadlineMs', max: this.#spec.limits.deadlineMs, used, usage };
  }

  async #launch(deadlineMs: number): Promise<Resident> {
    this.#state = 'launching';
    const waitMs = this.#delay.leftMs(this.#around.clock.monotonicMs());
    if (waitMs > 0) await this.#around.clock.sleep(Math.min(waitMs, deadlineMs));
    const { limits } = this.#spec;
    const budget = new Budget({ limits, clock: this.#around.clock, turn: this.#around.turn });
    this.#budget = budget;
    if (this.#saved !== undefined) this.#around.released(this, this.#saved);
    const { resident, isWoken } = await this.#around.launch(this, this.#saved, budget, deadlineMs);
    this.#resident = resident;
    this.#saved = undefined;
    if (isWoken) return resident;
    await this.#start(resident, budget, deadlineMs);
    this.#around.note(this, { kind: 'started', resumed: this.#hasLived });
    this.#hasLived = true;
    return resident;
  }

  /** @throws StartFailed when the agent says so, or ends */
  async #start({ instance }: Resident, budget: Budget, deadlineMs: number): Promise<void> {
    const { main } = this.#spec.program.facts;
    if (main.kind !== 'handler' || !main.hasLife) return;
    const config = { name: this.name, settings: this.#spec.settings, resumed: this.#hasLived };
    const outcome = await this.#supervised(budget, deadlineMs, () => instance.call('start', [config]));
    if (outcome.kind === 'ok') return;
    throw new StartFailed(outcome);
  }

  /** One call, and what came of it; at the deadline, or when the asker gives up, it is stopped. */
  async #supervised(
    budget: Budget,
    deadlineMs: number,
    act: () => Promise<unknown>,
  ): Promise<Outcome<Uint8Array | undefined>> {
    this.#state = 'busy';
    budget.restart(deadlineMs);
    this.#timer = this.#around.arm(this, deadlineMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#giveUp = resolve;
        act().then(
          (value) => resolve(this.#judge(budget, value)),
          (thrown: unknown) => {
            const outcome = stopped(budget);
            if (outcome !== undefined) resolve(outcome as Outcome<undefined>);
            else if (thrown instanceof HostError) reject(thrown);
            else resolve(trapped(thrown, budget) as Outcome<undefined>);
          },
        );
      });
    } finally {
      this.#around.disarm(this.#timer);
      this.#giveUp = undefined;
      this.#isUnwinding = false;
    }
  }

  #judge(budget: Budget, value: unknown): Outcome<Uint8Array | undefined> {
    const outcome = stopped(budget) ?? returned(value, true, usageOf(budget));
    if (outcome.kind !== 'ok') return outcome as Outcome<undefined>;
    const body = outcome.value as Uint8Array | undefined;
    const max = budget.limits.outputBytesMax;
    const used = budget.outputBytes + (body?.length ?? 0);
    if (used <= max) return { kind: 'ok', value: body, usage: outcome.usage };
    return { kind: 'limit', limit: 'outputBytesMax', max, used, usage: outcome.usage };
  }

  /** The time is over, or, once it was stopped, so is the time to unwind. */
  overdue(): void {
    const budget = this.#budget;
    if (budget === undefined) return;
    if (!this.#isUnwinding) {
      budget.stopForDeadline();
      this.#unwind();
      return;
    }
    const outcome = stopped(budget);
    if (outcome !== undefined) this.#giveUp?.(outcome as Outcome<undefined>);
  }

  /** Ends the call under way, if there is one. */
  stop(cause: StopCause): void {
    if (this.#giveUp === undefined) return;
    this.#budget?.stop(cause);
    this.#unwind();
  }

  #unwind(): void {
    this.#isUnwinding = true;
    this.#around.stopped(this);
    this.#around.disarm(this.#timer);
    this.#timer = this.#around.arm(this, unwindMsMax);
  }

  async #count(
    outcome: Outcome<Uint8Array | undefined>,
    budget: Budget,
  ): Promise<Outcome<Uint8Array | undefined>> {
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    this.memoryBytes = outcome.usage.memoryBytes;
    if (outcome.kind !== 'ok') this.failed += 1;
    const goesOn = (outcome.kind === 'ok' || outcome.kind === 'error') && budget.cause === undefined;
    for (const [what, cure] of budget.denials) this.#around.note(this, { kind: 'denied', what, cure });
    if (goesOn) {
      this.#state = 'idle';
      this.#around.idle(this);
      this.#delay.succeed();
    } else await this.#fail(outcome);
    return outcome;
  }

  async #fail(outcome: Outcome): Promise<void> {
    const { backoffMs, backoffMsMax } = this.#spec.manifest.restart;
    if (outcome.kind !== 'cancelled')
      this.#delay.fail(this.#around.clock.monotonicMs(), backoffMs, backoffMsMax);
    this.lastError = describe(outcome);
    await this.#drop();
    this.#around.note(this, { kind: 'ended', outcome, reason: 'failed' });
  }

  async #drop(): Promise<void> {
    const resident = this.#resident;
    this.#resident = undefined;
    this.#budget = undefined;
    this.#state = 'absent';
    if (this.#saved !== undefined) this.#sleepOn(this.#saved);
    resident?.instance.dispose();
    await resident?.release();
  }

  /** It could not be woken: what was saved is there still. */
  #sleepOn(saved: Saved): void {
    this.#state = saved.kind === 'warm' ? 'hibernated' : 'cold';
    this.#around.kept(this, saved);
  }

  /** What was not the guest's doing, or a start that failed: the message was not dealt with and may work later. */
  async #refused(thrown: unknown): Promise<Outcome<Uint8Array | undefined>> {
    if (thrown instanceof StartFailed) {
      await this.#fail(thrown.outcome);
      this.failed += 1;
      return thrown.outcome as Outcome<undefined>;
    }
    await this.#drop();
    const error = thrown instanceof HostError ? thrown : fault(thrown);
    this.lastError = error.message;
    this.#around.note(this, { kind: 'refused', error });
    const text = error.class === 'unavailable' ? error.message : 'the agent cannot be started';
    return { kind: 'error', exitCode: 1, failure: { tag: 'unavailable', val: text }, usage: noUsage };
  }

  /** One request it answered in an instance of its own. */
  countExchange(outcome: Outcome): void {
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    if (outcome.kind === 'ok') return;
    this.failed += 1;
    this.lastError = describe(outcome);
  }

  /** Ends the instance in good order, and forgets what was saved; no message may be under way. */
  async end(reason: StopReason): Promise<void> {
    if (this.#leaving !== undefined) await this.#leaving;
    if (this.#state === 'idle') this.#around.busy(this);
    if (this.#saved !== undefined) this.#around.released(this, this.#saved);
    this.#saved = undefined;
    await this.#end(reason);
    this.#state = 'absent';
  }

  async #end(reason: StopReason): Promise<void> {
    const resident = this.#resident;
    const budget = this.#budget;
    if (resident === undefined || budget === undefined) return;
    const { main } = this.#spec.program.facts;
    if (main.kind === 'handler' && main.hasLife) {
      const stop = (): Promise<unknown> => resident.instance.call('stop', [{ tag: reason }]);
      await this.#supervised(budget, this.#spec.limits.deadlineMs, stop).catch(() => undefined);
    }
    await this.#drop();
    this.#around.note(this, { kind: 'ended', outcome: undefined, reason });
  }

  /**
   * Leaves memory until the next message; does nothing unless it is idle. What cannot be saved ends instead, if
   * the manifest says so, or stays. Never rejects.
   */
  async hibernate(): Promise<void> {
    const resident = this.#resident;
    if (this.#state !== 'idle' || resident === undefined) return;
    const { unsaveable } = this.#spec.manifest.hibernate;
    if (resident.saveable.possible) await this.#leave(() => this.#save(resident));
    else if (unsaveable === 'restart') await this.#leave(() => this.#end('idle'));
  }

  async #save(resident: Resident): Promise<void> {
    const snapshot = await resident.hibernate();
    this.#resident = undefined;
    this.#budget = undefined;
    this.#saved = { kind: 'warm', snapshot, bytes: snapshotBytes(snapshot) };
    this.#state = 'hibernated';
    // In the same breath: a message that waits for it may wake it next.
    this.#around.kept(this, this.#saved);
  }

  async #leave(act: () => Promise<void>): Promise<void> {
    this.#around.busy(this);
    this.#state = 'leaving';
    const leaving = act().catch((thrown: unknown) => this.#stay(thrown));
    this.#leaving = leaving;
    await leaving;
    this.#leaving = undefined;
  }

  /** It cannot leave now; nothing has changed, and it is asked again after its next message. */
  #stay(thrown: unknown): void {
    if (this.#resident !== undefined) this.#state = 'idle';
    const isBusy = thrown instanceof HostError && thrown.code === 'HOST_ERR_INSTANCE_BUSY';
    if (!isBusy)
      this.#around.note(this, {
        kind: 'refused',
        error: thrown instanceof HostError ? thrown : fault(thrown),
      });
  }

  get saved(): Saved | undefined {
    return this.#saved;
  }

  /** What was saved lies on disk now, or did when the host began. */
  cool(): void {
    this.#saved = { kind: 'cold' };
    this.#hasLived = true;
    this.#state = 'cold';
  }

  /** Whether nothing would be lost with this object but what `goOn` takes back and what lies on disk. */
  get isForgettable(): boolean {
    const rests = this.#state === 'cold' || (this.#state === 'absent' && !this.#hasLived);
    return rests && this.lastError === undefined && this.#delay.failures === 0 && this.delivery === undefined;
  }

  /** What an object of the same agent did before. */
  goOn({ handled, failed, fuel, memoryBytes }: Tally): void {
    this.handled = handled;
    this.failed = failed;
    this.fuel = fuel;
    this.memoryBytes = memoryBytes;
  }

  /** Takes another program or other settings; it holds no instance then. */
  replace(spec: Spec): void {
    // What still holds on to the rights of the old version has none.
    this.#capabilities?.revoke();
    this.#capabilities = undefined;
    this.#spec = spec;
    this.#delay.succeed();
  }

  /** The limits of one message of it. */
  limitsOf(more: Partial<Limits>): Limits {
    return intersect(this.#spec.limits, more);
  }
}

const noUsage: Usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

class StartFailed extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('the agent did not start');
    this.outcome = outcome;
  }
}

/** Our own mistake must not take a thread with all its agents along. */
function fault(thrown: unknown): HostError {
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new HostError('HOST_ERR_AGENT_STOPPED', `this is a bug in host, please report it: ${text}`);
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'trap':
      return `trap ${outcome.trap}: ${outcome.message}`;
    case 'limit':
      return `limit ${outcome.limit}: ${outcome.used} of ${outcome.max}`;
    case 'error':
      return `failed: ${JSON.stringify(outcome.failure)}`;
    case 'ok':
      return 'exited';
    default:
      return `${outcome.kind}: ${outcome.reason}`;
  }
}
