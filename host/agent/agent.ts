import { type Delivery, isProbe } from '../bus/delivery.ts';
import { Capabilities } from '../capability/capabilities.ts';
import type { Budget, StopCause } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
import type { Recorder } from '../history/recorder.ts';
import { intersect, type Limits } from '../limits.ts';
import { type Level, levelOfScheduling, rankOfLevel } from '../manifest/scheduling.ts';
import type { Outcome } from '../outcome.ts';
import { type InvocationStart, invocationEnds, invocationStarts } from '../telemetry/channels.ts';
import type { CallEnd, CallOutcome } from './calls.ts';
import { describe, endedFor, faultOf, StartFailed, unavailable, unsupported } from './ending.ts';
import { type FailurePlace, restartsAfter } from './error-strategy.ts';
import type { Halt } from './halt.ts';
import { probeIn } from './health-probe.ts';
import { IdlePlace } from './idle-list.ts';
import { Lifecycle, type LifecycleWatch, type LifeNumber, life } from './lifecycle.ts';
import type { AgentLuggage } from './luggage.ts';
import { Presence } from './presence.ts';
import type { Tally } from './roll.ts';
import type { Spec } from './spec.ts';
import type { AgentPhase, Saved, StopReason, Surroundings } from './surroundings.ts';

export type {
  AgentNote,
  AgentPhase,
  Launch,
  Saved,
  StopReason,
  Surroundings,
  WellbeingTurn,
} from './surroundings.ts';

/**
 * One agent on its thread: at most one instance, and in it at most one message at a time. It launches when a
 * message comes, and after a trap, a limit or a cancellation the instance is gone and the next message has a new one.
 */
export class Agent implements CallEnd, LifecycleWatch {
  readonly id: number;
  readonly name: string;
  #spec: Spec;
  readonly #around: Surroundings;
  readonly #presence: Presence;
  readonly lifecycle: Lifecycle;
  /** Those who wait for the message under way to be dealt with. */
  #settling: (() => void)[] | undefined;
  /** Whether the dispatcher counts it. */
  #hasTurn = false;
  /** What it handles. */
  delivery: Delivery | undefined;
  /** From the call of `handle` until its outcome is counted. */
  #isCalled = false;
  #capabilities: Capabilities | undefined;
  #recorder: Recorder | undefined;
  readonly idlePlace: IdlePlace<Agent> = new IdlePlace<Agent>(this);
  handled = 0;
  failed = 0;
  /** Of the messages that it dealt with. */
  fuel = 0n;
  memoryBytes = 0;
  lastUsedMs = 0;
  lastError: string | undefined;
  /** Instances it lost: to traps, limits and cancellations. */
  losses = 0;
  /** Somebody else decides whether it is started again. */
  isSupervised = false;
  /** While it is begun without a message. */
  #appearing: Promise<string | undefined> | undefined;
  #halt: Halt | undefined;

  constructor(id: number, name: string, spec: Spec, around: Surroundings) {
    this.id = id;
    this.name = name;
    this.#spec = spec;
    this.#around = around;
    this.lifecycle = new Lifecycle(name, this);
    this.#presence = new Presence(this, around);
  }

  get spec(): Spec {
    return this.#spec;
  }

  /** What its manifest grants, less what was taken back. */
  get capabilities(): Capabilities {
    this.#capabilities ??= Capabilities.of(this.#spec.manifest.grants, this.#spec.manifestPath);
    return this.#capabilities;
  }

  /** Whether what it sends may be handled at a level: up to its own it may, beyond as its manifest grants. */
  mayUrge(level: Level): boolean {
    const own = levelOfScheduling(this.#spec.manifest.scheduling);
    return rankOfLevel(level) >= rankOfLevel(own) || this.capabilities.mayUrge(level);
  }

  /** Of an agent whose manifest says that its history is kept. */
  get recorder(): Recorder | undefined {
    if (this.#spec.manifest.history.record) this.#recorder ??= this.#around.record(this);
    return this.#recorder;
  }

  /** What it is told from now on is of another instance. */
  endHistory(): void {
    this.#recorder?.ends();
  }

  /** What it is told from now on is told to its state from before the last call. */
  goBackInHistory(): void {
    this.#recorder?.goesBack();
  }

  /** Why it handles nothing until a person says so. */
  get halt(): Halt | undefined {
    return this.#halt;
  }

  /** Whether it was ended for good, by its manifest or by a person. */
  get isTerminated(): boolean {
    return this.#halt?.kind === 'terminated';
  }

  /** It handles nothing from now on, and what it computes stands still if it is paused; or, without a halt, it goes on. */
  haltBy(halt: Halt | undefined): void {
    const wasPaused = this.#halt?.kind === 'paused';
    this.#halt = halt;
    if (halt === undefined || (wasPaused && halt.kind === 'terminated')) this.lifecycle.resume();
    else if (halt.kind !== 'terminated') this.lifecycle.suspend(halt.why);
    if (halt?.kind === 'paused') {
      this.#presence.pause();
      this.#around.hold(this);
    } else if (wasPaused) {
      this.#presence.unpause();
      this.#around.release(this);
    }
    if (halt === undefined) this.revive();
  }

  turned(from: LifeNumber, to: LifeNumber, why: string): void {
    this.#around.turned(this, from, to, why);
  }

  get phase(): AgentPhase {
    return this.#presence.phase;
  }

  /** Milliseconds since its message under way began; undefined: there is none. */
  underWayMs(nowMs: number): number | undefined {
    const sinceMs = this.delivery === undefined ? undefined : this.#presence.callSinceMs;
    return sinceMs === undefined ? undefined : Math.max(0, nowMs - sinceMs);
  }

  /** Fuel that its message under way has used so far. */
  get fuelUnderWay(): bigint {
    return this.#isCalled ? this.#presence.fuelOfCall : 0n;
  }

  /** Whether it holds an instance and has nothing to do. */
  get isIdle(): boolean {
    return this.phase === 'idle' || this.phase === 'waiting';
  }

  /** Whether it is out of memory, its state in the heap or on disk. */
  get isOut(): boolean {
    return this.phase === 'hibernated' || this.phase === 'parked' || this.phase === 'cold';
  }

  /** Whether a call of it waited and can go on. */
  get isReady(): boolean {
    return this.#presence.isReady;
  }

  /** Whether it had a turn, which it gives back. */
  leaveTurn(): boolean {
    const hadTurn = this.#hasTurn;
    this.#hasTurn = false;
    return hadTurn;
  }

  /** The place of the level that its message under way asks for; undefined: for none. */
  get urgency(): number | undefined {
    const priority = this.delivery?.message.priority;
    return priority === undefined ? undefined : rankOfLevel(priority);
  }

  get resident(): Resident | undefined {
    return this.#presence.resident;
  }

  get saved(): Saved | undefined {
    return this.#presence.saved;
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
    this.#hasTurn = true;
    const deadlineMs = this.#deadlineMs(delivery);
    if (!this.#presence.isAtHand || this.halt !== undefined) void this.#handleFirst(delivery);
    else if (deadlineMs <= 0) this.#finish(this.#late(deadlineMs), 'host');
    else this.#begin(delivery, deadlineMs);
  }

  /** One that has a function for it is asked how it is by that. */
  #begin(delivery: Delivery, deadlineMs: number): void {
    const { main } = this.#spec.program.facts;
    const isAsked = main.kind === 'handler' && main.hasHealth && isProbe(delivery);
    this.#isCalled = true;
    if (isAsked) this.#presence.begin('health', probeIn(delivery), deadlineMs, this);
    else this.#presence.begin('handle', delivery.message, deadlineMs, this);
  }

  /** As `handle`, when it has no instance at hand. */
  async #handleFirst(delivery: Delivery): Promise<void> {
    const presence = this.#presence;
    try {
      if (this.#spec.program.facts.main.kind !== 'handler') return this.#finish(unsupported, 'host');
      if (presence.phase === 'stopped' || this.halt !== undefined)
        return this.#finish(this.#endedFor(delivery), 'host');
      if (presence.leaving !== undefined) await presence.leaving;
      const deadlineMs = this.#deadlineMs(delivery);
      if (deadlineMs <= 0) return this.#finish(this.#late(deadlineMs), 'host');
      await presence.arrive(deadlineMs);
      // It may have been ended while it started.
      if (this.isTerminated) return this.#finish(this.#endedFor(delivery), 'host');
      this.#begin(delivery, this.#deadlineMs(delivery));
    } catch (thrown) {
      this.refused(thrown);
    }
  }

  /** The call of `handle` ended. */
  ended(outcome: CallOutcome): void {
    const { budget, denials } = this.#presence;
    this.#isCalled = false;
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    this.memoryBytes = outcome.usage.memoryBytes;
    if (outcome.kind !== 'ok') this.failed += 1;
    this.#noteDenials(denials);
    const goesOn = outcome.kind === 'ok' || (outcome.kind === 'error' && !this.#restartsAfter(outcome));
    if (!goesOn || budget === undefined || budget.cause !== undefined) {
      void this.#fail(outcome).then(() => this.#finish(outcome, 'handler'));
      return;
    }
    const nowMs = budget.startedMs + outcome.usage.wallMs;
    if (this.#spec.manifest.execution.mode === 'ephemeral') {
      void this.#presence.vanish(nowMs).then(() => this.#finish(outcome, 'handler'));
      return;
    }
    this.#presence.rest(nowMs);
    this.#finish(outcome, 'handler');
  }

  #restartsAfter(outcome: Outcome): boolean {
    const { errors, delivery } = this.#spec.manifest;
    return restartsAfter(errors, outcome, this.delivery?.message.attempt ?? 1, delivery.attemptsMax - 1);
  }

  #endedFor({ from, request }: Delivery): CallOutcome {
    return endedFor(this.name, this.halt, from !== 0 && request !== 0);
  }

  #noteDenials(denials: Budget['denials']): void {
    for (const [what, cure] of denials) this.#around.note(this, { kind: 'denied', what, cure });
  }

  /** The call of `handle` did not take place. */
  refused(thrown: unknown): void {
    const place = thrown instanceof StartFailed ? 'start' : 'host';
    void this.#refused(thrown).then((outcome) => this.#finish(outcome, place));
  }

  #finish(outcome: CallOutcome, place: FailurePlace): void {
    const delivery = this.delivery as Delivery;
    this.delivery = undefined;
    if (invocationEnds.hasSubscribers) invocationEnds.publish({ ...this.#invocation(delivery), outcome });
    this.#around.handled(this, delivery, outcome, place);
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
    // In whole ms, as limits are told; those who ask wait for no longer themselves.
    return Math.min(max, Math.ceil(untilMs - this.#around.clock.monotonicMs()));
  }

  #late(deadlineMs: number): CallOutcome {
    const usage = { fuel: 0n, memoryBytes: this.memoryBytes, wallMs: 0, outputBytes: 0 };
    const used = Math.round(-deadlineMs);
    return { kind: 'limit', limit: 'deadlineMs', max: this.#spec.limits.deadlineMs, used, usage };
  }

  /** The time is over of the call under way. */
  overdue(): void {
    this.#presence.overdue();
  }

  /** Ends the call under way, if there is one. */
  stop(cause: StopCause): void {
    this.#presence.stop(cause);
  }

  /** It is the turn of a call that waited. */
  async goOn(): Promise<void> {
    this.#hasTurn = true;
    if (this.#presence.leaving !== undefined) await this.#presence.leaving;
    if (this.isReady) await this.#presence.goOn();
    else if (this.leaveTurn()) this.#around.rested(this);
  }

  async #fail(outcome: Outcome): Promise<void> {
    this.lastError = describe(outcome);
    this.losses += 1;
    await this.#presence.fail(outcome);
  }

  /** What was not the guest's doing, or a start that failed: the message was not dealt with and may work later. */
  async #refused(thrown: unknown): Promise<CallOutcome> {
    if (thrown instanceof StartFailed) {
      await this.#fail(thrown.outcome);
      this.failed += 1;
      return thrown.outcome as Outcome<undefined>;
    }
    await this.#presence.drop();
    const error = faultOf(thrown);
    this.lastError = error.message;
    if (this.lifecycle.beneath !== life.ready) this.#presence.turn(life.failed, error.message);
    this.#around.note(this, { kind: 'refused', error });
    return unavailable(error.class === 'unavailable' ? error.message : 'the agent cannot be started');
  }

  /** One request it answered in an instance of its own. */
  countExchange(outcome: Outcome, denials: Budget['denials']): void {
    this.#noteDenials(denials);
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    if (outcome.kind === 'ok') return;
    this.failed += 1;
    this.lastError = describe(outcome);
  }

  /** Milliseconds until it may have another instance, because it kept failing. */
  get waitMs(): number {
    return this.#presence.waitMs;
  }

  /** Whether it needed more restarts than its manifest bears. */
  get isWornOut(): boolean {
    return this.#presence.isWornOut;
  }

  /** Has an instance from now on, without a message; none may be under way. Says why it has not. */
  appear(): Promise<string | undefined> {
    this.#appearing ??= this.#appear().finally(() => {
      this.#appearing = undefined;
    });
    return this.#appearing;
  }

  async #appear(): Promise<string | undefined> {
    const presence = this.#presence;
    if (this.#spec.program.facts.main.kind !== 'handler') return undefined;
    try {
      if (presence.leaving !== undefined) await presence.leaving;
      if (presence.isAtHand) return undefined;
      await presence.arrive(this.#spec.limits.deadlineMs);
      presence.rest(this.#around.clock.monotonicMs());
      return undefined;
    } catch (thrown) {
      await this.#refused(thrown);
      return this.lastError ?? 'it could not be started';
    }
  }

  /** Its instance is gone, without a word to it; no message may be under way. */
  abandon(): Promise<void> {
    return this.#presence.abandon();
  }

  /** Ends the instance in good order, and forgets what was saved; no message may be under way. */
  end(reason: StopReason): Promise<void> {
    return this.#presence.end(reason);
  }

  /** Ends as by `end`, and nothing begins it again until `revive`. */
  terminate(): Promise<void> {
    return this.#presence.terminate();
  }

  /** Is gone at once, with what was saved, as soon as no message is under way; see `terminate`. */
  kill(): Promise<void> {
    return this.#presence.kill();
  }

  /** Ends in good order because nothing is left for it to do; does nothing while a message is under way. Never rejects. */
  complete(why: string): Promise<void> {
    return this.#presence.complete(why);
  }

  /** A message may begin it again, at once. */
  revive(): void {
    this.#presence.revive();
  }

  /**
   * Leaves memory until the next message, or until what its call waits for has come; does nothing unless it has
   * nothing to do. What cannot be saved between two messages ends instead, if the manifest says so, or stays. Never
   * rejects.
   */
  hibernate(): Promise<void> {
    return this.#presence.hibernate();
  }

  /** What was saved lies on disk now, or did when the host began. */
  cool(): void {
    this.#presence.cool();
  }

  /** Whether it is between two messages, with a state that can go to another thread. */
  get mayBePacked(): boolean {
    return this.#isUnclaimed && this.#presence.mayBePacked;
  }

  get #isUnclaimed(): boolean {
    const { delivery, halt, lifecycle } = this;
    if (delivery !== undefined || halt !== undefined || lifecycle.isSuspended) return false;
    return this.#appearing === undefined && this.#settling === undefined && !this.#hasTurn;
  }

  /** Its state was read from the disk, where it is no more. */
  thaw(snapshot: Snapshot): void {
    this.#presence.thaw(snapshot);
  }

  /** All there is of it, which goes on elsewhere; undefined: it is not out of memory, or has something to do. */
  pack(): AgentLuggage | undefined {
    if (!this.#isUnclaimed || !this.#presence.isPackable) return undefined;
    const { handled, failed, fuel, memoryBytes, lastError, losses } = this;
    const life = this.lifecycle.number;
    return { handled, failed, fuel, memoryBytes, lastError, losses, life, ...this.#presence.pack() };
  }

  /** Goes on with what it was on another thread. */
  unpack(luggage: AgentLuggage): void {
    this.countOn(luggage);
    this.lastError = luggage.lastError;
    this.losses = luggage.losses;
    this.lifecycle.resumeAs(luggage.life);
    this.#presence.unpack(luggage);
  }

  /** Whether nothing would be lost with this object but what `countOn` takes back and what lies on disk. */
  get isForgettable(): boolean {
    if (this.halt !== undefined || this.lastError !== undefined || this.delivery !== undefined) return false;
    return this.#presence.isForgettable;
  }

  /** What an object of the same agent did before. */
  countOn({ handled, failed, fuel, memoryBytes }: Tally): void {
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
    this.#recorder = undefined;
    this.revive();
    if (this.#halt !== undefined && this.#halt.kind !== 'terminated') this.lifecycle.suspend(this.#halt.why);
  }

  /** The limits of one message of it. */
  limitsOf(more: Partial<Limits>): Limits {
    return intersect(this.#spec.limits, more);
  }
}
