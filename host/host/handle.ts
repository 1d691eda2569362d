import type { AgentRecord } from '../agent/registry.ts';
import type { Rein } from '../agent/reins.ts';
import { ended } from '../agent/reins.ts';
import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { AgentHandle, AgentMetrics, LifecycleState, WaitOptions } from './serving.ts';
import type { AgentThreadHandle } from './threads.ts';

export interface HandleRooms {
  readonly clock: Clock;
  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  readonly record: (name: string) => Promise<AgentRecord>;
  /** Undefined for the moment between the loss of a thread and its successor. */
  readonly thread: (number: number) => AgentThreadHandle | undefined;
  readonly metrics: (name: string) => Promise<AgentMetrics>;
  readonly resume: (name: string, by: string) => Promise<boolean>;
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
    const { id, thread } = await this.#rooms.record(this.name);
    const handle = this.#rooms.thread(thread);
    if (handle === undefined)
      throw new HostError(
        'HOST_ERR_THREAD_LOST',
        `${this.name} is unreachable: its thread was lost and another is starting; try again`,
        { agent: this.name },
      );
    await handle.call('pull', { id, rein, by: this.#by });
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
      const found = await this.#look(states, Math.max(0, leftMs));
      if (found !== 'unreachable' || states.includes(found)) return found;
      if (leftMs <= 0) return undefined;
      await clock.sleep(Math.min(againMs, leftMs));
    }
  }

  async #look(states: readonly LifecycleState[], timeoutMs: number): Promise<LifecycleState | undefined> {
    const { id, thread } = await this.#rooms.record(this.name);
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
