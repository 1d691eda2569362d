import type { Bus } from '../bus/bus.ts';
import type { Agent } from './agent.ts';

export interface CompletionRooms {
  readonly bus: Bus;
  /** The object of an agent; undefined: it is not here any more. */
  readonly rouse: (id: number) => Agent | undefined;
}

/** Agents of a thread for which no time comes any more: each has completed once its last message is dealt with. */
export class Completion {
  readonly #rooms: CompletionRooms;
  readonly #finished = new Set<number>();

  constructor(rooms: CompletionRooms) {
    this.#rooms = rooms;
  }

  /** Nothing comes for it by itself any more. */
  finish(id: number): void {
    this.#finished.add(id);
    this.handled(id);
  }

  /** It has another version, or is no more. */
  forget(id: number): void {
    this.#finished.delete(id);
  }

  /** A message of an agent was dealt with. */
  handled(id: number): void {
    if (this.#finished.size === 0 || !this.#finished.has(id)) return;
    const { bus, rouse } = this.#rooms;
    // What it listens to may come at any time, and what is on its way does.
    if (bus.directory.depthOf(id) > 0 || bus.subscriptionsOf(id).length > 0) return;
    void rouse(id)?.complete('all its times are over');
  }
}
