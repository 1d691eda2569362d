import type { Bus, Delivery } from '../bus/bus.ts';
import { Agent, type Surroundings } from './agent.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Spec } from './spec.ts';

/** What the agents of one thread live on. */
export interface PopulationRooms {
  readonly bus: Bus;
  readonly dispatcher: Dispatcher;
  readonly around: Surroundings;
}

/** The agents of one thread: who they are, and their way from a message in the mailbox to its outcome. */
export class Population {
  readonly #rooms: PopulationRooms;
  readonly #specs = new Map<number, Spec>();
  readonly #agents = new Map<number, Agent>();

  constructor(rooms: PopulationRooms) {
    this.#rooms = rooms;
  }

  get size(): number {
    return this.#agents.size;
  }

  /** Makes a spec known, once, before agents of it come. */
  learn(spec: Spec): void {
    this.#specs.set(spec.number, spec);
  }

  forget(spec: number): void {
    this.#specs.delete(spec);
  }

  add(spec: number, agents: readonly (readonly [id: number, name: string])[]): void {
    const known = this.#spec(spec);
    for (const [id, name] of agents) {
      this.#agents.set(id, new Agent(id, name, known, this.#rooms.around));
      this.#rooms.bus.attach(id, name, this, known.manifest.mailbox);
    }
  }

  #spec(number: number): Spec {
    const spec = this.#specs.get(number);
    if (spec === undefined) throw new Error(`bug: spec ${number} was never learnt`);
    return spec;
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

  /** The dispatcher: one message of one agent. */
  async run(id: number): Promise<void> {
    const { bus, dispatcher } = this.#rooms;
    const agent = this.#agents.get(id);
    const delivery = agent === undefined ? undefined : bus.take(id);
    if (agent === undefined || delivery === undefined) return;
    bus.settle(delivery, await agent.handle(delivery));
    if (bus.depth(id) > 0) dispatcher.wake(id);
  }
}
