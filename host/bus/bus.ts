import type { Wheel } from '../clock/wheel.ts';
import type { Clock, Random } from '../clock.ts';
import type { Outcome } from '../outcome.ts';
import { groupFault, patternFault, reservedToken } from '../subject.ts';
import { publishes, requests, type Sending, sends } from '../telemetry/channels.ts';
import { type BusLimits, defaultBusLimits } from './bus-limits.ts';
import { type DeadLetter, DeadLetters, type DeadReason } from './dead-letters.ts';
import {
  type Accepted,
  type Delivery,
  type Lodgers,
  outside,
  type Receiver,
  type ReceiverTerms,
  type Reply,
  type RequestOptions,
  type Sender,
  type SendOptions,
} from './delivery.ts';
import type { Directory } from './directory.ts';
import { type EnvelopeSeal, Envelopes, type RefusedMessage } from './envelopes.ts';
import { Fates } from './fates.ts';
import { Fences } from './fences.ts';
import { Flushes } from './flush.ts';
import type { Frame, Links } from './frame-kinds.ts';
import { Holds } from './holds.ts';
import type { Journal, JournalRecord } from './journal-port.ts';
import type { BusError, Header, Message, Payload } from './message.ts';
import type { MessageSigner } from './message-signer.ts';
import { Outbox } from './outbox.ts';
import { Pace } from './pace.ts';
import { Reception, type ReceptionCounts } from './reception.ts';
import type { BusRecord } from './record-port.ts';
import { RegisteredMail } from './registered-mail.ts';
import { Requests } from './requests.ts';
import type { BusLuggage, Pause } from './resident.ts';
import { Shipping, type ShippingCounts, unrecorded } from './shipping.ts';
import { Stamps } from './stamps.ts';
import { SubjectTree, type Subscription } from './subject-tree.ts';
import { WaitingRoom } from './waiting-room.ts';
import { weightOf } from './weight.ts';

export interface BusOptions {
  readonly links: Links;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: Wheel;
  /** Where messages that are to be delivered at least once outlive the process; none: in memory only. */
  readonly journal?: Journal | undefined;
  readonly limits?: Partial<BusLimits>;
  /** Seals the messages of agents that want it; none: nothing is sealed. */
  readonly seal?: EnvelopeSeal | undefined;
  /** Signs what agents send that want it; none: nothing is signed. */
  readonly signer?: MessageSigner | undefined;
  /** Told of every message that was not sealed by who it says, or not for who got it. */
  readonly onRefused?: (refused: RefusedMessage) => void;
  /** Told of every message that this thread gives up. */
  readonly onDeadLetter?: (letter: DeadLetter) => void;
  /** Where it is put on record what is sent; none: nowhere. */
  readonly record?: BusRecord | undefined;
  /** How many threads had this one's number before, each of which was lost. */
  readonly predecessors?: number;
  /** Subscriptions of an earlier run have numbers (`numberOf`) up to this. */
  readonly subscriptionsFrom?: number;
}

/** A subscription that an agent made, as it outlives the process. */
export interface KeptSubscription {
  /** What the agent ends it by. */
  readonly id: number;
  readonly pattern: string;
  readonly group: string | undefined;
}

/** Which of its thread's a subscription is. */
export function numberOf({ id }: KeptSubscription): number {
  return Math.floor(id / threadsMax);
}

/** What one thread's senders have been through since it started. */
export interface BusCounts extends Readonly<ReceptionCounts>, Readonly<ShippingCounts> {
  readonly deadLetters: number;
  /** Requests of this thread that wait for an answer, and those that wait or are handled here. */
  readonly asking: number;
  readonly asked: number;
  /** Senders that wait for room. */
  readonly waiting: number;
  /** Messages that wait for a lost thread's successor. */
  readonly stranded: number;
  /** Messages that wait for agents on their way to other threads. */
  readonly held: number;
}

type Listener = (message: Message) => void;

/** How groups of the instances of one agent begin: nobody else can be in one, as a group has no dot in its name. */
export const instancesGroup = 'instances.';

const noOptions: SendOptions = {};
const threadsMax = 256;
/** Of one thread in its life: its successor's numbers are others. */
const subscriptionsMax = 2 ** 28;

/**
 * One thread's part of the bus. It moves messages and does not ask who may: see `guest-api.ts`. Agents are
 * ids inside; a message to an agent of another thread is accepted or refused here, because room is reserved
 * in shared memory, and travels as a frame. Messages from one sender to one receiver keep their order;
 * one that is repeated after a failure comes when its time has come.
 */
export class Bus {
  readonly directory: Directory;
  readonly #self: number;
  readonly #limits: BusLimits;
  readonly #journal: Journal | undefined;
  readonly #outbox: Outbox;
  readonly #reception: Reception;
  readonly #requests: Requests;
  readonly #waitingRoom: WaitingRoom;
  readonly #pace: Pace;
  readonly #mail: RegisteredMail;
  readonly #shipping: Shipping;
  readonly #deadLetters: DeadLetters;
  readonly #fates: Fates;
  readonly #fences: Fences;
  readonly #holds: Holds;
  readonly #tree = new SubjectTree();
  readonly #listeners = new Map<number, Listener>();
  readonly #threads: number;
  #subscriptions: number;

  constructor(options: BusOptions) {
    const { links, directory, clock, random, wheel } = options;
    this.directory = directory;
    this.#self = links.self;
    this.#threads = links.threads;
    this.#limits = { ...defaultBusLimits, ...options.limits };
    this.#journal = options.journal;
    const { predecessors = 0, subscriptionsFrom = 0 } = options;
    this.#subscriptions = subscriptionsFrom + predecessors * subscriptionsMax;
    const stamps = new Stamps(clock, random);
    const full: BusError = { tag: 'full', val: Math.max(1, this.#limits.backpressureMsMax) };
    this.#outbox = new Outbox(links, wheel);
    this.#deadLetters = new DeadLetters(this.#limits.deadLettersMax, this.#limits.deadLetterBytesMax);
    const { seal, onRefused = () => {} } = options;
    const envelopes = seal === undefined ? undefined : new Envelopes(directory, seal, onRefused);
    this.#requests = new Requests({
      wheel,
      envelopes,
      requestsMax: this.#limits.requestsMax,
      cancel: (thread, request) => this.#cancelAt(thread, request),
      closed: (from) => this.#shipping.countAsking(from, -1),
    });
    this.#waitingRoom = new WaitingRoom({
      wheel,
      directory,
      self: this.#self,
      waitersMax: this.#limits.waitersMax,
      full,
      ship: (waiter) => this.#shipping.shipLate(waiter),
    });
    this.#pace = new Pace(wheel, this.#limits.waitersMax);
    this.#reception = new Reception({
      directory,
      envelopes,
      wheel,
      stamps,
      idsMax: this.#limits.idsMax,
      redeliveriesMax: this.#limits.redeliveriesMax,
      reply: (thread, request, reply) => this.#replyTo(thread, request, reply),
      settled: (thread, entry) => this.#fates.settled(thread, entry),
      withdrawn: (thread, entry) => this.#fates.withdrawn(thread, entry),
      attempted: (thread, entry, attempt) => this.#fates.attempted(thread, entry, attempt),
      died: (thread, letter) => this.#fates.died(thread, letter),
      room: (receiver, threads) => this.#announceRoom(receiver, threads),
      forward: (delivery) => this.#shipping.forward(delivery),
      giveBack: (delivery) => this.#shipping.giveBack(delivery),
    });
    this.#fences = new Fences({ self: this.#self, threads: this.#threads, outbox: this.#outbox, wheel });
    this.#holds = new Holds({
      self: this.#self,
      directory,
      stamps,
      outbox: this.#outbox,
      reception: this.#reception,
      requests: this.#requests,
      mail: () => this.#mail,
      heldMax: this.#limits.heldMax,
      outgoing: (message, to, name, request) => this.#shipping.outgoing(message, to, name, request),
    });
    this.#mail = new RegisteredMail({
      self: this.#self,
      envelopes,
      directory,
      journal: this.#journal,
      flushes: this.#journal && new Flushes(this.#journal, (flush) => this.#reception.release(flush)),
      outbox: this.#outbox,
      reception: this.#reception,
      holds: this.#holds,
      full,
      strandedMax: this.#limits.strandedMax,
      bury: (record, reason, entry) => this.#shipping.bury(record, reason, entry),
      listen: (listener, message) => this.#listeners.get(listener)?.(message),
      isBusy: (id) => this.#reception.roster.get(id)?.current !== undefined,
    });
    this.#fates = new Fates({
      self: this.#self,
      journal: this.#journal,
      outbox: this.#outbox,
      mail: this.#mail,
      deadLetters: this.#deadLetters,
      onDeadLetter: options.onDeadLetter,
    });
    this.#shipping = new Shipping({
      self: this.#self,
      signer: options.signer,
      envelopes,
      directory,
      stamps,
      random,
      limits: this.#limits,
      full,
      journal: this.#journal,
      mail: this.#mail,
      holds: this.#holds,
      outbox: this.#outbox,
      reception: this.#reception,
      requests: this.#requests,
      waitingRoom: this.#waitingRoom,
      pace: this.#pace,
      died: (letter) => this.#fates.keep(letter),
      tree: this.#tree,
      listen: (listener, message) => this.#listeners.get(listener)?.(message),
      record: options.record,
    });
  }

  get counts(): BusCounts {
    return {
      ...this.#reception.counts,
      ...this.#shipping.counts,
      deadLetters: this.#deadLetters.total,
      asking: this.#requests.size,
      asked: this.#reception.asked,
      waiting: this.#waitingRoom.size + this.#pace.size,
      stranded: this.#mail.stranded,
      held: this.#holds.size,
    };
  }

  // Receivers

  /** Makes this thread an agent's. Place it in the directory afterwards, so that nothing comes before. */
  attach(id: number, name: string, receiver: Receiver, terms: ReceiverTerms): void {
    this.#reception.attach(id, name, receiver, terms);
  }

  /** Makes this thread that of all these agents, now and as they come; each is placed in the directory as after `attach`. */
  lodge(lodgers: Lodgers): void {
    this.#reception.roster.lodgers = lodgers;
  }

  /** One of the lodgers will have nothing to do for long: what the bus holds of it goes, if it is nothing of note. */
  rest(id: number): void {
    this.#reception.rest(id);
  }

  /** The agent leaves this thread. Returns what waited, which `resend` or `drop` takes; subscriptions stay. */
  detach(id: number): readonly Delivery[] {
    return this.#reception.detach(id);
  }

  /**
   * The agent is no more: its subscriptions end, whoever asked it is told `unavailable`, what was to be
   * delivered at least once is a dead letter, and what it asked is cancelled. Before `Directory.remove`.
   */
  remove(id: number): void {
    for (const { id: subscription } of [...this.#tree.of(id)]) this.unsubscribe(id, subscription);
    this.endOf(id);
    this.#waitingRoom.endFor(id);
    const resident = this.#reception.roster.get(id);
    for (const delivery of this.detach(id)) this.#reception.drop(delivery, 'removed', resident?.name);
  }

  /** Ends every request and every wait of an agent whose invocation is over. */
  endOf(id: number): void {
    if (this.#reception.roster.get(id)?.asking !== 0) this.#requests.endOf(id, { tag: 'cancelled' });
    this.#waitingRoom.endOf(id);
    this.#pace.endOf(id);
  }

  /** Brings a message that was detached to wherever its receiver is now. */
  resend(delivery: Delivery): void {
    this.directory.reserveAnyway(delivery.receiver, weightOf(delivery.message));
    if (this.directory.ownerOf(delivery.receiver) === this.#self) this.#reception.arrive(delivery);
    else if (!this.#shipping.forward(delivery)) this.#reception.drop(delivery, 'removed');
  }

  /** Ends a message that was detached, as `remove` does. */
  drop(delivery: Delivery): void {
    this.#reception.drop(delivery, 'removed');
  }

  /** The agent's next message, or none. Nothing else comes until it is settled. */
  take(id: number): Delivery | undefined {
    return this.#reception.take(id);
  }

  /**
   * What became of a message: answers it, or ends it, or has it delivered again, or makes it a dead letter; with a
   * `reason` it is not delivered again.
   */
  settle(delivery: Delivery, outcome: Outcome<Uint8Array | undefined>, reason?: DeadReason): void {
    this.#reception.settle(delivery, outcome, reason);
  }

  /**
   * Instead of `settle`: has a message delivered again whatever became of it, at once or after its receiver's backoff.
   * False: it cannot be, as its asker has no time left for it, or its sender asked for one delivery at most.
   */
  again(delivery: Delivery, isAtOnce: boolean): boolean {
    return this.#reception.again(delivery, isAtOnce);
  }

  /** Instead of `settle`: pauses the receiver, and keeps the message as the first that it gets when it is resumed. */
  keep(delivery: Delivery, outcome: Outcome<Uint8Array | undefined>): void {
    this.#reception.keep(delivery, outcome);
  }

  /** Answers the requests that wait for an agent of this thread; agents that asked only hear `unavailable`. */
  refuseAsked(id: number, outcome: Outcome<Uint8Array | undefined>): void {
    this.#reception.refuseAsked(id, outcome);
  }

  /** Gives up what waits for an agent of this thread, all of it or what has one of these ids. */
  clear(id: number, reason: DeadReason, ids?: readonly string[]): void {
    this.#reception.clear(id, reason, ids);
  }

  /**
   * Instead of `settle`: another agent gets a message that somebody sent, with these headers, and it is promised as
   * it was. False, and nothing is done: there is no such agent, it has no room, or the message is to be delivered once at most.
   */
  passOn(delivery: Delivery, agentName: string, headers: readonly Header[]): boolean {
    const { message, guarantee, receiver, request } = delivery;
    const to = this.directory.receiverOf(agentName, guarantee);
    if (to === 0 || request !== 0 || guarantee === 'at-most-once') return false;
    const passed = { ...message, headers, attempt: 1 };
    if ('tag' in this.#mail.send(to, agentName, passed, guarantee, receiver)) return false;
    this.#reception.settle(delivery, passedOn);
    return true;
  }

  /** As `passOn`, for a request: its asker gets the other one's answer. False: nobody has it, and it is to be settled still. */
  async askInstead(delivery: Delivery, agentName: string, headers: readonly Header[]): Promise<boolean> {
    const { signal, flush } = this.#reception.standIn(delivery);
    const reply = await this.#shipping.askInstead(delivery, agentName, headers, signal);
    const isTaken = !('error' in reply) || isOver.has(reply.error.tag);
    this.#reception.stoodIn(delivery, flush, isTaken ? reply : undefined);
    return isTaken;
  }

  /** Whether anybody waits for what becomes of a message, or it is promised that something does. */
  isOpen(delivery: Delivery): boolean {
    return this.#reception.isOpen(delivery);
  }

  /** When the next message of an agent is due, on the monotonic clock; infinite if it has none, or time enough. */
  dueOf(id: number): number {
    return this.#reception.dueOf(id);
  }

  /** The place of the first level that a message which waits for an agent asks for; undefined: only its own. */
  urgencyOf(id: number): number | undefined {
    return this.#reception.urgencyOf(id);
  }

  /** Whether anything waits for an agent of this thread. */
  hasMail(id: number): boolean {
    return this.#reception.hasMail(id);
  }

  /** Messages wait and nobody is woken: for a change of the agent's program. */
  pause(id: number, why?: Pause): void {
    this.#reception.pause(id, why);
  }

  /** They come again, unless it is paused for another reason too. */
  resume(id: number, why?: Pause): void {
    this.#reception.resume(id, why);
  }

  // Moves

  /** As `Fences.pass`. */
  fence(timeoutMs: number): Promise<boolean> {
    return this.#fences.pass(timeoutMs);
  }

  /** Whether an agent of this thread, for which senders hold back what they send, may leave it now. */
  mayLeave(id: number): boolean {
    return this.#reception.mayLeave(id);
  }

  /** An agent leaves for another thread: what waited goes back to its senders' threads. Its subscriptions stay. */
  leave(id: number): BusLuggage {
    this.#waitingRoom.endOf(id);
    return this.#reception.leave(id);
  }

  /** An agent that left another thread is here, with what it takes along. */
  unpack(id: number, luggage: BusLuggage): void {
    this.#reception.unpack(id, luggage);
  }

  /** An agent is where the directory says: what was held back for it on this thread goes there. */
  release(id: number, name: string): void {
    this.#holds.release(id, name);
  }

  // Senders

  /**
   * Does what is no message but counts as one towards the rate of an agent of this thread: who is ahead of it hears of
   * the end as late as a sender would, and beyond that it is not done.
   */
  paced<T>(from: number, act: () => Promise<T>): Promise<T> | BusError {
    return this.#shipping.paced(from, act);
  }

  /**
   * Puts a message into one agent's mailbox. A promise when an agent's send waits for room, at most
   * `backpressureMsMax`, or when a message from outside goes to the journal's disk first.
   */
  send(
    from: Sender,
    agentName: string,
    payload: Payload,
    options: SendOptions = noOptions,
  ): Accepted | BusError | Promise<Accepted | BusError> {
    if (sends.hasSubscribers) sends.publish(sendingOf(from, agentName, payload));
    return this.#shipping.send(from, agentName, payload, options);
  }

  /**
   * Gives every subscriber a copy and one to each group; an agent's answer to `replyTo` goes this way too.
   * Under at-most-once, the default, congested receivers go without and `dropped` says how many; under the
   * others what a full mailbox cannot take is a dead letter.
   */
  publish(
    from: Sender,
    subject: string,
    payload: Payload,
    options: SendOptions = noOptions,
  ): Accepted | BusError | Promise<Accepted | BusError> {
    if (publishes.hasSubscribers) publishes.publish(sendingOf(from, subject, payload));
    return this.#shipping.publish(from, subject, payload, options);
  }

  /** Whether anybody would hear an event of the host: asked before one is put into words. */
  get hasEventListeners(): boolean {
    return this.#tree.names('host');
  }

  /** As `publish`, for the host's own events: the subject begins with `host.`. */
  publishEvent(subject: string, payload: Payload): void {
    void this.#shipping.publishAnywhere(outside, subject, payload, unrecorded);
  }

  /** Asks whoever a subject leads to, `agent.NAME` included, and resolves with the first answer or the end. */
  request(
    from: Sender,
    subject: string,
    payload: Payload,
    options: RequestOptions = noOptions,
  ): Promise<Reply> {
    if (requests.hasSubscribers) requests.publish(sendingOf(from, subject, payload));
    return this.#shipping.request(from, subject, payload, options);
  }

  // Subscriptions

  /** From now on the agent gets what matches. The same again gives the same subscription. */
  subscribe(id: number, pattern: string, group: string | undefined): number | BusError {
    const isOurs = group === undefined || group.startsWith(instancesGroup);
    const fault = patternFault(pattern) ?? (isOurs ? undefined : groupFault(group));
    if (fault !== undefined) return { tag: 'invalid-subject', val: fault };
    const reserved = reservedToken(pattern);
    if (reserved === 'agent' || reserved === '_inbox')
      return { tag: 'invalid-subject', val: `nothing is published to '${reserved}.…'` };
    const own = this.#tree.of(id);
    const same = own.find((one) => one.pattern === pattern && one.group === group);
    if (same !== undefined) return same.id;
    if (own.length >= this.#limits.subscriptionsOfAgentMax)
      return { tag: 'other', val: `at most ${this.#limits.subscriptionsOfAgentMax} subscriptions` };
    const name = this.#reception.roster.get(id)?.name ?? '';
    return this.#subscribe(id, name, pattern, group);
  }

  /** Ending one that is not there, or not this agent's, does nothing. */
  unsubscribe(id: number, subscription: number): void {
    if (this.#tree.get(subscription)?.subscriber !== id) return;
    this.#tree.remove(subscription);
    this.#outbox.owedToAll({ kind: 'unsubscribe', subscriber: id, subscription });
  }

  /** What agents of this thread subscribed to, as it is now. */
  ownSubscriptions(): readonly Subscription[] {
    const isOwn = ({ subscriber }: Subscription): boolean =>
      subscriber > 0 && this.directory.ownerOf(subscriber) === this.#self;
    return [...this.#tree.all()].filter(isOwn);
  }

  /** What an agent subscribed to. */
  subscriptionsOf(id: number): readonly Subscription[] {
    return this.#tree.of(id);
  }

  /**
   * A subscriber of the host on this thread, called at once for every message that matches; it must neither
   * wait nor throw. Returns the way to end it. The pattern has to be valid.
   */
  listen(pattern: string, group: string | undefined, listener: Listener): () => void {
    const subscriber = -1 - (this.#subscriptions * threadsMax + this.#self);
    this.#listeners.set(subscriber, listener);
    const subscription = this.#subscribe(subscriber, '', pattern, group);
    return () => {
      this.#listeners.delete(subscriber);
      this.unsubscribe(subscriber, subscription);
    };
  }

  // Threads

  /** What the bus of another thread says. */
  accept(frame: Frame, from: number): void {
    switch (frame.kind) {
      case 'message':
        if (frame.isReturned === true) this.#holds.giveBack(frame, from);
        else this.#shipping.arrive(frame);
        return;
      case 'reply':
        this.#requests.answer(frame.request, from, frame);
        return;
      case 'refused':
        this.#requests.answer(frame.request, from, { error: frame.error });
        return;
      case 'cancel':
        this.#reception.cancel(frame.thread, frame.request);
        return;
      case 'subscribe':
        this.#tree.add({ ...frame, id: frame.subscription });
        return;
      case 'unsubscribe':
        this.#tree.remove(frame.subscription);
        return;
      case 'settled':
        for (let at = 0; at < frame.runs.length; at += 2)
          this.#mail.settled(frame.runs[at] ?? 0, frame.runs[at + 1] ?? 0);
        return;
      case 'withdrawn':
        this.#mail.withdrawn(frame.entry);
        return;
      case 'attempted':
        this.#mail.attempted(frame.entry, frame.attempt);
        return;
      case 'died':
        this.#fates.keep(frame.letter);
        return;
      case 'room':
        this.#waitingRoom.room(frame.receiver);
        return;
      case 'fence':
        this.#fences.asked(frame.token, from);
        return;
      case 'passed':
        this.#fences.passed(frame.token, from);
        return;
    }
  }

  /** Tells a thread that started later who subscribed to what. */
  introduce(thread: number): void {
    for (const one of this.#tree.all()) this.#outbox.owed(thread, subscribeFrame(one));
  }

  /**
   * A thread is gone: nobody there answers or waits for an answer, and what it was to deal with at least once waits
   * for `returned`. Its agents' owners are for `Directory.suspend`, before.
   */
  forgetThread(thread: number): void {
    this.#outbox.forget(thread);
    this.#fates.forget(thread);
    this.#requests.forget(thread);
    this.#reception.forgetThread(thread);
    this.#mail.strand(thread);
    this.#fences.forget(thread);
  }

  /** The agents of a lost thread are there again, on the one in its place. */
  returned(thread: number): void {
    this.#mail.returned(thread);
  }

  /** Other threads learn at the end of this turn of the event loop what was dealt with; with this, now. */
  acknowledge(): void {
    this.#fates.flush();
  }

  /** The host ends: from now on agents take only what no journal has; the rest is delivered after the restart. */
  drain(): void {
    this.#reception.drain();
  }

  // Dead letters and the journal

  /** The latest dead letters that this thread's journal has, or that nobody's has, newest first. */
  deadLetters(max: number): readonly DeadLetter[] {
    return this.#deadLetters.latest(max);
  }

  /**
   * Delivers dead letters of a message's id again; false: there is none.
   * @throws HostError when the journal does not take one it did not have; it stays
   */
  retryDeadLetter(id: string): boolean {
    const letters = this.#deadLetters.take(id);
    for (const [at, letter] of letters.entries()) {
      try {
        this.#retry(letter);
      } catch (thrown) {
        for (const left of letters.slice(at)) this.#deadLetters.add(left);
        throw thrown;
      }
    }
    return letters.length > 0;
  }

  #retry({ message, receiver, guarantee, entry }: DeadLetter): void {
    const record = { message: { ...message, attempt: 1 }, receiver, guarantee };
    const known =
      entry !== 0 || guarantee === 'at-most-once' ? entry : (this.#journal?.accepted(record) ?? 0);
    if (entry !== 0) this.#journal?.attempted(entry, 1);
    this.#mail.restore(record, known);
  }

  /** False: there is none. */
  dropDeadLetter(id: string): boolean {
    const letters = this.#deadLetters.take(id);
    for (const { entry } of letters) if (entry !== 0) this.#journal?.settled(entry);
    return letters.length > 0;
  }

  /** Delivers what an earlier process had accepted, whether there is room or not. `entry` is that of this thread's journal. */
  restore(record: JournalRecord, entry: number): void {
    this.#mail.restore(record, entry);
  }

  /** Takes back a dead letter of an earlier process. */
  restoreDeadLetter(letter: DeadLetter): void {
    this.#deadLetters.add(letter);
  }

  /** An agent of this thread dealt with an exactly-once message in an earlier process. */
  rememberId(receiver: string, origin: string | undefined, id: string): void {
    this.#reception.rememberId(this.directory.find(receiver), origin, id);
  }

  /** Gives an agent back what it subscribed to in an earlier run. */
  resubscribe(subscriber: number, { id, pattern, group }: KeptSubscription): void {
    const isThere = this.#tree.of(subscriber).some((one) => one.pattern === pattern && one.group === group);
    if (isThere) return;
    this.#announce(id, subscriber, this.#reception.roster.get(subscriber)?.name ?? '', pattern, group);
  }

  #subscribe(subscriber: number, name: string, pattern: string, group: string | undefined): number {
    const id = ++this.#subscriptions * threadsMax + this.#self;
    this.#announce(id, subscriber, name, pattern, group);
    return id;
  }

  #announce(id: number, subscriber: number, name: string, pattern: string, group: string | undefined): void {
    const subscription = { id, subscriber, name, pattern, group, thread: this.#self };
    this.#tree.add(subscription);
    this.#outbox.owedToAll(subscribeFrame(subscription));
  }

  #cancelAt(thread: number, request: number): void {
    if (thread === this.#self) this.#reception.cancel(thread, request);
    else this.#outbox.owed(thread, { kind: 'cancel', request, thread: this.#self });
  }

  #replyTo(thread: number, request: number, reply: Reply): void {
    if (thread === this.#self) this.#requests.answer(request, this.#self, reply);
    else if ('error' in reply) this.#outbox.owed(thread, { kind: 'refused', request, error: reply.error });
    else {
      // It may be another thread's frame, with a number of its own.
      this.#outbox.owed(thread, { ...reply, kind: 'reply', request });
    }
  }

  #announceRoom(receiver: number, threads: number): void {
    for (let thread = 0; thread < this.#threads; thread++) {
      if ((threads & (1 << (thread & 31))) === 0) continue;
      if (thread === this.#self) this.#waitingRoom.room(receiver);
      else this.#outbox.owed(thread, { kind: 'room', receiver });
    }
  }
}

/** What was sent to another instead was dealt with. */
const passedOn: Outcome<undefined> = {
  kind: 'ok',
  value: undefined,
  usage: { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 },
};
/** Ends of a request after which no other agent can help. */
const isOver: ReadonlySet<BusError['tag']> = new Set(['timed-out', 'cancelled']);

function sendingOf({ name }: Sender, target: string, { body }: Payload): Sending {
  return { sender: name, target, bodyBytes: body.length };
}

function subscribeFrame(one: Subscription): Frame {
  const { id, subscriber, name, pattern, group, thread } = one;
  return { kind: 'subscribe', subscriber, name, subscription: id, pattern, group, thread };
}
