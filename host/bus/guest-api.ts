import { agentSubject, groupFault, patternFault, subjectFault } from '../subject.ts';
import type { Bus } from './bus.ts';
import type { Accepted, Reply, Sender, SendOptions } from './delivery.ts';
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
  /** What decides beside the grants; undefined: nothing does. */
  readonly policy?: BusPolicy;
}

/** What is sent, as it may be sent. */
export interface BusPass {
  readonly payload: Payload;
  readonly timeoutMs?: number | undefined;
}

/** Decides about what the grants allow. It tells the operator itself; a promise while a person is asked. */
export interface BusPolicy {
  /** Undefined: it may not be. */
  passes(
    kind: 'send' | 'publish' | 'request',
    subject: string,
    payload: Payload,
    timeoutMs?: number,
  ): BusPass | undefined | Promise<BusPass | undefined>;
  /** Whether whoever asked may be given an answer. */
  answers(): boolean;
  subscribes(pattern: string): boolean | Promise<boolean>;
  /** Whether what was asked may be waited for still. */
  mayGoOn(subject: string, payload: Payload): boolean;
  /** Told when what was decided may be another decision now. Returns what ends it. */
  onChange(listener: () => void): () => void;
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
  subscribe(pattern: string, group: string | undefined): bigint | Promise<bigint>;
  unsubscribe(subscription: bigint): void;
}

const inboxStart = '_inbox.';
const suspending: ReadonlySet<string> = new Set(['send', 'publish', 'request']);
const suspendingAll: ReadonlySet<string> = new Set([...suspending, 'subscribe']);

/**
 * The bus as one agent sees it: what it may not reach and what is not there are the same to it. Whether a
 * target exists is asked only after the grant, so a refusal takes the same time for both.
 */
export function busGuestApi(guest: BusGuest): BusGuestApi {
  const { bus, rights } = guest;
  const { policy } = rights;
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

  const functions: BusFunctions = {
    send: (agent, id, payload) => {
      const subject = agentSubject(agent);
      // A name that can be no agent's is an agent that is not there.
      check('send', subject, subjectFault(subject) === undefined && rights.maySend(subject));
      const send = (own: Payload) => bus.send(guest.sender(), agent, own, optionsOf(id));
      if (policy === undefined) return settle(send(payload));
      return whenPassed(policy.passes('send', subject, payload), (pass) => settle(send(pass.payload)));
    },
    publish: (subject, id, payload) => {
      checkSubject(subjectFault(subject));
      // Answering what one was asked takes no grant; the bus lets nobody else do it.
      const isAnswer = subject.startsWith(inboxStart);
      if (!isAnswer) check('publish', subject, rights.mayPublish(subject));
      if (isAnswer && policy?.answers() === false) refuse({ tag: 'denied' });
      const publish = (own: Payload) => bus.publish(guest.sender(), subject, own, optionsOf(id));
      if (policy === undefined || isAnswer) return settle(publish(payload));
      return whenPassed(policy.passes('publish', subject, payload), (pass) => settle(publish(pass.payload)));
    },
    request: async (subject, payload, timeoutMs) => {
      checkSubject(subjectFault(subject));
      check('send', subject, rights.maySend(subject));
      const reply =
        policy === undefined
          ? await bus.request(guest.sender(), subject, payload, { timeoutMs, signal: guest.signal() })
          : await requestUnder(policy, guest, subject, payload, timeoutMs);
      const answer = answerOf(reply);
      return 'tag' in answer ? refuse(answer) : answer;
    },
    subscribe: (pattern, group) => {
      checkSubject(patternFault(pattern) ?? (group === undefined ? undefined : groupFault(group)));
      check('subscribe', pattern, rights.maySubscribe(pattern));
      const subscribe = (isPermitted: boolean): bigint => {
        if (!isPermitted) return refuse({ tag: 'denied' });
        const subscription = bus.subscribe(guest.sender().id, pattern, group);
        if (typeof subscription !== 'number') return refuse(subscription);
        guest.onSubscribed?.();
        return BigInt(subscription);
      };
      const permitted = policy?.subscribes(pattern) ?? true;
      return permitted instanceof Promise ? permitted.then(subscribe) : subscribe(permitted);
    },
    unsubscribe: (subscription) => {
      if (subscription > BigInt(Number.MAX_SAFE_INTEGER)) return;
      bus.unsubscribe(guest.sender().id, Number(subscription));
      guest.onSubscribed?.();
    },
  };
  const whenPassed = <T>(
    pass: ReturnType<BusPolicy['passes']>,
    act: (pass: BusPass) => T | Promise<T>,
  ): T | Promise<T> => {
    const go = (passed: BusPass | undefined): T | Promise<T> =>
      passed === undefined ? refuse({ tag: 'denied' }) : act(passed);
    return pass instanceof Promise ? pass.then(go) : go(pass);
  };
  return { functions, suspending: policy === undefined ? suspending : suspendingAll };
}

const denied: Reply = { error: { tag: 'denied' } };

/** A request that ends as denied as soon as the policies do not permit it any more. */
async function requestUnder(
  policy: BusPolicy,
  guest: BusGuest,
  subject: string,
  payload: Payload,
  askedMs: number,
): Promise<Reply> {
  const pass = await policy.passes('request', subject, payload, askedMs);
  if (pass === undefined) return denied;
  const { payload: own, timeoutMs = askedMs } = pass;
  const end = new AbortController();
  const endWatch = policy.onChange(() => {
    if (!policy.mayGoOn(subject, payload)) end.abort();
  });
  const given = guest.signal();
  const signal = given === undefined ? end.signal : AbortSignal.any([given, end.signal]);
  try {
    const reply = await guest.bus.request(guest.sender(), subject, own, { timeoutMs, signal });
    return end.signal.aborted ? denied : reply;
  } finally {
    endWatch();
  }
}

const noOptions: SendOptions = {};

function optionsOf(id: string | undefined): SendOptions {
  return id === undefined ? noOptions : { id };
}
