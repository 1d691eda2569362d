import type { Wheel } from '../clock/wheel.ts';
import type { Accepted } from './delivery.ts';
import type { Directory } from './directory.ts';
import type { BusError, Guarantee, Message } from './message.ts';

/** A message whose sender waits for room at its receiver. */
export interface Waiter {
  readonly to: number;
  readonly name: string;
  readonly message: Message;
  readonly guarantee: Guarantee;
  readonly from: number;
  readonly request: number;
}

export interface WaitingRoomOptions {
  readonly wheel: Wheel;
  readonly directory: Directory;
  readonly self: number;
  readonly waitersMax: number;
  /** What a sender that waited in vain is told. */
  readonly full: BusError;
  /** Sends at last. */
  readonly ship: (waiter: Waiter) => Accepted | BusError;
}

interface Place extends Waiter {
  readonly token: number;
  readonly resolve: (result: Accepted | BusError) => void;
  readonly timer: number;
}

/** Senders that wait for room at a congested receiver, each receiver's in the order they came. */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #timeoutKind: number;
  readonly #places = new Map<number, Place>();
  readonly #queues = new Map<number, Set<Place>>();
  #token = 0;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    this.#timeoutKind = options.wheel.kind((token) => this.#end(this.#places.get(token), options.full));
  }

  get size(): number {
    return this.#places.size;
  }

  /** Whether somebody waits for this receiver already: who comes now waits behind. */
  has(to: number): boolean {
    return this.#queues.has(to);
  }

  /** Waits at most until `untilMs`. */
  wait(waiter: Waiter, untilMs: number): Promise<Accepted | BusError> | BusError {
    if (this.#places.size >= this.#options.waitersMax) return this.#options.full;
    this.#token = (this.#token + 1) & 0x7fffffff;
    const timer = this.#options.wheel.arm(this.#timeoutKind, this.#token, untilMs);
    if (timer === 0) return this.#options.full;
    const { promise, resolve } = Promise.withResolvers<Accepted | BusError>();
    const place: Place = { ...waiter, token: this.#token, resolve, timer };
    this.#places.set(place.token, place);
    const queue = this.#queues.get(waiter.to);
    if (queue === undefined) this.#queues.set(waiter.to, new Set([place]));
    else queue.add(place);
    this.#admit(waiter.to);
    return promise;
  }

  /** A receiver that was congested has room. */
  room(to: number): void {
    this.#admit(to);
  }

  /** A sender is gone. */
  endOf(from: number): void {
    for (const place of [...this.#places.values()])
      if (place.from === from) this.#end(place, { tag: 'cancelled' });
  }

  /** A receiver is gone. */
  endFor(to: number): void {
    for (const place of [...(this.#queues.get(to) ?? [])]) this.#end(place, { tag: 'unavailable' });
  }

  /** Lets senders go on, first come first served, as long as there is room; says that the others wait. */
  #admit(to: number): void {
    const { directory, self, ship } = this.#options;
    for (;;) {
      const queue = this.#queues.get(to);
      if (queue === undefined || directory.awaitRoom(to, self)) return;
      for (const place of queue) {
        if (directory.isCongested(to)) break;
        // Out before it is sent: the receiver may take it at once and let the next one in from there.
        this.#remove(place);
        place.resolve(ship(place));
      }
    }
  }

  #end(place: Place | undefined, result: Accepted | BusError): void {
    if (place === undefined || !this.#places.has(place.token)) return;
    this.#remove(place);
    place.resolve(result);
  }

  #remove(place: Place): void {
    this.#places.delete(place.token);
    this.#options.wheel.cancel(place.timer);
    const queue = this.#queues.get(place.to);
    queue?.delete(place);
    if (queue?.size === 0) this.#queues.delete(place.to);
  }
}
