import type { Outcome } from '../outcome.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { BusError, Guarantee, Header, Message } from './message.ts';

/**
 * What the buses of two threads tell each other. Every number is a non-negative integer below 2^31 unless it
 * says otherwise; a receiver below zero is a listener of the host (`Bus.listen`) on the thread the frame goes to.
 */
export type Frame =
  | MessageFrame
  | {
      /** The answer to a request. */
      readonly kind: 'reply';
      readonly request: number;
      readonly outcome: Outcome<Uint8Array | undefined>;
      readonly contentType: string | undefined;
      readonly headers: readonly Header[];
      readonly isSealed?: true;
    }
  /** A request that a receiver was sent and will not deal with. */
  | { readonly kind: 'refused'; readonly request: number; readonly error: BusError }
  /** The asker gave up: the message leaves the mailbox, or the call that handles it is cancelled. */
  | { readonly kind: 'cancel'; readonly request: number; readonly thread: number }
  | {
      readonly kind: 'subscribe';
      /** The agent, or below zero a listener of the host on thread `thread`. */
      readonly subscriber: number;
      /** The subscriber's name; empty for a listener. */
      readonly name: string;
      /** Unique over all threads; a safe integer. */
      readonly subscription: number;
      readonly pattern: string;
      readonly group: string | undefined;
      /** Where the subscriber was when it subscribed; for a listener, where it is. */
      readonly thread: number;
    }
  | { readonly kind: 'unsubscribe'; readonly subscriber: number; readonly subscription: number }
  /** Receivers dealt with these entries of the journal of the thread the frame goes to: pairs of a first and how many. */
  | { readonly kind: 'settled'; readonly runs: readonly number[] }
  /** An entry of the journal of the thread the frame goes to repeats an id its receiver knows. */
  | { readonly kind: 'withdrawn'; readonly entry: number }
  /** The next attempt of an entry of the journal of the thread the frame goes to. */
  | { readonly kind: 'attempted'; readonly entry: number; readonly attempt: number }
  /** An entry of the journal of the thread the frame goes to is a dead letter: it is kept there. */
  | { readonly kind: 'died'; readonly letter: DeadLetter }
  /** A receiver that was congested has room: senders that wait for it on the thread the frame goes to go on. */
  | { readonly kind: 'room'; readonly receiver: number }
  /** Asks for `passed` with the same token: whoever has it knows that everything said before it is known there. */
  | { readonly kind: 'fence'; readonly token: number }
  | { readonly kind: 'passed'; readonly token: number };

/** One message on its way to receivers of one thread; each has a place in its mailbox reserved. */
export interface MessageFrame {
  readonly kind: 'message';
  readonly to: readonly number[];
  /** For each receiver its entry in the journal of `thread` (a safe integer); empty: in no journal. */
  readonly entries: readonly number[];
  readonly message: Message;
  readonly guarantee: Guarantee;
  /** The sender's id; 0: from outside. */
  readonly from: number;
  /** 0: nobody waits for an answer; else the asking thread's token. */
  readonly request: number;
  /** The sender's thread: it asked, and its journal has the entries. */
  readonly thread: number;
  /** It comes back to the sender's thread: its receiver leaves the thread where it waited. */
  readonly isReturned?: true;
}

/** The ways from this thread to the others. Frames between two threads keep their order. */
export interface Links {
  /** This thread. */
  readonly self: number;
  readonly threads: number;
  /** False: the backlog is full and the frame is not on its way. */
  post(thread: number, frame: Frame): boolean;
}
