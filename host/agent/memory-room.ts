import type { Clock } from '../clock.ts';
import type { Snapshot } from '../engine/hibernation/snapshot.ts';
import { HostError } from '../errors.ts';
import type { Agent, Saved } from './agent.ts';
import { IdleList } from './idle-list.ts';

export interface MemoryRoomOptions {
  readonly clock: Clock;
  /** Bytes of saved states in the heap; beyond, the oldest go to disk. */
  readonly warmBytesMax: number;
  /** Instances that wait for re-use. */
  readonly pooled: () => number;
  /** The same with those that were dropped and are not collected: there are none for whoever finds no room all the same. */
  readonly spare: () => number;
  /** Drops so many of them and collects what was dropped; takes tens of milliseconds. */
  readonly reclaim: (instances: number) => Promise<void>;
  /** The threads of the process have one bound together: says that this one waits for room, and hears of others. */
  readonly neighbours: Neighbours;
  /** Puts a saved state on disk; false: it could not be, and stays in the heap. */
  readonly cool: (agent: Agent, snapshot: Snapshot) => Promise<boolean>;
  /** Takes a state off the disk whose agent went on meanwhile. */
  readonly uncool: (agent: Agent) => Promise<void>;
  /** Its state lies on disk now. */
  readonly cooled: (agent: Agent) => void;
}

export interface Neighbours {
  /** One more, or one less, of this thread waits for room. */
  await(by: 1 | -1): void;
  /** Whether any other thread waits. */
  readonly areWaiting: boolean;
}

/** Idle agents that leave memory at once when room is needed. */
const batch = 64;
/** Instances that are dropped for another thread, or another program, with one collection. */
const reclaimed = 256;
/** Milliseconds between two looks for room while there is none. */
const retryMs = 10;
/** A call is refused so long before its deadline that whoever asked hears of it in time: a tenth, within bounds. */
const refusalMsMin = 30;
const refusalMsMax = 250;
/** Milliseconds of sending agents away in one go. */
const sweepMsMax = 5;
/** States that are on their way to the disk at once. */
const coolingMax = 64;
/** Milliseconds until the disk is tried again after it took nothing. */
const coolAgainMs = 1_000;

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
  #coolFromMs = 0;
  #isSweeping = false;
  #clearing: Promise<void> | undefined;
  #handing: Promise<boolean> | undefined;

  constructor(options: MemoryRoomOptions) {
    this.#options = options;
  }

  /** Bytes of states in the heap. */
  get warmBytes(): number {
    return this.#warmBytes;
  }

  /** Milliseconds until somebody has been idle for long enough; Infinity: nobody is, or they stay. */
  get dueInMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    let inMs = Number.POSITIVE_INFINITY;
    for (const [afterMs, { oldest }] of this.#idle)
      if (oldest !== undefined) inMs = Math.min(inMs, oldest.lastUsedMs + afterMs - nowMs);
    return inMs;
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

  /** Its state is in the heap from now on. */
  kept(agent: Agent, saved: Saved): void {
    if (saved.kind !== 'warm' || this.#warm.has(agent)) return;
    this.#warm.add(agent);
    this.#warmBytes += saved.bytes;
    if (this.#warmBytes > this.#options.warmBytesMax) this.#cool();
  }

  /** What `kept` told of is no longer to be looked after. */
  released(agent: Agent, saved: Saved): void {
    if (saved.kind === 'warm' && this.#warm.delete(agent)) this.#warmBytes -= saved.bytes;
  }

  /**
   * Sends away those who were idle for long enough, and some more when other threads wait for room. Call it many
   * times a second; one that runs still does it for all.
   * @returns false when some have to wait for the next, as it has taken its time
   */
  async sweep(): Promise<boolean> {
    if (this.#isSweeping) return true;
    this.#isSweeping = true;
    try {
      const isDone = await this.#sendOverdueAway();
      if (this.#options.neighbours.areWaiting) await this.#yieldRoom();
      if (this.#warmBytes > this.#options.warmBytesMax) this.#cool();
      return isDone;
    } finally {
      this.#isSweeping = false;
    }
  }

  async #sendOverdueAway(): Promise<boolean> {
    const startedMs = this.#options.clock.monotonicMs();
    for (const [afterMs, agents] of this.#idle) {
      for (let agent = agents.oldest; agent !== undefined; agent = agents.oldest) {
        const nowMs = this.#options.clock.monotonicMs();
        if (nowMs - agent.lastUsedMs < afterMs) break;
        if (nowMs - startedMs > sweepMsMax) return false;
        await this.#sendAway(agent);
      }
    }
    return true;
  }

  /** Whoever stays, because its state cannot be saved, is not asked again before its next message. */
  async #sendAway(agent: Agent): Promise<void> {
    agent.idlePlace.leave();
    await agent.hibernate();
  }

  /** What leaves memory here is room for another thread only when its instances are gone, too. */
  async #yieldRoom(): Promise<void> {
    if (this.#options.spare() < reclaimed) await this.#sendOldestAway();
    if (this.#options.spare() > 0) await this.#options.reclaim(reclaimed);
  }

  #cool(): void {
    if (this.#cooling !== undefined || this.#options.clock.monotonicMs() < this.#coolFromMs) return;
    this.#cooling = this.#coolOldest().finally(() => {
      this.#cooling = undefined;
    });
  }

  async #coolOldest(): Promise<void> {
    while (this.#warmBytes > this.#options.warmBytesMax) {
      if (await this.#coolSome(this.#warmBytes - this.#options.warmBytesMax)) continue;
      this.#coolFromMs = this.#options.clock.monotonicMs() + coolAgainMs;
      return;
    }
  }

  /** Those who are here longest, together: one write to the disk. False when the disk took nothing. */
  async #coolSome(bytesMin: number): Promise<boolean> {
    let bytes = 0;
    const cooling: Promise<boolean>[] = [];
    for (const agent of this.#warm) {
      if (bytes >= bytesMin || cooling.length === coolingMax) break;
      const { saved } = agent;
      if (saved?.kind !== 'warm') throw new Error(`bug: ${agent.name} is counted as saved`);
      bytes += saved.bytes;
      cooling.push(this.#coolOne(agent, saved));
    }
    return (await Promise.all(cooling)).includes(true);
  }

  /** Its agent may go on, or go, while the disk is at work: then what lies there must not stay. */
  async #coolOne(agent: Agent, saved: Extract<Saved, { kind: 'warm' }>): Promise<boolean> {
    if (!(await this.#options.cool(agent, saved.own))) return false;
    if (agent.saved !== saved || !this.#warm.has(agent)) {
      await this.#options.uncool(agent);
      return true;
    }
    this.released(agent, saved);
    agent.cool();
    // One in the middle of a call is still somebody.
    if (agent.phase === 'cold') this.#options.cooled(agent);
    return true;
  }

  /** Everybody whose state can be saved out, onto the disk: the host ends. */
  async empty(): Promise<void> {
    for (const agents of this.#idle.values()) for (const agent of agents.all()) await this.#sendAway(agent);
    await this.#cooling;
    while (this.#warm.size > 0 && (await this.#coolSome(Number.POSITIVE_INFINITY)));
  }

  /**
   * Does what needs memory; where there is none, idle agents leave it, and when there is none of these, waits.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` shortly before the deadline
   */
  async enter<T>(act: () => Promise<T>, deadlineMs: number): Promise<T> {
    try {
      return await act();
    } catch (thrown) {
      if (!isExhausted(thrown)) throw thrown;
    }
    const { neighbours, clock } = this.#options;
    const earlyMs = Math.min(refusalMsMax, Math.max(refusalMsMin, deadlineMs / 10));
    const untilMs = clock.monotonicMs() + deadlineMs - earlyMs;
    // Most need nobody else: an idle agent of this thread leaves its instance to them. Others hear of it only then.
    if (this.#options.pooled() === 0 && (await this.#handOver())) {
      try {
        return await act();
      } catch (thrown) {
        if (!isExhausted(thrown)) throw thrown;
      }
    }
    neighbours.await(1);
    try {
      return await this.#enterLate(act, untilMs);
    } finally {
      neighbours.await(-1);
    }
  }

  /** Once for all that come meanwhile. */
  #handOver(): Promise<boolean> {
    this.#handing ??= this.#sendOldestAway().finally(() => {
      this.#handing = undefined;
    });
    return this.#handing;
  }

  async #enterLate<T>(act: () => Promise<T>, untilMs: number): Promise<T> {
    for (;;) {
      this.#clearing ??= this.#clear().finally(() => {
        this.#clearing = undefined;
      });
      await this.#clearing;
      try {
        return await act();
      } catch (thrown) {
        if (!isExhausted(thrown) || this.#options.clock.monotonicMs() >= untilMs) throw thrown;
      }
    }
  }

  /** What leaves memory leaves an instance for the next agent of its program; for another one it has to go. */
  async #clear(): Promise<void> {
    if (this.#options.spare() > 0) await this.#options.reclaim(reclaimed);
    else if (!(await this.#sendOldestAway())) await this.#options.clock.sleep(retryMs);
  }

  /** False when nobody can go. */
  async #sendOldestAway(): Promise<boolean> {
    let left = 0;
    while (left < batch) {
      const oldest = this.#oldest();
      if (oldest === undefined) break;
      await this.#sendAway(oldest);
      if (oldest.resident === undefined) left += 1;
    }
    return left > 0;
  }

  #oldest(): Agent | undefined {
    let oldest: Agent | undefined;
    for (const { oldest: first } of this.#idle.values())
      if (first !== undefined && (oldest === undefined || first.lastUsedMs < oldest.lastUsedMs))
        oldest = first;
    return oldest;
  }
}

/** Whether there may be room later: not for what needs more than all agents may have together. */
function isExhausted(thrown: unknown): boolean {
  if (!(thrown instanceof HostError) || thrown.code !== 'HOST_ERR_BUDGET_EXHAUSTED') return false;
  const { neededBytes = 0, bytesMax = 0 } = thrown.data;
  return !(Number(neededBytes) > Number(bytesMax));
}
