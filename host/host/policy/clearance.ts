import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.ts';
import type { Decider } from '../../policy/decider.ts';
import { type Decision, isAllowed } from '../../policy/decision.ts';
import { entityText } from '../../policy/entity.ts';
import type { PolicyRequest } from '../../policy/request.ts';
import { Rates } from '../rates.ts';
import type { RecordNeeds } from '../record/record-needs.ts';
import { type Act, bound } from './bounds.ts';
import { denialWords, explainCommand } from './policy-words.ts';

export interface ClearanceOptions {
  readonly decider: Decider;
  readonly clock: Clock;
  /** As the operator named it: for the command lines of the log. */
  readonly policyFolder: string;
  /** Whether who asks may remember what is plainly allowed, unseen by the record; true if left out. */
  readonly mayRemember?: boolean;
  /** What policies want recorded of messages. */
  readonly needs?: RecordNeeds;
  /** Puts what is not decided yet to a person, and resolves with what came of it, a denial in the end. */
  readonly ask: (request: PolicyRequest, decision: Decision, timeoutMs: number) => Promise<Decision>;
}

/** What may be done, as it may be done. */
export interface Cleared {
  readonly act: Act;
  readonly decision: Decision;
  /** Whether a person approved it. */
  readonly wasAsked: boolean;
}

/** What may not be done, and why, in the operator's words: nothing for the eyes of who asked. */
export interface Refused {
  readonly why: string;
}

/** A denied action's approval, given for when it is tried again. */
interface Approved {
  readonly kind: 'step-up' | 'defer';
  readonly untilMs: number;
}

/** Approvals for a later try that are kept at most, and for how long. */
const approvedMax = 1000;
const approvedMs = 300_000;
/** What was approved and may be under way, at most; of what is forgotten the approval ends at the next change. */
const lastingMax = 4096;

/** Decides for those who carry actions out, and holds the actions to what the decision is bound to. */
export class Clearance {
  readonly decider: Decider;
  readonly mayRemember: boolean;
  readonly #options: ClearanceOptions;
  readonly #rates: Rates;
  readonly #approved = new Map<string, Approved>();
  readonly #asked = new Set<string>();
  readonly #lasting = new Set<string>();

  constructor(options: ClearanceOptions) {
    this.#options = options;
    this.decider = options.decider;
    this.mayRemember = options.mayRemember ?? true;
    this.#rates = new Rates(options.clock);
  }

  /**
   * For what can wait: a promise while a person is asked, at most `waitMs`; and `isWanted` says afterwards whether
   * there is still somebody who wants it.
   */
  clear(
    request: PolicyRequest,
    act: Act,
    waitMs: number,
    isWanted: () => boolean = () => true,
  ): Cleared | Refused | Promise<Cleared | Refused> {
    const decision = this.decider.decide(request);
    if (!isOpen(decision)) return this.#hold(request, act, decision);
    return this.#options.ask(request, decision, waitMs).then((answer) => {
      if (!isWanted()) return { why: 'who asked has gone' };
      return this.#hold(request, act, this.#renewed(request, answer, decision.kind), isAllowed(answer));
    });
  }

  /**
   * Decides, waits for a person and counts for somebody who holds the action to the other conditions himself, in
   * another thread.
   */
  async settle(request: PolicyRequest, waitMs: number): Promise<Decision | Refused> {
    const decision = this.decider.decide(request);
    const answer = isOpen(decision) ? await this.#options.ask(request, decision, waitMs) : decision;
    const settled = isOpen(decision) ? this.#renewed(request, answer, decision.kind) : decision;
    if (!isAllowed(settled)) return this.#refused(request, settled);
    if (isOpen(decision)) this.#remember(request);
    return this.#over(request, settled) ?? settled;
  }

  /** For what cannot wait. It is denied and put to a person; once approved, the next try is allowed. */
  now(request: PolicyRequest, act: Act): Cleared | Refused {
    const decision = this.decider.decide(request);
    if (!isOpen(decision)) return this.#hold(request, act, decision);
    const key = keyOf(request);
    const approved = this.#approved.get(key);
    this.#approved.delete(key);
    const isInTime = approved !== undefined && this.#options.clock.monotonicMs() < approved.untilMs;
    if (isInTime && covers(approved.kind, decision))
      return this.#hold(request, act, asApproved(decision), true);
    void this.#askFor(key, request, decision);
    return {
      why: `${denialWords(this.#options.policyFolder, request, decision)}; the next try may be approved`,
    };
  }

  /** Why something that was allowed may not go on; it is not counted again. `wasAsked`: a person approved it. */
  goesOn(request: PolicyRequest, act?: Act, wasAsked = false): Refused | undefined {
    const decision = this.decider.decide(request);
    if (isOpen(decision) && !wasAsked && !this.#lasting.has(lastingKey(request)))
      return this.#refused(request, decision);
    if (decision.kind === 'deny') return this.#refused(request, decision);
    const held = act === undefined ? {} : bound(act, decision.conditions);
    if (typeof held === 'string') return { why: `${decision.policies.join(', ')}: ${held}` };
    return isDeepStrictEqual(held.limits, act?.limits)
      ? undefined
      : { why: `${decision.policies.join(', ')}: it has more than they allow; install it again` };
  }

  async #askFor(key: string, request: PolicyRequest, decision: Decision): Promise<void> {
    if (this.#asked.has(key) || this.#asked.size >= approvedMax || decision.kind === 'deny') return;
    this.#asked.add(key);
    const answer = await this.#options.ask(request, decision, Number.POSITIVE_INFINITY);
    this.#asked.delete(key);
    if (!isAllowed(answer) || this.#approved.size >= approvedMax) return;
    const kind = decision.kind === 'defer' ? 'defer' : 'step-up';
    this.#approved.set(key, { kind, untilMs: this.#options.clock.monotonicMs() + approvedMs });
  }

  /** An answer may be older than the policies in force. */
  #renewed(request: PolicyRequest, answer: Decision, asked: Decision['kind']): Decision {
    if (!isAllowed(answer)) return answer;
    const decision = this.decider.decide(request);
    return covers(asked, decision) ? asApproved(decision) : decision;
  }

  #hold(request: PolicyRequest, act: Act, decision: Decision, wasAsked = false): Cleared | Refused {
    if (!isAllowed(decision)) return this.#refused(request, decision);
    if (wasAsked) this.#remember(request);
    const held = decision.kind === 'allow' ? act : bound(act, decision.conditions);
    if (typeof held === 'string') return { why: `${decision.policies.join(', ')}: ${held}` };
    const over = decision.kind === 'allow' ? undefined : this.#over(request, decision);
    if (over !== undefined) return over;
    this.record(held, decision);
    return { act: held, decision, wasAsked };
  }

  /** Has a message that is about to be sent recorded as the policies want it. */
  record({ payload }: Act, { audit }: Decision): void {
    if (payload !== undefined && audit !== 'digest') this.#options.needs?.put(payload.body, audit);
  }

  /** Counts it; whether it is too often. */
  #over(request: PolicyRequest, { conditions, policies }: Decision): Refused | undefined {
    const key = lastingKey(request);
    const isOver = conditions.some(
      (condition) => condition.kind === 'rate' && !this.#rates.take(key, condition),
    );
    return isOver ? { why: `${policies.join(', ')}: it is done more often than they allow` } : undefined;
  }

  #remember(request: PolicyRequest): void {
    this.#lasting.add(lastingKey(request));
    const [oldest] = this.#lasting;
    if (this.#lasting.size > lastingMax && oldest !== undefined) this.#lasting.delete(oldest);
  }

  #refused(request: PolicyRequest, decision: Decision): Refused {
    const { policyFolder } = this.#options;
    const isOver = isOpen(decision);
    const words = denialWords(policyFolder, request, decision);
    return { why: isOver ? `${words}; it was put off: ${explainCommand(policyFolder, request)}` : words };
  }
}

/** Whether nobody has decided yet. */
function isOpen({ kind }: Decision): boolean {
  return kind === 'step-up' || kind === 'defer';
}

/** Whether an approval for the one is one for the other: what was put off is more than what a person was asked for. */
function covers(approved: Decision['kind'], { kind }: Decision): boolean {
  return kind === 'step-up'
    ? approved === 'step-up' || approved === 'defer'
    : kind === 'defer' && approved === 'defer';
}

function asApproved(decision: Decision): Decision {
  const isBound = decision.conditions.some(({ kind }) => kind !== 'until');
  return { ...decision, kind: isBound ? 'conditions' : 'allow' };
}

/** Who does what with what, whatever else is said of it. */
function lastingKey({ principal, action, resource }: PolicyRequest): string {
  return `${entityText(principal)} ${action} ${entityText(resource)}`;
}

function keyOf({ principal, action, resource, context = {} }: PolicyRequest): string {
  const said = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${entityText(principal)} ${action} ${entityText(resource)} ${JSON.stringify(said)}`;
}
