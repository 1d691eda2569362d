import type { Random } from '../../host/clock.ts';
import type { Child, Exit } from '../../host/supervisor/child.ts';
import type { ChildSpec } from '../../host/supervisor/child-spec.ts';
import type { SupervisorRooms } from '../../host/supervisor/supervisor.ts';
import type { SupervisorNote } from '../../host/supervisor/supervisor-note.ts';
import { TurnedClock } from '../agent/turned-clock.ts';

/** Chance that never takes anything off. */
export const noChance: Random = { fill: (bytes) => bytes.fill(0) };

class FakeChild implements Child {
  readonly #end = Promise.withResolvers<Exit>();
  readonly #stopped: () => void;
  readonly #killed: () => void;

  constructor(stopped: () => void, killed: () => void) {
    this.#stopped = stopped;
    this.#killed = killed;
  }

  get ended(): Promise<Exit> {
    return this.#end.promise;
  }

  end(exit: Exit): void {
    this.#end.resolve(exit);
  }

  stop(): void {
    this.#stopped();
  }

  kill(): void {
    this.#killed();
    this.end({ kind: 'failed', why: 'killed' });
  }
}

/** Children that tell in what order they are started, stopped and killed. */
export class Nursery {
  readonly clock: TurnedClock = new TurnedClock('2026-01-01T00:00:00Z');
  /** `+a` started, `-a` stopped, `!a` killed, `?a` could not be started. */
  readonly said: string[] = [];
  readonly notes: SupervisorNote[] = [];
  readonly #children = new Map<string, FakeChild>();
  /** How often the next starts of a child fail. */
  readonly failing: Map<string, number> = new Map();
  /** Children that do not end when they are asked to. */
  readonly stubborn: Set<string> = new Set();

  get rooms(): SupervisorRooms {
    return {
      clock: this.clock,
      random: noChance,
      note: (note: SupervisorNote): void => void this.notes.push(note),
    };
  }

  spec(id: string, more: Partial<ChildSpec> = {}): ChildSpec {
    return { id, restart: 'permanent', start: () => Promise.resolve(this.#start(id)), ...more };
  }

  specs(ids: string, more: Partial<ChildSpec> = {}): readonly ChildSpec[] {
    return Array.from(ids, (id) => this.spec(id, more));
  }

  #start(id: string): Child {
    const failures = this.failing.get(id) ?? 0;
    if (failures > 0) {
      this.failing.set(id, failures - 1);
      this.said.push(`?${id}`);
      throw new Error(`${id} is not well`);
    }
    this.said.push(`+${id}`);
    const child = new FakeChild(
      () => {
        this.said.push(`-${id}`);
        if (!this.stubborn.has(id)) child.end({ kind: 'shutdown' });
      },
      () => void this.said.push(`!${id}`),
    );
    this.#children.set(id, child);
    return child;
  }

  /** The child there is now comes to an end by itself. */
  end(id: string, exit: Exit = { kind: 'failed', why: 'it broke' }): void {
    this.#children.get(id)?.end(exit);
  }

  /** What was said since the last time, as one text. */
  heard(): string {
    return this.said.splice(0).join(' ');
  }
}
