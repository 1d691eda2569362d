import type { Snapshot } from '../hibernation/snapshot.ts';

/** A snapshot as it was put, and which one of its agent's it is. */
export interface StoredSnapshot {
  readonly snapshot: Snapshot;
  /** Grows with every snapshot put, also over restarts. */
  readonly generation: number;
}

/**
 * Snapshots of sleeping agents outside memory, by the agent's name. At most one of each agent is there, the
 * last that was put; one that was deleted never comes back, whatever ends the process.
 */
export interface ColdStore {
  /**
   * Keeps a snapshot in place of the one before; resolves with its generation when the end of the process
   * would not lose it.
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE` when it cannot be kept: a full disk, too much waits, too large.
   *   Nothing has changed then.
   */
  put(name: string, snapshot: Snapshot): Promise<number>;
  /** @throws HostError `HOST_ERR_SNAPSHOT_CORRUPT` when what is there is damaged */
  get(name: string): Promise<StoredSnapshot | undefined>;
  /**
   * Forgets an agent's snapshot: to be waited for before a woken agent does anything. With `generation`, only
   * that one. Needs no room on the disk. Whether there was one.
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE`
   */
  delete(name: string, generation?: number): Promise<boolean>;
  has(name: string): boolean;
  /** Agents that have a snapshot here. */
  readonly size: number;
  /** Waits for what was put, hands it to the disk itself, and closes. */
  close(): Promise<void>;
}
