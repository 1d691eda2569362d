import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import type { Profiles } from '../scheduler/profile.ts';
import type { Agent } from './agent.ts';
import type { ColdStates } from './cold-states.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Luggage } from './luggage.ts';
import type { Population } from './population.ts';

export interface PassageRooms {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly population: Population;
  readonly dispatcher: Dispatcher;
  readonly cold: ColdStates;
  readonly profiles: Profiles;
  /** Whether somebody waits for what becomes of an agent on this thread. */
  readonly isAwaited: (id: number) => boolean;
  /** Milliseconds for which one that came does not leave again. */
  readonly restMs: number;
}

/** Milliseconds for the other threads to say that they know; then nobody leaves. */
const fenceMs = 1_000;
/** Milliseconds for messages under way to end. */
const settleMsMax = 50;
/** Agents that are looked at for those that may leave. */
const looksMax = 1_024;

/** Agents that leave a thread for another, and those that come: this thread's part of a move (`host/moves.ts`). */
export class Passage {
  readonly #rooms: PassageRooms;
  /** Until when those that came stay. */
  readonly #restUntilMs = new Map<number, number>();
  /** Those that begin nothing, as they are to leave. */
  readonly #chosen = new Set<number>();

  constructor(rooms: PassageRooms) {
    this.#rooms = rooms;
  }

  /**
   * Agents that wait for a turn and may leave, at most so many. Those in the middle of a message are given some time
   * to end it; they begin no other one before they have left, or `leave` was called without them. Never rejects.
   */
  async candidates(max: number): Promise<number[]> {
    const { dispatcher, clock, bus } = this.#rooms;
    const nowMs = clock.monotonicMs();
    for (const [id, untilMs] of this.#restUntilMs) if (untilMs <= nowMs) this.#restUntilMs.delete(id);
    const settling: Promise<void>[] = [];
    for (const id of dispatcher.waiting(looksMax)) {
      if (this.#chosen.size >= max) break;
      const agent = this.#restUntilMs.has(id) ? undefined : this.#rooms.population.movable(id);
      if (agent === undefined || this.#rooms.isAwaited(id)) continue;
      bus.pause(id, 'move');
      this.#chosen.add(id);
      settling.push(agent.settled());
    }
    const late = new AbortController();
    const isLate = clock.sleep(settleMsMax, late.signal).catch(() => {});
    await Promise.race([Promise.all(settling), isLate]);
    late.abort();
    for (const id of [...this.#chosen]) if (this.#mayLeave(id) === undefined) this.#letStay(id);
    return [...this.#chosen];
  }

  #letStay(id: number): void {
    this.#chosen.delete(id);
    this.#rooms.bus.resume(id, 'move');
  }

  #mayLeave(id: number): Agent | undefined {
    const { population, bus, isAwaited } = this.#rooms;
    if (!this.#chosen.has(id) || isAwaited(id) || !bus.mayLeave(id)) return undefined;
    const agent = population.movable(id);
    return agent?.mayBePacked === true ? agent : undefined;
  }

  /**
   * Those of the chosen that are named here leave, if they still may, everybody holding back what is for them: their
   * messages are on their senders' threads when this resolves. Never rejects.
   * @returns undefined for those that stay: they go on here, as the rest of the chosen do
   */
  async leave(ids: readonly number[]): Promise<readonly (Luggage | undefined)[]> {
    const { bus } = this.#rooms;
    const packed = await Promise.all(ids.map((id) => this.#packUp(id)));
    const isKnown = packed.includes(true) && (await bus.fence(fenceMs));
    const left = ids.map((id, at) => (isKnown && packed[at] === true ? this.#depart(id) : undefined));
    for (const id of [...this.#chosen]) this.#letStay(id);
    if (left.some((one) => one !== undefined)) await bus.fence(fenceMs);
    return left;
  }

  /** It begins nothing from now on, and its state is in the heap. False: it may not leave. */
  async #packUp(id: number): Promise<boolean> {
    const { cold } = this.#rooms;
    const agent = this.#mayLeave(id);
    if (agent === undefined) return false;
    try {
      await agent.hibernate();
      if (agent.phase === 'cold') {
        const asleep = await cold.read(agent.name);
        if (asleep === undefined) return false;
        await cold.drop(agent.name);
        agent.thaw(asleep.snapshot);
      } else await cold.drop(agent.name);
      return true;
    } catch {
      // The disk takes nothing, which is told where it is looked after.
      return false;
    }
  }

  #depart(id: number): Luggage | undefined {
    const { bus, population, profiles, clock } = this.#rooms;
    const agent = this.#mayLeave(id);
    const packed = agent?.pack();
    if (agent === undefined || packed === undefined) return undefined;
    const key = bus.directory.indexOf(id);
    const profile = profiles.pack(key, clock.monotonicMs());
    const bonds = population.custody.bondsOf(id);
    profiles.forget(key);
    population.depart(agent);
    return { id, name: agent.name, agent: packed, bonds, bus: bus.leave(id), profile };
  }

  /** Agents of one spec come; nothing is sent to them here before this returns. */
  arrive(spec: number, luggage: readonly Luggage[]): void {
    const { bus, population, profiles, clock, restMs } = this.#rooms;
    const nowMs = clock.monotonicMs();
    for (const one of luggage) {
      population.arrive(spec, one);
      bus.unpack(one.id, one.bus);
      profiles.unpack(bus.directory.indexOf(one.id), one.profile, nowMs);
      this.#restUntilMs.set(one.id, nowMs + restMs);
    }
  }
}
