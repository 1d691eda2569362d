import { type Channel, channel } from 'node:diagnostics_channel';
import type { Outcome } from '../outcome.ts';

/** An agent begins or ends to handle a message. */
export interface InvocationStart {
  readonly agent: string;
  /** Names the message; the same one delivered again has another `attempt`. */
  readonly messageId: string;
  readonly subject: string;
  readonly sender: string | undefined;
  readonly attempt: number;
}

export interface InvocationEnd extends InvocationStart {
  readonly outcome: Outcome;
}

/** Somebody asks the bus to bring something; whether it does is not known yet. */
export interface Sending {
  /** Undefined: from outside. */
  readonly sender: string | undefined;
  /** An agent's name for `send`, else a subject. */
  readonly target: string;
  readonly bodyBytes: number;
}

/** An agent leaves memory, or comes back. */
export interface Residing {
  readonly agent: string;
  /** Where its state lies, or lay: in the host's heap or on disk. */
  readonly place: 'warm' | 'cold';
}

/** A channel whose messages have a type. */
export interface Told<T> {
  /** Ask before a message is put together: with nobody listening this is all that telling costs. */
  readonly hasSubscribers: boolean;
  publish(message: T): void;
}

/**
 * What happens, as `node:diagnostics_channel` messages, for tracing: nothing is put together while nobody
 * listens. Each thread tells of its own: subscribe with `diagnostics_channel.subscribe(NAME, …)` in a module that
 * `node --import` loads into all of them. A subscriber must neither wait nor throw.
 */
export const channelNames = {
  invocationStart: 'motehost:invocation:start',
  invocationEnd: 'motehost:invocation:end',
  send: 'motehost:bus:send',
  publish: 'motehost:bus:publish',
  request: 'motehost:bus:request',
  hibernate: 'motehost:agent:hibernate',
  wake: 'motehost:agent:wake',
} as const;

const told = <T>(name: string): Told<T> => channel(name) as Channel<unknown, T>;

export const invocationStarts: Told<InvocationStart> = told(channelNames.invocationStart);
export const invocationEnds: Told<InvocationEnd> = told(channelNames.invocationEnd);
export const sends: Told<Sending> = told(channelNames.send);
export const publishes: Told<Sending> = told(channelNames.publish);
export const requests: Told<Sending> = told(channelNames.request);
export const hibernations: Told<Residing> = told(channelNames.hibernate);
export const wakes: Told<Residing> = told(channelNames.wake);
