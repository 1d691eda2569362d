import type { Bus } from '../bus/bus.ts';
import type { Delivery } from '../bus/delivery.ts';
import type { Outcome } from '../outcome.ts';
import { Agent, type AgentPhase, type Surroundings } from './agent.ts';
import type { ColdStates } from './cold-states.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Spec } from './spec.ts';
import { termsOf } from './terms.ts';

/** What the agents of one thread live on. */
export interface PopulationRooms {
  readonly bus: Bus;
  readonly dispatcher: Dispatcher;
  readonly around: Surroundings;
  readonly cold: ColdStates;
}

/** What is known of one agent. */
export interface AgentReport {
  readonly phase: AgentPhase;
  /** In a call, and waiting for something outside. */
  readonly mailboxDepth: number;
  readonly handled: number;
  readonly failed: number;
  readonly fuel: bigint;
  readonly memoryBytes: number;
  readonly lastError: string | undefined;
  readonly subscriptions: readonly { readonly pattern: string; readonly group: string | undefined }[];
}

export interface PopulationReport {
  readonly agents: number;
  readonly phases: Readonly<Partial<Record<AgentPhase, number>>>;
  readonly handled: number;
  readonly failed: number;
  readonly fuel: bigint;
}

/** The agents of one thread: who they are, and their way from a message in the mailbox to its outcome. */
export class Population {
  readonly #rooms: PopulationRooms;
  readonly #specs = new Map<number, Spec>();
  readonly #agents = new Map<number, Agent>();
  /** Of agents that are gone. */
  #handled = 0;
  #underWay = 0;
  #failed = 0;
  #fuel = 0n;

  constructor(rooms: PopulationRooms) {
    this.#rooms = rooms;
  }

  /** Makes a spec known, once, before agents of it come. */
  learn(spec: Spec): void {
    this.#specs.set(spec.number, spec);
  }

  forget(spec: number): void {
    this.#specs.delete(spec);
  }

  /** `isAgain`: their subscriptions outlived the thread they were on. */
  add(spec: number, agents: readonly (readonly [id: number, name: string])[], isAgain: boolean): void {
    const known = this.#spec(spec);
    for (const [id, name] of agents) {
      const agent = new Agent(id, name, known, this.#rooms.around);
      if (this.#rooms.cold.has(name)) agent.cool();
      this.#agents.set(id, agent);
      this.#rooms.bus.attach(id, name, this, termsOf(known));
      if (!isAgain) this.#subscribe(id, known);
    }
  }

  #spec(number: number): Spec {
    const spec = this.#specs.get(number);
    if (spec === undefined) throw new Error(`bug: spec ${number} was never learnt`);
    return spec;
  }

  /** What the manifest subscribes it to. */
  #subscribe(id: number, { manifest }: Spec): void {
    for (const { pattern, group } of manifest.subscriptions) this.#rooms.bus.subscribe(id, pattern, group);
  }

  /** Another version of an agent: messages wait until the one under way is done and the old instance has ended. */
  async replace(id: number, number: number): Promise<void> {
    const { bus } = this.#rooms;
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    const spec = this.#spec(number);
    bus.pause(id);
    try {
      await agent.settled();
      await agent.end('replaced');
      await this.#rooms.cold.drop(agent.name);
      this.#unsubscribe(id, agent.spec);
      agent.replace(spec);
      this.#subscribe(id, spec);
    } finally {
      bus.resume(id);
    }
  }

  #unsubscribe(id: number, { manifest }: Spec): void {
    for (const own of [...this.#rooms.bus.subscriptionsOf(id)])
      if (manifest.subscriptions.some(({ pattern, group }) => own.pattern === pattern && own.group === group))
        this.#rooms.bus.unsubscribe(id, own.id);
  }

  /** The agent is no more; the message under way is ended, what waits goes to the dead letters. */
  async remove(id: number): Promise<void> {
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    this.#rooms.bus.remove(id);
    agent.stop({ kind: 'cancelled', reason: 'the agent was removed' });
    await agent.settled();
    await agent.end('requested');
    await this.#rooms.cold.drop(agent.name);
    this.#agents.delete(id);
    this.#handled += agent.handled;
    this.#failed += agent.failed;
    this.#fuel += agent.fuel;
  }

  agent(id: number): Agent | undefined {
    return this.#agents.get(id);
  }

  agents(): IterableIterator<Agent> {
    return this.#agents.values();
  }

  /** The bus: its mailbox is no longer empty. */
  wake(id: number): void {
    this.#rooms.dispatcher.wake(id);
  }

  /** The bus: nobody waits for the outcome of what it handles any more. */
  cancel(id: number, delivery: Delivery): void {
    const agent = this.#agents.get(id);
    if (agent?.delivery === delivery) agent.stop({ kind: 'cancelled', reason: 'the asker gave up' });
  }

  /** Messages that agents deal with, those that wait for something included. */
  get underWay(): number {
    return this.#underWay;
  }

  /** The dispatcher: one message of one agent, or the next part of one. */
  run(id: number): void {
    const { bus, dispatcher } = this.#rooms;
    const agent = this.#agents.get(id);
    if (agent?.isReady === true) {
      void agent.goOn();
      return;
    }
    const delivery = agent === undefined ? undefined : bus.take(id);
    if (agent === undefined || delivery === undefined) dispatcher.ended();
    else {
      this.#underWay += 1;
      agent.handle(delivery);
    }
  }

  /** The agent: what came of a message. */
  handled(agent: Agent, delivery: Delivery, outcome: Outcome<Uint8Array | undefined>): void {
    const { bus, dispatcher } = this.#rooms;
    this.#underWay -= 1;
    bus.settle(delivery, outcome);
    if (bus.hasMail(agent.id)) dispatcher.wake(agent.id);
    if (agent.leaveTurn()) dispatcher.ended();
  }

  reportOf(id: number): AgentReport | undefined {
    const agent = this.#agents.get(id);
    if (agent === undefined) return undefined;
    const { phase, handled, failed, fuel, memoryBytes, lastError } = agent;
    const { bus } = this.#rooms;
    const subscriptions = bus.subscriptionsOf(id).map(({ pattern, group }) => ({ pattern, group }));
    const mailboxDepth = bus.directory.depthOf(id);
    return { phase, mailboxDepth, handled, failed, fuel, memoryBytes, lastError, subscriptions };
  }

  report(): PopulationReport {
    const phases: Partial<Record<AgentPhase, number>> = {};
    let [handled, failed, fuel] = [this.#handled, this.#failed, this.#fuel];
    for (const agent of this.#agents.values()) {
      phases[agent.phase] = (phases[agent.phase] ?? 0) + 1;
      handled += agent.handled;
      failed += agent.failed;
      fuel += agent.fuel;
    }
    return { agents: this.#agents.size, phases, handled, failed, fuel };
  }
}
