import type { Delivery } from '../bus/delivery.ts';
import { Capabilities } from '../capability/capabilities.ts';
import type { Clock } from '../clock.ts';
import { Budget, type Carried, type StopCause, type Turn } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import { type Snapshot, snapshotBytes } from '../engine/hibernation/snapshot.ts';
import { Suspended } from '../engine/instance.ts';
import { HostError } from '../errors.ts';
import { intersect, type Limits } from '../limits.ts';
import type { Outcome, Usage } from '../outcome.ts';
import { outcomeOf, returned, stopped, trapped, usageOf } from './judge.ts';
import { isAsync, Parking } from './parking.ts';
import { RestartDelay } from './restart-delay.ts';
import type { Spec } from './spec.ts';

/** Why an instance ends in good order (wit/types.wit). */
export type StopReason = 'requested' | 'idle' | 'replaced' | 'restarting' | 'shutdown';

/** What a resident needs of its thread. */
export interface Surroundings {
  readonly clock: Clock;
  readonly turn: Turn;
  /**
   * Links and instantiates, or brings back what was saved; waits for room if there is none.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED`
   */
  launch(agent: Agent, saved: Saved | undefined, budget: Budget, deadlineMs: number): Promise<Launch>;
  /** It has an instance and nothing to do, from now on. */
  idle(agent: Agent): void;
  /** It is idle no longer. */
  busy(agent: Agent): void;
  /** Calls `agent.overdue()` after so many milliseconds, unless called off by the timer it returns. */
  arm(agent: Agent, ms: number): number;
  disarm(timer: number): void;
  /** It waits and something has come for it: `agent.goOn()` when it is its turn. */
  ready(agent: Agent): void;
  /** What it saved is nobody's any more. */
  discard(agent: Agent): void;
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
 * (`launching`, `idle`, `busy`, and `waiting` for something outside with nothing on a stack); out of it, its state in
 * the host's heap (`hibernated`) or on disk (`cold`), or in either while a call of it waits (`parked`).
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
  | 'cold';

/** Where the state of an agent that is not in memory lies. */
export type Saved =
  | { readonly kind: 'warm'; readonly snapshot: Snapshot; readonly bytes: number }
  | { readonly kind: 'cold' };

/** One call of a guest, until it has ended; its agent may leave memory meanwhile. */
interface Call {
  readonly resolve: (outcome: Outcome<Uint8Array | undefined>) => void;
  readonly reject: (thrown: unknown) => void;
  /** Of one that is out of memory. */
  away?: Away | undefined;
  /** It is to end as soon as its agent is back. */
  cause?: StopCause;
}

interface Away {
  readonly carried: Carried;
  readonly usage: Usage;
}

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
  #call: Call | undefined;
  #isUnwinding = false;
  #timer = 0;
  #hasLived = false;
  #saved: Saved | undefined;
  #leaving: Promise<unknown> | undefined;
  #handling: Promise<unknown> | undefined;
  /** Of an agent whose calls may wait without a stack. */
  #parking: Parking | undefined;
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

  /** Whether it holds an instance and has nothing to do. */
  get isIdle(): boolean {
    return this.#state === 'idle' || this.#state === 'waiting';
  }

  /** Whether it could leave memory, and is out of it. */
  get isOut(): boolean {
    return this.#state === 'hibernated' || this.#state === 'parked';
  }

  /** Whether a call waited and can go on. */
  get isReady(): boolean {
    return this.#parking?.isReady === true && this.#call !== undefined;
  }

  /** Resolves when the call that begins now has ended or waits; undefined: it waits on a stack, if it does. */
  turn(): Promise<void> | undefined {
    if (!isAsync(this.#spec.program)) return undefined;
    this.#parking ??= new Parking({
      answersBytesMax: this.#spec.limits.memoryBytesMax,
      rests: () => this.#rest(),
      ready: () => this.#around.ready(this),
      tooMuch: (cause) => this.stop(cause),
    });
    return this.#parking.turn();
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
      if (this.#resident === undefined) await this.#launch(deadlineMs);
      const outcome = await this.#supervised(this.#deadlineMs(message.deadlineNs), 'handle', message);
      return await this.#count(outcome);
    } catch (thrown) {
      return this.#refused(thrown);
    } finally {
      this.#parking?.endTurn();
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

  async #launch(deadlineMs: number): Promise<void> {
    this.#state = 'launching';
    const waitMs = this.#delay.leftMs(this.#around.clock.monotonicMs());
    if (waitMs > 0) await this.#around.clock.sleep(Math.min(waitMs, deadlineMs));
    if (await this.#enter(deadlineMs)) return;
    await this.#start(deadlineMs);
    this.#around.note(this, { kind: 'started', resumed: this.#hasLived });
    this.#hasLived = true;
  }

  /** Whether it goes on where it was saved. */
  async #enter(deadlineMs: number): Promise<boolean> {
    const budget = this.#newBudget();
    this.#budget = budget;
    const { resident, isWoken } = await this.#around.launch(this, this.#saved, budget, deadlineMs);
    this.#saved = undefined;
    this.#resident = resident;
    const { asyncCalls } = resident.instance;
    if (asyncCalls === undefined || this.#parking === undefined) return isWoken;
    if (this.#parking.join(asyncCalls) && !asyncCalls.waiting) return isWoken;
    // It was saved in the middle of a call, and whom it asked has not survived: as after any call that was cut off.
    await this.#drop();
    this.#state = 'launching';
    return this.#enter(deadlineMs);
  }

  #newBudget(): Budget {
    const { clock, turn } = this.#around;
    return new Budget({ limits: this.#spec.limits, clock, turn });
  }

  /** @throws StartFailed when the agent says so, or ends */
  async #start(deadlineMs: number): Promise<void> {
    const { main } = this.#spec.program.facts;
    if (main.kind !== 'handler' || !main.hasLife) return;
    const config = { name: this.name, settings: this.#spec.settings, resumed: this.#hasLived };
    const outcome = await this.#supervised(deadlineMs, 'start', config);
    if (outcome.kind === 'ok') return;
    throw new StartFailed(outcome);
  }

  /** One call, and what came of it; at the deadline, or when the asker gives up, it is stopped. */
  async #supervised(
    deadlineMs: number,
    name: string,
    argument: unknown,
  ): Promise<Outcome<Uint8Array | undefined>> {
    const resident = this.#resident as Resident;
    const budget = this.#budget as Budget;
    this.#state = 'busy';
    budget.restart(deadlineMs);
    this.#timer = this.#around.arm(this, deadlineMs);
    try {
      return await new Promise((resolve, reject) => {
        const call = { resolve, reject };
        this.#call = call;
        this.#follow(call, budget, resident.instance.call(name, [argument]));
      });
    } finally {
      this.#around.disarm(this.#timer);
      this.#endCall();
    }
  }

  #follow(call: Call, budget: Budget, value: Promise<unknown>): void {
    value.then(
      (value) => call.resolve(this.#judge(budget, value)),
      (thrown: unknown) => {
        // It goes on elsewhere.
        if (thrown instanceof Suspended) return;
        const outcome = stopped(budget);
        if (outcome !== undefined) call.resolve(outcome as Outcome<undefined>);
        else if (thrown instanceof HostError) call.reject(thrown);
        else call.resolve(trapped(thrown, budget) as Outcome<undefined>);
      },
    );
  }

  #endCall(): void {
    if (this.#state === 'waiting') {
      this.#around.busy(this);
      this.#state = 'busy';
    }
    if (this.#call?.away !== undefined) this.#discard();
    this.#call = undefined;
    this.#isUnwinding = false;
  }

  /** The state of a call that ended out of memory is of no use to the next one. */
  #discard(): void {
    this.#parking?.end();
    this.#around.discard(this);
    this.#saved = undefined;
  }

  /** The call under way waits for something outside, and has nothing on a stack. */
  #rest(): void {
    if (this.#call === undefined || this.#state !== 'busy' || this.#isUnwinding) return;
    this.#state = 'waiting';
    this.lastUsedMs = this.#around.clock.monotonicMs();
    this.#around.idle(this);
  }

  /** It is the turn of a call that waited. Resolves when it waits again or has ended. */
  async goOn(): Promise<void> {
    if (this.#leaving !== undefined) await this.#leaving;
    const parking = this.#parking;
    const call = this.#call;
    if (parking === undefined || call === undefined || !this.isReady) return;
    const isParked = this.#state === 'parked';
    // Else it goes on already, and takes what came by itself.
    if (!isParked && this.#state !== 'waiting') return;
    const turn = parking.turn();
    if (isParked) void this.#unpark(call, parking);
    else {
      this.#around.busy(this);
      this.#state = 'busy';
      parking.resume();
    }
    await turn;
  }

  async #unpark(call: Call, parking: Parking): Promise<void> {
    const { carried } = call.away as Away;
    const leftMs = carried.deadlineAtMs - this.#around.clock.monotonicMs();
    const budget = this.#newBudget();
    budget.goOn(carried);
    this.#state = 'launching';
    try {
      const { resident } = await this.#around.launch(this, this.#saved, budget, Math.max(0, leftMs));
      const { asyncCalls } = resident.instance;
      if (call.cause === undefined && asyncCalls?.waiting === true) {
        this.#saved = undefined;
        call.away = undefined;
        this.#resident = resident;
        this.#budget = budget;
        this.#state = 'busy';
        parking.join(asyncCalls);
        this.#follow(call, budget, asyncCalls.continue());
        return;
      }
      resident.instance.dispose();
      await resident.release();
      if (call.cause === undefined) throw lostCall();
      this.#endAway(call, call.cause);
    } catch (thrown) {
      const outcome = stopped(budget);
      if (call.cause !== undefined) this.#endAway(call, call.cause);
      else if (outcome !== undefined) call.resolve(outcome as Outcome<undefined>);
      else call.reject(thrown);
    }
  }

  /** Ends a call whose agent is out of memory. */
  #endAway(call: Call, cause: StopCause): void {
    const { usage, carried } = call.away as Away;
    const wallMs = this.#around.clock.monotonicMs() - carried.startedMs;
    for (const [what, cure] of carried.denials) this.#around.note(this, { kind: 'denied', what, cure });
    this.#parking?.end();
    this.#around.stopped(this);
    call.resolve(outcomeOf(cause, { ...usage, wallMs }) as Outcome<undefined>);
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
    const { away } = this.#call ?? {};
    if (away !== undefined) {
      const { startedMs, deadlineMs: max } = away.carried;
      const used = Math.round(this.#around.clock.monotonicMs() - startedMs);
      this.stop({ kind: 'limit', limit: 'deadlineMs', max, used });
      return;
    }
    const budget = this.#budget;
    if (budget === undefined) return;
    if (!this.#isUnwinding) {
      budget.stopForDeadline();
      this.#unwind();
      return;
    }
    const outcome = stopped(budget);
    if (outcome !== undefined) this.#call?.resolve(outcome as Outcome<undefined>);
  }

  /** Ends the call under way, if there is one. */
  stop(cause: StopCause): void {
    const call = this.#call;
    if (call === undefined) return;
    if (call.away === undefined) {
      this.#budget?.stop(cause);
      this.#unwind();
    } else if (this.#state === 'launching') call.cause ??= cause;
    else this.#endAway(call, cause);
  }

  #unwind(): void {
    this.#isUnwinding = true;
    this.#parking?.end();
    this.#around.stopped(this);
    this.#around.disarm(this.#timer);
    this.#timer = this.#around.arm(this, unwindMsMax);
  }

  async #count(outcome: Outcome<Uint8Array | undefined>): Promise<Outcome<Uint8Array | undefined>> {
    const budget = this.#budget;
    this.handled += 1;
    this.fuel += outcome.usage.fuel;
    this.memoryBytes = outcome.usage.memoryBytes;
    if (outcome.kind !== 'ok') this.failed += 1;
    const isInOrder = outcome.kind === 'ok' || outcome.kind === 'error';
    const goesOn = isInOrder && budget !== undefined && budget.cause === undefined;
    for (const [what, cure] of budget?.denials ?? []) this.#around.note(this, { kind: 'denied', what, cure });
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
    this.#parking?.end();
    resident?.instance.dispose();
    await resident?.release();
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
    this.#discard();
    await this.#end(reason);
    this.#parking?.endTurn();
    this.#state = 'absent';
  }

  async #end(reason: StopReason): Promise<void> {
    if (this.#resident === undefined) return;
    const { main } = this.#spec.program.facts;
    if (main.kind === 'handler' && main.hasLife)
      await this.#supervised(this.#spec.limits.deadlineMs, 'stop', { tag: reason }).catch(() => undefined);
    await this.#drop();
    this.#around.note(this, { kind: 'ended', outcome: undefined, reason });
  }

  /**
   * Leaves memory until the next message, or until what its call waits for has come; does nothing unless it has
   * nothing to do. What cannot be saved between messages ends instead, if the manifest says so.
   * @returns what was saved
   */
  async hibernate(): Promise<Snapshot | undefined> {
    const resident = this.#resident;
    const call = this.#call;
    if (!this.isIdle || resident === undefined || this.#budget?.cause !== undefined) return undefined;
    if (!resident.saveable.possible) {
      if (call === undefined && this.#spec.manifest.hibernate.unsaveable === 'restart')
        await this.#leave(() => this.#end('idle'));
      return undefined;
    }
    return this.#leave(async () => {
      const snapshot = await (call === undefined ? this.#save(resident) : this.#park(resident, call));
      if (call !== this.#call || snapshot === undefined) return undefined;
      this.#resident = undefined;
      this.#budget = undefined;
      this.#saved = { kind: 'warm', snapshot, bytes: snapshotBytes(snapshot) };
      this.#state = call === undefined ? 'hibernated' : 'parked';
      return snapshot;
    });
  }

  #save(resident: Resident): Promise<Snapshot> {
    this.#parking?.leave();
    return resident.hibernate();
  }

  /** The instance may be another agent's before this has resolved. */
  #park(resident: Resident, call: Call): Promise<Snapshot | undefined> {
    const budget = this.#budget as Budget;
    const usage = usageOf(budget);
    const saving = this.#save(resident);
    call.away = { carried: budget.carry(), usage };
    this.#resident = undefined;
    this.#budget = undefined;
    return saving.catch((thrown: unknown) => {
      resident.instance.dispose();
      call.reject(thrown);
      return undefined;
    });
  }

  async #leave<T>(act: () => Promise<T>): Promise<T> {
    this.#around.busy(this);
    this.#state = 'leaving';
    const leaving = act();
    this.#leaving = leaving.catch(() => undefined);
    try {
      return await leaving;
    } finally {
      this.#leaving = undefined;
    }
  }

  get saved(): Saved | undefined {
    return this.#saved;
  }

  /** What was saved lies on disk now, or did when the host began. */
  cool(): void {
    this.#saved = { kind: 'cold' };
    this.#hasLived = true;
    if (this.#state !== 'parked') this.#state = 'cold';
  }

  /** Takes another program or other settings; it holds no instance then. */
  replace(spec: Spec): void {
    // What still holds on to the rights of the old version has none.
    this.#capabilities?.revoke();
    this.#capabilities = undefined;
    this.#parking = undefined;
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
