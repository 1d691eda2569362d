import type { Clock } from '../clock.ts';
import type { Resources } from '../manifest.ts';
import { Allowance, type Scarce } from '../scheduler/allowance.ts';
import type { Shares } from '../scheduler/metered-turn.ts';
import type { Agent } from './agent.ts';

/** An agent wanted more than its manifest says it may have. */
export interface Violation {
  readonly agent: Agent;
  readonly what: Scarce;
  /** The manifest's line. */
  readonly line: string;
  /** For how many whole seconds in a row; 0: it begins. */
  readonly seconds: number;
  /** What comes of it now; what waits for its time is throttled until then. */
  readonly action: Resources['violation'];
}

/** What the agents of one thread may use in the long run: those whose manifests say something of it. */
export class Allowances implements Shares {
  readonly #clock: Clock;
  readonly #violated: (violation: Violation) => void;
  readonly #all = new Map<number, { readonly resources: Resources; readonly allowance: Allowance }>();
  readonly #violations: Record<Scarce, number> = { cpu: 0, fuel: 0, disk: 0, network: 0, connections: 0 };

  constructor(clock: Clock, violated: (violation: Violation) => void) {
    this.#clock = clock;
    this.#violated = violated;
  }

  /** Seconds in which agents wanted more than they may, since the thread began. */
  get violations(): Readonly<Record<Scarce, number>> {
    return { ...this.#violations };
  }

  /** That of an agent; undefined: it may use what there is. With another version of the agent it begins anew. */
  of(agent: Agent): Allowance | undefined {
    const { resources } = agent.spec.manifest;
    const known = this.#all.get(agent.id);
    if (known?.resources === resources) return known.allowance;
    if (!isLimited(resources)) {
      this.#all.delete(agent.id);
      return undefined;
    }
    const isFree = resources.violation === 'log';
    const allowance = new Allowance({ ...resources, isFree }, this.#clock, (what, seconds) =>
      this.#note(agent, resources, what, seconds),
    );
    this.#all.set(agent.id, { resources, allowance });
    return allowance;
  }

  #note(agent: Agent, resources: Resources, what: Scarce, seconds: number): boolean {
    this.#violations[what] += 1;
    const { violation, violationsMax } = resources;
    const isDue = violation === 'log' || violation === 'throttle' || seconds >= violationsMax;
    const action = isDue ? violation : 'throttle';
    this.#violated({ agent, what, line: lineOf(resources, what), seconds, action });
    return action === 'suspend' || action === 'kill';
  }

  charge(id: number, fuel: number, ms: number): void {
    if (this.#all.size > 0) this.#all.get(id)?.allowance.charge(fuel, ms);
  }

  owedMs(id: number): number {
    return this.#all.size === 0 ? 0 : (this.#all.get(id)?.allowance.owedMs() ?? 0);
  }

  /** As `Allowance.beginAnew`, for an agent that is let go on. */
  beginAnew(id: number): void {
    this.#all.get(id)?.allowance.beginAnew();
  }

  /** The agent is no more. */
  forget(id: number): void {
    this.#all.delete(id);
  }
}

/** Whether a manifest says how much its agent may use in the long run. */
export function isLimited({ cpuMs, fuel, disk, network, connectionsMax }: Resources): boolean {
  return [cpuMs, fuel, disk, network, connectionsMax].some((each) => each !== undefined);
}

/** As the manifest has it: what a person would raise. */
function lineOf({ cpuMs, fuel, disk, network, connectionsMax }: Resources, what: Scarce): string {
  switch (what) {
    case 'cpu':
      return `cpu-quota = ${(cpuMs?.perSecond ?? 0) / 1000}`;
    case 'fuel':
      return `fuel-per-second = ${fuel?.perSecond}`;
    case 'disk':
      return `disk-per-second = ${disk?.perSecond}`;
    case 'network':
      return `network-per-second = ${network?.perSecond}`;
    case 'connections':
      return `connections = ${connectionsMax}`;
  }
}
