import type { Metric, ThreadDoors } from '../serving.ts';
import type { AgentThreadHandle, Threads } from './threads.ts';

/** The front door's parts in the threads of agents. */
export class Doors implements ThreadDoors {
  readonly #threads: Threads;
  readonly socketPath: string;
  /** How it is opened in each thread, once it is. */
  #door: { readonly module: string; readonly settings: unknown } | undefined;

  constructor(threads: Threads, socketPath: string) {
    this.#threads = threads;
    this.socketPath = socketPath;
  }

  async open(module: string, settings: unknown): Promise<void> {
    this.#door = { module, settings };
    await this.#threads.everywhere((handle) => handle.call('openDoor', { module, settings }));
  }

  /** In a thread that took a lost one's place. */
  async reopen(handle: AgentThreadHandle): Promise<void> {
    if (this.#door !== undefined) await handle.call('openDoor', this.#door);
  }

  metrics(): Promise<readonly (readonly Metric[])[]> {
    return this.#threads.everywhere((handle) => handle.call('doorMetrics', undefined));
  }

  async close(drainMs: number): Promise<void> {
    this.#door = undefined;
    await this.#threads.everywhere((handle) => handle.call('closeDoor', drainMs));
  }
}
