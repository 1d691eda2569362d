import type { Program } from '../program.ts';
import type { Residence } from '../residence.ts';
import { InstancePool, type PoolRoom } from './instance-pool.ts';

export interface PoolsOptions {
  /** This thread's part in the process's bounds; undefined counts nothing. */
  readonly residence?: Residence;
  /** Idle instances of all programs together. Default 1,024. */
  readonly idleInstancesMax?: number;
  /** Bytes of their memories together. Default 64 MiB. */
  readonly idleBytesMax?: number;
}

/** A collection costs the same for one memory as for many. */
const idleGivenUpMin = 64;

/** The pools of one thread, one for each program; all idle instances together keep to one bound. */
export class InstancePools implements PoolRoom {
  readonly residence: Residence | undefined;
  readonly #instancesMax: number;
  readonly #bytesMax: number;
  readonly #pools = new Map<string, InstancePool>();
  #idle = 0;
  #idleBytes = 0;

  constructor({ residence, idleInstancesMax = 1_024, idleBytesMax = 64 * 1024 * 1024 }: PoolsOptions = {}) {
    this.residence = residence;
    this.#instancesMax = idleInstancesMax;
    this.#bytesMax = idleBytesMax;
  }

  /** The pool of a fast-lane program. */
  of(program: Program): InstancePool {
    const { digest } = program.facts;
    let pool = this.#pools.get(digest);
    if (pool === undefined) {
      pool = new InstancePool(program, this);
      this.#pools.set(digest, pool);
    }
    return pool;
  }

  /** No agent has this program any more. */
  forget(digest: string): void {
    const pool = this.#pools.get(digest);
    if (pool === undefined) return;
    pool.shrink(pool.idle);
    this.#pools.delete(digest);
  }

  /** Idle instances of all programs. */
  get idle(): number {
    return this.#idle;
  }

  /** Drops idle instances, of any program; their memories are free when they were collected (`residence.collect`). */
  shrink(count: number): number {
    let dropped = 0;
    for (const pool of this.#pools.values()) {
      if (dropped >= count) break;
      dropped += pool.shrink(count - dropped);
    }
    return dropped;
  }

  /**
   * Makes room for `count` more memories in the process, by what this thread can do without any agent's harm:
   * idle instances go, and what was dropped is collected, which takes tens of milliseconds. False when that
   * was not enough: then an agent must hibernate, or the caller wait.
   */
  async makeRoom(count: number): Promise<boolean> {
    const { residence } = this;
    if (residence === undefined || residence.hasMemories(count)) return true;
    this.shrink(Math.max(count, idleGivenUpMin));
    if (residence.dropped > 0) await residence.collect();
    return residence.hasMemories(count);
  }

  /** The pool that keeps one more gives up its oldest first; others only when it has none. */
  admit(pool: InstancePool, bytes: number): boolean {
    if (this.#instancesMax === 0 || bytes > this.#bytesMax) return false;
    while (this.#idle >= this.#instancesMax || this.#idleBytes + bytes > this.#bytesMax) {
      if (pool.shrink(1) === 0 && this.shrink(1) === 0) return false;
    }
    return true;
  }

  count(instances: number, bytes: number): void {
    this.#idle += instances;
    this.#idleBytes += bytes;
  }
}
