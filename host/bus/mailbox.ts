import { levels } from '../manifest/scheduling.ts';
import { type Delivery, plainLane } from './delivery.ts';
import { MailLane } from './mail-lane.ts';

/** Messages in a row that overtake others; then one of those that were overtaken goes first. */
const overtakingMax = 32;

/**
 * Messages that wait for one receiver: those that ask for a level before its own first, by level, and of one level
 * first in first out, so that what one sender sends at one level keeps its order. Overtaking has an end: see above.
 */
export class Mailbox {
  readonly #plain = new MailLane();
  /** By the place of their level; none until one came. */
  #urgent: (MailLane | undefined)[] | undefined;
  /** Wanted ones in the urgent lanes. */
  #urgentSize = 0;
  #overtook = 0;

  /** Messages that somebody still wants. */
  get size(): number {
    return this.#plain.size + this.#urgentSize;
  }

  get slots(): number {
    return this.#plain.slots;
  }

  /** The place of the first level that something here asks for; undefined: only its receiver's own. */
  get level(): number | undefined {
    if (this.#urgentSize === 0) return undefined;
    const at = this.#urgent?.findIndex((lane) => lane !== undefined && lane.size > 0) ?? -1;
    return at < 0 ? undefined : at;
  }

  /** How many of those here go before one that would come now; see `push`. */
  aheadOf(lane: number): number {
    if (lane === plainLane) return this.size;
    return (this.#urgent ?? []).reduce((sum, one, at) => (at <= lane ? sum + (one?.size ?? 0) : sum), 0);
  }

  /** `lane`: the place of a level before its receiver's own. */
  push(delivery: Delivery, lane: number = plainLane): void {
    delivery.lane = lane;
    if (lane === plainLane) this.#plain.push(delivery);
    else {
      this.#urgent ??= new Array(levels.length).fill(undefined);
      this.#urgent[lane] ??= new MailLane();
      this.#urgent[lane].push(delivery);
      this.#urgentSize += 1;
    }
  }

  /** One that goes before all others that are here. */
  unshift(delivery: Delivery): void {
    const lane = this.level ?? plainLane;
    delivery.lane = lane;
    // What was overtaken for long does not go before it either.
    this.#overtook = 0;
    if (lane === plainLane) {
      this.#plain.unshift(delivery);
      return;
    }
    this.#urgent?.[lane]?.unshift(delivery);
    this.#urgentSize += 1;
  }

  /** What comes next, wanted or not. */
  get first(): Delivery | undefined {
    return this.#nextLane().first;
  }

  /** The next message that is wanted. */
  shift(): Delivery | undefined {
    const lane = this.#nextLane();
    const delivery = lane.shift();
    if (lane === this.#plain) this.#overtook = 0;
    else {
      this.#urgentSize -= 1;
      if (this.#plain.size > 0) this.#overtook += 1;
    }
    return delivery;
  }

  #nextLane(): MailLane {
    if (this.#urgentSize === 0) return this.#plain;
    if (this.#overtook >= overtakingMax && this.#plain.size > 0) return this.#plain;
    return this.#urgent?.find((lane) => lane !== undefined && lane.size > 0) ?? this.#plain;
  }

  /** What waits and is wanted, in the order of its lanes. */
  *all(): Iterable<Delivery> {
    for (const lane of this.#urgent ?? []) if (lane !== undefined) yield* lane.all();
    yield* this.#plain.all();
  }

  /** Drops what nobody wants any more and keeps its place. */
  clear(): void {
    this.#plain.clear();
    this.#urgent = undefined;
    this.#urgentSize = 0;
    this.#overtook = 0;
  }

  /** One of the waiting messages was cancelled. Amortised, this costs the same however many wait. */
  noteCancelled({ lane }: Delivery): void {
    if (lane === plainLane) this.#plain.noteCancelled();
    else {
      this.#urgent?.[lane]?.noteCancelled();
      this.#urgentSize -= 1;
    }
  }
}

const spareMax = 1024;
/** Slots of one spare mailbox, and of all together. */
const spareSlotsMax = 1024;
const stockSlotsMax = 65_536;

/** Empty mailboxes for the next receiver that gets a message: one that waits for nothing has none. */
export class MailboxStock {
  readonly #spare: Mailbox[] = [];
  #slots = 0;

  take(): Mailbox {
    const mailbox = this.#spare.pop();
    if (mailbox === undefined) return new Mailbox();
    this.#slots -= mailbox.slots;
    return mailbox;
  }

  /** Takes an empty one back. */
  give(mailbox: Mailbox): void {
    mailbox.clear();
    const { slots } = mailbox;
    if (slots > spareSlotsMax || this.#spare.length >= spareMax || this.#slots + slots > stockSlotsMax)
      return;
    this.#spare.push(mailbox);
    this.#slots += slots;
  }
}
