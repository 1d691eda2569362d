import type { AgentRecord, Registry } from '../../agent/registry.ts';
import type { Bus } from '../../bus/bus.ts';
import { tellState } from '../report/life-news.ts';
import type { AgentThreadHandle } from './threads.ts';

const agentsPerLook = 4_096;

/** Tells whoever listens of agents that are out of reach while their thread is lost, and of what they are afterwards. */
export class Absences {
  readonly #bus: Bus;
  readonly #registry: Registry;
  readonly #nowMs: () => number;

  constructor(bus: Bus, registry: Registry, nowMs: () => number) {
    this.#bus = bus;
    this.#registry = registry;
    this.#nowMs = nowMs;
  }

  lost(thread: number, why: string): void {
    if (!this.#bus.hasEventListeners) return;
    for (const { name: agent } of this.#agentsOf(thread))
      tellState(this.#bus, { agent, from: undefined, to: 'unreachable', why, atMs: this.#nowMs() });
  }

  async returned(thread: number, handle: AgentThreadHandle): Promise<void> {
    if (!this.#bus.hasEventListeners) return;
    const agents = [...this.#agentsOf(thread)];
    for (let at = 0; at < agents.length; at += agentsPerLook)
      await this.#tell(agents.slice(at, at + agentsPerLook), handle);
  }

  async #tell(agents: readonly AgentRecord[], handle: AgentThreadHandle): Promise<void> {
    const ids = agents.map(({ id }) => id);
    const reports = await handle.call('report', ids);
    for (const [at, { name: agent }] of agents.entries()) {
      const to = reports[at]?.lifecycle;
      const why = 'another thread has it';
      if (to !== undefined)
        tellState(this.#bus, { agent, from: 'unreachable', to, why, atMs: this.#nowMs() });
    }
  }

  *#agentsOf(thread: number): Generator<AgentRecord> {
    for (const record of this.#registry.records()) if (record.thread === thread) yield record;
  }
}
