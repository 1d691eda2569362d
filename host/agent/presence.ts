import { Budget, frozen, type StopCause, thawed } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import { hibernations, wakes } from '../telemetry/channels.ts';
import type { Agent } from './agent.ts';
import { type AwayCall, type CallEnd, Calls, type CallWatch, endedAway } from './calls.ts';
import { describe, faultOf, isLast, lostCall, StartFailed } from './ending.ts';
import { type LifeNumber, life } from './lifecycle.ts';
import { isParallel } from './parallel.ts';
import { Parking, type ParkingOwner } from './parking.ts';
import { RestartDelay } from './restart-delay.ts';
import type { AgentPhase, Saved, StopReason, Surroundings } from './surroundings.ts';
import { WarmState } from './warm-state.ts';

const warm = (snapshot: Snapshot): WarmState => new WarmState(snapshot);
const noDenials: Budget['denials'] = new Map();

/** What there is of an agent between two messages; can be structured-cloned. */
export interface Packed {
  readonly hasLived: boolean;
  readonly snapshot: Snapshot | undefined;
}

/**
 * Where an agent is: its one instance while it is in memory, what was saved of it while it is not, and its ways in
 * and out, in the middle of a call too.
 */
export class Presence implements CallWatch, ParkingOwner {
  readonly #agent: Agent;
  readonly #around: Surroundings;
  #phase: AgentPhase = 'absent';
  #calls: Calls | undefined;
  #resident: Resident | undefined;
  #hasLived = false;
  #saved: Saved | undefined;
  #leaving: Promise<unknown> | undefined;
  /** Of an agent whose calls may wait with nothing on a stack. */
  #parking: Parking | undefined;
  /** The call under way, while its agent is out of memory. */
  #away: AwayCall | undefined;
  /** Ends that call as soon as its agent is back. */
  #awayCause: StopCause | undefined;
  /** Its state before the message under way, if it is to go on with that when the instance is lost. */
  #before: Snapshot | undefined;
  readonly #delay = new RestartDelay();
  #isPaused = false;

  constructor(agent: Agent, around: Surroundings) {
    this.#agent = agent;
    this.#around = around;
  }

  get phase(): AgentPhase {
    return this.#phase;
  }

  get resident(): Resident | undefined {
    return this.#resident;
  }

  get saved(): Saved | undefined {
    return this.#saved;
  }

  /** The account of its instance. */
  get budget(): Budget | undefined {
    return this.#calls?.budget;
  }

  /** What the call under way was denied. */
  get denials(): Budget['denials'] {
    return this.#calls?.budget.denials ?? this.#away?.carried.denials ?? noDenials;
  }

  /** Since when the call under way is; undefined: there is none, or it has not begun. */
  get callSinceMs(): number | undefined {
    if (this.#away !== undefined) return this.#away.carried.startedMs;
    return this.#phase === 'busy' || this.#phase === 'waiting' ? this.#calls?.budget.startedMs : undefined;
  }

  /** Fuel that the call under way has used so far. */
  get fuelOfCall(): bigint {
    return this.#away?.carried.charged ?? this.#calls?.budget.fuelUsed ?? 0n;
  }

  /** Whether a call of it waited and can go on. */
  get isReady(): boolean {
    if (this.#parking?.isReady !== true || this.#isPaused) return false;
    return this.#phase === 'waiting' || (this.#away !== undefined && this.#phase !== 'launching');
  }

  /** Whether it can begin a call at once. */
  get isAtHand(): boolean {
    return this.#phase === 'idle' && this.#calls !== undefined;
  }

  /** Whether nothing would be lost with it but what lies on disk. */
  get isForgettable(): boolean {
    const rests = this.#phase === 'cold' || (this.#phase === 'absent' && !this.#hasLived);
    return rests && this.#delay.failures === 0;
  }

  /** Milliseconds until it may have another instance. */
  get waitMs(): number {
    return this.#delay.leftMs(this.#around.clock.monotonicMs());
  }

  /** Whether it needed more restarts than its manifest bears. */
  get isWornOut(): boolean {
    return this.#delay.isWornOut;
  }

  /** Lets go of its instance without a word to it; no message may be under way. */
  async abandon(): Promise<void> {
    if (this.#leaving !== undefined) await this.#leaving;
    if (this.#phase === 'idle') this.#around.busy(this.#agent);
    const hadInstance = this.#resident !== undefined;
    if (hadInstance) this.turn(life.failed, 'it was ended');
    await this.drop();
    if (hadInstance) this.#around.note(this.#agent, { kind: 'ended', outcome: undefined, reason: 'killed' });
  }

  /**
   * Another state of its life, unless that was ended from outside. One that cannot follow is our mistake: people are
   * told, and the agent goes on as if nothing were.
   */
  turn(next: LifeNumber, why?: string): void {
    const { lifecycle } = this.#agent;
    if (lifecycle.number === life.terminated) return;
    const error = lifecycle.attempt(next, why);
    if (error !== undefined) this.#around.note(this.#agent, { kind: 'refused', error });
  }

  /** A message waits, or goes on; while it starts or ends, that is the state it is in. */
  #turnWithin(next: LifeNumber): void {
    const { beneath } = this.#agent.lifecycle;
    if (beneath === life.running || beneath === life.waiting) this.turn(next);
  }

  /** Begins a call into its instance, which is there. */
  begin(name: string, argument: unknown, deadlineMs: number, end: CallEnd): void {
    if (this.#phase === 'idle') this.#around.busy(this.#agent);
    this.#phase = 'busy';
    this.turn(life.running);
    if (this.#agent.spec.manifest.errors.state === 'saved') this.#before = this.#resident?.save();
    const calls = this.#calls as Calls;
    calls.begin(name, argument, deadlineMs, end);
    if (this.#isPaused) calls.freeze();
  }

  /** While it is on its way out of memory. */
  get leaving(): Promise<unknown> | undefined {
    return this.#leaving;
  }

  /**
   * Sees to it that it has an instance, and that it is not idle.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED`
   * @throws StartFailed
   */
  async arrive(deadlineMs: number): Promise<void> {
    if (this.#phase === 'idle') {
      this.#around.busy(this.#agent);
      this.#phase = 'busy';
    }
    if (this.#calls === undefined) await this.#launch(deadlineMs);
  }

  /** The call ended well: it has nothing to do. */
  rest(nowMs: number): void {
    this.#before = undefined;
    this.#phase = 'idle';
    this.turn(life.ready);
    this.#agent.lastUsedMs = nowMs;
    this.#around.idle(this.#agent);
    this.#delay.succeed();
  }

  /** As `rest`, of one of whom nothing is kept from one message to the next. */
  async vanish(nowMs: number): Promise<void> {
    this.#before = undefined;
    this.#agent.lastUsedMs = nowMs;
    this.#delay.succeed();
    await this.drop();
    this.#hasLived = false;
    if (this.#around.hasWork(this.#agent)) this.turn(life.ready);
    else this.turn(life.completed, 'it dealt with its message');
  }

  /** Ends in good order because nothing is left for it to do, and forgets what was saved; no message may be under way. */
  async complete(why: string): Promise<void> {
    while (this.#leaving !== undefined) await this.#leaving;
    const { lifecycle, delivery } = this.#agent;
    const isAtRest = lifecycle.beneath === life.ready || lifecycle.beneath === life.created;
    if (delivery !== undefined || !isAtRest || this.#phase === 'stopped') return;
    await this.#leave(async () => {
      this.#discard();
      await this.#end('idle');
      this.#phase = 'absent';
      this.#hasLived = false;
      this.turn(life.completed, why);
    });
  }

  async #launch(deadlineMs: number): Promise<void> {
    this.#phase = 'launching';
    if (this.#saved === undefined) this.turn(life.initializing);
    const { clock } = this.#around;
    const waitMs = this.#delay.leftMs(clock.monotonicMs());
    if (waitMs > 0) await clock.sleep(Math.min(waitMs, deadlineMs));
    if (await this.#enter(deadlineMs)) return;
    this.turn(life.initializing);
    await this.#start(deadlineMs);
    this.turn(life.ready);
    // One that begins with every message begins nothing that is not told of that.
    const isEphemeral = this.#agent.spec.manifest.execution.mode === 'ephemeral';
    if (!isEphemeral) this.#around.note(this.#agent, { kind: 'started', resumed: this.#hasLived });
    this.#hasLived = true;
  }

  /** Whether it goes on where it was saved. */
  async #enter(deadlineMs: number): Promise<boolean> {
    const agent = this.#agent;
    const budget = this.#newBudget();
    const saved = this.#saved;
    if (saved !== undefined) this.#around.released(agent, saved);
    const { resident, isWoken } = await this.#around.launch(agent, saved, budget, deadlineMs);
    this.#hold(resident, budget);
    if (isWoken) this.#around.note(agent, { kind: 'woken' });
    if (isWoken && wakes.hasSubscribers) wakes.publish({ agent: agent.name, place: saved?.kind ?? 'cold' });
    const { asyncCalls } = resident.instance;
    if (asyncCalls === undefined) return isWoken;
    this.#parking ??= new Parking(this);
    if (this.#parking.join(asyncCalls) && !asyncCalls.waiting) return isWoken;
    // It was saved in the middle of a call, and whom it asked has not survived: as after any call that was cut off.
    await this.drop();
    this.#phase = 'launching';
    return this.#enter(deadlineMs);
  }

  #newBudget(): Budget {
    const { clock, turn } = this.#around;
    const { recorder, spec } = this.#agent;
    const growthWatch = recorder && { decided: recorder.growth };
    return new Budget({ limits: spec.limits, clock, turn, turnKey: this.#agent.id, growthWatch });
  }

  #hold(resident: Resident, budget: Budget): Calls {
    const calls = new Calls(resident.instance, budget, this, this.#agent.recorder);
    this.#resident = resident;
    this.#calls = calls;
    this.#saved = undefined;
    return calls;
  }

  /** @throws StartFailed when the agent says so, or ends */
  async #start(deadlineMs: number): Promise<void> {
    const { name, spec } = this.#agent;
    const { main } = spec.program.facts;
    if (main.kind !== 'handler' || !main.hasLife) return;
    const config = { name, settings: spec.settings, resumed: this.#hasLived };
    this.#phase = 'busy';
    const started = (this.#calls as Calls).call('start', config, deadlineMs);
    if (this.#isPaused) this.#calls?.freeze();
    const outcome = await started;
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
    else if (this.#phase === 'launching') this.#awayCause ??= cause;
    else this.#endAway(this.#away, cause);
  }

  #endAway(away: AwayCall, cause: StopCause): void {
    this.#around.disarm(away.timer);
    this.stopped();
    const outcome = endedAway(away, cause, this.#around.clock.monotonicMs());
    this.#agent.recorder?.end(outcome);
    away.end.ended(outcome);
  }

  /** The call under way waits for something outside, and has nothing on a stack. */
  rests(): void {
    if (this.#phase !== 'busy' || this.#calls?.goesOn !== true) return;
    this.#phase = 'waiting';
    this.#turnWithin(life.waiting);
    this.#agent.lastUsedMs = this.#around.clock.monotonicMs();
    this.#around.idle(this.#agent);
    if (this.#agent.leaveTurn()) this.#around.rested(this.#agent);
  }

  /** Something has come for it. */
  ready(): void {
    if (!this.#isPaused) this.#around.ready(this.#agent);
  }

  /** The call under way does not go on, and its time does not run, until `unpause`. */
  pause(): void {
    this.#isPaused = true;
    this.#calls?.freeze();
    const away = this.#away;
    if (away === undefined) return;
    this.#around.disarm(away.timer);
    away.carried = frozen(away.carried, this.#around.clock.monotonicMs());
  }

  unpause(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#calls?.thaw();
    const away = this.#away;
    if (away !== undefined) {
      away.carried = thawed(away.carried, this.#around.clock.monotonicMs());
      away.timer = this.arm(away.carried.deadlineAtMs);
    }
    if (this.isReady) this.#around.ready(this.#agent);
  }

  /** It is the turn of a call that waited; it is ready. */
  async goOn(): Promise<void> {
    const parking = this.#parking as Parking;
    if (this.#away !== undefined) await this.#unpark(this.#away, parking);
    else {
      this.#around.busy(this.#agent);
      this.#phase = 'busy';
      this.#turnWithin(life.running);
      parking.resume();
    }
  }

  async #unpark(away: AwayCall, parking: Parking): Promise<void> {
    const leftMs = Math.max(0, away.carried.deadlineAtMs - this.#around.clock.monotonicMs());
    const budget = this.#newBudget();
    budget.goOn(away.carried);
    this.#phase = 'launching';
    try {
      if (this.#saved !== undefined) this.#around.released(this.#agent, this.#saved);
      const { resident } = await this.#around.launch(this.#agent, this.#saved, budget, leftMs);
      const { asyncCalls } = resident.instance;
      if (this.#awayCause === undefined && asyncCalls?.waiting === true) {
        // It may have been paused meanwhile.
        budget.goOn(away.carried);
        const calls = this.#hold(resident, budget);
        this.#away = undefined;
        this.#phase = 'busy';
        this.#turnWithin(life.running);
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
    return this.#agent.spec.limits.memoryBytesMax;
  }

  arm(atMs: number): number {
    return this.#around.arm(this.#agent, atMs);
  }

  disarm(timer: number): void {
    this.#around.disarm(timer);
  }

  stopped(): void {
    this.#parking?.end();
    this.#around.stopped(this.#agent);
  }

  /** Its instance is lost with this outcome: the next message has another, later if it fails again and again, or none. */
  async fail(outcome: Outcome): Promise<void> {
    const { spec } = this.#agent;
    const nowMs = this.#around.clock.monotonicMs();
    if (outcome.kind !== 'cancelled')
      this.#delay.fail(nowMs, spec.manifest.restart, this.#around.random, outcome.usage.memoryBytes);
    this.#agent.lastUsedMs = nowMs;
    const isTheLast = !this.#agent.isSupervised && isLast(outcome, spec);
    if (isTheLast) this.#before = undefined;
    this.turn(outcome.kind === 'ok' ? life.completed : life.failed, describe(outcome));
    await this.drop();
    if (isTheLast) this.#phase = 'stopped';
    else if (this.#phase === 'hibernated') this.turn(life.ready);
    this.#around.note(this.#agent, { kind: 'ended', outcome, reason: 'failed' });
  }

  /** Lets go of its instance. */
  async drop(): Promise<void> {
    const resident = this.#resident;
    this.#resident = undefined;
    this.#calls = undefined;
    if (this.#phase === 'waiting') this.#around.busy(this.#agent);
    this.#phase = 'absent';
    // What a call left when it ended out of memory is of no use to the next one.
    if (this.#away !== undefined) this.#discard();
    this.#parking?.end();
    const before = this.#before;
    this.#before = undefined;
    if (before !== undefined) this.#keep(warm(before), 'hibernated');
    else if (this.#saved !== undefined) this.#sleepOn(this.#saved);
    if (before !== undefined) this.#agent.goBackInHistory();
    else if (this.#saved === undefined) this.#agent.endHistory();
    resident?.instance.dispose();
    await resident?.release();
  }

  /** It could not be woken: what was saved is there still. */
  #sleepOn(saved: Saved): void {
    this.#phase = saved.kind === 'warm' ? 'hibernated' : 'cold';
    this.#around.kept(this.#agent, saved);
  }

  /** Ends the instance in good order, and forgets what was saved; no message may be under way. */
  async end(reason: StopReason): Promise<void> {
    if (this.#leaving !== undefined) await this.#leaving;
    if (this.#phase === 'idle') this.#around.busy(this.#agent);
    this.turn(life.terminating, reason);
    this.#discard();
    if (this.#resident === undefined) this.#parking?.end();
    await this.#end(reason);
    if (this.#agent.leaveTurn()) this.#around.rested(this.#agent);
    this.#phase = 'absent';
    this.turn(life.terminated, reason);
  }

  /** Ends as by `end`, and nothing begins it again until `revive`. */
  async terminate(): Promise<void> {
    await this.end('requested');
    this.#phase = 'stopped';
  }

  /** Is gone at once, with what was saved; its call has been stopped. Nothing begins it again until `revive`. */
  async kill(): Promise<void> {
    if (this.#leaving !== undefined) await this.#leaving;
    if (this.#phase === 'idle') this.#around.busy(this.#agent);
    this.#before = undefined;
    this.#discard();
    await this.drop();
    if (this.#agent.leaveTurn()) this.#around.rested(this.#agent);
    this.#phase = 'stopped';
    this.#around.note(this.#agent, { kind: 'ended', outcome: undefined, reason: 'requested' });
  }

  /** A message may begin it again, at once. */
  revive(): void {
    const { lifecycle } = this.#agent;
    if (lifecycle.number === life.terminated || this.#phase === 'stopped') lifecycle.to(life.created);
    if (this.#phase === 'stopped') this.#phase = 'absent';
    this.#delay.forgive();
  }

  #discard(): void {
    if (this.#saved !== undefined) this.#around.released(this.#agent, this.#saved);
    this.#around.discard(this.#agent);
    this.#saved = undefined;
    this.#away = undefined;
  }

  async #end(reason: StopReason): Promise<void> {
    const calls = this.#calls;
    if (calls === undefined) return;
    const { program, limits } = this.#agent.spec;
    const { main } = program.facts;
    if (main.kind === 'handler' && main.hasLife) {
      this.#phase = 'busy';
      await calls.call('stop', { tag: reason }, limits.deadlineMs).catch(() => undefined);
    }
    await this.drop();
    this.#around.note(this.#agent, { kind: 'ended', outcome: undefined, reason });
  }

  /** As `Agent.hibernate`. */
  async hibernate(): Promise<void> {
    const resident = this.#resident;
    const calls = this.#calls;
    if (!this.#agent.isIdle || resident === undefined || calls === undefined) return;
    if (isParallel(this.#agent.spec)) {
      // What is saved is kept under the agent's name, and the others have the same.
      if (this.#phase === 'idle') await this.#leave(() => this.#end('idle'));
      this.#hasLived = false;
      return;
    }
    if (this.#phase === 'waiting') {
      // What it would go back to stays no longer than it is in memory itself.
      if (resident.saveable.possible && calls.goesOn && this.#before === undefined)
        await this.#park(resident, calls);
      return;
    }
    const { unsaveable } = this.#agent.spec.manifest.hibernate;
    if (resident.saveable.possible) await this.#leave(() => this.#save(resident));
    else if (unsaveable === 'restart') await this.#leave(() => this.#end('idle'));
  }

  async #save(resident: Resident): Promise<void> {
    this.#parking?.leave();
    const saved = await resident.hibernate(warm);
    this.#resident = undefined;
    this.#calls = undefined;
    this.#keep(saved, 'hibernated');
    if (hibernations.hasSubscribers) hibernations.publish({ agent: this.#agent.name, place: 'warm' });
  }

  #keep(saved: WarmState, phase: AgentPhase): void {
    this.#saved = saved;
    this.#phase = phase;
    this.#around.note(this.#agent, { kind: 'hibernated', bytes: saved.bytes });
    // In the same breath: a message that waits for it may wake it next.
    this.#around.kept(this.#agent, saved);
  }

  /** As `hibernate`, in the middle of a call; the instance may be another agent's before this resolves. */
  #park(resident: Resident, calls: Calls): Promise<void> {
    return this.#leave(async () => {
      this.#parking?.leave();
      const leaving: { saved?: Promise<WarmState> } = {};
      const away = calls.leave(() => {
        leaving.saved = resident.hibernate(warm);
      });
      this.#away = away;
      this.#resident = undefined;
      this.#calls = undefined;
      try {
        const saved = await leaving.saved;
        // It may have been ended meanwhile.
        if (saved !== undefined && away === this.#away) this.#keep(saved, 'parked');
      } catch (thrown) {
        resident.instance.dispose();
        away?.end.refused(thrown);
      }
    });
  }

  async #leave(act: () => Promise<void>): Promise<void> {
    this.#around.busy(this.#agent);
    this.#phase = 'leaving';
    const leaving = act().catch((thrown: unknown) => this.#stay(thrown));
    this.#leaving = leaving;
    await leaving;
    this.#leaving = undefined;
  }

  /** It cannot leave now; nothing has changed, and it is asked again after its next message. */
  #stay(thrown: unknown): void {
    if (this.#resident !== undefined) this.#phase = 'idle';
    const isBusy = thrown instanceof HostError && thrown.code === 'HOST_ERR_INSTANCE_BUSY';
    if (!isBusy) this.#around.note(this.#agent, { kind: 'refused', error: faultOf(thrown) });
  }

  /** Whether it is out of memory, with nothing to remember but what `pack` takes. */
  get isPackable(): boolean {
    if (this.#leaving !== undefined || this.#away !== undefined || this.#isPaused) return false;
    if (!this.#delay.isBlank) return false;
    return this.#phase === 'absent' || (this.#phase === 'hibernated' && this.#saved?.kind === 'warm');
  }

  /** Whether it could be made packable: it has nothing to do, and its state can be saved. */
  get mayBePacked(): boolean {
    if (this.#phase === 'idle') return this.#resident?.saveable.possible === true && this.#delay.isBlank;
    return this.#phase === 'cold' ? this.#delay.isBlank : this.isPackable;
  }

  /** What lay on disk is in the heap now, and only there. */
  thaw(snapshot: Snapshot): void {
    if (this.#phase !== 'cold') return;
    this.#saved = new WarmState(snapshot);
    this.#phase = 'hibernated';
    this.#around.kept(this.#agent, this.#saved);
  }

  /** Gives up all there is of it, to go on elsewhere; it is packable. */
  pack(): Packed {
    const saved = this.#saved;
    if (saved !== undefined) this.#around.released(this.#agent, saved);
    this.#saved = undefined;
    this.#phase = 'absent';
    return { hasLived: this.#hasLived, snapshot: saved?.kind === 'warm' ? saved.own : undefined };
  }

  /** Goes on with what it was elsewhere. */
  unpack({ hasLived, snapshot }: Packed): void {
    this.#hasLived = hasLived;
    if (snapshot === undefined) return;
    this.#saved = new WarmState(snapshot);
    this.#phase = 'hibernated';
    this.#around.kept(this.#agent, this.#saved);
  }

  /** What was saved lies on disk now, or did when the host began. */
  cool(): void {
    this.#saved = { kind: 'cold' };
    this.#hasLived = true;
    if (this.#agent.lifecycle.beneath === life.created) this.turn(life.ready);
    const isLater = this.#phase === 'hibernated';
    if (this.#phase !== 'parked') this.#phase = 'cold';
    if (isLater && hibernations.hasSubscribers)
      hibernations.publish({ agent: this.#agent.name, place: 'cold' });
  }
}
