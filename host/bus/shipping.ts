import { slotMs } from '../clock/wheel.ts';
import type { Random } from '../clock.ts';
import type { Level } from '../manifest/scheduling.ts';
import { agentSubject, reservedToken, subjectFault } from '../subject.ts';
import type { BusLimits } from './bus-limits.ts';
import type { DeadLetter, DeadReason } from './dead-letters.ts';
import {
  type Accepted,
  Delivery,
  labelsHeader,
  type Reply,
  type RequestOptions,
  type Sender,
  type SendOptions,
} from './delivery.ts';
import { type Directory, isOnTheWay } from './directory.ts';
import type { Envelopes } from './envelopes.ts';
import type { MessageFrame } from './frame-kinds.ts';
import type { Holds } from './holds.ts';
import type { Journal, JournalRecord } from './journal-port.ts';
import type { BusError, Guarantee, Header, Message, Payload } from './message.ts';
import type { MessageSigner } from './message-signer.ts';
import type { Outbox } from './outbox.ts';
import type { Pace } from './pace.ts';
import { type Parcel, parcelFor } from './parcel.ts';
import { idFault, type PayloadTerms, payloadTerms } from './payload-rules.ts';
import { memberFor } from './queue-group.ts';
import type { Reception } from './reception.ts';
import type { BusRecord } from './record-port.ts';
import type { RegisteredMail } from './registered-mail.ts';
import type { Pending, Requests } from './requests.ts';
import type { Resident } from './resident.ts';
import { SentIds } from './sent-ids.ts';
import type { Stamps } from './stamps.ts';
import type { Matches, SubjectTree, Subscription } from './subject-tree.ts';
import { answered } from './verdict.ts';
import type { Waiter, WaitingRoom } from './waiting-room.ts';
import { weightOf } from './weight.ts';

export interface ShippingOptions {
  readonly self: number;
  readonly directory: Directory;
  readonly stamps: Stamps;
  readonly random: Random;
  readonly limits: BusLimits;
  readonly full: BusError;
  readonly journal: Journal | undefined;
  readonly mail: RegisteredMail;
  /** What is for agents on their way to other threads. */
  readonly holds: Holds;
  readonly outbox: Outbox;
  readonly reception: Reception;
  readonly requests: Requests;
  readonly waitingRoom: WaitingRoom;
  readonly pace: Pace;
  readonly died: (letter: DeadLetter) => void;
  readonly tree: SubjectTree;
  /** Calls a listener of the host on this thread. */
  readonly listen: (listener: number, message: Message) => void;
  /** None: nothing is signed. */
  readonly signer: MessageSigner | undefined;
  /** None: nothing is sealed. */
  readonly envelopes: Envelopes | undefined;
  readonly record: BusRecord | undefined;
}

/** What one thread's senders have been through since it started. */
export interface ShippingCounts {
  /** Messages accepted, and the copies of them that went to receivers. */
  accepted: number;
  copies: number;
  /** Copies that congested receivers did not get. */
  dropped: number;
  refused: number;
}

type Result = Accepted | BusError | Promise<Accepted | BusError>;

const denied: BusError = { tag: 'denied' };
const unavailable: BusError = { tag: 'unavailable' };
/** Where one is that is on its way to another thread. */
const nowhere = -1;
const inboxStart = '_inbox.';
const agentStart = 'agent.';
const routesMax = 16_384;
const noEntries: readonly number[] = [];
/** For what ends something that was begun, and for what the host itself tells: the audit chain does not keep it back. */
export const unrecorded: SendOptions = {};

/** An agent by its name, so that neither is looked up or put together for every message. */
interface Route {
  readonly id: number;
  readonly subject: string;
}

/** A caller from outside gave it an id: that is its principal's own. */
function ownId(message: Message, { id: agent, principal }: Sender, id: string | undefined): Message {
  return id === undefined || agent !== 0 || principal === undefined ? message : { ...message, principal };
}

/** The sending half of a bus: what may be sent, where it goes, and what its sender is told. */
export class Shipping {
  readonly counts: ShippingCounts = { accepted: 0, copies: 0, dropped: 0, refused: 0 };
  readonly #options: ShippingOptions;
  readonly #directory: Directory;
  readonly #self: number;
  readonly #stamps: Stamps;
  readonly #reception: Reception;
  readonly #record: BusRecord | undefined;
  readonly #sentIds: SentIds;
  readonly #routes = new Map<string, Route>();
  readonly #isBusy: (id: number) => boolean;
  /** Milliseconds that whoever was admitted last has to wait for its rate; 0: it goes on at once. */
  #aheadMs = 0;

  constructor(options: ShippingOptions) {
    this.#options = options;
    this.#directory = options.directory;
    this.#self = options.self;
    this.#stamps = options.stamps;
    this.#reception = options.reception;
    this.#record = options.record;
    this.#sentIds = new SentIds(options.limits);
    this.#isBusy = (id) => this.#reception.roster.get(id)?.current !== undefined;
  }

  send(from: Sender, agentName: string, payload: Payload, options: SendOptions): Result {
    const route = this.#routeTo(agentName);
    if (route === undefined) return this.#refuse(denied);
    const nowMs = this.#stamps.nowMs();
    const resident = this.#residentOf(from);
    const terms = this.#admit(resident, payload, options, nowMs, this.#aheadMsMax());
    if ('tag' in terms) return this.#refuse(terms);
    const aheadMs = this.#aheadMs;
    const { id } = options;
    const guarantee = terms.guarantee ?? options.guarantee ?? this.#directory.guaranteeOf(route.id);
    const to = guarantee === 'exactly-once' ? route.id : this.#directory.circles.memberFor(route.id);
    const subject = options.subject ?? route.subject;
    const said = ownId(this.#message(from, subject, payload, terms.headers, id, nowMs), from, id);
    const message = hurried(said, terms.priority ?? options.priority);
    const result =
      id === undefined
        ? this.#sendOrWait(to, agentName, message, guarantee, from, 0, nowMs)
        : this.#sentIds.once(from, resident, agentName, id, () =>
            this.#sendOrWait(to, agentName, message, guarantee, from, 0, nowMs),
          );
    return aheadMs === 0 ? result : this.#options.pace.hold(from.id, result, aheadMs);
  }

  publish(from: Sender, subject: string, payload: Payload, options: SendOptions): Result {
    if (subject.startsWith(inboxStart)) return this.#answer(from, subject, payload);
    const fault = unpublishable(subject);
    return fault === undefined ? this.publishAnywhere(from, subject, payload, options) : this.#refuse(fault);
  }

  /** As `publish`, with no subject reserved. */
  publishAnywhere(from: Sender, subject: string, payload: Payload, options: SendOptions): Result {
    const matches = this.#options.tree.match(subject);
    if (matches === undefined) return this.#refuse(invalidSubject(subject));
    const nowMs = this.#stamps.nowMs();
    const resident = this.#residentOf(from);
    const terms = this.#admit(resident, payload, options, nowMs, this.#aheadMsMax());
    if ('tag' in terms) return this.#refuse(terms);
    const aheadMs = this.#aheadMs;
    const { id } = options;
    const guarantee = terms.guarantee ?? options.guarantee ?? 'at-most-once';
    const said = ownId(this.#message(from, subject, payload, terms.headers, id, nowMs), from, id);
    const message = hurried(said, terms.priority ?? options.priority);
    const publish = (): Result => this.#publish(matches, message, guarantee, from);
    const result = id === undefined ? publish() : this.#sentIds.once(from, resident, subject, id, publish);
    return aheadMs === 0 ? result : this.#options.pace.hold(from.id, result, aheadMs);
  }

  request(from: Sender, subject: string, payload: Payload, options: RequestOptions): Promise<Reply> {
    const nowMs = this.#stamps.nowMs();
    const resident = this.#residentOf(from);
    const isDirect = subject.startsWith(agentStart);
    const to = isDirect ? this.#directory.receiverOf(subject.slice(agentStart.length)) : 0;
    const fault = isDirect ? (to === 0 ? denied : undefined) : unpublishable(subject);
    const terms = fault ?? this.#admit(resident, payload, options, nowMs, this.#aheadMsMax());
    if ('tag' in terms) return this.#refuseRequest(terms);
    const aheadMs = this.#aheadMs;
    if ((terms.guarantee ?? options.guarantee ?? 'at-most-once') !== 'at-most-once')
      return this.#refuseRequest({ tag: 'unsupported', val: 'mote-delivery: a request is delivered once' });
    if (options.signal?.aborted === true) return this.#refuseRequest({ tag: 'cancelled' });
    const untilMs = this.#requestUntilMs(from, options.timeoutMs, nowMs);
    if (untilMs <= nowMs) return this.#refuseRequest({ tag: 'timed-out' });
    if ((resident?.asking ?? 0) >= this.#options.limits.requestsOfAgentMax)
      return this.#refuseRequest(this.#options.full);
    const pending = this.#options.requests.open(from.id, untilMs, options.signal);
    if (pending === undefined) return this.#refuseRequest(this.#options.full);
    if (resident !== undefined) resident.asking++;
    const shown = options.subject ?? subject;
    const question = hurried(
      this.#question(from, shown, payload, terms.headers, options.id, pending, nowMs, untilMs),
      terms.priority ?? options.priority,
    );
    if (isDirect) this.#askOne(to, subject.slice(agentStart.length), question, from, pending, nowMs);
    else this.#askAll(subject, question, from, pending);
    return aheadMs === 0 ? pending.promise : this.#options.pace.hold(from.id, pending.promise, aheadMs);
  }

  /** Asks another agent what an agent of this thread was asked and failed at, in its asker's name and time. */
  askInstead(
    { message, untilMs }: Delivery,
    agentName: string,
    headers: readonly Header[],
    signal: AbortSignal,
  ): Promise<Reply> {
    const nowMs = this.#stamps.nowMs();
    const to = this.#directory.receiverOf(agentName);
    if (to === 0) return this.#refuseRequest(denied);
    const pending = this.#options.requests.open(0, untilMs, signal);
    if (pending === undefined) return this.#refuseRequest(this.#options.full);
    const from = { id: 0, name: message.sender };
    const { id, subject, priority } = message;
    const question = hurried(
      this.#question(from, subject, message, headers, id, pending, nowMs, untilMs),
      priority,
    );
    this.#askOne(to, agentName, question, from, pending, nowMs);
    return pending.promise;
  }

  /** An agent asks one more, or one less. */
  countAsking(id: number, by: number): void {
    const resident = id === 0 ? undefined : this.#reception.roster.get(id);
    if (resident !== undefined) resident.asking += by;
  }

  /** Sends what waited for room. */
  shipLate(waiter: Waiter): Accepted | BusError {
    if (waiter.request !== 0 && !this.#options.requests.has(waiter.request)) return { tag: 'cancelled' };
    // It counts as accepted now.
    const message = { ...waiter.message, sentAtNs: this.#stamps.wallNs(this.#stamps.nowMs()) };
    const { to, name, guarantee, from, request } = waiter;
    return this.#recorded(
      this.#ship(to, name, message, guarantee, from, request),
      from,
      undefined,
      message,
      name,
    );
  }

  /** Copies that another thread's bus sent here. */
  arrive(frame: MessageFrame): void {
    const { to, entries, message, guarantee, from, request, thread } = frame;
    const untilMs = this.#stamps.untilMs(
      message.deadlineNs,
      message.deadlineNs === undefined ? 0 : this.#stamps.nowMs(),
    );
    for (let at = 0; at < to.length; at++) {
      const receiver = to[at] as number;
      if (receiver < 0) this.#options.listen(receiver, message);
      else
        this.#reception.arrive(
          new Delivery(message, receiver, from, guarantee, request, thread, entries[at] ?? 0, untilMs),
        );
    }
  }

  /** Gives a message back to its sender's thread, whose receiver leaves this one; its place is free already. */
  giveBack(delivery: Delivery): void {
    const { receiver, from, guarantee, request, thread, entry, openedFor } = delivery;
    const message =
      openedFor === undefined
        ? delivery.message
        : // Its asker knows since it sent it that it goes sealed.
          this.outgoing(delivery.message, receiver, openedFor, 0);
    // Sealing it changed what a place that it does not have any more weighs.
    this.#directory.reweigh(receiver, weightOf(message), weightOf(delivery.message));
    const entries = entry === 0 ? noEntries : [entry];
    const kind = 'message';
    const frame: MessageFrame = {
      ...{ kind, to: [receiver], entries, message, guarantee, from, request, thread },
      isReturned: true,
    };
    if (thread === this.#self) this.#options.holds.giveBack(frame, thread);
    else this.#options.outbox.owed(thread, frame);
  }

  /** Sends a message on to the thread its receiver is on now, its place being reserved; false: there is none. */
  forward(delivery: Delivery): boolean {
    const { receiver, from, guarantee, request, thread, entry, openedFor } = delivery;
    const message =
      openedFor === undefined
        ? delivery.message
        : this.outgoing(delivery.message, receiver, openedFor, request);
    const owner = this.#directory.ownerOf(receiver);
    if (owner < 0 || owner === this.#self) return false;
    const entries = entry === 0 ? noEntries : [entry];
    this.#options.outbox.owed(owner, {
      kind: 'message',
      to: [receiver],
      entries,
      message,
      guarantee,
      from,
      request,
      thread,
    });
    return true;
  }

  /** Makes a dead letter of what never came to a mailbox. */
  bury({ message, receiver, guarantee }: JournalRecord, reason: DeadReason, entry: number): void {
    const atMs = Number(this.#stamps.wallNs(this.#stamps.nowMs()) / 1_000_000n);
    this.#options.died({ message, receiver, guarantee, reason, failure: undefined, atMs, entry });
  }

  // What may be sent

  #routeTo(agentName: string): Route | undefined {
    const known = this.#routes.get(agentName);
    if (known !== undefined && this.#directory.isCurrent(known.id)) return known;
    const id = this.#directory.find(agentName);
    if (id === 0) return undefined;
    if (this.#routes.size >= routesMax) this.#routes.clear();
    const route = { id, subject: agentSubject(agentName) };
    this.#routes.set(agentName, route);
    return route;
  }

  #residentOf(from: Sender): Resident | undefined {
    return from.id === 0 ? undefined : this.#reception.roster.get(from.id);
  }

  /** As `Bus.paced`. */
  paced<T>(from: number, act: () => Promise<T>): Promise<T> | BusError {
    const resident = from === 0 ? undefined : this.#reception.roster.get(from);
    if (resident === undefined) return act();
    const aheadMsMax = this.#aheadMsMax();
    const waitMs = resident.spend(this.#stamps.nowMs(), aheadMsMax);
    if (waitMs > aheadMsMax) return this.#refuse({ tag: 'rate-limited', val: waitMs });
    return waitMs > slotMs ? this.#options.pace.hold(from, act(), waitMs) : act();
  }

  #admit(
    resident: Resident | undefined,
    payload: Payload,
    options: SendOptions,
    nowMs: number,
    aheadMsMax = 0,
  ): PayloadTerms | BusError {
    this.#aheadMs = 0;
    if (this.#record?.isFull === true && options !== unrecorded) return this.#options.full;
    const fault = options.id === undefined ? undefined : idFault(options.id);
    if (fault !== undefined) return fault;
    const bytesMax = resident?.terms.messageBytesMax ?? this.#options.limits.messageBytesMax;
    const terms = payloadTerms(payload, bytesMax);
    if (resident === undefined || 'tag' in terms) return terms;
    const waitMs = resident.spend(nowMs, aheadMsMax);
    if (waitMs > aheadMsMax) return { tag: 'rate-limited', val: waitMs };
    // No timer is finer than a slot: who waited one for each message would send less than it may.
    if (waitMs > slotMs) this.#aheadMs = waitMs;
    return terms;
  }

  /** A sender may be as far ahead of its rate as it may wait for room. */
  #aheadMsMax(): number {
    return this.#options.pace.isFull ? 0 : this.#options.limits.backpressureMsMax;
  }

  #refuse(error: BusError): BusError {
    this.counts.refused++;
    return error;
  }

  #refuseRequest(error: BusError): Promise<Reply> {
    this.counts.refused++;
    return Promise.resolve({ error });
  }

  // Messages

  #message(
    from: Sender,
    subject: string,
    payload: Payload,
    headers: readonly Header[],
    id: string | undefined,
    nowMs: number,
  ): Message {
    return {
      id: id ?? this.#stamps.id(),
      subject,
      sender: from.name,
      replyTo: undefined,
      sentAtNs: this.#stamps.wallNs(nowMs),
      deadlineNs: undefined,
      attempt: 1,
      contentType: payload.contentType,
      headers: from.labels === undefined ? headers : labelled(headers, from.labels),
      body: payload.body,
    };
  }

  #question(
    from: Sender,
    subject: string,
    payload: Payload,
    headers: readonly Header[],
    id: string | undefined,
    pending: Pending,
    nowMs: number,
    untilMs: number,
  ): Message {
    const sentAtNs = this.#stamps.wallNs(nowMs);
    return {
      id: id ?? this.#stamps.id(),
      subject,
      sender: from.name,
      replyTo: `${inboxStart}${this.#stamps.secret(this.#self, pending.token)}`,
      sentAtNs,
      deadlineNs: sentAtNs + BigInt(Math.ceil((untilMs - nowMs) * 1e6)),
      attempt: 1,
      contentType: payload.contentType,
      headers: from.labels === undefined ? headers : labelled(headers, from.labels),
      body: payload.body,
    };
  }

  #requestUntilMs(from: Sender, timeoutMs: number | undefined, nowMs: number): number {
    const ownMs =
      timeoutMs === undefined || timeoutMs === 0 ? this.#options.limits.requestTimeoutMs : timeoutMs;
    return Math.min(nowMs + ownMs, this.#stamps.untilMs(from.deadlineNs, nowMs));
  }

  #sign(from: number, message: Message, target: string): void {
    const { signer } = this.#options;
    if (signer === undefined || from === 0) return;
    const mode = this.#directory.signingOf(from);
    if (mode !== 'none') signer.sign(message, target, mode);
  }

  // Ways

  #sendOrWait(
    to: number,
    name: string,
    message: Message,
    guarantee: Guarantee,
    from: Sender,
    request: number,
    nowMs: number,
  ): Result {
    this.#sign(from.id, message, name);
    const { waitingRoom, full, limits } = this.#options;
    if (!this.#directory.isCongested(to) && !waitingRoom.has(to)) {
      const result = this.#ship(to, name, message, guarantee, from.id, request);
      this.#recorded(result, from.id, from.principal, message, name);
      return this.#onceOnDisk(result, from.id, guarantee);
    }
    if (from.id === 0) return this.#refuse(full);
    const untilMs = Math.min(nowMs + limits.backpressureMsMax, this.#stamps.untilMs(from.deadlineNs, nowMs));
    return waitingRoom.wait({ to, name, message, guarantee, from: from.id, request }, untilMs);
  }

  /** To one agent, if there is room. */
  #ship(
    to: number,
    name: string,
    message: Message,
    guarantee: Guarantee,
    from: number,
    request: number,
  ): Accepted | BusError {
    if (guarantee !== 'at-most-once')
      return this.#counted(this.#options.mail.send(to, name, message, guarantee, from));
    const owner = this.#directory.ownerOf(to);
    if (this.#options.holds.isHeld(to, owner)) return this.#hold(to, message, from, request);
    if (owner < 0) return this.#refuse(unavailable);
    if (!this.#directory.reserve(to, weightOf(message))) return this.#refuse(this.#options.full);
    const sent = this.outgoing(message, to, name, request);
    if (owner !== this.#self && !this.#post(owner, [to], sent, guarantee, from, request)) {
      this.#directory.unreserve(to, weightOf(sent));
      return this.#refuse(this.#options.full);
    }
    this.counts.accepted++;
    this.counts.copies++;
    if (request !== 0) this.#options.requests.sent(request, owner);
    if (owner === this.#self) this.#reception.arrive(this.#local(sent, to, from, guarantee, request));
    return { id: message.id, receivers: 1, dropped: 0 };
  }

  /** Delivered at most once, to one that is on its way to another thread. */
  #hold(to: number, message: Message, from: number, request: number): Accepted | BusError {
    if (this.#options.holds.isFull) return this.#refuse(this.#options.full);
    if (request !== 0) this.#options.requests.sent(request, nowhere);
    this.#holdOne(to, message, from, request);
    this.counts.accepted++;
    this.counts.copies++;
    return { id: message.id, receivers: 1, dropped: 0 };
  }

  #holdOne(to: number, message: Message, from: number, request: number): void {
    const { holds } = this.#options;
    holds.add(to, { message, guarantee: 'at-most-once', from, request, asked: nowhere, entry: 0 });
  }

  /** As it goes to one receiver: sealed, if one of the two wants that. Then so is the answer. */
  outgoing(message: Message, to: number, name: string, request: number): Message {
    const { envelopes, requests } = this.#options;
    if (envelopes === undefined) return message;
    const sent = envelopes.outgoing(message, to, name);
    if (request !== 0 && sent !== message) requests.sealed(request, message, name);
    return sent;
  }

  #counted(result: Accepted | BusError): Accepted | BusError {
    if ('tag' in result) return this.#refuse(result);
    this.counts.accepted++;
    this.counts.copies += result.receivers;
    this.counts.dropped += result.dropped;
    return result;
  }

  #local(message: Message, to: number, from: number, guarantee: Guarantee, request: number): Delivery {
    const untilMs =
      message.deadlineNs === undefined
        ? Number.POSITIVE_INFINITY
        : this.#stamps.untilMs(message.deadlineNs, this.#stamps.nowMs());
    return new Delivery(message, to, from, guarantee, request, this.#self, 0, untilMs);
  }

  #post(
    thread: number,
    to: readonly number[],
    message: Message,
    guarantee: Guarantee,
    from: number,
    request: number,
  ): boolean {
    return this.#options.outbox.message(thread, {
      kind: 'message',
      to,
      entries: noEntries,
      message,
      guarantee,
      from,
      request,
      thread: this.#self,
    });
  }

  /** From outside, a message that must not be lost counts as accepted once it is on disk. */
  #onceOnDisk(result: Accepted | BusError, from: number, guarantee: Guarantee): Result {
    const { journal } = this.#options;
    if (journal === undefined || from !== 0 || guarantee === 'at-most-once' || 'tag' in result) return result;
    return journal.flushed().then(() => result);
  }

  // Many receivers

  #publish(matches: Matches, message: Message, guarantee: Guarantee, { id, principal }: Sender): Result {
    this.#sign(id, message, message.subject);
    const isOnce = guarantee === 'at-most-once';
    const result = isOnce
      ? this.#fanOut(matches, message, id)
      : this.#counted(this.#options.mail.publish(matches, message, guarantee, id));
    this.#recorded(result, id, principal, message, undefined);
    return isOnce ? result : this.#onceOnDisk(result, id, guarantee);
  }

  /** Puts a message that was taken on record. */
  #recorded(
    result: Accepted | BusError,
    from: number,
    principal: string | undefined,
    message: Message,
    receiver: string | undefined,
  ): Accepted | BusError {
    const record = this.#record;
    if (record?.hasMessages === true && !('tag' in result)) record.sent(from, principal, message, receiver);
    return result;
  }

  #fanOut(matches: Matches, message: Message, from: number): Accepted {
    const parcels: Parcel[] = [];
    let receivers = 0;
    for (const one of matches.each) receivers += this.#copyTo(one, message, from, parcels);
    for (const group of matches.groups) {
      const member = memberFor(group, this.#directory, this.#self, this.#isBusy);
      if (member !== undefined) receivers += this.#copyTo(member, message, from, parcels);
    }
    let lost = 0;
    for (const parcel of parcels) lost += this.#postParcel(parcel, message, from);
    const wanted = matches.each.length + matches.groups.length;
    this.counts.accepted++;
    this.counts.copies += receivers - lost;
    const dropped = wanted - receivers + lost;
    this.counts.dropped += dropped;
    return { id: message.id, receivers: receivers - lost, dropped };
  }

  /** 1 if it goes to this subscriber. */
  #copyTo(one: Subscription, message: Message, from: number, parcels: Parcel[]): 0 | 1 {
    const { subscriber } = one;
    if (subscriber < 0) {
      if (one.thread === this.#self) this.#options.listen(subscriber, message);
      else parcelFor(parcels, one.thread).to.push(subscriber);
      return 1;
    }
    const owner = this.#directory.ownerOf(subscriber);
    const { holds } = this.#options;
    if (holds.isHeld(subscriber, owner) && !holds.isFull) {
      this.#holdOne(subscriber, message, from, 0);
      return 1;
    }
    if (owner < 0 || this.#directory.isCongested(subscriber)) return 0;
    if (!this.#directory.reserve(subscriber, weightOf(message))) return 0;
    const sent = this.outgoing(message, subscriber, one.name, 0);
    if (owner === this.#self) this.#reception.arrive(this.#local(sent, subscriber, from, 'at-most-once', 0));
    else if (sent === message) parcelFor(parcels, owner).to.push(subscriber);
    // Sealed for this receiver alone.
    else if (!this.#post(owner, [subscriber], sent, 'at-most-once', from, 0)) {
      this.#directory.unreserve(subscriber, weightOf(sent));
      return 0;
    }
    return 1;
  }

  /** Returns how many receivers go without, because the way is full. */
  #postParcel({ thread, to }: Parcel, message: Message, from: number): number {
    if (this.#post(thread, to, message, 'at-most-once', from, 0)) return 0;
    const weight = weightOf(message);
    for (const receiver of to) if (receiver > 0) this.#directory.unreserve(receiver, weight);
    return to.length;
  }

  // Requests

  #askOne(to: number, name: string, question: Message, from: Sender, pending: Pending, nowMs: number): void {
    const result = this.#sendOrWait(to, name, question, 'at-most-once', from, pending.token, nowMs);
    if (result instanceof Promise) void result.then((settled) => this.#endUnasked(pending, settled));
    else this.#endUnasked(pending, result);
  }

  #endUnasked(pending: Pending, result: Accepted | BusError): void {
    if ('tag' in result) this.#options.requests.end(pending.token, { error: result });
  }

  #askAll(subject: string, question: Message, from: Sender, pending: Pending): void {
    const { tree, requests, full } = this.#options;
    const matches = tree.match(subject);
    if (matches === undefined) {
      requests.end(pending.token, { error: invalidSubject(subject) });
      return;
    }
    this.#sign(from.id, question, subject);
    const asked = this.#askable(matches);
    const weight = weightOf(question);
    const sent = asked.filter(({ subscriber }) => this.#directory.reserve(subscriber, weight));
    if (sent.length === 0) {
      requests.end(pending.token, { error: asked.length === 0 ? { tag: 'no-responders' } : full });
      return;
    }
    // All are counted before the first can answer or refuse, each where it is sent to.
    const owners = sent.map(({ subscriber }) => this.#ownerOf(subscriber));
    for (const owner of owners) requests.sent(pending.token, owner);
    this.counts.accepted++;
    if (this.#record?.hasMessages === true) this.#record.sent(from.id, from.principal, question, undefined);
    for (const [at, one] of sent.entries()) this.#ask(one, owners[at] ?? nowhere, question, from.id, pending);
  }

  /** The agents among who matches: the host's listeners do not answer. */
  #askable({ each, groups }: Matches): Subscription[] {
    const isThere = (owner: number): boolean => owner >= 0 || isOnTheWay(owner);
    const asked = each.filter(
      ({ subscriber }) => subscriber > 0 && isThere(this.#directory.ownerOf(subscriber)),
    );
    for (const group of groups) {
      const member = memberFor(group, this.#directory, this.#self, this.#isBusy);
      if (member !== undefined && member.subscriber > 0) asked.push(member);
    }
    return asked;
  }

  /** Below 0: it is on its way to another thread. */
  #ownerOf(to: number): number {
    const owner = this.#directory.ownerOf(to);
    return this.#options.holds.isHeld(to, owner) ? nowhere : owner;
  }

  /** One of several that are asked, on the thread it is sent to; its place is reserved. */
  #ask(
    { subscriber: to, name }: Pick<Subscription, 'subscriber' | 'name'>,
    owner: number,
    question: Message,
    from: number,
    pending: Pending,
  ): void {
    // Another may have answered by now.
    if (!this.#options.requests.has(pending.token)) {
      this.#directory.unreserve(to, weightOf(question));
      return;
    }
    this.counts.copies++;
    if (owner < 0) {
      this.#directory.unreserve(to, weightOf(question));
      this.#holdOne(to, question, from, pending.token);
      return;
    }
    const sent = this.outgoing(question, to, name, pending.token);
    if (owner === this.#self)
      this.#reception.arrive(this.#local(sent, to, from, 'at-most-once', pending.token));
    else if (!this.#post(owner, [to], sent, 'at-most-once', from, pending.token)) {
      this.#directory.unreserve(to, weightOf(sent));
      this.#options.requests.answer(pending.token, owner, { error: this.#options.full });
    }
  }

  /** What an agent publishes to the inbox of the message it handles answers it: no grant, and once. */
  #answer(from: Sender, inbox: string, payload: Payload): Accepted | BusError {
    const resident = this.#residentOf(from);
    const delivery = resident?.current;
    if (resident === undefined || delivery === undefined || delivery.message.replyTo !== inbox)
      return this.#refuse(denied);
    if (delivery.isAnswered || delivery.isHeld) return this.#refuse(denied);
    const terms = this.#admit(resident, payload, unrecorded, this.#stamps.nowMs());
    if ('tag' in terms) return this.#refuse(terms);
    const { contentType, body } = payload;
    const reply = { outcome: answered(body), contentType, headers: terms.headers };
    this.#reception.answerFrom(resident, delivery, reply);
    return { id: this.#stamps.id(), receivers: 1, dropped: 0 };
  }
}

function labelled(headers: readonly Header[], labels: string): readonly Header[] {
  return [...headers, { name: labelsHeader, value: labels }];
}

function hurried(message: Message, priority: Level | undefined): Message {
  return priority === undefined ? message : { ...message, priority };
}

/** Why nobody but the host may publish to a subject. */
function unpublishable(subject: string): BusError | undefined {
  const reserved = reservedToken(subject);
  if (reserved === undefined) return undefined;
  const whose =
    reserved === 'agent'
      ? "'agent.NAME' is an agent's own mailbox: send to it"
      : `'${reserved}.…' is the host's`;
  return { tag: 'invalid-subject', val: whose };
}

function invalidSubject(subject: string): BusError {
  return { tag: 'invalid-subject', val: subjectFault(subject) ?? 'it is not a subject' };
}
