import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import type { Agent } from './agent.ts';

export interface KeeperRooms {
  readonly bus: Bus;
  readonly clock: Clock;
  /** The object of an agent; undefined: it is not here any more. */
  readonly rouse: (id: number) => Agent | undefined;
}

const firstPauseMs = 100;
const pauseMsMax = 60_000;
/** Why its mail waits while it is begun: nobody else pauses for that. */
const reason = 'down';

/** Persistent agents of a thread: each has an instance before a message comes, and again as soon as that is lost. */
export class Keeper {
  readonly #rooms: KeeperRooms;
  readonly #beginning = new Set<number>();
  readonly #end = new AbortController();

  constructor(rooms: KeeperRooms) {
    this.#rooms = rooms;
  }

  /** Resolves when it has begun, or there is no sense in it any more. Never rejects. */
  async begin(id: number): Promise<void> {
    if (this.#beginning.has(id)) return;
    this.#beginning.add(id);
    let pauseMs = firstPauseMs;
    while (!(await this.#attempt(id)) && !this.#end.signal.aborted) {
      await this.#rooms.clock.sleep(pauseMs, this.#end.signal).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
    this.#beginning.delete(id);
  }

  /** False: it is to be tried again. */
  async #attempt(id: number): Promise<boolean> {
    const { bus, rouse } = this.#rooms;
    const agent = rouse(id);
    if (agent === undefined || !isWanted(agent)) return true;
    bus.pause(id, reason);
    try {
      await agent.settled();
      return !isWanted(agent) || (await agent.appear()) === undefined || agent.phase === 'stopped';
    } finally {
      bus.resume(id, reason);
    }
  }

  /** It dealt with a message, or did not. */
  handled(agent: Agent): void {
    if (agent.phase === 'absent' && isWanted(agent)) void this.begin(agent.id);
  }

  close(): void {
    this.#end.abort();
  }
}

/** A person, or its supervisor, decides of the others. */
function isWanted({ spec, halt, isSupervised, phase }: Agent): boolean {
  return (
    spec.manifest.execution.mode === 'persistent' &&
    halt === undefined &&
    !isSupervised &&
    (phase === 'absent' || phase === 'cold' || phase === 'hibernated')
  );
}
