import type { Bus } from '../bus/bus.ts';
import type { Outcome } from '../outcome.ts';
import type { Agent, StopReason } from './agent.ts';
import { RestartLane } from './restart-lane.ts';

/** An agent that is looked after ended by itself. */
export interface AgentExit {
  readonly agent: string;
  /** For people; undefined: in good order. */
  readonly why: string | undefined;
}

/** Whom the life of an agent concerns; can be structured-cloned. */
export interface Bonds {
  readonly isSupervised: boolean;
  /** Its end concerns others. */
  readonly isTied: boolean;
}

export interface CustodyRooms {
  readonly bus: Bus;
  /** The object of an agent; undefined: it is not here any more. */
  readonly rouse: (id: number) => Agent | undefined;
  readonly exited: (exit: AgentExit) => void;
  readonly nowMs: () => number;
  /** Calls `waited` with an id after so many milliseconds. False: it cannot now. */
  readonly later: (id: number, delayMs: number) => boolean;
}

/**
 * Agents of a thread that a supervisor looks after: one that ended takes no message until the supervisor has it begin
 * again, and begins then without one. Their mail waits meanwhile.
 */
export class Custody {
  readonly #rooms: CustodyRooms;
  readonly #members = new Set<number>();
  /** Those that are not to run now. */
  readonly #down = new Set<number>();
  readonly #beginning = new Set<number>();
  readonly #lane = new RestartLane();
  /** Those that are to begin when their turn in the lane has come, and what tells it. */
  readonly #queued = new Map<number, () => void>();
  /** Those whose end concerns others. */
  readonly #tied = new Set<number>();

  constructor(rooms: CustodyRooms) {
    this.#rooms = rooms;
  }

  has(id: number): boolean {
    return this.#members.has(id);
  }

  /** Whether its supervisor is at it: it is not to run, or is being begun. */
  isBusyWith(id: number): boolean {
    return this.#down.has(id) || this.#beginning.has(id);
  }

  /** Whom its life concerns, for the thread that it goes to. */
  bondsOf(id: number): Bonds {
    return { isSupervised: this.#members.has(id), isTied: this.#tied.has(id) };
  }

  /** It comes from another thread, and runs. */
  bind(id: number, { isSupervised, isTied }: Bonds): void {
    if (isSupervised) this.#members.add(id);
    if (isTied) this.#tied.add(id);
  }

  isDown(id: number): boolean {
    return this.#down.has(id);
  }

  /** From now on somebody looks after it: it waits until it is begun. */
  take(id: number): void {
    this.#members.add(id);
    const agent = this.#rooms.rouse(id);
    if (agent !== undefined) agent.isSupervised = true;
    this.#lower(id);
  }

  /** Others want to know of its end, or do not any more. */
  tie(id: number, isTied: boolean): void {
    if (isTied) this.#tied.add(id);
    else this.#tied.delete(id);
  }

  /** Of one that nobody looks after: ends it at once; its next message begins another instance. */
  async endLinked(id: number, why: string): Promise<void> {
    await this.quell(id, why);
    if (!this.#members.has(id) && this.#down.delete(id)) this.#rooms.bus.resume(id, 'down');
  }

  /** Its mail waits for its next restart: one that kept it waiting itself would keep the place of others. */
  #hold(agent: Agent): void {
    const { bus, nowMs, later } = this.#rooms;
    const waitMs = Math.max(agent.waitMs, this.#lane.enter(nowMs()));
    if (waitMs > 0 && later(agent.id, waitMs)) bus.pause(agent.id, 'backoff');
  }

  /** Its next restart may come. */
  waited(id: number): void {
    if (this.#leaveQueue(id)) return;
    const waitMs = this.#rooms.rouse(id)?.waitMs ?? 0;
    // It may have failed again meanwhile.
    if (waitMs > 0 && this.#rooms.later(id, waitMs)) return;
    this.#rooms.bus.resume(id, 'backoff');
  }

  /** It is its own again, or is no more. */
  release(id: number): void {
    this.#members.delete(id);
    const agent = this.#rooms.rouse(id);
    if (agent !== undefined) agent.isSupervised = false;
    if (this.#down.delete(id)) this.#rooms.bus.resume(id, 'down');
  }

  forget(id: number): void {
    this.#leaveQueue(id);
    this.#members.delete(id);
    this.#down.delete(id);
    this.#tied.delete(id);
  }

  #lower(id: number): void {
    this.#down.add(id);
    this.#rooms.bus.pause(id, 'down');
  }

  /** Begins it, where its state is if that was kept. Says why it could not. */
  async begin(id: number): Promise<string | undefined> {
    await this.#queue(id);
    const agent = this.#rooms.rouse(id);
    if (agent === undefined) return 'there is no such agent';
    this.#beginning.add(id);
    try {
      await agent.settled();
      // A person decides, and lets it go on or not.
      if (agent.halt === undefined) {
        // Whoever has it begin has waited for long enough.
        agent.revive();
        const why = await agent.appear();
        if (why !== undefined) return why;
      }
      this.#down.delete(id);
      this.#rooms.bus.resume(id, 'down');
      return undefined;
    } finally {
      this.#beginning.delete(id);
    }
  }

  /** One that was lost before waits in the lane of this thread; who begins for the first time does not. */
  async #queue(id: number): Promise<void> {
    const { rouse, nowMs, later } = this.#rooms;
    if ((rouse(id)?.losses ?? 0) === 0 || this.#queued.has(id)) return;
    const waitMs = this.#lane.enter(nowMs());
    if (waitMs === 0 || !later(id, waitMs)) return;
    await new Promise<void>((resolve) => this.#queued.set(id, resolve));
  }

  #leaveQueue(id: number): boolean {
    const resolve = this.#queued.get(id);
    this.#queued.delete(id);
    resolve?.();
    return resolve !== undefined;
  }

  /** Ends it in good order, after the message under way; its state is kept if its manifest says so. */
  async rest(id: number, reason: StopReason): Promise<void> {
    this.#lower(id);
    const agent = this.#rooms.rouse(id);
    if (agent === undefined) return;
    await agent.settled();
    // What a host that ends has is there when it is started again.
    const isKept = reason === 'shutdown' || agent.spec.manifest.errors.state === 'saved';
    if (isKept) await agent.hibernate();
    if (!agent.isOut) await agent.end(reason);
  }

  /** Ends it at once, whatever it does. */
  async quell(id: number, why: string): Promise<void> {
    this.#lower(id);
    const agent = this.#rooms.rouse(id);
    if (agent === undefined) return;
    agent.stop({ kind: 'cancelled', reason: why });
    await agent.settled();
    if (!agent.isOut) await agent.abandon();
  }

  /** Of one that nobody looks after: another instance, at once, in the place of one that is not well. */
  async renew(id: number, why: string): Promise<void> {
    await this.quell(id, why);
    await this.begin(id);
    // If it does not begin now, it does with its next message.
    if (!this.#members.has(id) && this.#down.delete(id)) this.#rooms.bus.resume(id, 'down');
  }

  /** Its instance is lost, and it was no caller's doing. */
  lost(agent: Agent, outcome: Outcome): void {
    const { id, name, lastError } = agent;
    const isMember = this.#members.has(id);
    if (!isMember) this.#hold(agent);
    if (!isMember && !this.#tied.has(id)) return;
    if (this.#down.has(id) || this.#beginning.has(id)) return;
    if (outcome.kind === 'cancelled' || agent.halt !== undefined) return;
    if (isMember) this.#lower(id);
    this.#rooms.exited({ agent: name, why: outcome.kind === 'ok' ? undefined : (lastError ?? outcome.kind) });
  }
}
