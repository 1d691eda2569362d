import assert from 'node:assert/strict';
import type { Wheel } from '../clock/wheel.ts';
import { rankOfLevel } from '../manifest/scheduling.ts';
import type { Outcome } from '../outcome.ts';
import { AskedTable } from './asked.ts';
import type { DeadLetter, DeadReason } from './dead-letters.ts';
import {
  Delivery,
  isProbe,
  plainLane,
  type Receiver,
  type ReceiverTerms,
  type Redelivery,
  type Reply,
} from './delivery.ts';
import { type Directory, isOnTheWay } from './directory.ts';
import type { Envelopes } from './envelopes.ts';
import type { Flush, Held } from './flush.ts';
import { type Mailbox, MailboxStock } from './mailbox.ts';
import { type Failure, type Message, originOf, type TooLate } from './message.ts';
import { type BusLuggage, type Pause, pauses, Resident, Roster } from './resident.ts';
import type { Stamps } from './stamps.ts';
import { verdictOf } from './verdict.ts';
import { weightOf } from './weight.ts';

export interface ReceptionOptions {
  readonly directory: Directory;
  readonly wheel: Wheel;
  readonly stamps: Stamps;
  readonly idsMax: number;
  readonly redeliveriesMax: number;
  /** Brings an answer to the thread that asked. */
  readonly reply: (thread: number, request: number, reply: Reply) => void;
  /** Tells the journal of a thread that an entry is dealt with. */
  readonly settled: (thread: number, entry: number) => void;
  /** Tells it that a message repeats an id. */
  readonly withdrawn: (thread: number, entry: number) => void;
  /** Tells it which attempt comes next. */
  readonly attempted: (thread: number, entry: number, attempt: number) => void;
  /** Brings a dead letter to the thread whose journal has it. */
  readonly died: (thread: number, letter: DeadLetter) => void;
  /** Tells the threads of a bit set (modulo 32) that a receiver has room. */
  readonly room: (receiver: number, threads: number) => void;
  /** Sends a message on whose receiver moved to another thread. */
  readonly forward: (delivery: Delivery) => boolean;
  /** Gives a message back to its sender's thread, whose receiver leaves this one. */
  readonly giveBack: (delivery: Delivery) => void;
  /** None: nothing is sealed. */
  readonly envelopes: Envelopes | undefined;
}

/** What one thread's receivers have been through since it started. */
export interface ReceptionCounts {
  delivered: number;
  /** Repetitions of an id under exactly-once. */
  repeatedIds: number;
  /** Deliveries to be repeated. */
  redelivered: number;
  /** Handled in vain under at-most-once. */
  lost: number;
  /** Taken out by their askers. */
  cancelled: number;
  /** Nobody needed them any more when their turn came. */
  expired: number;
}

/** The receiving half of a bus: mailboxes, what is being handled, and what becomes of it. */
export class Reception {
  readonly roster: Roster;
  readonly counts: ReceptionCounts = {
    delivered: 0,
    repeatedIds: 0,
    redelivered: 0,
    lost: 0,
    cancelled: 0,
    expired: 0,
  };
  readonly #options: ReceptionOptions;
  readonly #stock = new MailboxStock();
  /** Requests that are in mailboxes or being handled here, by thread and token. */
  readonly #asked = new AskedTable();
  readonly #repeatKind: number;
  readonly #repeats = new Map<number, Delivery>();
  /** Ids of messages that receivers were to give up, and that had not come yet. */
  readonly #unwanted = new Map<number, Set<string>>();
  #repeatToken = 0;
  /** Entries of the journals of lost threads whose messages are here: their successors bring them again. */
  readonly #inHand = new Map<number, Set<number>>();
  /** Their outcomes or answers wait until what was sent is on disk. */
  readonly #held = new Set<Delivery>();
  #isDraining = false;
  /** Whether any message asked for a level of its own: most hosts have none that does. */
  #hasUrgent = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.roster = new Roster((id) => options.directory.indexOf(id));
    this.#repeatKind = options.wheel.kind((token) => this.#repeat(token));
  }

  /** Requests that wait or are handled here. */
  get asked(): number {
    return this.#asked.size;
  }

  attach(id: number, name: string, receiver: Receiver, terms: ReceiverTerms): void {
    assert(this.roster.get(id) === undefined, `${name} is attached already`);
    this.roster.add(new Resident(id, name, receiver, terms));
  }

  rest(id: number): void {
    this.roster.rest(id, this.#options.stamps.nowMs());
  }

  /** Returns what waited, in its order; what is being handled is still to be settled. */
  detach(id: number): readonly Delivery[] {
    const resident = this.roster.get(id);
    if (resident === undefined) return [];
    this.roster.delete(id);
    this.#unwanted.delete(id);
    const waited: Delivery[] = [];
    for (let next = resident.mailbox?.shift(); next !== undefined; next = resident.mailbox?.shift())
      waited.push(next);
    for (const token of resident.repeats ?? []) {
      const delivery = this.#repeats.get(token);
      this.#repeats.delete(token);
      if (delivery === undefined) continue;
      delivery.repeat = 0;
      waited.push(delivery);
    }
    for (const delivery of waited) {
      if (delivery.request !== 0) this.#asked.delete(delivery);
      this.#free(delivery);
    }
    return waited;
  }

  /**
   * Whether an agent that moves may leave now: it handles nothing, nothing here waits for a moment or for the disk, and
   * nobody who moved since, or moves with it, wrote what waits.
   */
  mayLeave(id: number): boolean {
    const resident = this.roster.get(id);
    if (resident === undefined || this.#unwanted.has(id)) return false;
    const { current, flush, asking, repeats, paused } = resident;
    if (current !== undefined || asking > 0 || repeats !== undefined) return false;
    if (flush !== undefined && flush.state !== 'safe') return false;
    if ((paused & ~pauses.move) !== 0) return false;
    for (const { receiver } of this.#held) if (receiver === id) return false;
    for (const delivery of resident.mailbox?.all() ?? []) if (!this.#isOfSenderThere(delivery)) return false;
    return true;
  }

  /** Whether a message would go back to the thread its sender is on: what that sends next must not overtake it. */
  #isOfSenderThere({ message: { sender }, thread }: Delivery): boolean {
    const { directory } = this.#options;
    const id = sender === undefined ? 0 : directory.find(sender);
    return id === 0 || directory.ownerOf(id) === thread;
  }

  /** As `detach`, of one that moves: its messages go back to their senders' threads. @returns what it takes along */
  leave(id: number): BusLuggage {
    const resident = this.roster.get(id);
    const waited = this.detach(id);
    for (const { guarantee, message } of waited)
      if (guarantee === 'exactly-once') resident?.received(this.#options.idsMax).delete(receivedKey(message));
    const luggage = resident?.luggage(this.#options.stamps.nowMs()) ?? noLuggage;
    for (const delivery of waited) this.#options.giveBack(delivery);
    return luggage;
  }

  /** One that moved comes here with what it takes along. */
  unpack(id: number, luggage: BusLuggage): void {
    this.roster.get(id)?.unpack(luggage, this.#options.idsMax, this.#options.stamps.nowMs());
  }

  /** When the next message of an agent is due, on the monotonic clock; infinite if it has none, or time enough. */
  dueOf(id: number): number {
    return this.roster.get(id)?.mailbox?.first?.untilMs ?? Number.POSITIVE_INFINITY;
  }

  /** The place of the first level that something in an agent's mailbox asks for; undefined: only its own. */
  urgencyOf(id: number): number | undefined {
    return this.#hasUrgent ? this.roster.get(id)?.mailbox?.level : undefined;
  }

  hasMail(id: number): boolean {
    return (this.roster.get(id)?.mailbox?.size ?? 0) > 0;
  }

  pause(id: number, why: Pause = 'halt'): void {
    const resident = this.roster.get(id);
    if (resident !== undefined) resident.paused |= pauses[why];
  }

  /** It goes on, unless it is paused for another reason too. */
  resume(id: number, why: Pause = 'halt'): void {
    const resident = this.roster.get(id);
    if (resident === undefined || (resident.paused & pauses[why]) === 0) return;
    resident.paused &= ~pauses[why];
    if (resident.paused === 0 && (resident.mailbox?.size ?? 0) > 0)
      resident.receiver.wake(id, resident.mailbox?.level);
  }

  /** A message whose place is reserved, new on this thread. */
  arrive(delivery: Delivery): void {
    const resident = this.roster.get(delivery.receiver);
    if (resident === undefined) {
      const owner = this.#options.directory.ownerOf(delivery.receiver);
      if (isOnTheWay(owner)) this.#options.giveBack(delivery);
      else if (!this.#options.forward(delivery)) this.drop(delivery, 'removed');
      return;
    }
    if (this.#inHand.size > 0 && this.#inHand.get(delivery.thread)?.delete(delivery.entry)) {
      this.#free(delivery);
      return;
    }
    if (this.#unwanted.get(delivery.receiver)?.delete(delivery.message.id) === true) {
      this.drop(delivery, 'dropped');
      this.#free(delivery);
      return;
    }
    const { attemptsMax, deliveriesMax = attemptsMax } = resident.terms.redelivery;
    if (delivery.message.attempt > deliveriesMax && delivery.entry !== 0) {
      this.#free(delivery);
      this.#bury(delivery, 'attempts', undefined);
      return;
    }
    if (delivery.guarantee === 'exactly-once' && this.#isRepetition(resident, delivery.message)) {
      this.counts.repeatedIds++;
      this.#options.withdrawn(delivery.thread, delivery.entry);
      this.#free(delivery);
      return;
    }
    const { envelopes } = this.#options;
    if (envelopes !== undefined && !envelopes.isAcceptable(delivery.message, resident.id, resident.name)) {
      this.#free(delivery);
      this.#refuse(delivery);
      return;
    }
    if (delivery.request !== 0 && !this.#admit(resident, delivery)) return;
    this.#push(resident, delivery);
  }

  /** A request is let in, and the host's own question how it is overtakes all others. False: it was turned away. */
  #admit(resident: Resident, delivery: Delivery): boolean {
    if (isProbe(delivery)) {
      this.#asked.add(delivery);
      this.#pushFirst(resident, delivery);
      return false;
    }
    const refusal = resident.receiver.refusal?.(resident.id);
    if (refusal !== undefined) {
      this.#free(delivery);
      this.#turnAway(delivery, refusal);
      return false;
    }
    const late = this.#lateness(resident, delivery);
    if (late !== undefined) {
      this.#free(delivery);
      this.answer(delivery, { error: { tag: 'too-late', val: late } });
      return false;
    }
    this.#asked.add(delivery);
    return true;
  }

  #lateness(resident: Resident, delivery: Delivery): TooLate | undefined {
    const { receiver, mailbox, paused } = resident;
    if (receiver.lateness === undefined || paused !== 0) return undefined;
    return receiver.lateness(resident.id, delivery, mailbox?.aheadOf(laneOf(resident, delivery)) ?? 0);
  }

  /** Who is no agent learns why. */
  #turnAway(delivery: Delivery, outcome: Outcome<Uint8Array | undefined>): void {
    if (delivery.from !== 0) this.answer(delivery, { error: { tag: 'unavailable' } });
    else this.answer(delivery, { outcome, contentType: undefined, headers: [] });
  }

  /** Answers the requests that wait for a receiver; messages that nobody waits for stay. */
  refuseAsked(id: number, outcome: Outcome<Uint8Array | undefined>): void {
    const resident = this.roster.get(id);
    if (resident === undefined) return;
    for (const delivery of [...(resident.mailbox?.all() ?? []), ...this.#repeatsOf(resident)]) {
      if (delivery.request === 0 || isProbe(delivery)) continue;
      this.#turnAway(delivery, outcome);
      this.#withdraw(resident, delivery);
    }
  }

  /** It says what nobody sealed. */
  #refuse(delivery: Delivery): void {
    if (delivery.request !== 0) this.answer(delivery, { error: { tag: 'unavailable' } });
    else if (delivery.guarantee === 'at-most-once') this.counts.lost++;
    else this.#bury(delivery, 'corrupt', undefined);
  }

  /** Puts what a sealed message says in its place; false: it is not believed. */
  #open(delivery: Delivery, name: string): boolean {
    const opened = this.#options.envelopes?.opened(delivery.message, name);
    if (opened === undefined) return false;
    delivery.message = opened;
    delivery.openedFor = name;
    return true;
  }

  /** The next message of a receiver that handles none. */
  take(id: number): Delivery | undefined {
    const resident = this.roster.get(id);
    if (resident?.mailbox === undefined || resident.current !== undefined) return undefined;
    if (resident.paused !== 0 && !isAskable(resident)) return undefined;
    for (;;) {
      const delivery: Delivery | undefined = resident.mailbox?.shift();
      if (resident.mailbox?.size === 0) {
        this.#stock.give(resident.mailbox);
        resident.mailbox = undefined;
      }
      if (delivery === undefined) return undefined;
      if (resident.paused !== 0 && !isProbe(delivery)) {
        // The question in front of it was taken back.
        resident.mailbox ??= this.#stock.take();
        resident.mailbox.unshift(delivery);
        return undefined;
      }
      if (this.#isDraining && delivery.entry !== 0) {
        this.#free(delivery);
        continue;
      }
      const isLate =
        delivery.untilMs !== Number.POSITIVE_INFINITY && delivery.untilMs <= this.#options.stamps.nowMs();
      const { circles } = this.#options.directory;
      circles.noteWorking(id, true);
      // What its place was counted for is what came, before it is opened.
      this.#free(delivery);
      const isUnbelieved =
        !isLate && delivery.message.isSealed === true && !this.#open(delivery, resident.name);
      if (isLate) this.#expire(delivery);
      else if (isUnbelieved) this.#refuse(delivery);
      else {
        resident.current = delivery;
        this.counts.delivered++;
        return delivery;
      }
      circles.noteWorking(id, false);
    }
  }

  /** With a `reason` it is given up, whatever may work later. */
  settle(delivery: Delivery, outcome: Outcome<Uint8Array | undefined>, reason?: DeadReason): void {
    const resident = this.roster.get(delivery.receiver);
    const flush = this.#letGo(resident, delivery);
    if (flush === undefined || flush.state === 'safe') this.#conclude(resident, delivery, outcome, reason);
    else if (flush.state === 'lost') this.#undo(delivery);
    else if (!delivery.isHeld) {
      this.#hold(flush, { delivery, outcome, reply: undefined, reason });
    }
  }

  /** It is being handled no longer. Returns what takes to disk that which was sent meanwhile. */
  #letGo(resident: Resident | undefined, delivery: Delivery): Flush | undefined {
    if (resident?.current !== delivery) return undefined;
    resident.current = undefined;
    this.#options.directory.circles.noteWorking(resident.id, false);
    const { flush } = resident;
    resident.flush = undefined;
    return flush;
  }

  /** Whether anybody still wants what becomes of it, and nobody has it yet. */
  isOpen({ isAnswered, isCancelled, isHeld }: Delivery): boolean {
    return !isAnswered && !isCancelled && !isHeld;
  }

  /**
   * Instead of `settle`: delivers a message again whatever its outcome was, before all others or after the receiver's
   * backoff. False, and nothing is done: its time or that of its asker is over then, too many wait already, or
   * its sender asked for one delivery at most.
   */
  again(last: Delivery, isAtOnce: boolean): boolean {
    const resident = this.roster.get(last.receiver);
    if (resident === undefined || !this.isOpen(last) || !isRepeatable(last)) return false;
    const delayMs = isAtOnce ? 0 : backoffMs(resident.terms.redelivery, last.message.attempt);
    if (this.#options.stamps.nowMs() + delayMs >= last.untilMs) return false;
    if (!isAtOnce && this.#repeats.size >= this.#options.redeliveriesMax) return false;
    const next = this.#comeAgain(resident, last, last.message.attempt + 1);
    this.counts.redelivered++;
    if (isAtOnce) this.#pushFirst(resident, next);
    else this.#armRepeat(resident, next, delayMs);
    return true;
  }

  /** Instead of `settle`: its receiver is paused, and the message waits before all others until it is resumed. */
  keep(last: Delivery, outcome: Outcome<Uint8Array | undefined>): void {
    this.pause(last.receiver);
    const resident = this.roster.get(last.receiver);
    if (resident === undefined || !this.isOpen(last)) this.settle(last, outcome);
    else this.#pushFirst(resident, this.#comeAgain(resident, last, last.message.attempt));
  }

  /** Gives up what waits for a receiver, or of that what has one of these ids, also if it comes only later. */
  clear(id: number, reason: DeadReason, ids?: readonly string[]): void {
    const resident = this.roster.get(id);
    if (resident === undefined) return;
    const waiting = [...(resident.mailbox?.all() ?? []), ...this.#repeatsOf(resident)];
    for (const delivery of waiting) {
      if (ids?.includes(delivery.message.id) === false) continue;
      this.drop(delivery, reason);
      this.#withdraw(resident, delivery);
    }
    if (ids === undefined) return;
    const found = new Set(waiting.map(({ message }) => message.id));
    const missing = ids.filter((one) => !found.has(one));
    // After a restart what waited is still on its way from the journals of other threads.
    if (missing.length > 0) this.#unwanted.set(id, new Set(missing));
  }

  #repeatsOf({ repeats }: Resident): readonly Delivery[] {
    const waiting = [...(repeats ?? [])].map((token) => this.#repeats.get(token));
    return waiting.filter((delivery) => delivery !== undefined);
  }

  /** Out of the mailbox, or of what waits to be repeated. */
  #withdraw(resident: Resident, delivery: Delivery): void {
    if (delivery.repeat === 0) {
      delivery.isCancelled = true;
      resident.mailbox?.noteCancelled(delivery);
    } else this.#forgetRepeat(resident, delivery);
    this.#free(delivery);
  }

  /** A request that another agent is asked instead; ended by `stoodIn`. */
  standIn(delivery: Delivery): { readonly signal: AbortSignal; readonly flush: Flush | undefined } {
    const flush = this.#letGo(this.roster.get(delivery.receiver), delivery);
    delivery.standIn = new AbortController();
    return { signal: delivery.standIn.signal, flush };
  }

  /** The other one's answer, once what the first sent is on disk; undefined: there is none, and it is open again. */
  stoodIn(delivery: Delivery, flush: Flush | undefined, reply: Reply | undefined): void {
    delivery.standIn = undefined;
    if (reply === undefined) return;
    if (flush === undefined || flush.state === 'safe') this.answer(delivery, reply);
    else if (flush.state === 'lost') this.answer(delivery, { error: { tag: 'unavailable' } });
    else this.#hold(flush, { delivery, outcome: undefined, reply });
  }

  /** The same message, to be handled once more; it has its place in the mailbox's count. */
  #comeAgain(resident: Resident, last: Delivery, attempt: number): Delivery {
    this.#letGo(resident, last);
    if (attempt !== last.message.attempt) this.#options.attempted(last.thread, last.entry, attempt);
    if (last.request !== 0) this.#asked.delete(last);
    const next = copyOf(last, attempt);
    if (next.request !== 0) this.#asked.add(next);
    this.#options.directory.reserveAnyway(next.receiver, weightOf(next.message));
    return next;
  }

  #pushFirst(resident: Resident, delivery: Delivery): void {
    resident.mailbox ??= this.#stock.take();
    resident.mailbox.unshift(delivery);
    if (resident.paused === 0 || isAskable(resident))
      resident.receiver.wake(resident.id, resident.mailbox.level);
  }

  #hold(flush: Flush, held: Held): void {
    held.delivery.isHeld = true;
    this.#held.add(held.delivery);
    flush.held.push(held);
  }

  /** What was sent is on disk, or it is not and will not be: then nothing came of the messages that made it be sent. */
  release({ held, state }: Flush): void {
    for (const one of held) {
      one.delivery.isHeld = false;
      this.#held.delete(one.delivery);
      if (state === 'safe') this.#releaseOne(one);
      else this.#undo(one.delivery);
    }
  }

  #releaseOne({ delivery, outcome, reply, reason }: Held): void {
    if (reply !== undefined) this.answer(delivery, reply);
    if (outcome !== undefined) this.#conclude(this.roster.get(delivery.receiver), delivery, outcome, reason);
  }

  /** As if it had not been handled, which is no fault of its own. */
  #undo(delivery: Delivery): void {
    if (delivery.request !== 0) this.answer(delivery, { error: { tag: 'unavailable' } });
    else if (delivery.guarantee === 'at-most-once') this.counts.lost++;
    else this.#repeatLater(this.roster.get(delivery.receiver), delivery, delivery.message.attempt);
  }

  #conclude(
    resident: Resident | undefined,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
    reason: DeadReason | undefined,
  ): void {
    if (delivery.request !== 0) {
      const { contentType } = delivery.message;
      // Whether its own timer or the agent's limit was first, the asker is told the same.
      if (isDeadline(outcome) && delivery.untilMs <= this.#options.stamps.nowMs())
        this.answer(delivery, { error: { tag: 'timed-out' } });
      else this.answer(delivery, { outcome, contentType, headers: [] });
      return;
    }
    if (outcome.kind === 'cancelled' && this.#isDraining && delivery.entry !== 0) return;
    const verdict = verdictOf(outcome);
    if (verdict.kind === 'done') this.#options.settled(delivery.thread, delivery.entry);
    else if (verdict.kind === 'invalid') this.#bury(delivery, 'invalid', verdict.failure);
    else if (delivery.guarantee === 'at-most-once') this.counts.lost++;
    else if (reason !== undefined) this.#bury(delivery, reason, verdict.failure);
    else if (verdict.kind === 'refused') this.#bury(delivery, 'refused', verdict.failure);
    else this.#redeliver(resident, delivery, verdict.failure);
  }

  /** Answers a request, once. */
  answer(delivery: Delivery, reply: Reply): void {
    if (delivery.request !== 0) this.#asked.delete(delivery);
    if (delivery.isAnswered || delivery.isCancelled) return;
    delivery.isAnswered = true;
    const { envelopes, reply: bring } = this.#options;
    const { openedFor } = delivery;
    const sent =
      openedFor === undefined || envelopes === undefined
        ? reply
        : envelopes.outgoingReply(delivery.message, openedFor, reply);
    bring(delivery.thread, delivery.request, sent);
  }

  /** As `answer`, once what its receiver sent so far is on disk. */
  answerFrom(resident: Resident, delivery: Delivery, reply: Reply): void {
    const { flush } = resident;
    if (flush === undefined || flush.state === 'safe') this.answer(delivery, reply);
    else if (flush.state === 'lost') this.answer(delivery, { error: { tag: 'unavailable' } });
    else {
      this.#hold(flush, { delivery, outcome: undefined, reply });
    }
  }

  /** From now on only what no journal has is handled; the rest is delivered after the restart. */
  drain(): void {
    this.#isDraining = true;
  }

  /** A thread is gone: nobody waits for answers to what it asked, and what its journal has here is not lost. */
  forgetThread(thread: number): void {
    for (const first of this.#asked.takeAll(thread)) {
      for (let one: Delivery | undefined = first; one !== undefined; one = one.sibling) this.#cancelOne(one);
    }
    const entries = new Set<number>();
    for (const one of this.#all()) if (one.thread === thread && one.entry !== 0) entries.add(one.entry);
    this.#inHand.delete(thread);
    if (entries.size > 0) this.#inHand.set(thread, entries);
  }

  /** Every message on this thread that is not concluded. */
  *#all(): Iterable<Delivery> {
    for (const { mailbox, current } of this.roster.all()) {
      if (mailbox !== undefined) yield* mailbox.all();
      if (current !== undefined) yield current;
    }
    yield* this.#held;
    yield* this.#repeats.values();
  }

  /** The asker gave up: out of the mailboxes, and whoever handles it is told. */
  cancel(thread: number, request: number): void {
    let delivery = this.#asked.take(thread, request);
    for (; delivery !== undefined; delivery = delivery.sibling) this.#cancelOne(delivery);
  }

  /** Ends what waited for a receiver that is gone; its place is free already, or it never had one here. */
  drop(delivery: Delivery, reason: DeadReason, name?: string): void {
    if (delivery.request !== 0) this.answer(delivery, { error: { tag: 'unavailable' } });
    else if (delivery.guarantee === 'at-most-once') this.counts.lost++;
    else this.#bury(delivery, reason, undefined, name);
  }

  #isRepetition(resident: Resident, message: Message): boolean {
    const key = receivedKey(message);
    const window = resident.received(this.#options.idsMax);
    if (window.has(key)) return true;
    window.add(key);
    return false;
  }

  /** A receiver dealt with an exactly-once message before this process. */
  rememberId(id: number, origin: string | undefined, messageId: string): void {
    this.roster.get(id)?.received(this.#options.idsMax).add(idKey(origin, messageId));
  }

  #forgetId(id: number, message: Message): void {
    this.roster.get(id)?.received(this.#options.idsMax).delete(receivedKey(message));
  }

  #push(resident: Resident, delivery: Delivery): void {
    const wasEmpty = resident.mailbox === undefined || resident.mailbox.size === 0;
    resident.mailbox ??= this.#stock.take();
    const lane = laneOf(resident, delivery);
    if (lane !== plainLane) {
      this.#pushUrgent(resident, resident.mailbox, delivery, lane);
      return;
    }
    resident.mailbox.push(delivery);
    if (wasEmpty && resident.paused === 0) resident.receiver.wake(resident.id);
  }

  /** It overtakes what asks for less, and its receiver comes to its level as long as it waits. */
  #pushUrgent(resident: Resident, mailbox: Mailbox, delivery: Delivery, level: number): void {
    const before = mailbox.level ?? plainLane;
    mailbox.push(delivery, level);
    this.#hasUrgent = true;
    if (resident.paused === 0 && level < before) resident.receiver.wake(resident.id, level);
  }

  /** Gives back the place a message had in its mailbox. */
  #free({ receiver, message }: Delivery): void {
    const waiting = this.#options.directory.release(receiver, weightOf(message));
    if (waiting !== 0) this.#options.room(receiver, waiting);
  }

  #cancelOne(delivery: Delivery): void {
    if (delivery.isAnswered || delivery.isCancelled) return;
    delivery.isCancelled = true;
    this.counts.cancelled++;
    if (delivery.isHeld) return;
    if (delivery.standIn !== undefined) {
      delivery.standIn.abort();
      return;
    }
    const resident = this.roster.get(delivery.receiver);
    if (resident === undefined) return;
    if (resident.current === delivery) resident.receiver.cancel(resident.id, delivery);
    else if (delivery.repeat !== 0) {
      this.#forgetRepeat(resident, delivery);
      this.#free(delivery);
    } else {
      resident.mailbox?.noteCancelled(delivery);
      this.#free(delivery);
    }
  }

  #expire(delivery: Delivery): void {
    this.counts.expired++;
    if (delivery.request !== 0) this.answer(delivery, { error: { tag: 'timed-out' } });
    else if (delivery.guarantee !== 'at-most-once') this.#bury(delivery, 'expired', undefined);
  }

  #bury(delivery: Delivery, reason: DeadReason, failure: Failure | undefined, name?: string): void {
    const { guarantee, receiver, thread, entry } = delivery;
    const { stamps, died, envelopes } = this.#options;
    const own = name ?? this.roster.get(receiver)?.name;
    // Kept as it was sent: nobody else can open it, and it may be sent again.
    const isOpened = reason !== 'corrupt' && delivery.message.isSealed === true && own !== undefined;
    const message = (isOpened ? envelopes?.opened(delivery.message, own) : undefined) ?? delivery.message;
    // It was not dealt with, so it may come again.
    if (guarantee === 'exactly-once') this.#forgetId(receiver, message);
    died(thread, {
      message,
      guarantee,
      receiver: own ?? agentNamed(message.subject),
      reason,
      failure,
      atMs: Number(stamps.wallNs(stamps.nowMs()) / 1_000_000n),
      entry,
    });
  }

  /** Once more after a while; it keeps its place in the mailbox's count, not its turn. */
  #redeliver(resident: Resident | undefined, last: Delivery, failure: Failure): void {
    const { attempt } = last.message;
    const { attemptsMax } = resident?.terms.redelivery ?? onceMoreAtOnce;
    if (attempt >= attemptsMax || this.#repeats.size >= this.#options.redeliveriesMax) {
      this.#bury(last, 'attempts', failure);
      return;
    }
    this.#options.attempted(last.thread, last.entry, attempt + 1);
    this.#repeatLater(resident, last, attempt + 1);
  }

  #repeatLater(resident: Resident | undefined, last: Delivery, attempt: number): void {
    this.counts.redelivered++;
    const next = copyOf(last, attempt);
    this.#options.directory.reserveAnyway(next.receiver, weightOf(next.message));
    if (resident === undefined) {
      // It left this thread while it handled the message.
      if (!this.#options.forward(next)) this.drop(next, 'removed');
      return;
    }
    this.#armRepeat(resident, next, backoffMs(resident.terms.redelivery, last.message.attempt));
  }

  #armRepeat(resident: Resident, delivery: Delivery, delayMs: number): void {
    do this.#repeatToken = (this.#repeatToken + 1) & 0x7fffffff;
    while (this.#repeats.has(this.#repeatToken));
    const token = this.#repeatToken;
    delivery.repeat = token;
    this.#repeats.set(token, delivery);
    resident.repeats ??= new Set();
    resident.repeats.add(token);
    if (this.#options.wheel.after(this.#repeatKind, token, delayMs) === 0) this.#repeat(token);
  }

  #repeat(token: number): void {
    const delivery = this.#repeats.get(token);
    if (delivery === undefined) return;
    const resident = this.roster.get(delivery.receiver);
    if (resident === undefined) this.#repeats.delete(token);
    else {
      this.#forgetRepeat(resident, delivery);
      this.#push(resident, delivery);
    }
  }

  #forgetRepeat(resident: Resident, delivery: Delivery): void {
    this.#repeats.delete(delivery.repeat);
    resident.repeats?.delete(delivery.repeat);
    if (resident.repeats?.size === 0) resident.repeats = undefined;
    delivery.repeat = 0;
  }
}

/** The lane of a message: that of the level it asks for, if its receiver's own is none before it. */
function laneOf({ terms }: Resident, { message: { priority } }: Delivery): number {
  if (priority === undefined) return plainLane;
  const level = rankOfLevel(priority);
  return level < (terms.level ?? 0) ? level : plainLane;
}

/** Whether somebody who says that it is not ready is asked again. */
function isAskable({ paused, mailbox }: Resident): boolean {
  if (paused !== pauses.unready) return false;
  const first = mailbox?.first;
  return first !== undefined && isProbe(first);
}

const noLuggage: BusLuggage = { sent: [], received: [], tokens: undefined };
/** Of an agent that left this thread while it handled the message. */
const onceMoreAtOnce: Pick<Redelivery, 'attemptsMax'> = { attemptsMax: Number.POSITIVE_INFINITY };

function backoffMs({ backoffMs: first, backoffMsMax }: Redelivery, attempt: number): number {
  return Math.min(backoffMsMax, first * 2 ** Math.min(attempt - 1, 30));
}

/** A sender that asked for one delivery at most gets no second one; an asker knows what the receiver's manifest says. */
function isRepeatable({ request, guarantee }: Delivery): boolean {
  return request !== 0 || guarantee !== 'at-most-once';
}

/** Two senders may give the same id. */
function receivedKey(message: Message): string {
  return idKey(originOf(message), message.id);
}

function idKey(origin: string | undefined, id: string): string {
  return `${origin ?? ''}\0${id}`;
}

function agentNamed(subject: string): string {
  return subject.startsWith('agent.') ? subject.slice('agent.'.length) : '';
}

function copyOf(last: Delivery, attempt: number): Delivery {
  const { message, receiver, from, guarantee, request, thread, entry, untilMs } = last;
  const copy = new Delivery(
    { ...message, attempt },
    receiver,
    from,
    guarantee,
    request,
    thread,
    entry,
    untilMs,
  );
  copy.openedFor = last.openedFor;
  return copy;
}

function isDeadline(outcome: Outcome<Uint8Array | undefined>): boolean {
  return outcome.kind === 'limit' && outcome.limit === 'deadlineMs';
}
