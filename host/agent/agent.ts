import type { Delivery } from '../bus/delivery.ts';
import { Capabilities } from '../capability/capabilities.ts';
import type { Clock } from '../clock.ts';
import { Budget, type StopCause, type Turn } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import { type Snapshot, snapshotBytes } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';
import { intersect, type Limits } from '../limits.ts';
import type { Outcome, Usage } from '../outcome.ts';
import {
  hibernations,
  type InvocationStart,
  invocationEnds,
  invocationStarts,
  wakes,
} from '../telemetry/channels.ts';
import { type CallEnd, type CallOutcome, Calls, type CallWatch } from './calls.ts';
import { IdlePlace } from './idle-list.ts';
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
  /** Calls `agent.overdue()` at a moment of the monotonic clock, unless called off by the timer it returns. */
  arm(agent: Agent, atMs: number): number;
  disarm(timer: number): void;
  /** The call under way is being ended: what it waits for ends too. */
  stopped(agent: Agent): void;
  /** What came of a message; the next may come from now on. */
  handled(agent: Agent, delivery: Delivery, outcome: Outcome<Uint8Array | undefined>): void;
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
export class Agent implements CallEnd, CallWatch {
  readonly id: number;
  readonly name: string;
  #spec: Spec;
  readonly #around: Surroundings;
  #state: AgentPhase = 'absent';
  #calls: Calls | undefined;
  #resident: Resident | undefined;
  #hasLived = false;
  #saved: Saved | undefined;
  #leaving: Promise<unknown> | undefined;
  /** Those who wait for the message under way to be dealt with. */
  #settling: (() => void)[] | undefined;
  readonly #delay = new RestartDelay();
  /** What it handles. */
  delivery: Delivery | undefined;
  #capabilities: Capabilities | undefined;
  readonly idlePlace: IdlePlace<Agent> = new IdlePlace<Agent>(this);
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
    while (this.delivery !== undefined) {
      this.#settling ??= [];
      const settling = this.#settling;
      await new Promise<void>((resolve) => settling.push(resolve));
    }
  }

  /** Handles one message, with all that may go wrong in the outcome that `Surroundings.handled` hears. */
  handle(delivery: Delivery): void {
    this.delivery = delivery;
    if (invocationStarts.hasSubscribers) invocationStarts.publish(this.#invocation(delivery));
    const calls = this.#calls;
    const deadlineMs = this.#deadlineMs(delivery);
    if (this.#state !== 'idle' || calls === undefined) void this.#handleFirst(delivery);
    else if (deadlineMs <= 0) this.#finish(this.#late(deadlineMs));
    else {
      this.#around.busy(this);
      this.#state = 'busy';
      calls.begin('handle', delivery.message, deadlineMs, this);
    }
  }

  /** As `handle`, when it has no instance at hand. */
  async #handleFirst(delivery: Delivery): Promise<void> {
    try {
      if (this.#spec.program.facts.main.kind !== 'handler') return this.#finish(unsupported);
      if (this.#leaving !== undefined) await this.#leaving;
      const deadlineMs = this.#deadlineMs(delivery);
      if (deadlineMs <= 0) return this.#finish(this.#late(deadlineMs));
      if (this.#state === 'idle') this.#around.busy(this);
      const calls = this.#calls ?? (await this.#launch(deadlineMs));
      this.#state = 'busy';
      calls.begin('handle', delivery.message, this.#deadlineMs(delivery), this);
    } catch (thrown) {
      this.refused(thrown);
    }
  }

  /** The call of `handle` ended. */
  ended(outcome: CallOutcome): void {
    const { budget } = this.#calls as Calls;
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    this.memoryBytes = outcome.usage.memoryBytes;
    if (outcome.kind !== 'ok') this.failed += 1;
    for (const [what, cure] of budget.denials) this.#around.note(this, { kind: 'denied', what, cure });
    const goesOn = outcome.kind === 'ok' || outcome.kind === 'error';
    if (!goesOn || budget.cause !== undefined) {
      void this.#fail(outcome).then(() => this.#finish(outcome));
      return;
    }
    this.#state = 'idle';
    this.lastUsedMs = budget.startedMs + outcome.usage.wallMs;
    this.#around.idle(this);
    this.#delay.succeed();
    this.#finish(outcome);
  }

  /** The call of `handle` did not take place. */
  refused(thrown: unknown): void {
    void this.#refused(thrown).then((outcome) => this.#finish(outcome));
  }

  #finish(outcome: CallOutcome): void {
    const delivery = this.delivery as Delivery;
    this.delivery = undefined;
    if (invocationEnds.hasSubscribers) invocationEnds.publish({ ...this.#invocation(delivery), outcome });
    this.#around.handled(this, delivery, outcome);
    if (this.#settling === undefined) return;
    for (const resolve of this.#settling) resolve();
    this.#settling = undefined;
  }

  #invocation({ message: { id, subject, sender, attempt } }: Delivery): InvocationStart {
    return { agent: this.name, messageId: id, subject, sender, attempt };
  }

  #deadlineMs({ untilMs }: Delivery): number {
    const max = this.#spec.limits.deadlineMs;
    if (untilMs === Number.POSITIVE_INFINITY) return max;
    return Math.min(max, untilMs - this.#around.clock.monotonicMs());
  }

  #late(deadlineMs: number): CallOutcome {
    const usage = { fuel: 0n, memoryBytes: this.memoryBytes, wallMs: 0, outputBytes: 0 };
    const used = Math.round(-deadlineMs);
    return { kind: 'limit', limit: 'deadlineMs', max: this.#spec.limits.deadlineMs, used, usage };
  }

  async #launch(deadlineMs: number): Promise<Calls> {
    this.#state = 'launching';
    const waitMs = this.#delay.leftMs(this.#around.clock.monotonicMs());
    if (waitMs > 0) await this.#around.clock.sleep(Math.min(waitMs, deadlineMs));
    const { limits } = this.#spec;
    const budget = new Budget({ limits, clock: this.#around.clock, turn: this.#around.turn });
    const saved = this.#saved;
    if (saved !== undefined) this.#around.released(this, saved);
    const { resident, isWoken } = await this.#around.launch(this, saved, budget, deadlineMs);
    const calls = new Calls(resident.instance, budget, this);
    this.#resident = resident;
    this.#calls = calls;
    this.#saved = undefined;
    if (isWoken) {
      if (wakes.hasSubscribers) wakes.publish({ agent: this.name, place: saved?.kind ?? 'cold' });
      return calls;
    }
    await this.#start(calls, deadlineMs);
    this.#around.note(this, { kind: 'started', resumed: this.#hasLived });
    this.#hasLived = true;
    return calls;
  }

  /** @throws StartFailed when the agent says so, or ends */
  async #start(calls: Calls, deadlineMs: number): Promise<void> {
    const { main } = this.#spec.program.facts;
    if (main.kind !== 'handler' || !main.hasLife) return;
    const config = { name: this.name, settings: this.#spec.settings, resumed: this.#hasLived };
    this.#state = 'busy';
    const outcome = await calls.call('start', config, deadlineMs);
    if (outcome.kind === 'ok') return;
    throw new StartFailed(outcome);
  }

  /** The time is over of the call under way. */
  overdue(): void {
    this.#calls?.overdue();
  }

  /** Ends the call under way, if there is one. */
  stop(cause: StopCause): void {
    this.#calls?.stop(cause);
  }

  arm(atMs: number): number {
    return this.#around.arm(this, atMs);
  }

  disarm(timer: number): void {
    this.#around.disarm(timer);
  }

  stopped(): void {
    this.#around.stopped(this);
  }

  async #fail(outcome: Outcome): Promise<void> {
    const { backoffMs, backoffMsMax } = this.#spec.manifest.restart;
    const nowMs = this.#around.clock.monotonicMs();
    if (outcome.kind !== 'cancelled') this.#delay.fail(nowMs, backoffMs, backoffMsMax);
    this.lastError = describe(outcome);
    this.lastUsedMs = nowMs;
    await this.#drop();
    this.#around.note(this, { kind: 'ended', outcome, reason: 'failed' });
  }

  async #drop(): Promise<void> {
    const resident = this.#resident;
    this.#resident = undefined;
    this.#calls = undefined;
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
  async #refused(thrown: unknown): Promise<CallOutcome> {
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
    const calls = this.#calls;
    if (calls === undefined) return;
    const { main } = this.#spec.program.facts;
    if (main.kind === 'handler' && main.hasLife) {
      this.#state = 'busy';
      await calls.call('stop', { tag: reason }, this.#spec.limits.deadlineMs).catch(() => undefined);
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
    this.#calls = undefined;
    this.#saved = { kind: 'warm', snapshot, bytes: snapshotBytes(snapshot) };
    this.#state = 'hibernated';
    if (hibernations.hasSubscribers) hibernations.publish({ agent: this.name, place: 'warm' });
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
    const isLater = this.#state === 'hibernated';
    this.#state = 'cold';
    if (isLater && hibernations.hasSubscribers) hibernations.publish({ agent: this.name, place: 'cold' });
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

/** It answers HTTP requests and nothing else. */
const unsupported: CallOutcome = {
  kind: 'error',
  exitCode: 1,
  failure: { tag: 'unsupported', val: 'the agent answers HTTP requests, not messages' },
  usage: { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 },
};
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
