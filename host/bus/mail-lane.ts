import type { Delivery } from './delivery.ts';

const firstSlots = 8;

/**
 * Messages that wait for one receiver and go one after the other, first in first out. The ring grows by doubling; how many may wait is
 * the directory's business, which counts them for all threads.
 */
export class MailLane {
  #ring: (Delivery | undefined)[] = new Array(firstSlots).fill(undefined);
  #head = 0;
  #size = 0;
  /** Of these, cancelled ones that keep their place until they come to the front. */
  #cancelled = 0;

  /** Messages that somebody still wants. */
  get size(): number {
    return this.#size - this.#cancelled;
  }

  get slots(): number {
    return this.#ring.length;
  }

  push(delivery: Delivery): void {
    if (this.#size === this.#ring.length) this.#resize(this.#ring.length * 2);
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = delivery;
  }

  /** One that goes before all others. */
  unshift(delivery: Delivery): void {
    if (this.#size === this.#ring.length) this.#resize(this.#ring.length * 2);
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = delivery;
    this.#size++;
  }

  /** What comes next, wanted or not. */
  get first(): Delivery | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head];
  }

  /** The next message that is wanted. */
  shift(): Delivery | undefined {
    while (this.#size > 0) {
      const delivery = this.#ring[this.#head];
      this.#ring[this.#head] = undefined;
      this.#head = (this.#head + 1) & (this.#ring.length - 1);
      this.#size--;
      if (delivery?.isCancelled !== true) return delivery;
      this.#cancelled--;
    }
    return undefined;
  }

  /** What waits and is wanted, in its order. */
  *all(): Iterable<Delivery> {
    for (let at = 0; at < this.#size; at++) {
      const delivery = this.#ring[(this.#head + at) & (this.#ring.length - 1)];
      if (delivery !== undefined && !delivery.isCancelled) yield delivery;
    }
  }

  /** Drops what nobody wants any more and keeps its place. */
  clear(): void {
    this.shift();
  }

  /** One of the waiting messages was cancelled. Amortised, this costs the same however many wait. */
  noteCancelled(): void {
    this.#cancelled++;
    if (this.#cancelled > firstSlots && this.#cancelled * 2 > this.#size) this.#resize(this.#ring.length);
  }

  /** Copies what is wanted to a fresh ring; half as large as often as it fits. */
  #resize(slots: number): void {
    const wanted: Delivery[] = [];
    for (let at = 0; at < this.#size; at++) {
      const delivery = this.#ring[(this.#head + at) & (this.#ring.length - 1)];
      if (delivery !== undefined && !delivery.isCancelled) wanted.push(delivery);
    }
    let fitting = slots;
    while (fitting > firstSlots && wanted.length * 4 < fitting) fitting /= 2;
    const ring: (Delivery | undefined)[] = new Array(fitting).fill(undefined);
    for (const [at, delivery] of wanted.entries()) ring[at] = delivery;
    this.#ring = ring;
    this.#head = 0;
    this.#size = wanted.length;
    this.#cancelled = 0;
  }
}
