import { type Budget, Stopped } from '../../budget.ts';
import { Trap } from '../../trap.ts';
import type { Flows, Slots } from '../pace.ts';
import { HeldBytes } from './held-bytes.ts';
import { PaceGate } from './paced-streams.ts';
import { type Readiness, Signal } from './readiness.ts';

/** Resources one guest may hold at once; each costs the host some hundred bytes. */
const handlesMax = 65_536;
/** How long a peer may take to accept the last bytes of a stream the guest has dropped. */
const lingerMsMax = 5000;

/** What all WASI resources of one guest share: its budget, its open handles and what they hold, its waits. */
export class Guest {
  readonly budget: Budget;
  /** Lets bytes of sockets and requests pass; undefined: all of them. */
  readonly network: PaceGate | undefined;
  /** The same for files. */
  readonly disk: PaceGate | undefined;
  readonly #connections: Slots | undefined;
  readonly held: HeldBytes = new HeldBytes();
  readonly #handles = new Set<Resource>();
  readonly #closings = new Set<Promise<void>>();
  #deadline: AbortController | undefined;
  readonly #end = new Signal();
  #waiting = 0;
  #disposed = false;

  constructor(budget: Budget, { disk, network, connections }: Flows = {}) {
    this.budget = budget;
    this.#connections = connections;
    this.disk = disk && new PaceGate(disk, budget.clock);
    this.network = network && new PaceGate(network, budget.clock);
  }

  /** @throws Trap when the guest holds too many handles */
  addHandle(handle: Resource): void {
    if (this.#handles.size >= handlesMax)
      throw new Trap('allocation-too-large', `the guest holds more than ${handlesMax} WASI handles`);
    this.#handles.add(handle);
  }

  removeHandle(handle: Resource): void {
    this.#handles.delete(handle);
  }

  /** Counts one more socket or request; false when there may be none more. */
  openConnection(): boolean {
    if (this.#connections?.take() === false) return false;
    if (this.budget.openFile()) return true;
    this.#connections?.giveBack();
    return false;
  }

  closeConnection(): void {
    this.budget.closeFile();
    this.#connections?.giveBack();
  }

  /** Work that `dispose` waits for: closing files, output on its way. A failure there is nobody's any more. */
  keep(work: Promise<unknown>): void {
    const closing = work.then(
      () => {},
      () => {},
    );
    this.#closings.add(closing);
    void closing.then(() => this.#closings.delete(closing));
  }

  /** `keep`, but for no longer than a peer may take to accept the last bytes; calls `end` afterwards. */
  linger(work: Promise<unknown>, end: () => void): void {
    const timer = new AbortController();
    const timeout = this.budget.clock.sleep(lingerMsMax, timer.signal);
    const ended = Promise.race([work, timeout]).finally(() => {
      timer.abort();
      end();
    });
    timeout.catch(() => {});
    this.keep(ended);
  }

  /**
   * Waits until one of `events` is ready, without holding the thread.
   * @throws Stopped when the guest is stopped or disposed of meanwhile; the deadline stops it
   */
  async until(events: readonly Readiness[]): Promise<void> {
    this.#check();
    while (!events.some((event) => event.isReady())) {
      await this.#change(events);
      this.#check();
    }
  }

  /** Closes every handle the guest left open, ends every wait, and waits for `keep`t work. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const handle of [...this.#handles]) handle[Symbol.dispose]();
    this.#deadline?.abort();
    this.network?.close();
    this.disk?.close();
    this.#end.notify();
    const closed = this.#closed();
    // Who gave up does not wait for a destination that takes nothing any more.
    if (this.budget.cause?.kind !== 'cancelled') await closed;
  }

  #check(): void {
    this.budget.check();
    if (this.#disposed) throw new Stopped('disposed');
  }

  async #closed(): Promise<void> {
    while (this.#closings.size > 0) await Promise.all(this.#closings);
  }

  #change(events: readonly Readiness[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const undo: (() => void)[] = [];
    this.#armDeadline();
    undo.push(this.budget.onStop(() => resolve()));
    undo.push(this.#end.onChange(resolve));
    for (const event of events) undo.push(event.onChange(resolve));
    this.#waiting += 1;
    return promise.finally(() => {
      this.#waiting -= 1;
      for (const cancel of undo) cancel();
    });
  }

  /** One timer for all waits: a later invocation only moves the deadline further away. */
  #armDeadline(): void {
    if (this.#deadline !== undefined || this.#disposed) return;
    const deadline = new AbortController();
    this.#deadline = deadline;
    const leftMs = Math.max(1, Math.ceil(this.budget.deadlineLeftMs));
    this.budget.clock.sleep(leftMs, deadline.signal).then(
      () => {
        this.#deadline = undefined;
        if (this.#waiting === 0) return;
        if (this.budget.deadlineLeftMs > 0) this.#armDeadline();
        else this.budget.stopForDeadline();
      },
      () => {},
    );
  }
}

/**
 * Base of all WASI resource classes. The guest holds handles, never these objects. A component may declare
 * any method name and argument types for a resource it imports, so what is public here is harmless whoever
 * calls it, and inner parts are reached through private fields.
 */
export class Resource {
  readonly #guest: Guest;
  readonly #release: ((self: Resource) => void) | undefined;
  #open = true;

  /** `release` lets go of what the resource holds; called once. */
  constructor(guest: Guest, release?: (self: Resource) => void) {
    guest.addHandle(this);
    this.#guest = guest;
    this.#release = release;
  }

  /** The guest dropped its handle, or the instance ended; the second time nothing happens. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#guest.removeHandle(this);
    this.#release?.(this);
  }
}
