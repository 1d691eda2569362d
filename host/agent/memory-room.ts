import type { Clock } from '../clock.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';
import type { Agent } from './agent.ts';
import { IdleList } from './idle-list.ts';

export interface MemoryRoomOptions {
  readonly clock: Clock;
  /** Bytes of saved states in the heap; beyond, the oldest go to disk. */
  readonly warmBytesMax: number;
  /** Frees what was dropped: instances that wait for re-use, then collects. */
  readonly reclaim: (instances: number) => Promise<void>;
  /** Puts a saved state on disk; false: it could not be, and stays in the heap. */
  readonly cool: (agent: Agent, snapshot: Snapshot) => Promise<boolean>;
}

/** Idle agents that leave memory at once when room is needed. */
const batch = 64;
/** Milliseconds between two looks for room while there is none. */
const retryMs = 10;
const sweepMsMax = 5;

/**
 * Which agents of a thread are in memory. Those idle, or in a call that waits with nothing on a stack, for as long as their manifest says leave it; when the
 * process has no room, those idle longest leave early, and whoever needs room waits for it.
 */
export class MemoryRoom {
  readonly #options: MemoryRoomOptions;
  /** Idle agents by how long they may be, each in the order in which they became it. */
  readonly #idle = new Map<number, IdleList<Agent>>();
  /** Agents whose state is in the heap, the longest there first. */
  readonly #warm = new Set<Agent>();
  #warmBytes = 0;
  #cooling: Promise<void> | undefined;

  constructor(options: MemoryRoomOptions) {
    this.#options = options;
  }

  get warmBytes(): number {
    return this.#warmBytes;
  }

  idle(agent: Agent): void {
    const afterMs = agent.spec.manifest.hibernate.afterMs ?? Number.POSITIVE_INFINITY;
    let agents = this.#idle.get(afterMs);
    if (agents === undefined) {
      agents = new IdleList();
      this.#idle.set(afterMs, agents);
    }
    agents.add(agent.idlePlace);
  }

  busy(agent: Agent): void {
    agent.idlePlace.leave();
  }

  /** What it saved is in the heap no longer. */
  woken(agent: Agent): void {
    const { saved } = agent;
    if (this.#warm.delete(agent) && saved?.kind === 'warm') this.#warmBytes -= saved.bytes;
  }

  /** Sends away those who were idle for long enough. Call it a few times a second. */
  async sweep(): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    for (const [afterMs, agents] of this.#idle) {
      for (let agent = agents.oldest; agent !== undefined; agent = agents.oldest) {
        const nowMs = this.#options.clock.monotonicMs();
        if (nowMs - agent.lastUsedMs < afterMs) break;
        if (nowMs - startedMs > sweepMsMax) return;
        await this.#sendAway(agent);
      }
    }
  }

  /** True unless it stays, because its state cannot be saved: then it is not asked again before its next message. */
  async #sendAway(agent: Agent): Promise<boolean> {
    agent.idlePlace.leave();
    const snapshot = await agent.hibernate();
    const { saved } = agent;
    // It may be on its way back already.
    if (snapshot === undefined || saved?.kind !== 'warm' || !agent.isOut) return !agent.isIdle;
    this.#warm.add(agent);
    this.#warmBytes += saved.bytes;
    if (this.#warmBytes > this.#options.warmBytesMax) this.#cool();
    return true;
  }

  #cool(): void {
    this.#cooling ??= this.#coolOldest().finally(() => {
      this.#cooling = undefined;
    });
  }

  async #coolOldest(): Promise<void> {
    for (const agent of this.#warm) {
      if (this.#warmBytes <= this.#options.warmBytesMax) return;
      if (!(await this.#coolOne(agent))) return;
    }
  }

  async #coolOne(agent: Agent): Promise<boolean> {
    const { saved } = agent;
    if (saved?.kind !== 'warm') return true;
    if (!(await this.#options.cool(agent, saved.snapshot))) return false;
    if (agent.saved !== saved) return true;
    this.#warm.delete(agent);
    this.#warmBytes -= saved.bytes;
    agent.cool();
    return true;
  }

  /** Everybody out, onto the disk: the host ends. */
  async empty(): Promise<void> {
    for (const agents of this.#idle.values()) for (const agent of agents.all()) await this.#sendAway(agent);
    await this.#cooling;
    for (const agent of [...this.#warm]) await this.#coolOne(agent);
  }

  /**
   * Does what needs memory; where there is none, idle agents leave it, and when there is none of these, waits.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` at the deadline
   */
  async enter<T>(act: () => Promise<T>, deadlineMs: number): Promise<T> {
    const untilMs = this.#options.clock.monotonicMs() + deadlineMs;
    for (let tries = 0; ; tries += 1) {
      try {
        return await act();
      } catch (thrown) {
        if (!(thrown instanceof HostError) || thrown.code !== 'HOST_ERR_BUDGET_EXHAUSTED') throw thrown;
        if (this.#options.clock.monotonicMs() + retryMs >= untilMs) throw thrown;
        await this.#makeRoom(tries > 0);
      }
    }
  }

  /** What leaves memory leaves an instance for the next agent of its program; only for another one it has to go. */
  async #makeRoom(isAnother: boolean): Promise<void> {
    let left = 0;
    while (left < batch) {
      const oldest = this.#oldest();
      if (oldest === undefined) break;
      if (await this.#sendAway(oldest)) left += 1;
    }
    if (isAnother || left === 0) await this.#options.reclaim(batch);
    if (left === 0) await this.#options.clock.sleep(retryMs);
  }

  #oldest(): Agent | undefined {
    let oldest: Agent | undefined;
    for (const { oldest: first } of this.#idle.values())
      if (first !== undefined && (oldest === undefined || first.lastUsedMs < oldest.lastUsedMs))
        oldest = first;
    return oldest;
  }
}
