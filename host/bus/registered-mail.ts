import { HostError } from '../errors.ts';
import type { DeadReason } from './dead-letters.ts';
import { type Accepted, Delivery } from './delivery.ts';
import { awaitedOf, type Directory } from './directory.ts';
import type { Envelopes } from './envelopes.ts';
import type { Flushes } from './flush.ts';
import type { Holds } from './holds.ts';
import type { Journal, JournalRecord } from './journal-port.ts';
import type { BusError, Guarantee, Message } from './message.ts';
import type { Outbox } from './outbox.ts';
import { memberFor } from './queue-group.ts';
import type { Reception } from './reception.ts';
import type { Matches, Subscription } from './subject-tree.ts';
import { weightOf } from './weight.ts';
import { Whereabouts } from './whereabouts.ts';

export interface RegisteredMailOptions {
  readonly self: number;
  readonly directory: Directory;
  readonly journal: Journal | undefined;
  readonly flushes: Flushes | undefined;
  readonly outbox: Outbox;
  readonly reception: Reception;
  /** What is for agents on their way to other threads. */
  readonly holds: Holds;
  /** What a sender is told when there is no room. */
  readonly full: BusError;
  /** Messages that wait for threads to be replaced. */
  readonly strandedMax: number;
  /** Makes a dead letter of what never came to a mailbox. */
  readonly bury: (record: JournalRecord, reason: DeadReason, entry: number) => void;
  /** Calls a listener of the host on this thread. */
  readonly listen: (listener: number, message: Message) => void;
  readonly isBusy: (id: number) => boolean;
  /** None: nothing is sealed. */
  readonly envelopes: Envelopes | undefined;
}

interface Stranded {
  readonly record: JournalRecord;
  readonly entry: number;
}

/** One receiver's copy. */
interface Copy {
  readonly to: number;
  readonly owner: number;
  readonly record: JournalRecord;
  readonly isFull: boolean;
  readonly entry: number;
}

const unavailable: BusError = { tag: 'unavailable' };
const noEntries: readonly number[] = [];

/**
 * Messages that are to be delivered at least once: on their way out into the journal, and remembered while another
 * thread has them, so that they can be sent again when that thread is lost.
 */
export class RegisteredMail {
  readonly #options: RegisteredMailOptions;
  readonly #directory: Directory;
  readonly #sent = new Whereabouts();
  /** By the thread that is to come back. */
  readonly #stranded = new Map<number, Stranded[]>();
  #strandedCount = 0;

  constructor(options: RegisteredMailOptions) {
    this.#options = options;
    this.#directory = options.directory;
  }

  /** Messages that wait for threads to be replaced. */
  get stranded(): number {
    return this.#strandedCount;
  }

  /**
   * To one agent, if there is room.
   * @throws HostError for a message from outside that the journal does not take
   */
  send(to: number, name: string, message: Message, guarantee: Guarantee, from: number): Accepted | BusError {
    const owner = this.#directory.ownerOf(to);
    const awaited = this.#awaited(owner);
    const isHeld = this.#options.holds.isHeld(to, owner);
    if (owner < 0 && awaited < 0 && !isHeld) return unavailable;
    if (awaited >= 0 && this.#strandedCount >= this.#options.strandedMax) return this.#options.full;
    if (isHeld && this.#options.holds.isFull) return this.#options.full;
    const weight = weightOf(message);
    if (!this.#directory.reserve(to, weight)) return this.#options.full;
    const record = { message, receiver: name, guarantee };
    let entry: number;
    try {
      entry = this.#accept(record, from);
    } catch (thrown) {
      this.#directory.unreserve(to, weight);
      return refused(thrown, from);
    }
    const copy = { to, owner, record, isFull: false, entry };
    if (this.#dispatch(copy, from)) return { id: message.id, receivers: 1, dropped: 0 };
    this.#directory.unreserve(to, weight);
    if (entry !== 0) this.#options.journal?.withdrawn(entry);
    return this.#options.full;
  }

  /**
   * To all that match and one of each group, or to nobody. What a full mailbox cannot take is a dead letter.
   * @throws HostError for a message from outside that the journal does not take
   */
  publish(matches: Matches, message: Message, guarantee: Guarantee, from: number): Accepted | BusError {
    const copies: Copy[] = [];
    const wanted = this.#receivers(matches);
    try {
      for (const one of wanted) if (one.subscriber > 0) this.#copy(one, message, guarantee, from, copies);
    } catch (thrown) {
      for (const copy of copies) this.#takeBack(copy);
      return refused(thrown, from);
    }
    let receivers = 0;
    for (const { subscriber, thread } of wanted)
      if (subscriber < 0) receivers += this.#listenAt(thread, subscriber, message, guarantee, from);
    for (const copy of copies) receivers += this.#dispatchOrBury(copy, from);
    return { id: message.id, receivers, dropped: matches.each.length + matches.groups.length - receivers };
  }

  #receivers({ each, groups }: Matches): Subscription[] {
    const receivers = [...each];
    for (const group of groups) {
      const member =
        memberFor(group, this.#directory, this.#options.self, this.#options.isBusy) ??
        group.members.find(({ subscriber }) => awaitedOf(this.#directory.ownerOf(subscriber)) >= 0);
      if (member !== undefined) receivers.push(member);
    }
    return receivers;
  }

  #copy(
    { subscriber, name }: Subscription,
    message: Message,
    guarantee: Guarantee,
    from: number,
    copies: Copy[],
  ): void {
    const owner = this.#directory.ownerOf(subscriber);
    if (owner < 0 && awaitedOf(owner) < 0 && !this.#options.holds.isHeld(subscriber, owner)) return;
    const isFull = !this.#directory.reserve(subscriber, weightOf(message));
    const record = { message, receiver: name, guarantee };
    const copy = { to: subscriber, owner, record, isFull, entry: 0 };
    copies.push(copy);
    copies[copies.length - 1] = { ...copy, entry: this.#accept(record, from) };
  }

  #takeBack({ to, record, isFull, entry }: Copy): void {
    if (!isFull) this.#directory.unreserve(to, weightOf(record.message));
    if (entry !== 0) this.#options.journal?.withdrawn(entry);
  }

  #dispatchOrBury(copy: Copy, from: number): 0 | 1 {
    if (!copy.isFull && this.#dispatch(copy, from)) return 1;
    if (!copy.isFull) this.#directory.unreserve(copy.to, weightOf(copy.record.message));
    this.#options.bury(copy.record, 'mailbox-full', copy.entry);
    return 0;
  }

  #listenAt(thread: number, listener: number, message: Message, guarantee: Guarantee, from: number): 0 | 1 {
    const { self, outbox, listen } = this.#options;
    if (thread === self) listen(listener, message);
    const frame = frameOf(message, guarantee, [listener], noEntries, from, self);
    return thread === self || outbox.message(thread, frame) ? 1 : 0;
  }

  #accept(record: JournalRecord, from: number): number {
    const { journal, flushes, reception } = this.#options;
    if (journal === undefined || flushes === undefined) return 0;
    const entry = journal.accepted(record);
    const sender = from === 0 ? undefined : reception.roster.get(from);
    // Once something it sent was lost, its message was in vain, whatever it sends besides.
    if (sender !== undefined && sender.flush?.state !== 'lost') sender.flush = flushes.current;
    return entry;
  }

  /** The thread a message has to wait for: its receiver's was lost, or those that wait already go first. */
  #awaited(owner: number): number {
    if (owner < 0) return awaitedOf(owner);
    return this.#stranded.size > 0 && this.#stranded.has(owner) ? owner : -1;
  }

  /** Its place is reserved. False: the way to its thread is full. */
  #dispatch({ to, owner, record, entry }: Copy, from: number): boolean {
    const { self, outbox, reception } = this.#options;
    const { guarantee } = record;
    const awaited = this.#awaited(owner);
    if (this.#options.holds.isHeld(to, owner)) {
      this.#directory.unreserve(to, weightOf(record.message));
      this.#hold(to, record, entry, from);
    } else if (awaited >= 0) {
      this.#directory.unreserve(to, weightOf(record.message));
      this.#strand(awaited, { record, entry });
    } else if (owner === self) {
      const untilMs = Number.POSITIVE_INFINITY;
      const message = this.#outgoing(record, to);
      reception.arrive(new Delivery(message, to, from, guarantee, 0, self, entry, untilMs));
    } else {
      const entries = entry === 0 ? noEntries : [entry];
      const message = this.#outgoing(record, to);
      if (!outbox.message(owner, frameOf(message, guarantee, [to], entries, from, self))) {
        // Whoever gives the place back counts what was sent.
        this.#directory.reweigh(to, weightOf(message), weightOf(record.message));
        return false;
      }
      if (entry !== 0) this.#sent.set(entry, owner);
    }
    return true;
  }

  #hold(to: number, { message, guarantee }: JournalRecord, entry: number, from: number): void {
    this.#options.holds.add(to, { message, guarantee, from, request: 0, asked: 0, entry });
  }

  /** As it goes to its receiver. What is kept here and in the journal is what was sent: keys last as long as a run. */
  #outgoing({ message, receiver }: JournalRecord, to: number): Message {
    return this.#options.envelopes?.outgoing(message, to, receiver) ?? message;
  }

  // What becomes of it

  /** `count` entries from `first` on were dealt with. */
  settled(first: number, count: number): void {
    for (let entry = first; entry < first + count; entry++) this.#sent.delete(entry);
    this.#options.journal?.settled(first, count);
  }

  withdrawn(entry: number): void {
    this.#sent.delete(entry);
    this.#options.journal?.withdrawn(entry);
  }

  attempted(entry: number, attempt: number): void {
    this.#options.journal?.attempted(entry, attempt);
  }

  died(entry: number): void {
    this.#sent.delete(entry);
  }

  /** Delivers what was accepted before, whether there is room or not. `entry` is that of this thread's journal. */
  restore(record: JournalRecord, entry: number): void {
    const { self, outbox, reception, bury } = this.#options;
    const { message, receiver, guarantee } = record;
    const to = this.#directory.receiverOf(receiver, guarantee);
    const owner = to === 0 ? -1 : this.#directory.ownerOf(to);
    const awaited = awaitedOf(owner);
    if (to !== 0 && this.#options.holds.isHeld(to, owner)) this.#hold(to, record, entry, 0);
    else if (awaited >= 0) this.#strand(awaited, { record, entry });
    else if (owner < 0) bury(record, 'removed', entry);
    else if (owner === self) {
      this.#directory.reserveAnyway(to, weightOf(message));
      const untilMs = Number.POSITIVE_INFINITY;
      const sent = this.#outgoing(record, to);
      reception.arrive(new Delivery(sent, to, 0, guarantee, 0, self, entry, untilMs));
    } else {
      this.#directory.reserveAnyway(to, weightOf(message));
      if (entry !== 0) this.#sent.set(entry, owner);
      const sent = this.#outgoing(record, to);
      outbox.owed(owner, frameOf(sent, guarantee, [to], entry === 0 ? noEntries : [entry], 0, self));
    }
  }

  /** An entry comes back from the thread where it waited. False: it is not there any more, as far as is known here. */
  comesBack(entry: number, thread: number): boolean {
    if (thread === this.#options.self) return true;
    if (this.#sent.of(entry) !== thread) return false;
    this.#sent.delete(entry);
    return true;
  }

  /** Delivers what came back late from the thread where it waited, its receiver being somewhere already. */
  readBack(entry: number): void {
    const record = entry === 0 ? undefined : this.#options.journal?.read([entry]).get(entry);
    if (record !== undefined) this.restore(record, entry);
  }

  // Threads

  /**
   * A thread is gone: what it had waits for the one in its place. It was at one message of a receiver at most, the
   * first that is open, so each of those counts as tried: what takes its thread along does not come for ever, and those
   * behind it do not pay for it.
   */
  strand(thread: number): void {
    const { journal } = this.#options;
    const entries = this.#sent.takeAll(thread);
    if (journal === undefined || entries.length === 0) return;
    const records = journal.read(entries);
    const tried = new Set<string>();
    for (const entry of entries) {
      const found = records.get(entry);
      if (found === undefined) continue;
      const { receiver, guarantee } = found;
      const isFirst = !tried.has(receiver);
      tried.add(receiver);
      const attempt = isFirst ? found.message.attempt + 1 : found.message.attempt;
      if (isFirst) journal.attempted(entry, attempt);
      this.#strand(thread, {
        record: { message: { ...found.message, attempt }, receiver, guarantee },
        entry,
      });
    }
  }

  /** The agents of a thread that was lost are there again. */
  returned(thread: number): void {
    const stranded = this.#stranded.get(thread) ?? [];
    this.#stranded.delete(thread);
    this.#strandedCount -= stranded.length;
    for (const { record, entry } of stranded) this.restore(record, entry);
  }

  #strand(thread: number, one: Stranded): void {
    this.#strandedCount++;
    const stranded = this.#stranded.get(thread);
    if (stranded === undefined) this.#stranded.set(thread, [one]);
    else stranded.push(one);
  }
}

function frameOf(
  message: Message,
  guarantee: Guarantee,
  to: readonly number[],
  entries: readonly number[],
  from: number,
  thread: number,
): Parameters<Outbox['message']>[1] {
  return { kind: 'message', to, entries, message, guarantee, from, request: 0, thread };
}

/** An agent learns no more than that it cannot be done now; people learn why. */
function refused(thrown: unknown, from: number): BusError {
  if (from === 0 || !(thrown instanceof HostError)) throw thrown;
  return unavailable;
}
