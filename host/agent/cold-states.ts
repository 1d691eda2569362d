import type { ColdStore } from '../engine/cold-store/cold-store.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';

/** The states of this thread's agents on disk. */
export class ColdStates {
  readonly #store: ColdStore;
  readonly #onTrouble: (error: HostError, agent: string) => void;

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
    try {
      await this.#store.put(name, snapshot);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      this.#onTrouble(thrown, name);
      return false;
    }
  }

  /**
   * An agent's state, which is on disk no longer: what it does from now on would make it stale. Undefined when
   * there is none, or when it is damaged, which is told: the agent begins anew.
   */
  async take(name: string): Promise<Snapshot | undefined> {
    const snapshot = await this.#read(name);
    await this.drop(name);
    return snapshot;
  }

  async #read(name: string): Promise<Snapshot | undefined> {
    try {
      return (await this.#store.get(name))?.snapshot;
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.code !== 'HOST_ERR_SNAPSHOT_CORRUPT') throw thrown;
      this.#onTrouble(thrown, name);
      return undefined;
    }
  }

  async drop(name: string): Promise<void> {
    if (this.#store.has(name)) await this.#store.delete(name);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
