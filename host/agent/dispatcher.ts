import type { AdmissionName } from '../config/scheduler-settings.ts';
import type { Turn } from '../engine/budget.ts';
import {
  type AdmissionCounts,
  type AskedCall,
  CallAdmission,
  type CallForecast,
} from '../scheduler/call-admission.ts';
import { Lateness, type Waits } from '../scheduler/lateness.ts';
import { levels, rankOfLevel } from '../scheduler/level.ts';
import type { PolicyStanding } from '../scheduler/policy.ts';
import type { Forecast } from '../scheduler/profile.ts';
import { RingLine } from '../scheduler/ring-line.ts';
import { nobody, RunQueue, type RunQueueOptions } from '../scheduler/run-queue.ts';
import type { Terms } from '../scheduler/standings.ts';
import { Claims } from './claims.ts';

export interface DispatcherOptions {
  /**
   * Lets one agent handle one message, or go on with one; whoever does calls `ended` when it has or waits without a
   * stack, in any case and once.
   */
  readonly run: (id: number) => void;
  /** Calls under way at once, those that wait on a stack included. */
  readonly activeMax: number;
  /** Milliseconds of starting calls after which the event loop gets its turn. */
  readonly turnMsMax: number;
  /**
   * Milliseconds that a guest computes before it gives way to others that are in the middle of a computation, too, at
   * the end of a slice. Default 0: at the end of each.
   */
  readonly quantumMs?: number;
  readonly nowMs: () => number;
  /** Whether messages from other threads wait to be read; lets those that go to them leave. */
  readonly isPending: () => boolean;
  /** What an agent is scheduled by; asked when it first has something to do. Default: everybody alike. */
  readonly termsOf?: (id: number) => Terms | undefined;
  /** Whether an agent needs an instance before it can handle anything. Default: none does. */
  readonly begins?: (id: number) => boolean;
  /** Who goes first. Default: fair shares. */
  readonly queue?: Omit<RunQueueOptions, 'nowMs' | 'forecast' | 'turnFuel'> | undefined;
  /** How long the next message of an agent will take. */
  readonly forecast?: (Pick<Forecast, 'executionMsOf'> & CallForecast) | undefined;
  /** What becomes of a call that will not end in time. Default `queue`. */
  readonly admission?: AdmissionName | undefined;
}

/** What a dispatcher did since it was made, and who waits now. */
export interface DispatcherReport {
  /** Who decides inside a level. */
  readonly policy: PolicyStanding;
  readonly admission: AdmissionCounts;
  /** Agents that wait for a turn, by level. */
  readonly queued: readonly number[];
  /** Messages begun, and calls gone on with after they waited. */
  readonly starts: number;
  /** Ends of fuel slices at which a guest gave way … */
  readonly slices: number;
  /** … because somebody else was to run first. */
  readonly preemptions: number;
  /** Turns given to a level that had been passed over for long. */
  readonly aged: number;
  /** Turns given to whoever the last one wrote to. */
  readonly passedOn: number;
  /** How long agents waited for their turn, by level. */
  readonly waits: readonly Waits[];
}

/** Turns in a row, and milliseconds that guests used in them, after which what waits elsewhere has its turn. */
const rowTurnsMax = 32;
const rowMsMax = 0.2;
/** How much of the moving average of turns the newest is. */
const turnShare = 0.05;
/** Fuel of a millisecond of computing, about: a slice is a fifth of it. */
const fuelPerMs = 10_000_000;
/** Nothing is known of anybody. */
const unknown: CallForecast = { wallMsOf: () => 0, isKnown: () => false };
/** Stacks that only the two first levels use, so that what is critical begins although all others are in use. */
const reserveMax = 8;
const reserveShare = 8;
const lastReserved = rankOfLevel('critical');
/** A microtask of a promise costs a quarter of what `queueMicrotask` does, which makes an asynchronous resource. */
const now: Promise<void> = Promise.resolve();

/**
 * Whose turn it is on this thread: agents with mail, one message each, and guests that gave way between two fuel
 * slices stand in one queue, whose order is the scheduler's (`RunQueue`).
 */
export class Dispatcher implements Turn {
  readonly #options: DispatcherOptions;
  readonly #queue: RunQueue;
  readonly #claims = new Claims();
  readonly #lateness: Lateness;
  readonly #admission: CallAdmission;
  /** Milliseconds of a turn: a moving average. */
  #turnMs = 0;
  /** Those whose turn came when all stacks were in use, by level. */
  readonly #stackless: readonly RingLine[] = levels.map(() => new RingLine());
  #isAnyStackless = false;
  readonly #reserve: number;
  #active = 0;
  /** Whether the queue is looked at in this turn of the event loop, or in the next. */
  #isSoon = false;
  #isLater = false;
  #turnStartedMs: number | undefined;
  /** In the synchronous part of its turn: whoever is woken was written to by it. */
  #running = nobody;
  /** Its guest came back in that part: the next one may have its stack. */
  #isStackFree = false;
  /** One is begun by the end of the one before. */
  #isFollowing = false;
  #isDraining = false;
  /** Turns, and milliseconds of guests, since others than the queue had the thread. */
  #rowTurns = 0;
  #rowMs = 0;
  /** A turn was a whole slice, or is about to be one. */
  #isRowOver = false;
  /** Guests that compute stood back for messages begun in the row before: not twice. */
  #hasStoodBack = false;
  readonly #quantumMs: number;
  #starts = 0;
  #slices = 0;
  #preemptions = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#quantumMs = options.quantumMs ?? 0;
    const { forecast } = options;
    this.#queue = new RunQueue({
      ...options.queue,
      turnFuel: this.#quantumMs * fuelPerMs,
      nowMs: options.nowMs,
      forecast: forecast && { executionMsOf: (slot) => forecast.executionMsOf(this.#claims.idOf(slot)) },
    });
    this.#lateness = new Lateness(options.nowMs);
    this.#admission = new CallAdmission(options.admission ?? 'queue', forecast ?? unknown);
    this.#reserve = Math.min(reserveMax, Math.floor(options.activeMax / reserveShare));
  }

  /** Calls under way. */
  get active(): number {
    return this.#active;
  }

  /** Agents that wait for their turn. */
  get queued(): number {
    return this.#queue.length + this.#stackless.reduce((sum, { size }) => sum + size, 0);
  }

  /** Agents that wait for their turn, at most so many. */
  waiting(max: number): number[] {
    return this.queued === 0 ? [] : this.#claims.waiting(max);
  }

  report(): DispatcherReport {
    const { aged, passedOn } = this.#queue.counts;
    return {
      policy: this.#queue.standing,
      admission: this.#admission.counts,
      queued: levels.map((_, level) => this.#queue.lengthOf(level) + (this.#stackless[level]?.size ?? 0)),
      starts: this.#starts,
      slices: this.#slices,
      preemptions: this.#preemptions,
      aged,
      passedOn,
      waits: levels.map((_, level) => this.#lateness.of(level)),
    };
  }

  /**
   * An agent has mail, or its call can go on; it gets one turn, however often it is woken before that. `dueMs`: when
   * what came is due; `level`: a better level than its own, for that turn.
   */
  wake(id: number, dueMs?: number, level?: number): void {
    const slot = this.#slotOf(id);
    const isNew = !this.#claims.hasMail(slot);
    if (!isNew && level === undefined) return;
    this.#claims.setMail(slot, true);
    if (this.#running !== nobody) this.#queue.pass(slot, dueMs, level);
    else this.#queue.push(slot, dueMs, level, isNew && this.#options.begins?.(id) === true);
    if (isNew) this.#lateness.came(slot, this.#queue.levelOf(slot));
    this.#schedule();
  }

  /** Whether it matters when what an agent is woken for is due. */
  get looksAtDue(): boolean {
    return this.#queue.looksAtDue;
  }

  /** Milliseconds an agent waited for its turns on average as of late, as far as was looked. */
  waitMsOf(id: number): number | undefined {
    const slot = this.#claims.find(id);
    return slot === undefined ? undefined : this.#lateness.meanMsOf(slot);
  }

  /** The terms of an agent are others now. */
  changed(id: number): void {
    const slot = this.#claims.find(id);
    if (slot !== undefined) this.#queue.set(slot, this.#options.termsOf?.(id) ?? {});
  }

  /** Nothing is to be remembered of an agent that has nothing to do. */
  rest(id: number): void {
    const slot = this.#claims.find(id);
    if (slot === undefined || !this.#claims.release(id, slot)) return;
    this.#queue.forget(slot);
    this.#lateness.forget(slot);
  }

  /** The agent is no more; a guest of it that gave way still goes on, to its end. */
  forget(id: number): void {
    const slot = this.#claims.find(id);
    if (slot === undefined) return;
    this.#claims.setMail(slot, false);
    this.rest(id);
  }

  #slotOf(id: number): number {
    return this.#claims.find(id) ?? this.#admit(id);
  }

  #admit(id: number): number {
    const slot = this.#claims.make(id);
    this.#queue.set(slot, this.#options.termsOf?.(id) ?? {});
    return slot;
  }

  isWanted(id: number): boolean {
    // Lets messages leave, whatever it says.
    const isPending = this.#options.isPending();
    const slot = this.#slotOf(id);
    if (isPending) return true;
    return this.#queue.isWanted(slot) && !this.#isWithinQuantum(slot);
  }

  /**
   * Whether only guests that compute want the thread, none of a better level, and the one that has it came to it just
   * now: what it takes to change between them is then most of what it is for.
   */
  #isWithinQuantum(slot: number): boolean {
    if (this.#rowMs >= this.#quantumMs || this.#queue.length > this.#claims.pausedAgents) return false;
    return this.#queue.topLevel >= this.#queue.levelOf(slot);
  }

  /** Until it is its turn again, and the event loop had one. */
  giveWay(id: number): Promise<void> {
    const slot = this.#slotOf(id);
    this.#slices += 1;
    if (this.#queue.isWanted(slot)) this.#preemptions += 1;
    return new Promise((resolve) => {
      this.#claims.pause(slot, resolve);
      this.#queue.again(slot);
      this.#scheduleLater();
    });
  }

  /** Whether calls that will not end in time are refused. */
  get isPredictive(): boolean {
    return this.#admission.isPredictive;
  }

  /**
   * In how many milliseconds a call will have ended, if its deadline comes before; else undefined.
   * @param level of the call and its agent, the better one
   */
  lateMs(call: Omit<AskedCall, 'queueMs'>, level: number): number | undefined {
    let before = 0;
    for (let at = 0; at <= level; at += 1) before += this.#queue.lengthOf(at);
    return this.#admission.lateMs({ ...call, queueMs: before * this.#turnMs }, this.#options.nowMs());
  }

  charge(id: number, fuel: number, ms: number): void {
    this.#turnMs += turnShare * (ms - this.#turnMs);
    this.#rowMs += ms;
    this.#queue.charge(this.#slotOf(id), fuel, ms);
  }

  #schedule(): void {
    if (this.#isSoon || this.#isLater || this.#isDraining) return;
    if (this.#isTurnOver()) {
      this.#scheduleLater();
      return;
    }
    this.#isSoon = true;
    void now.then(this.#drainSoon);
  }

  /** After whatever the event loop has. */
  #scheduleLater(): void {
    if (this.#isLater) return;
    this.#isLater = true;
    setImmediate(this.#drainLater);
  }

  readonly #drainSoon = (): void => {
    this.#isSoon = false;
    if (!this.#isLater) this.#drain();
  };

  readonly #drainLater = (): void => {
    this.#isLater = false;
    this.#drain();
  };

  /** Calls beget calls within one turn of the event loop; when that lasts too long, I/O has to come in between. */
  #isTurnOver(): boolean {
    const nowMs = this.#options.nowMs();
    if (this.#turnStartedMs === undefined) {
      this.#turnStartedMs = nowMs;
      setImmediate(this.#endTurn);
    }
    return nowMs - this.#turnStartedMs >= this.#options.turnMsMax;
  }

  readonly #endTurn = (): void => {
    this.#turnStartedMs = undefined;
  };

  /** Messages are begun one after the other; behind a guest that computes for a whole slice the event loop has its turn. */
  #drain(): void {
    this.#rowTurns = 0;
    this.#rowMs = 0;
    this.#isRowOver = false;
    this.#isDraining = true;
    while (this.#hasNext && !this.#standsBack()) this.#next();
    this.#isDraining = false;
    if (this.#queue.length === 0) return;
    if (this.#isRowOver) this.#scheduleLater();
    else this.#schedule();
  }

  /** Whether somebody has a turn in the row under way. */
  get #hasNext(): boolean {
    if (this.#queue.length === 0 || this.#isRowOver) return false;
    return this.#rowTurns < rowTurnsMax && this.#rowMs < rowMsMax;
  }

  /**
   * Messages were begun and only guests that compute are left: what those messages do, an answer that goes out for
   * one, would wait for a whole slice. So the event loop has its turn before it, but not each time: they would starve.
   */
  #standsBack(): boolean {
    if (this.#rowTurns === 0 || this.#hasStoodBack) return false;
    if (this.#queue.length > this.#claims.pausedAgents) return false;
    this.#hasStoodBack = true;
    this.#isRowOver = true;
    this.#scheduleLater();
    return true;
  }

  #next(): void {
    this.#rowTurns += 1;
    if (this.#turn(this.#queue.shift())) this.#isRowOver = true;
  }

  /** One turn; whether it was a whole slice, or is about to be one. */
  #turn(slot: number): boolean {
    if (slot === nobody) return false;
    const resume = this.#claims.takePaused(slot);
    if (resume === undefined) return this.#start(slot);
    this.#claimAgain(slot);
    this.#hasStoodBack = false;
    // Lets go what the others said in their turn: else it waits until this guest's next slice is over.
    this.#options.isPending();
    resume();
    return true;
  }

  /** An agent with several claims has them met one at a time. */
  #claimAgain(slot: number): void {
    if (this.#claims.hasPaused(slot)) this.#queue.again(slot);
    else if (this.#claims.hasMail(slot)) this.#queue.push(slot);
  }

  #start(slot: number): boolean {
    if (!this.#claims.hasMail(slot)) return false;
    const level = this.#queue.levelOf(slot);
    const { activeMax } = this.#options;
    if (this.#active >= (level <= lastReserved ? activeMax : activeMax - this.#reserve)) {
      this.#stackless[level]?.add(slot, 0, 0);
      this.#isAnyStackless = true;
      return false;
    }
    this.#lateness.began(slot, level);
    this.#claims.setMail(slot, false);
    this.#active += 1;
    this.#starts += 1;
    const { paused } = this.#claims;
    const active = this.#active;
    const isFollowing = this.#isFollowing;
    this.#running = slot;
    this.#options.run(this.#claims.idOf(slot));
    this.#isStackFree = false;
    // One that follows runs when what ended before it is done with.
    if (!isFollowing || this.#active < active) this.#running = nobody;
    return this.#claims.paused > paused;
  }

  /** The guest of an agent came back: whoever is woken from now on was not written to by it. */
  returned(id: number): void {
    if (this.#running === nobody || this.#claims.find(id) !== this.#running) return;
    this.#running = nobody;
    this.#isStackFree = true;
  }

  /** What `run` began is over. */
  ended(): void {
    this.#active -= 1;
    this.#unblock();
    if (this.#isStackFree && this.#hasNext && !this.#standsBack()) this.#follow();
    else if (this.#queue.length > 0) this.#schedule();
  }

  /** Gives the next its turn while it can still have the stack of the one that ended. */
  #follow(): void {
    const isFollowing = this.#isFollowing;
    this.#isStackFree = false;
    this.#isFollowing = true;
    this.#next();
    this.#isFollowing = isFollowing;
  }

  /** A stack is free: whoever waited for one first has a turn. */
  #unblock(): void {
    if (!this.#isAnyStackless) return;
    for (const [level, line] of this.#stackless.entries())
      while (line.size > 0) {
        line.look();
        line.drop();
        if (!this.#claims.hasMail(line.key)) continue;
        this.#queue.push(line.key, undefined, level);
        return;
      }
    this.#isAnyStackless = false;
  }
}
