import type { Delivery, Lodgers, Receiver, ReceiverTerms } from './delivery.ts';
import type { Flush } from './flush.ts';
import { IdWindow } from './id-window.ts';
import type { Mailbox } from './mailbox.ts';
import { TokenBucket } from './token-bucket.ts';

/** Why messages wait although their receiver could be at them; each for itself. */
export const pauses = {
  /** A person, or another version, has it. */
  halt: 1,
  /** It waits for its supervisor. */
  down: 2,
  /** It says that it is not ready: it is still asked whether it is. */
  unready: 4,
  /** It keeps failing, and waits before its next restart. */
  backoff: 8,
  /** It is begun without a message. */
  begin: 16,
  /** It leaves for another thread, or has just come from one. */
  move: 32,
} as const;

export type Pause = keyof typeof pauses;

/** What the bus remembers of an agent that moves to another thread; can be structured-cloned. */
export interface BusLuggage {
  /** The ids it gave to what it sent, and those of what it got under exactly-once; none: none. */
  readonly sent: readonly string[];
  readonly received: readonly string[];
  /** How much it may send at once; undefined: it has sent nothing lately. */
  readonly tokens: number | undefined;
}

/** One agent of this thread, as the bus sees it. What it does not need it does not have. */
export class Resident {
  readonly id: number;
  readonly name: string;
  readonly receiver: Receiver;
  readonly terms: ReceiverTerms;
  /** What waits; none: nothing does. */
  mailbox: Mailbox | undefined = undefined;
  /** What it handles. */
  current: Delivery | undefined = undefined;
  /** Bits of `pauses`: why nobody is woken. */
  paused = 0;
  /** Takes to disk what it sent while it handled `current`; none: it sent nothing that has to be there. */
  flush: Flush | undefined = undefined;
  /** Requests it waits for. */
  asking = 0;
  /** Deliveries to it that wait to be repeated. */
  repeats: Set<number> | undefined = undefined;
  #bucket: TokenBucket | undefined = undefined;
  #sent: IdWindow | undefined = undefined;
  #received: IdWindow | undefined = undefined;

  constructor(id: number, name: string, receiver: Receiver, terms: ReceiverTerms) {
    this.id = id;
    this.name = name;
    this.receiver = receiver;
    this.terms = terms;
  }

  /** Counts one message it sends; 0, or the milliseconds until it may: one that waits at most `aheadMsMax` is counted. */
  spend(nowMs: number, aheadMsMax: number): number {
    this.#bucket ??= new TokenBucket(this.terms.rate, nowMs);
    return this.#bucket.take(this.terms.rate, nowMs, aheadMsMax);
  }

  /** Whether it is as it was when it came: nothing waits, nothing has to be remembered. */
  isBlank(nowMs: number): boolean {
    return (
      this.mailbox === undefined &&
      this.current === undefined &&
      this.paused === 0 &&
      this.flush === undefined &&
      this.asking === 0 &&
      this.repeats === undefined &&
      this.#sent === undefined &&
      this.#received === undefined &&
      (this.#bucket === undefined || this.#bucket.isFull(this.terms.rate, nowMs))
    );
  }

  /** What has to be remembered of it wherever it is. */
  luggage(nowMs: number): BusLuggage {
    return {
      sent: this.#sent?.all() ?? [],
      received: this.#received?.all() ?? [],
      tokens: this.#bucket?.tokens(this.terms.rate, nowMs),
    };
  }

  /** It comes from another thread with this. */
  unpack({ sent, received, tokens }: BusLuggage, idsMax: number, nowMs: number): void {
    for (const id of sent) this.sent(idsMax).add(id);
    for (const id of received) this.received(idsMax).add(id);
    if (tokens === undefined) return;
    this.#bucket = new TokenBucket(this.terms.rate, nowMs);
    this.#bucket.drain(tokens);
  }

  /** The ids it gave to what it sent. */
  sent(idsMax: number): IdWindow {
    this.#sent ??= new IdWindow(idsMax);
    return this.#sent;
  }

  /** The ids of what it got under exactly-once. */
  received(idsMax: number): IdWindow {
    this.#received ??= new IdWindow(idsMax);
    return this.#received;
  }
}

const pageBits = 10;
const pageMask = 2 ** pageBits - 1;

/**
 * The agents of this thread by their place in the directory: two steps, no hashing. One of `lodgers` is here from
 * the first time it is asked for.
 */
export class Roster {
  readonly #indexOf: (id: number) => number;
  readonly #pages: (Resident | undefined)[][] = [];
  #size = 0;
  lodgers: Lodgers | undefined = undefined;

  constructor(indexOf: (id: number) => number) {
    this.#indexOf = indexOf;
  }

  get size(): number {
    return this.#size;
  }

  get(id: number): Resident | undefined {
    const index = this.#indexOf(id);
    const resident = this.#pages[index >> pageBits]?.[index & pageMask];
    return resident?.id === id ? resident : this.#admit(id);
  }

  #admit(id: number): Resident | undefined {
    const { lodgers } = this;
    const name = lodgers?.nameOf(id);
    if (lodgers === undefined || name === undefined) return undefined;
    const resident = new Resident(id, name, lodgers.receiver, lodgers.termsOf(id));
    this.add(resident);
    return resident;
  }

  /** Forgets one of the lodgers until it is asked for again, if there is nothing to remember. */
  rest(id: number, nowMs: number): void {
    const index = this.#indexOf(id);
    const resident = this.#pages[index >> pageBits]?.[index & pageMask];
    if (resident?.id === id && this.lodgers?.nameOf(id) !== undefined && resident.isBlank(nowMs))
      this.delete(id);
  }

  add(resident: Resident): void {
    const index = this.#indexOf(resident.id);
    for (let page = this.#pages.length; page <= index >> pageBits; page++) this.#pages.push([]);
    const page = this.#pages[index >> pageBits];
    if (page === undefined) return;
    for (let at = page.length; at <= pageMask; at++) page.push(undefined);
    if (page[index & pageMask] === undefined) this.#size++;
    page[index & pageMask] = resident;
  }

  *all(): Iterable<Resident> {
    for (const page of this.#pages) for (const resident of page) if (resident !== undefined) yield resident;
  }

  delete(id: number): void {
    const index = this.#indexOf(id);
    const page = this.#pages[index >> pageBits];
    if (page?.[index & pageMask]?.id !== id) return;
    page[index & pageMask] = undefined;
    this.#size--;
  }
}
