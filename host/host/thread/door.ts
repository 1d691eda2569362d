import type { Metric } from '../serving.ts';
import type { ThreadServing } from './serving.ts';

/** What a front door's module for threads exports. */
interface DoorModule {
  openThreadDoor(serving: ThreadServing, settings: unknown): Promise<Door>;
}

interface Door {
  metrics(): readonly Metric[];
  close(drainMs: number): Promise<void>;
}

/** A thread's part of the front door, once the front door has it opened. */
export class ThreadDoor {
  readonly #serving: () => ThreadServing;
  #door: Door | undefined;

  constructor(serving: () => ThreadServing) {
    this.#serving = serving;
  }

  /** @throws HostError `HOST_ERR_LISTEN_FAILED` */
  async open(module: string, settings: unknown): Promise<void> {
    const { openThreadDoor } = (await import(module)) as DoorModule;
    this.#door = await openThreadDoor(this.#serving(), settings);
  }

  metrics(): readonly Metric[] {
    return this.#door?.metrics() ?? [];
  }

  async close(drainMs: number): Promise<void> {
    await this.#door?.close(drainMs);
    this.#door = undefined;
  }
}
