import type { Level } from '../manifest/scheduling.ts';
import type { Outcome } from '../outcome.ts';
import type { MailboxLimits } from './directory.ts';
import type { BusError, Guarantee, Header, Message, TooLate } from './message.ts';

/** Of messages that ask for no level before their receiver's own. */
export const plainLane = 255;

/** One message on its way to one receiver: in a mailbox, being handled, or waiting to be repeated. */
export class Delivery {
  message: Message;
  readonly receiver: number;
  /** The sender's id; 0: from outside. */
  readonly from: number;
  readonly guarantee: Guarantee;
  /** 0: nobody waits for an answer; else the token of the thread that asked. */
  readonly request: number;
  /** The sender's thread. */
  readonly thread: number;
  /** The entry in the journal of `thread`; 0: in none. */
  readonly entry: number;
  /** Milliseconds on the bus's clock after which nobody needs it; Infinity: none. */
  readonly untilMs: number;
  /** The asker gave up. */
  isCancelled = false;
  /** Its asker has the answer. */
  isAnswered = false;
  /** Its answer waits until what its receiver sent is on disk. */
  isHeld = false;
  /** The receiver's name, once a sealed message was opened for it: its answer is sealed too. */
  openedFor: string | undefined = undefined;
  /** What it waits for to be repeated by, on the receiver's thread; 0: it does not. */
  repeat = 0;
  /** Ends the question to another agent that stands in for its receiver. */
  standIn: AbortController | undefined = undefined;
  /** The next one that the same request brought to this thread. */
  sibling: Delivery | undefined = undefined;
  /** Where it waits in its mailbox: the place of a level before its receiver's own; `plainLane`: among all others. */
  lane: number = plainLane;

  constructor(
    message: Message,
    receiver: number,
    from: number,
    guarantee: Guarantee,
    request: number,
    thread: number,
    entry: number,
    untilMs: number,
  ) {
    this.message = message;
    this.receiver = receiver;
    this.from = from;
    this.guarantee = guarantee;
    this.request = request;
    this.thread = thread;
    this.entry = entry;
    this.untilMs = untilMs;
  }
}

/** The subject under which the host asks an agent how it is; nobody else can. */
export const healthSubject = 'host.health';

/** Whether it is the host that asks how its receiver is. */
export function isProbe({ from, request, message }: Delivery): boolean {
  return request !== 0 && from === 0 && message.principal === undefined && message.subject === healthSubject;
}

/** Whoever hands an agent its messages. */
export interface Receiver {
  /**
   * Its mailbox went from empty to not empty, or something came that is to overtake what waits: take. `level`: the
   * place of the level that asks for, if it is before its own. Must not throw.
   */
  wake(id: number, level?: number): void;
  /** Why a request will not end in time, though nothing keeps it from being begun; `ahead` messages wait before it. Must not throw. */
  lateness?(id: number, delivery: Delivery, ahead: number): TooLate | undefined;
  /** What whoever asks is answered instead while it takes no requests; agents that ask only hear `unavailable`. */
  refusal?(id: number): Outcome<Uint8Array | undefined> | undefined;
  /** An asker gave up on the message being handled. It is still to be settled. */
  cancel(id: number, delivery: Delivery): void;
}

/** Agents of a thread that its bus learns of only when something concerns them: most have nothing to do. */
export interface Lodgers {
  readonly receiver: Receiver;
  /** Undefined: no such agent is here. */
  nameOf(id: number): string | undefined;
  /** Of an agent that is here. */
  termsOf(id: number): ReceiverTerms;
}

/** What happens to a message that was not dealt with and is to be delivered at least once. */
export interface Redelivery {
  /** Deliveries in all. */
  readonly attemptsMax: number;
  /** Before the second delivery; doubles each time. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Deliveries in all of one whose receiver has its own say in it (`Reception.again`); default `attemptsMax`. */
  readonly deliveriesMax?: number;
}

/** How much one agent may send. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** What the bus must know of an agent besides its name; shared by all agents of the same settings. */
export interface ReceiverTerms {
  readonly mailbox: MailboxLimits;
  readonly redelivery: Redelivery;
  readonly rate: RateLimit;
  /** Headers and body of one message it sends. */
  readonly messageBytesMax: number;
  /** The place of its own level (`rankOfLevel`); default: before all, so that no message overtakes another. */
  readonly level?: number;
}

/** Who asks something of the bus. */
export interface Sender {
  /** The agent's id; 0: from outside. */
  readonly id: number;
  readonly name: string | undefined;
  /** Of the message at hand, nanoseconds since the Unix epoch: what the sender asks for ends by then. */
  readonly deadlineNs?: bigint | undefined;
  /** What all that it sends carries, with commas between: it travels in the header `mote-labels`. */
  readonly labels?: string | undefined;
  /** On whose behalf somebody outside asks: message ids are its own, and the record names it. */
  readonly principal?: string | undefined;
}

/** The host's own; nobody else can set it. */
export const labelsHeader = 'mote-labels';

/** Whoever is no agent: a front door, a trigger, the host itself. */
export const outside: Sender = { id: 0, name: undefined };

export interface SendOptions {
  /** Makes the call safe to repeat: the sender's own name for the message. */
  readonly id?: string | undefined;
  /** Instead of what the receiver's manifest says; the header `mote-delivery` goes before it. */
  readonly guarantee?: Guarantee | undefined;
  /** The level at which it is to be handled; the header `mote-priority` goes before it. */
  readonly priority?: Level | undefined;
  /** The subject its receiver sees; default `agent.NAME`. Only for `send` and requests to an agent. */
  readonly subject?: string | undefined;
}

export interface RequestOptions extends SendOptions {
  /** 0 or none: the bus's default. Never beyond the sender's deadline. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A message the bus has taken. */
export interface Accepted {
  readonly id: string;
  /** How many receivers get it; 0 for a repetition of an id. */
  readonly receivers: number;
  /** Receivers that should have got it and do not: congested ones under at-most-once. */
  readonly dropped: number;
}

/** How a request ended. */
export type Reply =
  | {
      readonly outcome: Outcome<Uint8Array | undefined>;
      readonly contentType: string | undefined;
      readonly headers: readonly Header[];
      /** On its way only: the outcome's value is an envelope. */
      readonly isSealed?: true;
    }
  | { readonly error: BusError };
