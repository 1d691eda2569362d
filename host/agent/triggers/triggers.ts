import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import type { Occasion, Trigger } from '../../manifest.ts';
import { type Due, DueHeap } from './due-heap.ts';
import { type Times, timesOf } from './times.ts';

/** A message the host sends to an agent by itself. */
export interface Firing {
  /** The trigger's name. */
  readonly name: string;
  /** `trigger.NAME`. */
  readonly subject: string;
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
  /** When it was to be, milliseconds since the Unix epoch; for a subject when the message came. */
  readonly dueMs: number;
  /** Of a subject's trigger. */
  readonly pattern?: string;
}

/** A message as a subject trigger passes it on. */
export interface Heard {
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

export interface TriggersOptions {
  readonly clock: Clock;
  /** Sends the message. Must neither throw nor wait. */
  readonly fire: (agent: string, firing: Firing) => void;
  /** Hears a subject; returns the way to end it. */
  readonly listen: (pattern: string, listener: (message: Heard) => void) => () => void;
  /**
   * When a trigger last came due, in an earlier run of the host too: what it has missed since is made up for once.
   * Undefined: it is new. Default: every trigger is.
   */
  readonly lastDueMs?: (agent: string, name: string) => number | undefined;
  /** An agent that has times, and no subjects, has none any more. */
  readonly finished?: (agent: string) => void;
  /** From 0 (inclusive) to 1 (exclusive), for jitter. Default: none. */
  readonly chance?: () => number;
  /** Over all agents; default 1,048,576. */
  readonly triggersMax?: number;
}

export interface TriggerStatus {
  readonly name: string;
  /** Undefined for a subject's, and when there is no next time. */
  readonly nextMs: number | undefined;
}

export interface TriggersStatus {
  readonly waiting: number;
  readonly fired: number;
  /** Times that were skipped because the host slept or was late. */
  readonly skipped: number;
  /** The most that one came late while the host was running. */
  readonly lateMsMax: number;
}

type TimedTrigger = Trigger & { readonly occasion: Exclude<Occasion, { kind: 'subject' }> };

interface Timed extends Due {
  /** When it is to be; it is due up to its jitter later. */
  atMs: number;
  /** Times made up for, one after the other. */
  madeUp: number;
  readonly agent: string;
  readonly trigger: TimedTrigger;
  readonly times: Times;
  readonly body: Uint8Array;
  /** It came due before the host knew it: late through no fault of ours. */
  wasMissed: boolean;
}

interface Installed {
  readonly timed: readonly Timed[];
  readonly endings: readonly (() => void)[];
  /** Of the manifest, which agents of one kind share. */
  readonly triggers: readonly Trigger[];
}

const never = Number.POSITIVE_INFINITY;
const noEndings: Installed['endings'] = [];
const nothingInstalled: Installed = { timed: [], endings: noEndings, triggers: [] };
/** Waits are cut to this, so that a clock that is set, or a machine that slept, is noticed. */
const waitMsMax = 60_000;
/** Fired before others get their turn of the event loop. */
const firedPerTurnMax = 256;
/** Milliseconds by which a time may be late and is none that was missed. */
const lateMsMax = 1_000;
/** Missed times that `all` makes up for in a row; then comes the first that is still ahead. */
const madeUpMax = 100;
/** A wall clock that was set back by less fires nothing a second time; by more, all its times are found anew. */
const setBackMsMax = 3_600_000;

/**
 * The triggers of all agents: one wait, for the next that is due.
 *
 * What came due while the host slept, was down or was busy is made up for once, for the latest time, however many
 * there were, unless a trigger says otherwise (`misfire`); then comes the first time that is still ahead. Intervals keep
 * their phase: neither a late firing nor jitter moves one after it.
 */
export class Triggers {
  readonly #options: TriggersOptions;
  readonly #clock: Clock;
  readonly #due = { steady: new DueHeap<Timed>(), wall: new DueHeap<Timed>() };
  readonly #agents = new Map<string, Installed>();
  readonly #steadyFromMs: number;
  #wallAheadMs = 0;
  #count = 0;
  #wait: AbortController | undefined;
  #waitsUntilMs = 0;
  #isFiring = false;
  #isStopped = false;
  #fired = 0;
  #skipped = 0;
  #lateMsMax = 0;

  constructor(options: TriggersOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#steadyFromMs = this.#nowMs('wall') - this.#clock.monotonicMs();
  }

  /**
   * Sets an agent's triggers up, instead of those it had. A trigger that it had under the same name and at the same
   * times goes on where it was.
   * @param manifestPath what errors call its manifest
   * @throws HostError `HOST_ERR_CONFIG_INVALID` for times that are none; then nothing has changed
   */
  add(agent: string, triggers: readonly Trigger[], manifestPath: string): void {
    const before = this.#agents.get(agent);
    const count = this.#count - (before?.triggers.length ?? 0) + triggers.length;
    this.#admit(count, manifestPath);
    const timed = triggers
      .filter(isTimed)
      .map((trigger) => this.#timed(agent, trigger, before, placeOf(manifestPath, trigger)));
    this.remove(agent);
    const endings = triggers.flatMap((trigger) => this.#listen(agent, trigger));
    for (const one of timed) this.#plan(one);
    this.#agents.set(agent, { timed, endings: endings.length === 0 ? noEndings : endings, triggers });
    this.#count = count;
    this.#arm();
    if (this.isFinished(agent)) this.#options.finished?.(agent);
  }

  /** Whether an agent has times, no subjects, and none of its times is still to come. */
  isFinished(agent: string): boolean {
    const { timed, endings } = this.#agents.get(agent) ?? nothingInstalled;
    return timed.length > 0 && endings.length === 0 && timed.every((one) => one.dueMs === never);
  }

  /** Of those the names. */
  finishedAgents(): readonly string[] {
    return [...this.#agents.keys()].filter((agent) => this.isFinished(agent));
  }

  /** Whether `add` would take them. @throws HostError as `add` */
  check(agent: string, triggers: readonly Trigger[], manifestPath: string): void {
    this.#admit(
      this.#count - (this.#agents.get(agent)?.triggers.length ?? 0) + triggers.length,
      manifestPath,
    );
    for (const trigger of triggers.filter(isTimed))
      timesOf(trigger.occasion, 0, placeOf(manifestPath, trigger));
  }

  /** Ends an agent's triggers; an agent without any is fine. */
  remove(agent: string): void {
    const installed = this.#agents.get(agent);
    if (installed === undefined) return;
    this.#agents.delete(agent);
    this.#count -= installed.triggers.length;
    for (const one of installed.timed) this.#due[one.times.line].remove(one);
    for (const end of installed.endings) end();
  }

  /** In the order of the manifest. */
  of(agent: string): readonly TriggerStatus[] {
    const installed = this.#agents.get(agent);
    return (installed?.triggers ?? []).map(({ name }) => {
      const dueMs = installed?.timed.find((one) => one.trigger.name === name)?.dueMs;
      return { name, nextMs: dueMs === Number.POSITIVE_INFINITY ? undefined : dueMs };
    });
  }

  status(): TriggersStatus {
    return {
      waiting: this.#due.steady.size + this.#due.wall.size,
      fired: this.#fired,
      skipped: this.#skipped,
      lateMsMax: this.#lateMsMax,
    };
  }

  /** Fires nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#wait?.abort();
    for (const agent of [...this.#agents.keys()]) this.remove(agent);
  }

  #admit(count: number, manifestPath: string): void {
    const max = this.#options.triggersMax ?? 1_048_576;
    if (count <= max) return;
    const why = `the host has ${this.#count} triggers, the limit (triggersMax) is ${max}`;
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${manifestPath}: ${why}; remove some`, { max });
  }

  #timed(agent: string, trigger: TimedTrigger, before: Installed | undefined, place: string): Timed {
    const body = bodyOf(trigger);
    const same = before?.timed.find((one) => isSame(one.trigger, trigger));
    if (same !== undefined) return { ...same, trigger, body, place: -1 };
    const nowMs = this.#nowMs(trigger.occasion.kind === 'every' ? 'steady' : 'wall');
    const lastMs = this.#options.lastDueMs?.(agent, trigger.name);
    // A time still to come is from a clock that was wrong.
    const known = lastMs === undefined || lastMs > nowMs ? nowMs : lastMs;
    // One moment that is past and was never seen to is one that was missed.
    const fromMs = trigger.occasion.kind === 'at' && lastMs === undefined ? Number.NEGATIVE_INFINITY : known;
    const times = timesOf(trigger.occasion, fromMs, place);
    const first = times.next(fromMs);
    const atMs = first <= nowMs && trigger.misfire === 'skip' ? times.next(nowMs) : first;
    const wasMissed = atMs <= nowMs;
    return {
      agent,
      trigger,
      times,
      body,
      atMs,
      dueMs: this.#dueOf(trigger, atMs),
      wasMissed,
      madeUp: 0,
      place: -1,
    };
  }

  #dueOf({ jitterMs }: TimedTrigger, atMs: number): number {
    const { chance } = this.#options;
    return jitterMs === 0 || chance === undefined ? atMs : atMs + jitterMs * chance();
  }

  #plan(one: Timed): void {
    if (one.dueMs < Number.POSITIVE_INFINITY) this.#due[one.times.line].add(one);
  }

  #listen(agent: string, trigger: Trigger): (() => void)[] {
    const { name, occasion } = trigger;
    if (occasion.kind !== 'subject') return [];
    const own = trigger.body === undefined ? undefined : bodyOf(trigger);
    const listener = (heard: Heard): void => {
      const { contentType, body } = own === undefined ? heard : { contentType: undefined, body: own };
      const dueMs = this.#nowMs('wall');
      const { pattern } = occasion;
      this.#send(agent, { name, subject: `trigger.${name}`, body, contentType, dueMs, pattern });
    };
    return [this.#options.listen(occasion.pattern, listener)];
  }

  /** Milliseconds until the next is due. */
  #dueInMs(): number {
    const { steady, wall } = this.#due;
    const none = Number.POSITIVE_INFINITY;
    return Math.min(
      (steady.first?.dueMs ?? none) - this.#nowMs('steady'),
      (wall.first?.dueMs ?? none) - this.#nowMs('wall'),
    );
  }

  #arm(): void {
    const inMs = this.#dueInMs();
    if (this.#isStopped || this.#isFiring || inMs === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(waitMsMax, Math.max(1, Math.ceil(inMs)));
    const untilMs = this.#clock.monotonicMs() + ms;
    if (this.#wait !== undefined && this.#waitsUntilMs <= untilMs) return;
    this.#wait?.abort();
    const wait = new AbortController();
    this.#wait = wait;
    this.#waitsUntilMs = untilMs;
    // Rejected when another takes its place, or at the end.
    this.#clock.sleep(ms, wait.signal).then(
      () => this.#woken(wait),
      () => {},
    );
  }

  #woken(wait: AbortController): void {
    if (this.#wait !== wait) return;
    this.#wait = undefined;
    this.#noticeSetClock();
    void this.#fireDue();
  }

  async #fireDue(): Promise<void> {
    this.#isFiring = true;
    let left = firedPerTurnMax;
    for (let one = this.#takeDue(); one !== undefined; one = this.#takeDue()) {
      this.#fire(one);
      left -= 1;
      if (left > 0) continue;
      left = firedPerTurnMax;
      await turn();
    }
    this.#isFiring = false;
    this.#arm();
  }

  #takeDue(): Timed | undefined {
    if (this.#isStopped) return undefined;
    for (const line of lines) {
      const { first } = this.#due[line];
      if (first === undefined || first.dueMs > this.#nowMs(line)) continue;
      this.#due[line].remove(first);
      return first;
    }
    return undefined;
  }

  #fire(one: Timed): void {
    const { agent, trigger, body, times, wasMissed } = one;
    const { name } = trigger;
    const nowMs = this.#nowMs(times.line);
    const lateMs = nowMs - one.dueMs;
    const dueMs = this.#advance(one, nowMs);
    one.wasMissed = false;
    one.dueMs = this.#dueOf(trigger, one.atMs);
    this.#plan(one);
    if (dueMs !== undefined) {
      if (!wasMissed) this.#lateMsMax = Math.max(this.#lateMsMax, Math.min(lateMs, nowMs - dueMs));
      this.#send(agent, { name, subject: `trigger.${name}`, body, contentType: undefined, dueMs });
    }
    if (one.dueMs === never && this.isFinished(agent)) this.#options.finished?.(agent);
  }

  /** On to its next time; the one that is fired now, or none of those that were missed. */
  #advance(one: Timed, nowMs: number): number | undefined {
    const { times, atMs, trigger } = one;
    const nextMs = times.next(atMs);
    if (nextMs <= nowMs && trigger.misfire === 'all' && one.madeUp < madeUpMax) {
      one.madeUp += 1;
      one.atMs = nextMs;
      return atMs;
    }
    const isLate = nowMs - one.dueMs > lateMsMax;
    one.madeUp = 0;
    one.atMs = nextMs <= nowMs ? times.next(nowMs) : nextMs;
    if (nextMs <= nowMs) this.#skipped += 1;
    if (trigger.misfire === 'skip' && isLate) return undefined;
    return nextMs <= nowMs ? times.last(nowMs) : atMs;
  }

  #send(agent: string, firing: Firing): void {
    this.#fired += 1;
    this.#options.fire(agent, firing);
  }

  #noticeSetClock(): void {
    const aheadMs = this.#nowMs('wall') - this.#nowMs('steady');
    const isSetBack = this.#wallAheadMs - aheadMs > setBackMsMax;
    this.#wallAheadMs = aheadMs;
    if (!isSetBack) return;
    const nowMs = this.#nowMs('wall');
    for (const { timed } of this.#agents.values())
      for (const one of timed.filter(({ times }) => times.line === 'wall')) {
        this.#due.wall.remove(one);
        one.atMs = one.times.next(nowMs);
        one.dueMs = this.#dueOf(one.trigger, one.atMs);
        this.#plan(one);
      }
  }

  #nowMs(line: Times['line']): number {
    if (line === 'steady') return this.#steadyFromMs + this.#clock.monotonicMs();
    return Number(this.#clock.wallNs() / 1000n) / 1000;
  }
}

const lines = ['steady', 'wall'] as const;

function isTimed(trigger: Trigger): trigger is TimedTrigger {
  return trigger.occasion.kind !== 'subject';
}

function isSame(a: Trigger, b: Trigger): boolean {
  if (a.name !== b.name) return false;
  const [one, other] = [a.occasion, b.occasion];
  if (one.kind === 'cron' && other.kind === 'cron') return one.cron === other.cron && one.zone === other.zone;
  if (one.kind === 'at' && other.kind === 'at') return one.atMs === other.atMs;
  return one.kind === 'every' && other.kind === 'every' && one.everyMs === other.everyMs;
}

function placeOf(manifestPath: string, trigger: Trigger): string {
  return `${manifestPath}: trigger '${trigger.name}'`;
}

const encoder = new TextEncoder();
const noBody = new Uint8Array(0);
const bodies = new WeakMap<Trigger, Uint8Array>();

/** One for all agents that share a trigger: a hundred thousand buffers would be as many for each collection to look at. */
function bodyOf(trigger: Trigger): Uint8Array {
  if (trigger.body === undefined) return noBody;
  let body = bodies.get(trigger);
  if (body === undefined) {
    body = encoder.encode(trigger.body);
    bodies.set(trigger, body);
  }
  return body;
}
