import type { AgentRecord } from '../agent/registry.ts';
import type { Rein } from '../agent/reins.ts';
import { ended } from '../agent/reins.ts';
import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { AgentHandle, AgentMetrics, AgentTie, LifecycleState, WaitOptions } from './serving.ts';
import type { TieDesk } from './supervision/tie-desk.ts';
import type { AgentThreadHandle } from './thread/threads.ts';

export interface HandleRooms {
  readonly clock: Clock;
  /** Its instances. @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  readonly records: (name: string) => Promise<readonly AgentRecord[]>;
  /** Undefined for the moment between the loss of a thread and its successor. */
  readonly thread: (number: number) => AgentThreadHandle | undefined;
  readonly metrics: (name: string) => Promise<AgentMetrics>;
  readonly resume: (name: string, by: string) => Promise<boolean>;
  readonly ties: TieDesk;
  /** Before anything is begun that is to be on record. */
  readonly assertOpen: () => void;
}

const timeoutMsDefault = 3_600_000;
const timeoutMsMax = 86_400_000;
/** Milliseconds between two looks for a thread in a lost one's place. */
const againMs = 20;

/** What whoever holds it does with one agent, on whatever thread that is. */
export class Handle implements AgentHandle {
  readonly name: string;
  readonly #by: string;
  readonly #rooms: HandleRooms;

  constructor(name: string, by: string, rooms: HandleRooms) {
    this.name = name;
    this.#by = by;
    this.#rooms = rooms;
  }

  pause(): Promise<void> {
    return this.#pull('pause');
  }

  stop(): Promise<void> {
    return this.#pull('stop');
  }

  kill(): Promise<void> {
    return this.#pull('kill');
  }

  resume(): Promise<boolean> {
    return this.#rooms.resume(this.name, this.#by);
  }

  async #pull(rein: Rein): Promise<void> {
    this.#rooms.assertOpen();
    const members = await this.#rooms.records(this.name);
    // All are tried: one that cannot be is no reason to leave the others as they are.
    const pulled = await Promise.allSettled(members.map((member) => this.#pullOne(member, rein)));
    const refused = pulled.find((one) => one.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
  }

  async #pullOne({ id, thread }: AgentRecord, rein: Rein): Promise<void> {
    const handle = this.#rooms.thread(thread);
    if (handle === undefined)
      throw new HostError(
        'HOST_ERR_THREAD_LOST',
        `${this.name} is unreachable: its thread was lost and another is starting; try again`,
        { agent: this.name },
      );
    await handle.call('pull', { id, rein, by: this.#by });
  }

  async link(other: string): Promise<void> {
    this.#rooms.ties.linkBy(this.name, other, { name: this.#by });
  }

  async unlink(other: string): Promise<boolean> {
    return this.#rooms.ties.unlinkBy(this.name, other, { name: this.#by });
  }

  async monitor(other: string): Promise<number> {
    return this.#rooms.ties.monitorBy(this.name, other, { name: this.#by });
  }

  async demonitor(monitor: number): Promise<boolean> {
    return this.#rooms.ties.demonitorBy(this.name, monitor, { name: this.#by });
  }

  async ties(): Promise<readonly AgentTie[]> {
    return this.#rooms.ties.of(this.name);
  }

  async state(): Promise<LifecycleState> {
    return (await this.metrics()).lifecycle;
  }

  async metrics(): Promise<AgentMetrics> {
    const { lifecycle, mailboxDepth, handled, failed, memoryBytes, fuel } = await this.#rooms.metrics(
      this.name,
    );
    return { lifecycle, mailboxDepth, handled, failed, memoryBytes, fuel };
  }

  async wait({
    states = ended,
    timeoutMs = timeoutMsDefault,
  }: WaitOptions = {}): Promise<LifecycleState | undefined> {
    const { clock } = this.#rooms;
    const untilMs = clock.monotonicMs() + Math.min(timeoutMs, timeoutMsMax);
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      const found = await this.#lookAtAll(states, Math.max(0, leftMs));
      if (found === undefined || found === 'terminated' || states.includes(found)) return found;
      if (leftMs <= 0) return undefined;
      await clock.sleep(Math.min(againMs, leftMs));
    }
  }

  /** The agent's state once an instance of it has one of these; undefined: none has within the time. */
  async #lookAtAll(
    states: readonly LifecycleState[],
    timeoutMs: number,
  ): Promise<LifecycleState | undefined> {
    const members = await this.#rooms.records(this.name);
    const [only] = members;
    if (members.length === 1 && only !== undefined) return this.#look(only, states, timeoutMs);
    const found = await Promise.race(members.map((member) => this.#look(member, states, timeoutMs)));
    return found === undefined ? undefined : this.state();
  }

  async #look(
    { id, thread }: AgentRecord,
    states: readonly LifecycleState[],
    timeoutMs: number,
  ): Promise<LifecycleState | undefined> {
    const handle = this.#rooms.thread(thread);
    if (handle === undefined) return 'unreachable';
    try {
      return await handle.call('until', { id, states, timeoutMs });
    } catch (thrown) {
      if (thrown instanceof HostError && thrown.code === 'HOST_ERR_THREAD_LOST') return 'unreachable';
      throw thrown;
    }
  }
}
