import type { Delivery } from '../bus/delivery.ts';
import { Capabilities } from '../capability/capabilities.ts';
import type { Clock } from '../clock.ts';
import { Budget, type StopCause, type Turn } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';
import type { Recorder } from '../history/recorder.ts';
import { intersect, type Limits } from '../limits.ts';
import type { Outcome, Usage } from '../outcome.ts';
import {
  hibernations,
  type InvocationStart,
  invocationEnds,
  invocationStarts,
  wakes,
} from '../telemetry/channels.ts';
import { type AwayCall, type CallEnd, type CallOutcome, Calls, type CallWatch, endedAway } from './calls.ts';
import { type FailurePlace, restartsAfter } from './error-strategy.ts';
import type { Halt } from './halt.ts';
import { IdlePlace } from './idle-list.ts';
import { Parking, type ParkingOwner } from './parking.ts';
import { RestartDelay } from './restart-delay.ts';
import type { Tally } from './roll.ts';
import type { Spec } from './spec.ts';
import { WarmState } from './warm-state.ts';

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
  /** Something has come for a call of it that waits: `agent.goOn()` when it is its turn. */
  ready(agent: Agent): void;
  /** It had its turn, and waits. */
  rested(agent: Agent): void;
  /** What it saved is nobody's any more. */
  discard(agent: Agent): void;
  /** The call under way is being ended: what it waits for ends too. */
  stopped(agent: Agent): void;
  /** What came of a message; the next may come from now on. */
  /** Writes down what the agent is told, if its manifest says so. */
  record(agent: Agent): Recorder | undefined;
  handled(
    agent: Agent,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
    place: FailurePlace,
  ): void;
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
  | { readonly kind: Halt['kind'] | 'resumed' | 'failed-over'; readonly why: string }
  | { readonly kind: 'ended'; readonly outcome: Outcome | undefined; readonly reason: StopReason | 'failed' }
  | { readonly kind: 'refused'; readonly error: HostError }
  /** It left memory, its state being so many bytes in the heap. */
  | { readonly kind: 'hibernated'; readonly bytes: number }
  | { readonly kind: 'woken' };

/**
 * Where an agent is in its life on its thread: not begun, or lost after a failure (`absent`); in memory
 * (`launching`, `idle`, `busy`, and `waiting` for something outside with nothing on a stack); out of it, its state in
 * the host's heap (`hibernated`) or on disk (`cold`), or in either while a call of it waits (`parked`); or it
 * ended, and its manifest says that it is not started again (`stopped`).
 */
export type AgentPhase =
  | 'absent'
  | 'launching'
  | 'idle'
  | 'busy'
  | 'waiting'
  | 'leaving'
  | 'hibernated'
  | 'parked'
  | 'cold'
  | 'stopped';

/** Milliseconds a guest computes before it gives way, though nobody is known to wait: sockets tell nothing until they are asked. */
const yieldMs = 2;
const errorCharsMax = 1_000;

/** Where the state of an agent that is not in memory lies. */
export type Saved = WarmState | { readonly kind: 'cold' };

/**
 * One agent on its thread: at most one instance, and in it at most one message at a time. It launches when a
 * message comes, and after a trap, a limit or a cancellation the instance is gone and the next message has a new one.
 */
export class Agent implements CallEnd, CallWatch, ParkingOwner {
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
  /** Of an agent whose calls may wait with nothing on a stack. */
  #parking: Parking | undefined;
  /** The call under way, while its agent is out of memory. */
  #away: AwayCall | undefined;
  /** Ends that call as soon as its agent is back. */
  #awayCause: StopCause | undefined;
  /** Whether the dispatcher counts it. */
  #hasTurn = false;
  readonly #delay = new RestartDelay();
  /** What it handles. */
  delivery: Delivery | undefined;
  #capabilities: Capabilities | undefined;
  #recorder: Recorder | undefined;
  readonly idlePlace: IdlePlace<Agent> = new IdlePlace<Agent>(this);
  handled = 0;
  failed = 0;
  fuel = 0n;
  memoryBytes = 0;
  lastUsedMs = 0;
  lastError: string | undefined;
  /** Why it handles nothing until a person says so. */
  halt: Halt | undefined;
  /** Its state before the message under way, if it is to go on with that when the instance is lost. */
  #before: Snapshot | undefined;

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

  /** Of an agent whose manifest says that its history is kept. */
  get recorder(): Recorder | undefined {
    if (this.#spec.manifest.history.record) this.#recorder ??= this.#around.record(this);
    return this.#recorder;
  }

  get phase(): AgentPhase {
    return this.#state;
  }

  /** Whether it holds an instance and has nothing to do. */
  get isIdle(): boolean {
    return this.#state === 'idle' || this.#state === 'waiting';
  }

  /** Whether it is out of memory, its state in the heap or on disk. */
  get isOut(): boolean {
    return this.#state === 'hibernated' || this.#state === 'parked' || this.#state === 'cold';
  }

  /** Whether a call of it waited and can go on. */
  get isReady(): boolean {
    if (this.#parking?.isReady !== true) return false;
    return this.#state === 'waiting' || (this.#away !== undefined && this.#state !== 'launching');
  }

  /** Whether it had a turn, which it gives back. */
  leaveTurn(): boolean {
    const hadTurn = this.#hasTurn;
    this.#hasTurn = false;
    return hadTurn;
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
    this.#hasTurn = true;
    const calls = this.#calls;
    const deadlineMs = this.#deadlineMs(delivery);
    if (this.#state !== 'idle' || calls === undefined || this.halt !== undefined)
      void this.#handleFirst(delivery);
    else if (deadlineMs <= 0) this.#finish(this.#late(deadlineMs), 'host');
    else {
      this.#around.busy(this);
      this.#state = 'busy';
      this.#remember();
      calls.begin('handle', delivery.message, deadlineMs, this);
    }
  }

  /** As `handle`, when it has no instance at hand. */
  async #handleFirst(delivery: Delivery): Promise<void> {
    try {
      if (this.#spec.program.facts.main.kind !== 'handler') return this.#finish(unsupported, 'host');
      if (this.#state === 'stopped' || this.halt !== undefined) return this.#finish(notAgain, 'host');
      if (this.#leaving !== undefined) await this.#leaving;
      const deadlineMs = this.#deadlineMs(delivery);
      if (deadlineMs <= 0) return this.#finish(this.#late(deadlineMs), 'host');
      if (this.#state === 'idle') this.#around.busy(this);
      const calls = this.#calls ?? (await this.#launch(deadlineMs));
      this.#state = 'busy';
      this.#remember();
      calls.begin('handle', delivery.message, this.#deadlineMs(delivery), this);
    } catch (thrown) {
      this.refused(thrown);
    }
  }

  #remember(): void {
    if (this.#spec.manifest.errors.state === 'saved') this.#before = this.#resident?.save();
  }

  /** The call of `handle` ended. */
  ended(outcome: CallOutcome): void {
    const budget = this.#calls?.budget;
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    this.memoryBytes = outcome.usage.memoryBytes;
    if (outcome.kind !== 'ok') this.failed += 1;
    this.#noteDenials(budget?.denials ?? this.#away?.carried.denials ?? none);
    const goesOn = outcome.kind === 'ok' || (outcome.kind === 'error' && !this.#restartsAfter(outcome));
    if (!goesOn || budget === undefined || budget.cause !== undefined) {
      void this.#fail(outcome).then(() => this.#finish(outcome, 'handler'));
      return;
    }
    this.#before = undefined;
    this.#state = 'idle';
    this.lastUsedMs = budget.startedMs + outcome.usage.wallMs;
    this.#around.idle(this);
    this.#delay.succeed();
    this.#finish(outcome, 'handler');
  }

  #restartsAfter(outcome: Outcome): boolean {
    const { errors, delivery } = this.#spec.manifest;
    return restartsAfter(errors, outcome, this.delivery?.message.attempt ?? 1, delivery.attemptsMax - 1);
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
    if (!(await this.#enter(deadlineMs))) {
      await this.#start(deadlineMs);
      this.#around.note(this, { kind: 'started', resumed: this.#hasLived });
      this.#hasLived = true;
    }
    // Not those it began with, if it left memory while it started.
    return this.#calls as Calls;
  }

  /** Whether it goes on where it was saved. */
  async #enter(deadlineMs: number): Promise<boolean> {
    const budget = this.#newBudget();
    const saved = this.#saved;
    if (saved !== undefined) this.#around.released(this, saved);
    const { resident, isWoken } = await this.#around.launch(this, saved, budget, deadlineMs);
    this.#hold(resident, budget);
    if (isWoken) this.#around.note(this, { kind: 'woken' });
    if (isWoken && wakes.hasSubscribers) wakes.publish({ agent: this.name, place: saved?.kind ?? 'cold' });
    const { asyncCalls } = resident.instance;
    if (asyncCalls === undefined) return isWoken;
    this.#parking ??= new Parking(this);
    if (this.#parking.join(asyncCalls) && !asyncCalls.waiting) return isWoken;
    // It was saved in the middle of a call, and whom it asked has not survived: as after any call that was cut off.
    await this.#drop();
    this.#state = 'launching';
    return this.#enter(deadlineMs);
  }

  #newBudget(): Budget {
    const { clock, turn } = this.#around;
    const { recorder } = this;
    const growthWatch = recorder && { decided: recorder.growth };
    return new Budget({ limits: this.#spec.limits, clock, turn, turnKey: this.id, yieldMs, growthWatch });
  }

  #hold(resident: Resident, budget: Budget): Calls {
    const calls = new Calls(resident.instance, budget, this, this.recorder);
    this.#resident = resident;
    this.#calls = calls;
    this.#saved = undefined;
    return calls;
  }

  /** @throws StartFailed when the agent says so, or ends */
  async #start(deadlineMs: number): Promise<void> {
    const { main } = this.#spec.program.facts;
    if (main.kind !== 'handler' || !main.hasLife) return;
    const config = { name: this.name, settings: this.#spec.settings, resumed: this.#hasLived };
    this.#state = 'busy';
    const outcome = await (this.#calls as Calls).call('start', config, deadlineMs);
    if (outcome.kind === 'ok') return;
    throw new StartFailed(outcome);
  }

  /** The time is over of the call under way. */
  overdue(): void {
    if (this.#away === undefined) this.#calls?.overdue();
    else {
      const { startedMs, deadlineMs: max } = this.#away.carried;
      const used = Math.round(this.#around.clock.monotonicMs() - startedMs);
      this.stop({ kind: 'limit', limit: 'deadlineMs', max, used });
    }
  }

  /** Ends the call under way, if there is one. */
  stop(cause: StopCause): void {
    if (this.#away === undefined) this.#calls?.stop(cause);
    else if (this.#state === 'launching') this.#awayCause ??= cause;
    else this.#endAway(this.#away, cause);
  }

  #endAway(away: AwayCall, cause: StopCause): void {
    this.#around.disarm(away.timer);
    this.#parking?.end();
    this.#around.stopped(this);
    const outcome = endedAway(away, cause, this.#around.clock.monotonicMs());
    this.recorder?.end(outcome);
    away.end.ended(outcome);
  }

  /** The call under way waits for something outside, and has nothing on a stack. */
  rests(): void {
    if (this.#state !== 'busy' || this.#calls?.goesOn !== true) return;
    this.#state = 'waiting';
    this.lastUsedMs = this.#around.clock.monotonicMs();
    this.#around.idle(this);
    if (this.leaveTurn()) this.#around.rested(this);
  }

  /** Something has come for it. */
  ready(): void {
    this.#around.ready(this);
  }

  /** It is the turn of a call that waited. */
  async goOn(): Promise<void> {
    this.#hasTurn = true;
    if (this.#leaving !== undefined) await this.#leaving;
    if (!this.isReady) {
      if (this.leaveTurn()) this.#around.rested(this);
      return;
    }
    const parking = this.#parking as Parking;
    if (this.#away !== undefined) await this.#unpark(this.#away, parking);
    else {
      this.#around.busy(this);
      this.#state = 'busy';
      parking.resume();
    }
  }

  async #unpark(away: AwayCall, parking: Parking): Promise<void> {
    const leftMs = Math.max(0, away.carried.deadlineAtMs - this.#around.clock.monotonicMs());
    const budget = this.#newBudget();
    budget.goOn(away.carried);
    this.#state = 'launching';
    try {
      if (this.#saved !== undefined) this.#around.released(this, this.#saved);
      const { resident } = await this.#around.launch(this, this.#saved, budget, leftMs);
      const { asyncCalls } = resident.instance;
      if (this.#awayCause === undefined && asyncCalls?.waiting === true) {
        const calls = this.#hold(resident, budget);
        this.#away = undefined;
        this.#state = 'busy';
        parking.join(asyncCalls);
        calls.goOn(away, asyncCalls.continue());
        return;
      }
      resident.instance.dispose();
      await resident.release();
      throw lostCall();
    } catch (thrown) {
      const cause = this.#awayCause ?? budget.cause;
      this.#awayCause = undefined;
      if (cause !== undefined) this.#endAway(away, cause);
      else {
        this.#around.disarm(away.timer);
        away.end.refused(thrown);
      }
    }
  }

  get answersBytesMax(): number {
    return this.#spec.limits.memoryBytesMax;
  }

  arm(atMs: number): number {
    return this.#around.arm(this, atMs);
  }

  disarm(timer: number): void {
    this.#around.disarm(timer);
  }

  stopped(): void {
    this.#parking?.end();
    this.#around.stopped(this);
  }

  async #fail(outcome: Outcome): Promise<void> {
    const { backoffMs, backoffMsMax } = this.#spec.manifest.restart;
    const nowMs = this.#around.clock.monotonicMs();
    if (outcome.kind !== 'cancelled') this.#delay.fail(nowMs, backoffMs, backoffMsMax);
    this.lastError = describe(outcome);
    this.lastUsedMs = nowMs;
    const isTheLast = isLast(outcome, this.#spec);
    if (isTheLast) this.#before = undefined;
    await this.#drop();
    if (isTheLast) this.#state = 'stopped';
    this.#around.note(this, { kind: 'ended', outcome, reason: 'failed' });
  }

  async #drop(): Promise<void> {
    const resident = this.#resident;
    this.#resident = undefined;
    this.#calls = undefined;
    if (this.#state === 'waiting') this.#around.busy(this);
    this.#state = 'absent';
    // What a call left when it ended out of memory is of no use to the next one.
    if (this.#away !== undefined) this.#discard();
    this.#parking?.end();
    const before = this.#before;
    this.#before = undefined;
    if (before !== undefined) this.#keep(before, 'hibernated');
    else if (this.#saved !== undefined) this.#sleepOn(this.#saved);
    if (before !== undefined || this.#saved === undefined) this.#recorder?.ends();
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
  countExchange(outcome: Outcome, denials: Budget['denials']): void {
    this.#noteDenials(denials);
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
    this.#discard();
    if (this.#resident === undefined) this.#parking?.end();
    await this.#end(reason);
    if (this.leaveTurn()) this.#around.rested(this);
    this.#state = 'absent';
  }

  /** Ends as by `end`, and nothing begins it again until `revive`. */
  async terminate(): Promise<void> {
    await this.end('requested');
    this.#state = 'stopped';
  }

  /** A message may begin it again, at once. */
  revive(): void {
    if (this.#state === 'stopped') this.#state = 'absent';
    this.#delay.succeed();
  }

  #discard(): void {
    if (this.#saved !== undefined) this.#around.released(this, this.#saved);
    this.#around.discard(this);
    this.#saved = undefined;
    this.#away = undefined;
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
   * Leaves memory until the next message, or until what its call waits for has come; does nothing unless it has
   * nothing to do. What cannot be saved between two messages ends instead, if the manifest says so, or stays. Never
   * rejects.
   */
  async hibernate(): Promise<void> {
    const resident = this.#resident;
    const calls = this.#calls;
    if (!this.isIdle || resident === undefined || calls === undefined) return;
    if (this.#state === 'waiting') {
      // What it would go back to stays no longer than it is in memory itself.
      if (resident.saveable.possible && calls.goesOn && this.#before === undefined)
        await this.#park(resident, calls);
      return;
    }
    const { unsaveable } = this.#spec.manifest.hibernate;
    if (resident.saveable.possible) await this.#leave(() => this.#save(resident));
    else if (unsaveable === 'restart') await this.#leave(() => this.#end('idle'));
  }

  async #save(resident: Resident): Promise<void> {
    this.#parking?.leave();
    const snapshot = await resident.hibernate();
    this.#resident = undefined;
    this.#calls = undefined;
    this.#keep(snapshot, 'hibernated');
    if (hibernations.hasSubscribers) hibernations.publish({ agent: this.name, place: 'warm' });
  }

  #keep(snapshot: Snapshot, state: AgentPhase): void {
    this.#saved = new WarmState(snapshot);
    this.#state = state;
    this.#around.note(this, { kind: 'hibernated', bytes: this.#saved.bytes });
    // In the same breath: a message that waits for it may wake it next.
    this.#around.kept(this, this.#saved);
  }

  /** As `hibernate`, in the middle of a call; the instance may be another agent's before this resolves. */
  #park(resident: Resident, calls: Calls): Promise<void> {
    return this.#leave(async () => {
      this.#parking?.leave();
      const saved: { snapshot?: Promise<Snapshot> } = {};
      const away = calls.leave(() => {
        saved.snapshot = resident.hibernate();
      });
      this.#away = away;
      this.#resident = undefined;
      this.#calls = undefined;
      try {
        const snapshot = await saved.snapshot;
        // It may have been ended meanwhile.
        if (snapshot !== undefined && away === this.#away) this.#keep(snapshot, 'parked');
      } catch (thrown) {
        resident.instance.dispose();
        away?.end.refused(thrown);
      }
    });
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
    if (this.#state !== 'parked') this.#state = 'cold';
    if (isLater && hibernations.hasSubscribers) hibernations.publish({ agent: this.name, place: 'cold' });
  }

  /** Whether nothing would be lost with this object but what `countOn` takes back and what lies on disk. */
  get isForgettable(): boolean {
    const rests = this.#state === 'cold' || (this.#state === 'absent' && !this.#hasLived);
    if (this.halt !== undefined) return false;
    return rests && this.lastError === undefined && this.#delay.failures === 0 && this.delivery === undefined;
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
const notAgain: CallOutcome = {
  kind: 'error',
  exitCode: 1,
  failure: { tag: 'unavailable', val: 'the agent ended, and its manifest says that it is not started again' },
  usage: { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 },
};
const none: Budget['denials'] = new Map();
const noUsage: Usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

class StartFailed extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('the agent did not start');
    this.outcome = outcome;
  }
}

function lostCall(): HostError {
  return new HostError(
    'HOST_ERR_SNAPSHOT_CORRUPT',
    'what an agent saved while it waited is lost; the agent begins anew',
  );
}

/** Our own mistake must not take a thread with all its agents along. */
function fault(thrown: unknown): HostError {
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new HostError('HOST_ERR_AGENT_STOPPED', `this is a bug in host, please report it: ${text}`);
}

/** Whether its manifest wants no other instance after this end; an exit of its own is none of a failure. */
function isLast({ kind }: Outcome, { manifest: { restart } }: Spec): boolean {
  if (kind === 'cancelled') return false;
  return restart.policy === 'never' || (restart.policy === 'on-failure' && kind === 'ok');
}

/** What ended it, for people; what the guest said is cut. */
function describe(outcome: Outcome): string {
  return words(outcome).slice(0, errorCharsMax);
}

/** Milliseconds come with fractions. */
function whole(amount: bigint | number): string {
  return String(typeof amount === 'number' ? Math.round(amount) : amount);
}

function words(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'trap':
      return `trap ${outcome.trap}: ${outcome.message}`;
    case 'limit':
      return `limit ${outcome.limit}: ${whole(outcome.used)} of ${whole(outcome.max)}`;
    case 'error':
      return `failed: ${JSON.stringify(outcome.failure)}`;
    case 'ok':
      return 'exited';
    default:
      return `${outcome.kind}: ${outcome.reason}`;
  }
}
