import type { Level } from '../manifest/scheduling.ts';
import { agentSubject, groupFault, patternFault, subjectFault } from '../subject.ts';
import type { Bus } from './bus.ts';
import type { Accepted, Reply, Sender, SendOptions } from './delivery.ts';
import type { BusError, Payload, TooLate } from './message.ts';
import { priorityAsked } from './payload-rules.ts';
import { answerOf } from './verdict.ts';

/** What an agent may reach, as the bus asks it (`capability/`). Subjects and patterns are valid ones. */
export interface BusRights {
  maySend(subject: string): boolean;
  mayPublish(subject: string): boolean;
  /** Every subject of the pattern has to be granted. */
  maySubscribe(pattern: string): boolean;
  /** The line of the manifest that would allow it. */
  cure(kind: 'send' | 'publish' | 'subscribe' | 'priority', target: string): string;
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
  /** Whether what it sends may be handled at a level. */
  mayUrge(level: Level): boolean;
  /** What it shares with its other instances where it names no group; undefined: it has none. */
  readonly group?: string | undefined;
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
  // Agents by the thousand have these: they share their variables, and those that a program does not import go.
  // Most agents send to the same one again: its name and subject are hashed once, the grant is asked each time.
  let latest = nobody;
  const functions: BusFunctions = {
    send: (agent, id, payload) => {
      if (agent !== latest.agent) latest = knownTarget(agent);
      const { subject, isSubject } = latest;
      // A name that can be no agent's is an agent that is not there.
      check(guest, 'send', subject, isSubject && guest.rights.maySend(subject));
      if (payload.headers.length > 0) checkPriority(guest, payload);
      if (guest.rights.policy !== undefined)
        return sendUnder(guest, guest.rights.policy, latest, payload, id);
      return settle(guest, guest.bus.send(guest.sender(), latest.agent, payload, optionsOf(id)));
    },
    publish: (subject, id, payload) => {
      checkSubject(guest, subjectFault(subject));
      // Answering what one was asked takes no grant; the bus lets nobody else do it.
      if (!subject.startsWith(inboxStart)) check(guest, 'publish', subject, guest.rights.mayPublish(subject));
      if (payload.headers.length > 0) checkPriority(guest, payload);
      if (guest.rights.policy !== undefined)
        return publishUnder(guest, guest.rights.policy, subject, payload, id);
      return settle(guest, guest.bus.publish(guest.sender(), subject, payload, optionsOf(id)));
    },
    request: (subject, payload, timeoutMs) => requestAs(guest, subject, payload, timeoutMs, guest.signal()),
    subscribe: (pattern, group) => {
      checkSubject(guest, patternFault(pattern) ?? (group === undefined ? undefined : groupFault(group)));
      check(guest, 'subscribe', pattern, guest.rights.maySubscribe(pattern));
      const permitted = guest.rights.policy?.subscribes(pattern) ?? true;
      return permitted instanceof Promise
        ? permitted.then((isPermitted) => subscribed(guest, pattern, group, isPermitted))
        : subscribed(guest, pattern, group, permitted);
    },
    unsubscribe: (subscription) => {
      if (subscription > BigInt(Number.MAX_SAFE_INTEGER)) return;
      guest.bus.unsubscribe(guest.sender().id, Number(subscription));
      guest.onSubscribed?.();
    },
  };
  return { functions, suspending: guest.rights.policy === undefined ? suspending : suspendingAll };
}

function subscribed(
  guest: BusGuest,
  pattern: string,
  group: string | undefined,
  isPermitted: boolean,
): bigint {
  if (!isPermitted) return refuse(guest, { tag: 'denied' });
  const subscription = guest.bus.subscribe(guest.sender().id, pattern, group ?? guest.group);
  if (typeof subscription !== 'number') return refuse(guest, subscription);
  guest.onSubscribed?.();
  return BigInt(subscription);
}

function sendUnder(
  guest: BusGuest,
  policy: BusPolicy,
  { agent, subject }: Target,
  payload: Payload,
  id: string | undefined,
): string | Promise<string> {
  return whenPassed(guest, policy.passes('send', subject, payload), (pass) =>
    settle(guest, guest.bus.send(guest.sender(), agent, pass.payload, optionsOf(id))),
  );
}

function publishUnder(
  guest: BusGuest,
  policy: BusPolicy,
  subject: string,
  payload: Payload,
  id: string | undefined,
): string | Promise<string> {
  const publish = (own: Payload): string | Promise<string> =>
    settle(guest, guest.bus.publish(guest.sender(), subject, own, optionsOf(id)));
  if (!subject.startsWith(inboxStart))
    return whenPassed(guest, policy.passes('publish', subject, payload), (pass) => publish(pass.payload));
  return policy.answers() ? publish(payload) : refuse(guest, { tag: 'denied' });
}

function whenPassed(
  guest: BusGuest,
  pass: ReturnType<BusPolicy['passes']>,
  act: (pass: BusPass) => string | Promise<string>,
): string | Promise<string> {
  const go = (passed: BusPass | undefined): string | Promise<string> =>
    passed === undefined ? refuse(guest, { tag: 'denied' }) : act(passed);
  return pass instanceof Promise ? pass.then(go) : go(pass);
}

/** What `request` does, until `signal` aborts. */
export async function requestAs(
  guest: BusGuest,
  subject: string,
  payload: Payload,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Payload> {
  checkSubject(guest, subjectFault(subject));
  check(guest, 'send', subject, guest.rights.maySend(subject));
  if (payload.headers.length > 0) checkPriority(guest, payload);
  const { policy } = guest.rights;
  const reply =
    policy === undefined
      ? await guest.bus.request(guest.sender(), subject, payload, { timeoutMs, signal })
      : await requestUnder(policy, guest, subject, payload, timeoutMs, signal);
  const answer = answerOf(reply);
  return 'tag' in answer ? refuse(guest, answer) : answer;
}

const denied: Reply = { error: { tag: 'denied' } };

/** A request that ends as denied as soon as the policies do not permit it any more. */
async function requestUnder(
  policy: BusPolicy,
  guest: BusGuest,
  subject: string,
  payload: Payload,
  askedMs: number,
  given: AbortSignal | undefined,
): Promise<Reply> {
  const pass = await policy.passes('request', subject, payload, askedMs);
  if (pass === undefined) return denied;
  const { payload: own, timeoutMs = askedMs } = pass;
  const end = new AbortController();
  const endWatch = policy.onChange(() => {
    if (!policy.mayGoOn(subject, payload)) end.abort();
  });
  const signal = given === undefined ? end.signal : AbortSignal.any([given, end.signal]);
  try {
    const reply = await guest.bus.request(guest.sender(), subject, own, { timeoutMs, signal });
    return end.signal.aborted ? denied : reply;
  } finally {
    endWatch();
  }
}

function refuse(guest: BusGuest, error: BusError): never {
  throw guest.failure(error.tag === 'too-late' ? { tag: 'other', val: lateWords(error.val) } : error);
}

function lateWords({ forecastMs, deadlineMs }: TooLate): string {
  return `too-late: it would take ${Math.ceil(forecastMs)} ms, and has ${Math.floor(deadlineMs)} ms`;
}

/** A level that there is not the bus itself refuses. */
function checkPriority(guest: BusGuest, payload: Payload): void {
  const level = priorityAsked(payload);
  if (level !== undefined) check(guest, 'priority', level, guest.mayUrge(level));
}

function check(
  guest: BusGuest,
  kind: 'send' | 'publish' | 'subscribe' | 'priority',
  target: string,
  isGranted: boolean,
): void {
  if (isGranted) return;
  guest.denied(`${kind} ${target}`, guest.rights.cure(kind, target));
  refuse(guest, { tag: 'denied' });
}

function checkSubject(guest: BusGuest, fault: string | undefined): void {
  if (fault !== undefined) refuse(guest, { tag: 'invalid-subject', val: fault });
}

function settle(
  guest: BusGuest,
  result: Accepted | BusError | Promise<Accepted | BusError>,
): string | Promise<string> {
  return result instanceof Promise ? result.then((settled) => idOf(guest, settled)) : idOf(guest, result);
}

function idOf(guest: BusGuest, result: Accepted | BusError): string {
  return 'tag' in result ? refuse(guest, result) : result.id;
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

/** Whom agents of this thread sent to lately: the same texts again, so that nothing is put together or hashed anew. */
const targets = new Map<string, Target>();
const targetsMax = 1024;

function knownTarget(agent: string): Target {
  const known = targets.get(agent);
  if (known !== undefined) return known;
  if (targets.size >= targetsMax) targets.clear();
  const target = targetOf(agent);
  // What can be no agent's is made up, and would push out the others.
  if (target.isSubject) targets.set(agent, target);
  return target;
}

const nobody = targetOf('');

const noOptions: SendOptions = {};

function optionsOf(id: string | undefined): SendOptions {
  return id === undefined ? noOptions : { id };
}
