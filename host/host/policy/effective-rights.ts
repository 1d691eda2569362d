import type { BusPass, BusPolicy, BusRights } from '../../bus/guest-api.ts';
import type { Payload } from '../../bus/message.ts';
import type { Capabilities } from '../../capability/capabilities.ts';
import { hashOf, Verdicts } from '../../capability/verdicts.ts';
import type { Decision } from '../../policy/decision.ts';
import type { EntityRef } from '../../policy/entity.ts';
import type { PolicyContext, PolicyRequest } from '../../policy/request.ts';
import type { ActionName } from '../../policy/vocabulary.ts';
import type { Act } from './bounds.ts';
import type { Clearance, Cleared, Refused } from './clearance.ts';
import { flowFault } from './data-flow.ts';

/** The agent whose rights they are, at work. */
export interface RightsHolder {
  readonly name: string;
  /** What its manifest grants, now: none of what an earlier version was granted. */
  readonly capabilities: Capabilities;
  /** What is under way, by identity: whether a call is still wanted after a wait. */
  readonly underWay: () => unknown;
  /** Whose message is at hand; undefined: nobody's inside. */
  readonly asker: () => string | undefined;
  /** How long what is under way may take still. */
  readonly leftMs: () => number;
  /** For the operator's log. */
  readonly denied: (what: string, why: string) => void;
}

type BusKind = 'send' | 'publish' | 'request';

const actionOf = { send: 'bus.send', request: 'bus.send', publish: 'bus.publish' } as const;
const agentStart = 'agent.';
/** The guest is answered before its own time is over: so much of what is left is kept for that. */
const answerShare = 0.2;
const answerMsMax = 2_000;

/**
 * What one agent may do: what its manifest grants and the host's policies permit, both. Made only where there are
 * policies. A right that depends on nothing but the subject is remembered beside the grant's verdict, until the
 * version of the policies is another.
 */
export class EffectiveRights implements BusRights, BusPolicy {
  readonly #holder: RightsHolder;
  readonly #clearance: Clearance;
  readonly #principal: EntityRef;
  readonly #sends = new Verdicts();
  readonly #publishes = new Verdicts();
  #version = -1;

  constructor(holder: RightsHolder, clearance: Clearance) {
    this.#holder = holder;
    this.#clearance = clearance;
    this.#principal = { kind: 'Agent', id: holder.name };
  }

  get policy(): BusPolicy {
    return this;
  }

  maySend(subject: string): boolean {
    return this.#holder.capabilities.maySend(subject);
  }

  mayPublish(subject: string): boolean {
    return this.#holder.capabilities.mayPublish(subject);
  }

  maySubscribe(pattern: string): boolean {
    return this.#holder.capabilities.maySubscribe(pattern);
  }

  cure(kind: BusKind | 'subscribe' | 'priority', target: string): string {
    return this.#holder.capabilities.cure(kind === 'request' ? 'send' : kind, target);
  }

  passes(
    kind: BusKind,
    subject: string,
    payload: Payload,
    timeoutMs?: number,
  ): BusPass | undefined | Promise<BusPass | undefined> {
    const known = kind === 'publish' ? this.#publishes : this.#sends;
    const hash = hashOf(subject);
    if (this.#version === this.#clearance.decider.versionInForce) {
      if (known.get(subject, hash) === true) return { payload, timeoutMs };
    } else this.#forget();
    const act: Act = { payload, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const request = this.#busRequest(kind, subject, payload);
    const result = this.#clear(request, act);
    if (result instanceof Promise) return result.then((settled) => this.#passed(kind, subject, settled));
    if ('decision' in result && this.#isPlain(result.decision, request.action))
      known.set(subject, hash, true);
    return this.#passed(kind, subject, result);
  }

  answers(): boolean {
    const asker = this.#holder.asker();
    if (asker === undefined) return true;
    const { decider } = this.#clearance;
    const why = flowFault(decider.labelsOf(this.#holder.name)?.carries, asker, decider);
    if (why !== undefined) this.#holder.denied(`its answer to ${asker}`, why);
    return why === undefined;
  }

  /** As the bus sends them along; undefined: none. */
  get labels(): string | undefined {
    const labels = this.#clearance.decider.labelsOf(this.#holder.name)?.carries ?? [];
    return labels.length === 0 ? undefined : labels.join(',');
  }

  /** Whether it may be subscribed to a pattern; a promise while a person is asked. */
  subscribes(pattern: string): boolean | Promise<boolean> {
    const request = this.request('bus.subscribe', { kind: 'Subject', id: pattern });
    const result = this.#clear(request, {});
    const told = (settled: Cleared | Refused): boolean => {
      if ('act' in settled) return true;
      this.#holder.denied(`subscribe ${pattern}`, settled.why);
      return false;
    };
    return result instanceof Promise ? result.then(told) : told(result);
  }

  /** Whether it may do something that cannot wait; the operator is told when not. */
  may(action: ActionName, resource: EntityRef, context: PolicyContext, act: Act, what: string): boolean {
    const result = this.#clearance.now(this.request(action, resource, context), act);
    if ('act' in result) return true;
    this.#holder.denied(what, result.why);
    return false;
  }

  /** Why a request under way may not go on; undefined: it may. */
  ended(request: PolicyRequest): string | undefined {
    return this.#clearance.goesOn(request)?.why;
  }

  /** As `ended`, for what went out on the bus. */
  mayGoOn(subject: string, payload: Payload): boolean {
    const why = this.ended(this.#busRequest('request', subject, payload));
    if (why !== undefined) this.#holder.denied(`request ${subject}`, why);
    return why === undefined;
  }

  onChange(listener: () => void): () => void {
    return this.#clearance.decider.onRevoked(listener);
  }

  request(action: ActionName, resource: EntityRef, context: PolicyContext = {}): PolicyRequest {
    const labels = this.#clearance.decider.labelsOf(this.#holder.name)?.carries ?? [];
    return {
      principal: this.#principal,
      action,
      resource,
      context: labels.length === 0 ? context : { ...context, labels },
    };
  }

  #busRequest(kind: BusKind, subject: string, { body, contentType }: Payload): PolicyRequest {
    const context: PolicyContext = {
      bytes: body.length,
      ...(contentType === undefined ? {} : { contentType }),
    };
    return this.request(actionOf[kind], receiverOf(subject), context);
  }

  #clear(request: PolicyRequest, act: Act): Cleared | Refused | Promise<Cleared | Refused> {
    const { underWay, leftMs } = this.#holder;
    const now = underWay();
    const left = leftMs();
    const waitMs = left - Math.min(answerMsMax, left * answerShare);
    return this.#clearance.clear(request, act, waitMs, () => underWay() === now);
  }

  #passed(kind: BusKind, subject: string, result: Cleared | Refused): BusPass | undefined {
    if ('act' in result) {
      const { payload, timeoutMs } = result.act;
      return payload && { payload, timeoutMs };
    }
    this.#holder.denied(`${kind} ${subject}`, result.why);
    return undefined;
  }

  #isPlain({ kind, untilMs, version, audit }: Decision, action: ActionName): boolean {
    if (audit !== 'digest') return false;
    if (!this.#clearance.mayRemember || kind !== 'allow' || untilMs !== Number.POSITIVE_INFINITY)
      return false;
    return version === this.#version && this.#clearance.decider.isSteady(action);
  }

  #forget(): void {
    this.#sends.forget();
    this.#publishes.forget();
    this.#clearance.decider.refresh();
    this.#version = this.#clearance.decider.versionInForce;
  }
}

/** A mailbox is its agent. */
export function receiverOf(subject: string): EntityRef {
  return subject.startsWith(agentStart)
    ? { kind: 'Agent', id: subject.slice(agentStart.length) }
    : { kind: 'Subject', id: subject };
}
