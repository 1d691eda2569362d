import type { Level } from '../manifest/scheduling.ts';

/** One named value beside a body (wit/types.wit). */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** What a sender hands over; shaped as `motehost:agent/types.payload` lifts. */
export interface Payload {
  readonly contentType: string | undefined;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
}

/** A message as its receiver sees it; shaped as `motehost:agent/types.message` lowers, so it is passed on as it is. */
export interface Message extends Payload {
  readonly id: string;
  readonly subject: string;
  /** The sending agent's name; undefined from outside. */
  readonly sender: string | undefined;
  readonly replyTo: string | undefined;
  readonly sentAtNs: bigint;
  readonly deadlineNs: bigint | undefined;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** On its way only: the body is an envelope that has headers and body in it. */
  readonly isSealed?: true;
  /** Of a message from outside whose id its caller gave: on whose behalf, for ids are each principal's own. */
  readonly principal?: string;
  /** The level at which its sender wants it handled, if its receiver's own is none before it. */
  readonly priority?: Level;
}

const principalMark = '@';

/**
 * Whose id a message's is, in one text: its sender's, or its principal's, which no agent's name begins as. Frames
 * and journals have it in the sender's place.
 */
export function originOf({ sender, principal }: Pick<Message, 'sender' | 'principal'>): string | undefined {
  return sender ?? (principal === undefined ? undefined : principalMark + principal);
}

/** Whether an origin is a principal, and no agent. */
export function isPrincipal(origin: string | undefined): origin is string {
  return origin?.startsWith(principalMark) === true;
}

/** A message of whom `originOf` named. */
export function ofOrigin(message: Omit<Message, 'sender'>, origin: string | undefined): Message {
  if (!isPrincipal(origin)) return { ...message, sender: origin };
  return { ...message, sender: undefined, principal: origin.slice(principalMark.length) };
}

/**
 * What the bus promises about one message:
 * - `at-most-once`: delivered once or, when its receiver or the host fails, not at all
 * - `at-least-once`: on disk before it counts as accepted outside; repeated until dealt with or a dead letter
 * - `exactly-once`: at least once, and a receiver gets no second message with the same id
 */
export type Guarantee = 'at-most-once' | 'at-least-once' | 'exactly-once';

/** The WIT variant `failure` (wit/types.wit) as lifted. */
export type Failure =
  | {
      readonly tag: 'invalid' | 'denied' | 'unsupported' | 'unavailable' | 'timed-out' | 'other';
      readonly val: string;
    }
  | {
      readonly tag: 'custom';
      readonly val: {
        readonly code: string;
        readonly message: string;
        readonly detail: Uint8Array | undefined;
      };
    };

/** A call that is not begun, as it would not end in time. */
export interface TooLate {
  /** In how many milliseconds it would end, as far as can be told. */
  readonly forecastMs: number;
  /** In how many it has to. */
  readonly deadlineMs: number;
}

/**
 * What the bus answers instead of doing what was asked: the WIT variant `bus-error` (wit/bus.wit) as lowered, and
 * `too-late`, which a guest is told as `other`.
 */
export type BusError =
  | { readonly tag: 'too-late'; readonly val: TooLate }
  | { readonly tag: 'denied' | 'unavailable' | 'timed-out' | 'no-responders' | 'cancelled' }
  | { readonly tag: 'full' | 'rate-limited'; readonly val: number }
  | { readonly tag: 'too-large'; readonly val: bigint }
  | { readonly tag: 'invalid-subject' | 'unsupported' | 'other'; readonly val: string }
  | { readonly tag: 'failed'; readonly val: Failure };
