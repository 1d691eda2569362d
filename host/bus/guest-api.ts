import { agentSubject, groupFault, patternFault, subjectFault } from '../subject.ts';
import type { Bus } from './bus.ts';
import type { Accepted, Sender, SendOptions } from './delivery.ts';
import type { BusError, Payload } from './message.ts';
import { answerOf } from './verdict.ts';

/** What an agent may reach, as the bus asks it (`capability/`). Subjects and patterns are valid ones. */
export interface BusRights {
  maySend(subject: string): boolean;
  mayPublish(subject: string): boolean;
  /** Every subject of the pattern has to be granted. */
  maySubscribe(pattern: string): boolean;
  /** The line of the manifest that would allow it. */
  cure(kind: 'send' | 'publish' | 'subscribe', target: string): string;
}

/** One agent in front of the bus. */
export interface BusGuest {
  readonly bus: Bus;
  readonly rights: BusRights;
  /** Told when the agent has subscribed to something, or no longer is. */
  readonly onSubscribed?: () => void;
  /** The agent, with the deadline of the message at hand. */
  sender(): Sender;
  /** Aborts when the invocation at hand is ended. */
  signal(): AbortSignal | undefined;
  /** What the guest's call throws to return the `err` of a WIT result. */
  failure(error: BusError): unknown;
  /** For the operator's log: what the agent asked for, and the line of its manifest that would allow it. */
  denied(what: string, cure: string): void;
}

/** The functions of `motehost:agent/bus@0.1.0` (wit/bus.wit). */
export interface BusGuestApi {
  readonly functions: BusFunctions;
  /** May return a promise, by their WIT names. */
  readonly suspending: ReadonlySet<string>;
}

export interface BusFunctions extends Record<string, (...args: never[]) => unknown> {
  send(agent: string, id: string | undefined, payload: Payload): string | Promise<string>;
  publish(subject: string, id: string | undefined, payload: Payload): string | Promise<string>;
  request(subject: string, payload: Payload, timeoutMs: number): Promise<Payload>;
  subscribe(pattern: string, group: string | undefined): bigint;
  unsubscribe(subscription: bigint): void;
}

const inboxStart = '_inbox.';
const suspending: ReadonlySet<string> = new Set(['send', 'publish', 'request']);

/**
 * The bus as one agent sees it: what it may not reach and what is not there are the same to it. Whether a
 * target exists is asked only after the grant, so a refusal takes the same time for both.
 */
export function busGuestApi(guest: BusGuest): BusGuestApi {
  const { bus, rights } = guest;
  const refuse = (error: BusError): never => {
    throw guest.failure(error);
  };
  const check = (kind: 'send' | 'publish' | 'subscribe', target: string, isGranted: boolean): void => {
    if (isGranted) return;
    guest.denied(`${kind} ${target}`, rights.cure(kind, target));
    refuse({ tag: 'denied' });
  };
  const checkSubject = (fault: string | undefined): void => {
    if (fault !== undefined) refuse({ tag: 'invalid-subject', val: fault });
  };
  const idOf = (result: Accepted | BusError): string => ('tag' in result ? refuse(result) : result.id);
  const settle = (result: Accepted | BusError | Promise<Accepted | BusError>): string | Promise<string> =>
    result instanceof Promise ? result.then(idOf) : idOf(result);

  // Most agents send to the same one again: its name and subject are hashed once, the grant is asked each time.
  let latest = targetOf('');

  const functions: BusFunctions = {
    send: (agent, id, payload) => {
      if (agent !== latest.agent) latest = targetOf(agent);
      const { subject, isSubject } = latest;
      // A name that can be no agent's is an agent that is not there.
      check('send', subject, isSubject && rights.maySend(subject));
      return settle(bus.send(guest.sender(), latest.agent, payload, optionsOf(id)));
    },
    publish: (subject, id, payload) => {
      checkSubject(subjectFault(subject));
      // Answering what one was asked takes no grant; the bus lets nobody else do it.
      if (!subject.startsWith(inboxStart)) check('publish', subject, rights.mayPublish(subject));
      return settle(bus.publish(guest.sender(), subject, payload, optionsOf(id)));
    },
    request: async (subject, payload, timeoutMs) => {
      checkSubject(subjectFault(subject));
      check('send', subject, rights.maySend(subject));
      const reply = await bus.request(guest.sender(), subject, payload, {
        timeoutMs,
        signal: guest.signal(),
      });
      const answer = answerOf(reply);
      return 'tag' in answer ? refuse(answer) : answer;
    },
    subscribe: (pattern, group) => {
      checkSubject(patternFault(pattern) ?? (group === undefined ? undefined : groupFault(group)));
      check('subscribe', pattern, rights.maySubscribe(pattern));
      const subscription = bus.subscribe(guest.sender().id, pattern, group);
      if (typeof subscription !== 'number') return refuse(subscription);
      guest.onSubscribed?.();
      return BigInt(subscription);
    },
    unsubscribe: (subscription) => {
      if (subscription > BigInt(Number.MAX_SAFE_INTEGER)) return;
      bus.unsubscribe(guest.sender().id, Number(subscription));
      guest.onSubscribed?.();
    },
  };
  return { functions, suspending };
}

interface Target {
  readonly agent: string;
  readonly subject: string;
  readonly isSubject: boolean;
}

function targetOf(agent: string): Target {
  const subject = agentSubject(agent);
  return { agent, subject, isSubject: subjectFault(subject) === undefined };
}

const noOptions: SendOptions = {};

function optionsOf(id: string | undefined): SendOptions {
  return id === undefined ? noOptions : { id };
}
