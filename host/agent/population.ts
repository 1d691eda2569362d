import type { Bus, Delivery } from '../bus/bus.ts';
import { HostError } from '../errors.ts';
import type { Dispatcher } from './dispatcher.ts';
import { Resident, type StopReason, type Surroundings } from './resident.ts';
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
  readonly #residents = new Map<number, Resident>();

  constructor(rooms: PopulationRooms) {
    this.#rooms = rooms;
  }

  get size(): number {
    return this.#residents.size;
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
      this.#residents.set(id, new Resident(id, name, known, this.#rooms.around));
      this.#rooms.bus.attach(id, name, this, known.manifest.mailbox);
    }
  }

  #spec(number: number): Spec {
    const spec = this.#specs.get(number);
    if (spec === undefined) throw new Error(`bug: spec ${number} was never learnt`);
    return spec;
  }

  resident(id: number): Resident | undefined {
    return this.#residents.get(id);
  }

  residents(): IterableIterator<Resident> {
    return this.#residents.values();
  }

  /** The bus: its mailbox is no longer empty. */
  wake(id: number): void {
    this.#rooms.dispatcher.wake(id);
  }

  /** The bus: nobody waits for the outcome of what it handles any more. */
  cancel(id: number, delivery: Delivery): void {
    const resident = this.#residents.get(id);
    if (resident?.delivery === delivery) resident.stop({ kind: 'cancelled', reason: 'the asker gave up' });
  }

  /** The dispatcher: one message of one agent. */
  async run(id: number): Promise<void> {
    const { bus, dispatcher } = this.#rooms;
    const resident = this.#residents.get(id);
    const delivery = resident === undefined ? undefined : bus.take(id);
    if (resident === undefined || delivery === undefined) return;
    bus.settle(delivery, await resident.handle(delivery));
    if (bus.depth(id) > 0) dispatcher.wake(id);
  }
}
