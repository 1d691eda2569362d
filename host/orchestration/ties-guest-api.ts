import type { OrchestrationGuestApi } from './guest-api.ts';
import { Orchestra, type OrchestrationGuest } from './orchestra.ts';

const suspending: ReadonlySet<string> = new Set(['link', 'unlink', 'monitor', 'demonitor']);

/** The functions of `motehost:agent/ties@0.1.0` (wit/ties.wit). */
export function tiesGuestApi(guest: OrchestrationGuest): OrchestrationGuestApi {
  const ties = new GuestTies(guest);
  return {
    functions: {
      link: (agent: string) => ties.link(agent),
      unlink: (agent: string) => ties.unlink(agent),
      monitor: (agent: string) => ties.monitor(agent),
      demonitor: (monitor: bigint) => ties.demonitor(monitor),
    },
    suspending,
  };
}

const nothing = new Uint8Array(0);

/** What one agent asks about the ends of others. */
class GuestTies {
  readonly #orchestra: Orchestra;

  constructor(guest: OrchestrationGuest) {
    this.#orchestra = new Orchestra(guest);
  }

  async link(agent: string): Promise<void> {
    this.#check('links', agent);
    await this.#orchestra.permit('link', agent, nothing);
    await this.#orchestra.done({ kind: 'link', agent });
  }

  async unlink(agent: string): Promise<void> {
    this.#check('links', agent);
    await this.#orchestra.done({ kind: 'unlink', agent });
  }

  async monitor(agent: string): Promise<bigint> {
    this.#check('monitors', agent);
    await this.#orchestra.permit('monitor', agent, nothing);
    const answer = await this.#orchestra.asked({ kind: 'monitor', agent });
    if (answer.kind !== 'number') throw new Error(`bug: 'monitor' was answered with '${answer.kind}'`);
    return BigInt(answer.number);
  }

  async demonitor(monitor: bigint): Promise<void> {
    await this.#orchestra.done({ kind: 'demonitor', monitor: Number(monitor) });
  }

  #check(kind: 'links' | 'monitors', agent: string): void {
    this.#orchestra.check(kind, agent);
    if (agent !== this.#orchestra.guest.name) return;
    this.#orchestra.refuse({ tag: 'invalid', val: 'an agent is not tied to itself' });
  }
}
