import type { Clock, Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { jitteredPauseMs } from './backoff.ts';
import { type Child, type Exit, failed } from './child.ts';
import { type ChildSpec, defaultShutdownMs, defaultStartMsMax } from './child-spec.ts';
import { type Intensity, RestartWindow } from './restart-window.ts';
import { type ChildState, Slot } from './slot.ts';
import { affectedBy, type Strategy } from './strategy.ts';
import type { SupervisorNote } from './supervisor-note.ts';

export interface SupervisorSpec {
  /** For people. */
  readonly name: string;
  readonly strategy: Strategy;
  readonly intensity: Intensity;
  /** In the order in which they are started; they are stopped in the other. */
  readonly children: readonly ChildSpec[];
}

export interface SupervisorRooms {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly random: Random;
  readonly note: (note: SupervisorNote) => void;
}

/** What is known of one child. */
export interface ChildReport {
  readonly id: string;
  readonly state: ChildState;
  readonly restarts: number;
  /** How it ended last, for people. */
  readonly lastExit: string | undefined;
  /** Milliseconds until it is started again; undefined: it does not wait for that. */
  readonly restartsInMs: number | undefined;
}

/** Children of one supervisor, dynamic ones included. */
export const childrenMax = 10_000;
/** Milliseconds within which a child that was killed is gone. */
const killMsMax = 5_000;

/** A part of the children that waits to be started again. */
interface Pending {
  readonly slots: readonly Slot[];
  readonly pausedMs: number;
  /** When they are, on the monotonic clock. */
  readonly dueMs: number;
  readonly abort: AbortController;
}

/**
 * Keeps its children alive as OTP's supervisors do: starts them in order, starts again who ended, with the siblings
 * that the strategy names, and gives up, all its children stopped in the reverse order, when that was needed too
 * often. It does one thing at a time; what happens meanwhile waits. Unlike OTP's it may wait before a restart.
 */
export class Supervisor implements Child {
  readonly spec: SupervisorSpec;
  readonly #rooms: SupervisorRooms;
  readonly #window: RestartWindow;
  #slots: Slot[];
  readonly #pending = new Set<Pending>();
  readonly #end = Promise.withResolvers<Exit>();
  #last: Promise<unknown> = Promise.resolve();
  #state: 'new' | 'up' | 'ended' = 'new';
  /** It is to end; whoever is being started comes too late. */
  readonly #ending = new AbortController();

  constructor(spec: SupervisorSpec, rooms: SupervisorRooms) {
    this.spec = spec;
    this.#rooms = rooms;
    this.#window = new RestartWindow(spec.intensity);
    this.#slots = spec.children.map((child) => new Slot(child));
    requireUnique(spec.name, this.#slots);
  }

  /** Resolves when it is no more: stopped, or after too many restarts. */
  get ended(): Promise<Exit> {
    return this.#end.promise;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get children(): readonly ChildReport[] {
    return this.#slots.map((slot) => ({
      id: slot.spec.id,
      state: slot.state,
      restarts: slot.restarts,
      lastExit: slot.lastExit,
      restartsInMs: this.#restartsIn(slot),
    }));
  }

  /** Restarts within the period, up to now. */
  get restartsNow(): number {
    return this.#window.countAt(this.#rooms.clock.monotonicMs());
  }

  #restartsIn(slot: Slot): number | undefined {
    for (const { slots, dueMs } of this.#pending)
      if (slots.includes(slot)) return Math.max(0, Math.ceil(dueMs - this.#rooms.clock.monotonicMs()));
    return undefined;
  }

  /**
   * Starts every child, in order. If one cannot be started, those that were are stopped, and there is no supervisor.
   * @throws HostError `HOST_ERR_SUPERVISOR_START`
   */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state !== 'new') return;
      this.#state = 'up';
      for (const slot of [...this.#slots]) {
        const why = await this.#start(slot);
        if (why === undefined) this.#rooms.note({ kind: 'started', child: slot.spec.id });
        else {
          await this.#endWith({ kind: 'failed', why });
          throw startFailed(this.spec.name, slot.spec.id, why);
        }
      }
    });
  }

  /** Stops every child, the last one first; `ended` tells when that is done. */
  stop(): void {
    this.#ending.abort();
    void this.#inTurn(() => this.#endWith({ kind: 'shutdown' }));
  }

  /** As `stop`, giving nobody time. */
  kill(): void {
    for (const { child } of this.#slots) child?.kill();
    this.stop();
  }

  /** Looks after nobody any more, whoever is there: what they are in ends. */
  abandon(): void {
    this.#ending.abort();
    this.#state = 'ended';
    this.#callOff(this.#slots);
    this.#end.resolve({ kind: 'shutdown' });
  }

  /**
   * One more child, the last in order, started. Resolves when it is there.
   * @throws HostError `HOST_ERR_SUPERVISOR_START`, `HOST_ERR_CONFIG_INVALID` for an id that is taken or one too many
   */
  add(spec: ChildSpec): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state !== 'up') throw startFailed(this.spec.name, spec.id, 'the supervisor has ended');
      requireUnique(this.spec.name, [...this.#slots, { spec }]);
      const slot = new Slot(spec);
      const why = await this.#start(slot);
      if (why !== undefined) throw startFailed(this.spec.name, spec.id, why);
      this.#slots.push(slot);
      this.#rooms.note({ kind: 'started', child: spec.id });
    });
  }

  /** Stops a child and forgets it. False: there is no such one. */
  remove(id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const slot = this.#slots.find(({ spec }) => spec.id === id);
      if (slot === undefined) return false;
      await this.#stop(slot);
      this.#forget(slot);
      return true;
    });
  }

  /** Takes a child for failed that has not ended: it is stopped, and what the strategy says is done. False: it is not there. */
  fail(id: string, why: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const slot = this.#slots.find(({ spec }) => spec.id === id);
      if (slot?.state !== 'up') return false;
      if (slot.spec.restart === 'temporary') await this.#stop(slot);
      await this.#exited(slot, { kind: 'failed', why });
      return true;
    });
  }

  /** Resolves when all that has happened so far is dealt with, pauses aside. */
  async settled(): Promise<void> {
    let last: Promise<unknown> | undefined;
    while (last !== this.#last) {
      last = this.#last;
      await last;
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Says why it could not be. */
  async #start(slot: Slot): Promise<string | undefined> {
    const { startMsMax = defaultStartMsMax } = slot.spec;
    slot.state = 'starting';
    slot.run += 1;
    const { run } = slot;
    const late = new AbortController();
    const starting = startOf(slot.spec);
    const tooLate = this.#after(startMsMax, AbortSignal.any([late.signal, this.#ending.signal]));
    const child = await Promise.race([starting, tooLate.then(() => undefined)]);
    late.abort();
    if (child !== undefined && 'child' in child) {
      slot.child = child.child;
      slot.state = 'up';
      slot.upSinceMs = this.#rooms.clock.monotonicMs();
      void child.child.ended.then((exit) => this.#heard(slot, run, exit));
      return undefined;
    }
    slot.state = 'down';
    if (child !== undefined) return child.why;
    void starting.then((one) => 'child' in one && one.child.kill());
    return this.#ending.signal.aborted ? 'the supervisor ends' : `it did not start within ${startMsMax} ms`;
  }

  #heard(slot: Slot, run: number, exit: Exit): void {
    void this.#inTurn(async () => {
      if (this.#state !== 'up' || slot.run !== run || slot.state !== 'up') return;
      slot.child = undefined;
      slot.state = 'down';
      await this.#exited(slot, exit);
    });
  }

  async #exited(slot: Slot, exit: Exit): Promise<void> {
    const { restart, id } = slot.spec;
    slot.lastExit = exit.kind === 'failed' ? exit.why : exit.kind;
    this.#rooms.note({ kind: 'exited', child: id, exit });
    const upMs = this.#rooms.clock.monotonicMs() - slot.upSinceMs;
    if (upMs > this.spec.intensity.periodMs) slot.failures = 0;
    if (restart === 'temporary') this.#forget(slot);
    else if (restart === 'permanent' || exit.kind === 'failed') await this.#recover(slot);
  }

  /** Starts again who ended, or could not be started. */
  async #recover(slot: Slot): Promise<void> {
    const { clock, random } = this.#rooms;
    const index = this.#slots.indexOf(slot);
    if (this.#state !== 'up' || index < 0) return;
    if (!this.#window.add(clock.monotonicMs())) return this.#escalate(slot);
    slot.failures += 1;
    const affected = affectedBy(this.spec.strategy, this.#slots, index);
    await this.#stopAll(affected);
    const present = affected.filter((one) => this.#slots.includes(one));
    const { backoff } = slot.spec;
    const pausedMs = backoff === undefined ? 0 : jitteredPauseMs(backoff, slot.failures, random);
    if (pausedMs === 0) await this.#restartAll(present, 0);
    else this.#wait(present, pausedMs);
  }

  /** In the reverse order; what does not come back is forgotten. */
  async #stopAll(slots: readonly Slot[]): Promise<void> {
    this.#callOff(slots);
    for (const slot of slots.toReversed()) {
      await this.#stop(slot);
      if (slot.spec.restart === 'temporary') this.#forget(slot);
    }
  }

  #callOff(slots: readonly Slot[]): void {
    for (const pending of this.#pending) {
      if (!pending.slots.some((slot) => slots.includes(slot))) continue;
      this.#pending.delete(pending);
      pending.abort.abort();
      for (const slot of pending.slots) slot.state = 'down';
    }
  }

  #wait(slots: readonly Slot[], pausedMs: number): void {
    const dueMs = this.#rooms.clock.monotonicMs() + pausedMs;
    const pending: Pending = { slots, pausedMs, dueMs, abort: new AbortController() };
    this.#pending.add(pending);
    for (const slot of slots) slot.state = 'waiting';
    void this.#after(pausedMs, pending.abort.signal).then(() =>
      this.#inTurn(async () => {
        if (!this.#pending.delete(pending)) return;
        await this.#restartAll(
          slots.filter((slot) => slot.state === 'waiting'),
          pausedMs,
        );
      }),
    );
  }

  /** In order, up to the one that cannot be started. */
  async #restartAll(slots: readonly Slot[], pausedMs: number): Promise<void> {
    for (const slot of slots) {
      const why = await this.#start(slot);
      const { id } = slot.spec;
      if (why !== undefined) {
        if (this.#ending.signal.aborted) return;
        slot.lastExit = why;
        this.#rooms.note({ kind: 'start-failed', child: id, why });
        // Those after it come with it: all of them are in what the strategy names.
        this.#recoverLater(slot);
        return;
      }
      slot.restarts += 1;
      this.#rooms.note({ kind: 'restarted', child: id, restarts: slot.restarts, pausedMs });
    }
  }

  #recoverLater(slot: Slot): void {
    const { run } = slot;
    void this.#inTurn(async () => {
      if (slot.run === run) await this.#recover(slot);
    });
  }

  async #escalate(slot: Slot): Promise<void> {
    const { restartsMax, periodMs } = this.spec.intensity;
    const last = `the last for ${slot.spec.id}: ${slot.lastExit ?? 'it ended'}`;
    const why = `more than ${restartsMax} restarts in ${periodMs} ms, ${last}`;
    await this.#endWith({ kind: 'failed', why }, () => this.#rooms.note({ kind: 'escalated', why }));
  }

  async #endWith(exit: Exit, tell?: () => void): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#callOff(this.#slots);
    const { strategy } = this.spec;
    if (strategy === 'simple-one-for-one') await Promise.all(this.#slots.map((slot) => this.#stop(slot)));
    else for (const slot of this.#slots.toReversed()) await this.#stop(slot);
    tell?.();
    this.#end.resolve(exit);
  }

  /** Resolves when it is gone, in good order or not. */
  async #stop(slot: Slot): Promise<void> {
    const { child, spec } = slot;
    if (child === undefined || slot.state !== 'up') {
      slot.state = 'down';
      return;
    }
    const { shutdownMs = defaultShutdownMs } = spec;
    slot.state = 'stopping';
    slot.run += 1;
    if (shutdownMs > 0) child.stop();
    const isGone = shutdownMs > 0 && (await this.#isGone(child, shutdownMs));
    if (!isGone) child.kill();
    const isLost = !isGone && !(await this.#isGone(child, killMsMax));
    slot.child = undefined;
    slot.state = 'down';
    this.#rooms.note({ kind: isLost ? 'lost' : isGone ? 'stopped' : 'killed', child: spec.id });
  }

  async #isGone({ ended }: Child, withinMs: number): Promise<boolean> {
    if (withinMs === Number.POSITIVE_INFINITY) return ended.then(() => true);
    const gone = new AbortController();
    const isGone = await Promise.race([
      ended.then(() => true),
      this.#after(withinMs, gone.signal).then(() => false),
    ]);
    gone.abort();
    return isGone;
  }

  #forget(slot: Slot): void {
    this.#slots = this.#slots.filter((one) => one !== slot);
  }

  /** Resolves after a time, or when it is called off. */
  #after(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return this.#rooms.clock.sleep(ms, signal).catch(() => undefined);
  }
}

type Starting = { readonly child: Child } | { readonly why: string };

async function startOf(spec: ChildSpec): Promise<Starting> {
  try {
    return { child: await spec.start() };
  } catch (thrown) {
    const exit = failed(thrown);
    return { why: exit.kind === 'failed' ? exit.why : exit.kind };
  }
}

function startFailed(supervisor: string, child: string, why: string): HostError {
  return new HostError(
    'HOST_ERR_SUPERVISOR_START',
    `the supervisor '${supervisor}' could not start '${child}': ${why}; it starts when that does`,
    { supervisor, child },
  );
}

function requireUnique(supervisor: string, slots: readonly { readonly spec: ChildSpec }[]): void {
  const ids = new Set(slots.map(({ spec }) => spec.id));
  if (ids.size === slots.length && slots.length <= childrenMax) return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `the supervisor '${supervisor}' must have at most ${childrenMax} children, each with an id of its own`,
    { supervisor },
  );
}
