import type { Clock } from '../clock.ts';
import { hasWildcard, meet } from '../subject.ts';
import { type Cedar, cedar } from './cedar.ts';
import { Circumstances } from './circumstances.ts';
import { contextJson } from './context-json.ts';
import { type Decision, denial, failure, isAllowed, isRecordAsked } from './decision.ts';
import { DecisionCache } from './decision-cache.ts';
import { actionEntitiesOf, uidOf } from './entities.ts';
import { entityFault } from './entity.ts';
import { Interned } from './interned.ts';
import { judged } from './judgement.ts';
import { type AgentLabels, agentLabels } from './labels.ts';
import type { PolicyRequest } from './request.ts';
import { renewSlices, type Slice, slicesOfActions } from './slices.ts';
import type { PolicySource } from './source.ts';
import { type ActionName, actions, namespace } from './vocabulary.ts';

/** Told of every decision, those from the cache included; for the record. It must not throw. */
export type DecisionListener = (request: PolicyRequest, decision: Decision, isCached: boolean) => void;

/** What a decider reads of a clock. */
export type WallClock = Pick<Clock, 'wallNs'>;

export interface DeciderOptions {
  readonly source: PolicySource;
  readonly clock: WallClock;
  readonly onDecision?: DecisionListener;
  /** Whether there is a record: without one, what has to be recorded is denied. True if left out. */
  readonly hasRecord?: boolean;
}

/** A right that was decided once and holds until the policies change or its time is over. */
export interface PolicyGrant {
  readonly decision: Decision;
  /** Whether it may still be acted on. Costs no decision. */
  isLive(): boolean;
}

/** Narrower subjects that a subscription to a pattern is decided for. */
const meetsMax = 256;

/** Decides in one thread, by what is in force for all: nothing is decided by policies that were replaced. */
export class Decider {
  readonly #source: PolicySource;
  readonly #clock: WallClock;
  readonly #onDecision: DecisionListener | undefined;
  readonly #hasRecord: boolean;
  readonly #slices = slicesOfActions();
  readonly #cache = new DecisionCache();
  readonly #names = new Interned();
  readonly #circumstances = new Circumstances();
  readonly #listeners = new Set<() => void>();
  #version = 0;

  constructor({ source, clock, onDecision, hasRecord = true }: DeciderOptions) {
    this.#hasRecord = hasRecord;
    this.#source = source;
    this.#clock = clock;
    this.#onDecision = onDecision;
    this.#renew();
  }

  /** May it? Whatever goes wrong on the way is a denial. */
  decide(request: PolicyRequest): Decision {
    if (!this.refresh())
      return this.#told(
        request,
        failure('the policies in force have not arrived here', this.#version),
        false,
      );
    const slice = this.#slices.get(request.action);
    if (slice === undefined)
      return this.#told(request, failure(`there is no action '${request.action}'`, this.#version), false);
    const principal = this.#names.idOf(request.principal);
    const resource = this.#names.idOf(request.resource);
    const circumstance = this.#circumstanceOf(slice, request.context);
    if (principal < 0 || resource < 0 || circumstance < 0) {
      this.#forget();
      return this.#told(request, this.#decideAnew(request, slice), false);
    }
    const known = this.#cache.get(principal, resource, circumstance);
    if (known !== undefined && this.#holds(known)) {
      if (this.#onDecision !== undefined) this.#onDecision(request, known, true);
      return known;
    }
    const decision = this.#decideAnew(request, slice);
    // It is given to many from now on.
    if (!decision.isFailure) this.#cache.put(principal, resource, circumstance, Object.freeze(decision));
    return this.#told(request, decision, false);
  }

  /** Decides once for a hot path, which then asks only whether that still holds. */
  grant(request: PolicyRequest): PolicyGrant {
    const decision = this.decide(request);
    const isLive = (): boolean =>
      isAllowed(decision) && this.#source.versionInForce === decision.version && this.#holds(decision);
    return { decision, isLive };
  }

  /** What decides for the whole host; what was decided under another version holds no longer. */
  get versionInForce(): number {
    return this.#source.versionInForce;
  }

  /** Whether decisions of an action depend on nothing but who and what: neither context nor time. */
  isSteady(action: ActionName): boolean {
    return this.#slices.get(action)?.reads.length === 0;
  }

  /** Whether a decision of an action may be another a second later although nothing else changed. */
  readsTime(action: ActionName): boolean {
    return this.#slices.get(action)?.readsTime === true;
  }

  /** Labels of what an agent may be given and of what it sends; undefined while what is in force is not here. */
  labelsOf(agent: string): AgentLabels | undefined {
    if (!this.refresh()) return undefined;
    const known = this.#source.entities.get({ kind: 'Agent', id: agent })?.attributes;
    if (known === undefined) return unlabelled;
    const { holds, carries } = known;
    return agentLabels(labelsIn(holds) ?? [], labelsIn(carries));
  }

  /** Takes what changed. Whether what is in force is here; while it is not, everything is denied. */
  refresh(): boolean {
    if (this.#source.versionInForce === this.#version) return true;
    if (!this.#source.take()) {
      this.#cache.clear();
      return false;
    }
    this.#renew();
    for (const listener of this.#listeners) listener();
    return true;
  }

  /** Told when what was decided before may not hold any more: grants have to be asked for again. Returns what ends it. */
  onRevoked(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const slice of this.#slices.values()) slice.close();
    this.#listeners.clear();
  }

  #renew(): void {
    this.#version = this.#source.version;
    renewSlices(this.#slices, this.#source.rules.values());
    this.#forget();
  }

  #forget(): void {
    this.#cache.clear();
    this.#names.clear();
    this.#circumstances.clear();
    for (const slice of this.#slices.values()) slice.forget();
  }

  #holds({ untilMs }: Decision): boolean {
    return untilMs === Number.POSITIVE_INFINITY || this.#nowMs() < untilMs;
  }

  #told(request: PolicyRequest, decision: Decision, isCached: boolean): Decision {
    if (this.#onDecision !== undefined) this.#onDecision(request, decision, isCached);
    return decision;
  }

  #circumstanceOf(slice: Slice, context: PolicyRequest['context']): number {
    if (slice.reads.length === 0) {
      if (slice.circumstance === -1) slice.circumstance = this.#circumstances.next();
      return slice.circumstance;
    }
    const second = slice.readsTime ? Math.floor(this.#nowMs() / 1000) : 0;
    return this.#circumstances.idOf(slice.contexts, slice.reads, context, second);
  }

  #nowMs(): number {
    return Number(this.#clock.wallNs() / 1_000_000n);
  }

  #decideAnew(request: PolicyRequest, slice: Slice): Decision {
    const fault = requestFault(request);
    if (fault !== undefined) return failure(fault, this.#version);
    const decision = this.#evaluate(request, slice);
    if (request.action !== 'bus.subscribe' || decision.kind === 'deny' || !hasWildcard(request.resource.id))
      return decision;
    return this.#narrower(request, slice) ?? decision;
  }

  /** What forbids one of the subjects of a pattern forbids the pattern: who hears all of them would hear it. */
  #narrower(request: PolicyRequest, slice: Slice): Decision | undefined {
    const asked = request.resource.id;
    const meets = new Set(slice.subjects.map((named) => meet(asked, named)));
    if (meets.size > meetsMax)
      return denial(`more than ${meetsMax} rules are about parts of '${asked}'; ask for less`, this.#version);
    for (const id of meets) {
      if (id === undefined || id === asked) continue;
      const decision = this.#evaluate({ ...request, resource: { kind: 'Subject', id } }, slice);
      if (decision.kind === 'deny' && (decision.policies.length > 0 || decision.isFailure)) return decision;
    }
    return undefined;
  }

  #evaluate(request: PolicyRequest, slice: Slice): Decision {
    if (slice.isEmpty) return denial('no policy permits it', this.#version);
    const nowMs = this.#nowMs();
    const context = contextJson(request, slice.reads, nowMs);
    if (typeof context === 'string') return failure(context, this.#version);
    const entities = this.#source.entities.slice(request.principal, request.resource, slice);
    if (entities === undefined) return failure('who asks is in too many groups', this.#version);
    try {
      const call: Cedar.StatefulAuthorizationCall = {
        principal: uidOf(request.principal),
        action: { type: `${namespace}::Action`, id: request.action },
        resource: uidOf(request.resource),
        context,
        entities: [...entities, ...actionEntitiesOf(request.action)],
        preparsedPolicySetId: slice.prepared(),
      };
      const answer = cedar.call(({ statefulIsAuthorized }) => statefulIsAuthorized(call));
      return this.#recordable(judged(answer, slice, nowMs, this.#version));
    } catch (error) {
      return failure(`Cedar failed: ${String(error)}`, this.#version);
    }
  }

  /** What has to be recorded is not done where nothing is. */
  #recordable(decision: Decision): Decision {
    if (this.#hasRecord || decision.kind === 'deny' || !isRecordAsked(decision.audit)) return decision;
    const why = 'they want it recorded, and this host keeps no record (--audit off)';
    return denial(why, this.#version, decision.policies);
  }
}

const unlabelled: AgentLabels = agentLabels([]);

function labelsIn(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((label) => typeof label === 'string') : undefined;
}

/** Why it is no request at all. */
function requestFault({ principal, action, resource }: PolicyRequest): string | undefined {
  const { principals, resources } = actions[action];
  if (!principals.includes(principal.kind)) return `${action} is nothing that ${principal.kind} can ask for`;
  if (!resources.includes(resource.kind))
    return `${action} is nothing that can be done with ${resource.kind}`;
  const fault = entityFault(principal) ?? entityFault(resource);
  return fault === undefined ? undefined : `the request names what there cannot be: ${fault}`;
}
