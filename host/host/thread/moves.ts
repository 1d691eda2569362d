import type { Luggage } from '../../agent/luggage.ts';
import type { AgentRecord, Registry } from '../../agent/registry.ts';
import type { Spec } from '../../agent/spec.ts';
import { type Directory, isOnTheWay } from '../../bus/directory.ts';
import type { Released } from './control.ts';

/*
 * How agents get from one thread to another
 *
 * The main thread arbitrates; it makes one change to who is where at a time. A move takes agents that wait for a turn
 * with a message, and never one in the middle of a call.
 *
 *  1. The thief asks; the victim names agents that wait for a turn and may leave (`Passage.candidates`). It lets them
 *     end the message they are at, and begin no other one.
 *  2. `Directory.hold`: from here on each thread holds back what its own senders have for them (`bus/holds`), in
 *     its order. A message that must not be lost is in its sender's journal, as always; requests wait too.
 *  3. The victim (`Passage.leave`) saves their states, and builds a fence (`bus/fences`): every thread says that it has accepted all that the victim had said, and the victim accepts all that they had.
 *     So the others know what the agents sent and subscribed to from there, and nothing for them is on its way.
 *  4. Whoever may leave still does, in one breath: each of its messages goes back to its sender's thread, before
 *     those that are held back there, and what the bus remembers of it and its state become luggage. The others go on.
 *     A second fence: the messages are back.
 *  5. The thief takes the luggage (`Passage.arrive`); the directory and the registry say that they are there.
 *  6. Every thread lets go what it held back (`Bus.release`): in order, and before anything that is sent later.
 *
 * At any moment a message that must not be lost is at one place as far as its sender's thread knows: with the victim,
 * held back, or with the thief; only the sender's thread delivers it again. If a thread is lost on the way:
 *
 *  - the victim, before 5: the agents begin anew in its successor, as all of its agents do. What was with it is sent
 *    again by the senders' threads, what was held back follows. What came back too late is read from the journal;
 *  - the victim, after 4: nothing of them was there any more;
 *  - the thief, before 5: the victim takes them back. After 5 they are its agents, and begin anew with the others;
 *  - a sender's: what it held back is in its journal, which its successor reads. Fences do not wait for it;
 *  - the main one: then the whole host is, and the journals say what was accepted.
 *
 * No agent is moved while a thread is lost and its agents are not there again. Requests and messages that are
 * delivered at most once are held back and sent on as the others, and are lost with their threads as ever.
 */

/** A thread as it is now: in its successor's place is another one. */
export interface Station {
  readonly number: number;
  /** False: it is lost. */
  readonly isHere: boolean;
  /** As `Passage.candidates`. @throws HostError `HOST_ERR_THREAD_LOST`, as the others */
  candidates(max: number): Promise<readonly number[]>;
  /** As `Passage.leave`. */
  leave(ids: readonly number[]): Promise<readonly (Luggage | undefined)[]>;
  /** As `Passage.arrive`, the spec being made known before. */
  arrive(spec: Spec, luggage: readonly Luggage[]): Promise<void>;
}

export interface MovesRooms {
  /** Undefined for the moment between a loss and the successor. */
  readonly station: (thread: number) => Station | undefined;
  readonly directory: Directory;
  readonly registry: Registry;
  /** Tells every thread, this one too, that these are where the directory says. */
  readonly released: (agents: readonly Released[]) => void;
}

/** What became of moves since the host began. */
export interface MoveCounts {
  /** Times that agents were taken. */
  readonly steals: number;
  /** Agents that went to another thread, and those that were to and could not. */
  readonly moved: number;
  readonly refused: number;
}

/** Moves agents between threads: see above. Calls come one after the other. */
export class Moves {
  readonly #rooms: MovesRooms;
  readonly #counts = { steals: 0, moved: 0, refused: 0 };
  /** Agents on their way. */
  readonly #moving = new Set<number>();
  #done: Promise<unknown> = Promise.resolve();

  constructor(rooms: MovesRooms) {
    this.#rooms = rooms;
  }

  get counts(): MoveCounts {
    return this.#counts;
  }

  /** Has at most `max` agents that wait at one thread go to another. @returns how many did */
  async steal(thief: number, victim: number, max: number): Promise<number> {
    const { station, registry } = this.#rooms;
    const [from, to] = [station(victim), station(thief)];
    if (from === undefined || to === undefined || thief === victim) return 0;
    const ids = new Set(await from.candidates(max));
    if (ids.size === 0) return 0;
    const records = [...registry.recordsOf(ids)].filter(({ thread }) => thread === victim);
    const moving = this.#move(records, from, to);
    this.#done = moving;
    const moved = await moving;
    if (moved > 0) this.#counts.steals += 1;
    this.#counts.moved += moved;
    this.#counts.refused += records.length - moved;
    return moved;
  }

  isMoving(id: number): boolean {
    return this.#moving.has(id);
  }

  /** Resolves when an agent is where the registry says; at once, unless it moves. Never rejects. */
  async settled(id: number): Promise<void> {
    while (this.#moving.has(id)) await this.#done;
  }

  /** As `settled`, for all agents. */
  async done(): Promise<void> {
    while (this.#moving.size > 0) await this.#done;
  }

  async #move(records: readonly AgentRecord[], from: Station, to: Station): Promise<number> {
    const { directory, released } = this.#rooms;
    for (const { id } of records) {
      this.#moving.add(id);
      directory.hold(id);
    }
    let moved = 0;
    try {
      const ids = records.map(({ id }) => id);
      const luggage = (await from.leave(ids)).filter((one) => one !== undefined);
      moved = await this.#settle(records, luggage, from, to);
    } catch {
      // The thread they were on is lost; they will be there again.
    }
    for (const { id } of records) {
      this.#settleHome(id, from);
      this.#moving.delete(id);
    }
    released(records.map(({ id, name }) => ({ id, name })));
    return moved;
  }

  /** With whom they are to be, or where they were. */
  async #settle(
    records: readonly AgentRecord[],
    luggage: readonly Luggage[],
    from: Station,
    to: Station,
  ): Promise<number> {
    const isThere = await this.#unpack(records, luggage, to);
    if (isThere) return luggage.length;
    await this.#unpack(records, luggage, from);
    return 0;
  }

  async #unpack(records: readonly AgentRecord[], luggage: readonly Luggage[], to: Station): Promise<boolean> {
    const { registry, directory } = this.#rooms;
    const byId = new Map(luggage.map((one) => [one.id, one]));
    const coming = records.filter(({ id }) => byId.has(id));
    try {
      for (const [spec, some] of Map.groupBy(coming, ({ spec }) => spec)) {
        const own = some.map(({ id }) => byId.get(id)).filter((one) => one !== undefined);
        await to.arrive(spec, own);
      }
    } catch {
      return false;
    }
    // It may have been lost since it answered.
    if (!to.isHere) return false;
    for (const record of coming) {
      directory.place(record.id, to.number);
      registry.move(record, to.number);
    }
    return true;
  }

  /** One that came nowhere belongs to the thread it was on, which is lost. */
  #settleHome(id: number, from: Station): void {
    const { directory } = this.#rooms;
    if (!isOnTheWay(directory.ownerOf(id))) return;
    if (from.isHere) directory.place(id, from.number);
    else directory.suspend(id, from.number);
  }
}
