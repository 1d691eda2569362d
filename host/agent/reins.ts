import type { Bus } from '../bus/bus.ts';
import { HostError } from '../errors.ts';
import type { Agent } from './agent.ts';
import { illegal, type LifecycleState, life } from './lifecycle.ts';
import type { Recovery } from './recovery.ts';

/** How a person ends an agent: in good order, or at once. */
export type Rein = 'pause' | 'stop' | 'kill';

/** What people do with agents of a thread, whatever those are doing; `Recovery.resume` lets them go on. */
export class Reins {
  readonly #bus: Bus;
  readonly #recovery: Recovery;

  constructor(bus: Bus, recovery: Recovery) {
    this.#bus = bus;
    this.#recovery = recovery;
  }

  /** @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL` */
  pull(agent: Agent, rein: Rein, by: string): void {
    if (agent.lifecycle.number === life.terminated) throw hasEnded(agent.name, rein);
    if (rein === 'pause') this.#pause(agent, by);
    else this.#end(agent, rein, by);
  }

  /** Its guest stands still, in the middle of a message too, and its mail waits. Nothing if it is paused already. */
  #pause(agent: Agent, by: string): void {
    if (agent.halt?.kind === 'paused') return;
    if (agent.lifecycle.isSuspended) throw illegal(agent.name, 'suspended', 'suspended');
    agent.lifecycle.assert(life.suspended);
    this.#bus.pause(agent.id);
    this.#recovery.halt(agent, { kind: 'paused', why: `paused by ${by}`, messages: [] });
  }

  /** `stop` lets the message under way, and the agent's own `stop`, come to their end; `kill` does not. */
  #end(agent: Agent, rein: 'stop' | 'kill', by: string): void {
    agent.lifecycle.assert(rein === 'stop' ? life.terminating : life.terminated);
    const kind = rein === 'stop' ? 'stopped' : 'killed';
    const halt = { kind: 'terminated', why: `${kind} by ${by}`, messages: [], rein } as const;
    if (rein === 'kill') agent.lifecycle.to(life.terminated, halt.why);
    this.#recovery.halt(agent, halt, kind);
    this.#bus.clear(agent.id, 'terminated');
    this.#bus.resume(agent.id);
    if (rein === 'kill') agent.stop({ kind: 'cancelled', reason: halt.why });
    this.#recovery.end(agent, rein === 'stop' ? undefined : () => agent.kill());
  }
}

function hasEnded(agent: string, rein: Rein): HostError {
  const to = rein === 'pause' ? 'suspended' : 'terminated';
  return new HostError(
    'HOST_ERR_LIFECYCLE_ILLEGAL',
    `${agent} has ended already; host agents resume ${agent} begins it anew`,
    { agent, from: 'terminated', to },
  );
}

/** The states in which an agent does nothing more by itself. */
export const ended: readonly LifecycleState[] = ['completed', 'failed', 'terminated'];
