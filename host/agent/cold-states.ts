import type { ColdStore } from '../engine/cold-store/cold-store.ts';
import type { Asleep, Snapshot } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';

/** The states of this thread's agents on disk. */
export class ColdStates {
  readonly #store: ColdStore;
  readonly #onTrouble: (error: HostError, agent: string) => void;
  /** On their way to the disk; how many times each. */
  readonly #putting = new Map<string, number>();

  /** `onTrouble` hears why a state could not be put on disk. */
  constructor(store: ColdStore, onTrouble: (error: HostError, agent: string) => void) {
    this.#store = store;
    this.#onTrouble = onTrouble;
  }

  get size(): number {
    return this.#store.size;
  }

  has(name: string): boolean {
    return this.#store.has(name);
  }

  /** False: the disk does not take it, and it has to stay in memory. */
  async put(name: string, snapshot: Snapshot): Promise<boolean> {
    this.#putting.set(name, (this.#putting.get(name) ?? 0) + 1);
    try {
      await this.#store.put(name, snapshot);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      this.#onTrouble(thrown, name);
      return false;
    } finally {
      const left = (this.#putting.get(name) ?? 1) - 1;
      if (left === 0) this.#putting.delete(name);
      else this.#putting.set(name, left);
    }
  }

  /** An agent's state. Undefined when there is none, or when it is damaged, which is told: the agent begins anew. */
  async read(name: string): Promise<Asleep | undefined> {
    try {
      return await this.#store.get(name);
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.code !== 'HOST_ERR_SNAPSHOT_CORRUPT') throw thrown;
      this.#onTrouble(thrown, name);
      return undefined;
    }
  }

  /** To be waited for before a woken agent does anything: from then on its state on disk is stale. */
  async drop(name: string): Promise<void> {
    if (this.#putting.has(name) || this.#store.has(name)) await this.#store.delete(name);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
