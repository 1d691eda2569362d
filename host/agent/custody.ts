import type { Bus } from '../bus/bus.ts';
import type { Outcome } from '../outcome.ts';
import type { Agent, StopReason } from './agent.ts';

/** An agent that is looked after ended by itself. */
export interface AgentExit {
  readonly agent: string;
  /** For people; undefined: in good order. */
  readonly why: string | undefined;
}

export interface CustodyRooms {
  readonly bus: Bus;
  /** The object of an agent; undefined: it is not here any more. */
  readonly rouse: (id: number) => Agent | undefined;
  readonly exited: (exit: AgentExit) => void;
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

  constructor(rooms: CustodyRooms) {
    this.#rooms = rooms;
  }

  has(id: number): boolean {
    return this.#members.has(id);
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

  /** It is its own again, or is no more. */
  release(id: number): void {
    this.#members.delete(id);
    const agent = this.#rooms.rouse(id);
    if (agent !== undefined) agent.isSupervised = false;
    if (this.#down.delete(id)) this.#rooms.bus.resume(id, 'down');
  }

  forget(id: number): void {
    this.#members.delete(id);
    this.#down.delete(id);
  }

  #lower(id: number): void {
    this.#down.add(id);
    this.#rooms.bus.pause(id, 'down');
  }

  /** Begins it, where its state is if that was kept. Says why it could not. */
  async begin(id: number): Promise<string | undefined> {
    const agent = this.#rooms.rouse(id);
    if (agent === undefined) return 'there is no such agent';
    this.#beginning.add(id);
    try {
      await agent.settled();
      // A person decides, and lets it go on or not.
      if (agent.halt === undefined) {
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

  /** Its instance is lost, and it was no caller's doing. */
  lost(agent: Agent, outcome: Outcome): void {
    const { id, name, lastError } = agent;
    if (!this.#members.has(id) || this.#down.has(id) || this.#beginning.has(id)) return;
    if (outcome.kind === 'cancelled' || agent.halt !== undefined) return;
    this.#lower(id);
    this.#rooms.exited({ agent: name, why: outcome.kind === 'ok' ? undefined : (lastError ?? outcome.kind) });
  }
}
