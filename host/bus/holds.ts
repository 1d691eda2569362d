import { Delivery } from './delivery.ts';
import { type Directory, isOnTheWay } from './directory.ts';
import type { MessageFrame } from './frame-kinds.ts';
import type { Guarantee, Message } from './message.ts';
import type { Outbox } from './outbox.ts';
import type { Reception } from './reception.ts';
import type { RegisteredMail } from './registered-mail.ts';
import type { Requests } from './requests.ts';
import type { Stamps } from './stamps.ts';
import { weightOf } from './weight.ts';

/** A message of this thread whose receiver is on its way to another thread. It has no place in a mailbox meanwhile. */
export interface Held {
  readonly message: Message;
  readonly guarantee: Guarantee;
  /** The sender's id; 0: from outside. */
  readonly from: number;
  /** 0: nobody waits for an answer; else this thread's token. */
  readonly request: number;
  /** Where the request was said to be when it was counted. */
  readonly asked: number;
  /** The entry in this thread's journal; 0: in none. */
  readonly entry: number;
}

/** What is held back for one receiver. */
interface Hold {
  /** What came back from the thread it leaves … */
  readonly returned: Held[];
  /** … which goes before what was sent since. */
  readonly sent: Held[];
}

export interface HoldsOptions {
  readonly self: number;
  readonly directory: Directory;
  readonly stamps: Stamps;
  readonly outbox: Outbox;
  readonly reception: Reception;
  readonly requests: Requests;
  readonly mail: () => RegisteredMail;
  /** Messages that are held back for all receivers together; those that came back are beyond it. */
  readonly heldMax: number;
  /** A message as it goes to one receiver: sealed, if that is wanted. */
  readonly outgoing: (message: Message, to: number, name: string, request: number) => Message;
}

const noEntries: readonly number[] = [];

/**
 * Messages of one thread for agents that are on their way from one thread to another: first those that come back from
 * the thread that they leave, then those that are sent meanwhile. They go to wherever the agent is then, in that order.
 */
export class Holds {
  readonly #options: HoldsOptions;
  readonly #holds = new Map<number, Hold>();
  #count = 0;

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** Messages that are held back. */
  get size(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#options.heldMax;
  }

  /** Whether what is sent now to an agent with this owner is to be held back: it moves, or others wait before. */
  isHeld(to: number, owner: number): boolean {
    return isOnTheWay(owner) || (this.#holds.size > 0 && this.#holds.has(to));
  }

  add(to: number, held: Held): void {
    this.#count += 1;
    this.#of(to).sent.push(held);
  }

  #of(to: number): Hold {
    let hold = this.#holds.get(to);
    if (hold === undefined) {
      hold = { returned: [], sent: [] };
      this.#holds.set(to, hold);
    }
    return hold;
  }

  /** A message of this thread comes back from the one that its receiver leaves. */
  giveBack({ to, entries, message, guarantee, from, request }: MessageFrame, thread: number): void {
    const { directory, requests, mail } = this.#options;
    const [receiver = 0] = to;
    const [entry = 0] = entries;
    // It was settled, or is on its way again, and this says what was before.
    if (entry !== 0 && !mail().comesBack(entry, thread)) return;
    if (request !== 0 && !requests.has(request)) return;
    const asked = -1;
    requests.moved(request, thread, asked);
    const held = { message, guarantee, from, request, asked, entry };
    if (this.isHeld(receiver, directory.ownerOf(receiver))) {
      this.#count += 1;
      this.#of(receiver).returned.push(held);
    } else if (guarantee === 'at-most-once') this.#sendOnce(receiver, held, '');
    else mail().readBack(entry);
  }

  /** An agent is where it is to be: what was held back goes there. Nothing, if it is on its way again. */
  release(to: number, name: string): void {
    const hold = this.#holds.get(to);
    if (hold === undefined || isOnTheWay(this.#options.directory.ownerOf(to))) return;
    this.#holds.delete(to);
    this.#count -= hold.returned.length + hold.sent.length;
    for (const held of hold.returned) this.#send(to, held, name);
    for (const held of hold.sent) this.#send(to, held, name);
  }

  #send(to: number, held: Held, name: string): void {
    const { guarantee, message, entry } = held;
    if (guarantee === 'at-most-once') this.#sendOnce(to, held, name);
    else this.#options.mail().restore({ message, receiver: name, guarantee }, entry);
  }

  #sendOnce(to: number, { message: said, guarantee, from, request, asked }: Held, name: string): void {
    const { self, directory, stamps, outbox, reception, requests } = this.#options;
    // Its asker has given up, and told nobody.
    if (request !== 0 && !requests.has(request)) return;
    const owner = directory.ownerOf(to);
    if (owner < 0) {
      if (request === 0) reception.counts.lost++;
      else requests.answer(request, asked, { error: { tag: 'unavailable' } });
      return;
    }
    requests.moved(request, asked, owner);
    directory.reserveAnyway(to, weightOf(said));
    const message = this.#options.outgoing(said, to, name, request);
    if (owner === self) {
      const untilMs = stamps.untilMs(
        message.deadlineNs,
        message.deadlineNs === undefined ? 0 : stamps.nowMs(),
      );
      reception.arrive(new Delivery(message, to, from, guarantee, request, self, 0, untilMs));
      return;
    }
    const kind = 'message';
    outbox.owed(owner, {
      kind,
      to: [to],
      entries: noEntries,
      message,
      guarantee,
      from,
      request,
      thread: self,
    });
  }
}
