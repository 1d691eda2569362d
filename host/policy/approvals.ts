import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import { type Decision, denial, isAllowed } from './decision.ts';
import { entityText } from './entity.ts';
import type { PolicyRequest } from './request.ts';

/** What waits for an answer. */
export interface Waiting {
  /** `a1`, `a2`, …: never used again (see `ApprovalOptions.count`). */
  readonly id: string;
  readonly kind: 'step-up' | 'defer';
  readonly request: PolicyRequest;
  readonly reason: string;
  readonly policies: readonly string[];
  readonly askedAtMs: number;
  readonly deadlineMs: number;
}

export interface ApprovalOptions {
  readonly clock: Clock;
  /** Decides again: an approval is worth nothing when the policies forbid it meanwhile. */
  readonly decide: (request: PolicyRequest) => Decision;
  /** Requests that wait at most; one more is denied. 1,000 if left out. */
  readonly waitingMax?: number;
  /** How long one waits before it is denied. Five minutes if left out. */
  readonly timeoutMs?: number;
  /** Told when one begins to wait, for a person to be told. What it throws denies it. */
  readonly onWaiting?: (waiting: Waiting) => void;
  /** Told when one waits no longer, before whoever asked is. */
  readonly onSettled?: (waiting: Waiting, end: ApprovalEnd) => void;
  /** How many were asked before this run; 0 if left out. */
  readonly count?: number;
  /** Those that an earlier run of the host left unanswered. */
  readonly lost?: ReadonlySet<string>;
}

/** How one ended: `decided` by policies that are others now, `lost` with the host. */
export interface ApprovalEnd {
  readonly how: 'approved' | 'refused' | 'timed-out' | 'decided' | 'lost';
  /** Who answered; empty: nobody. */
  readonly by: string;
  readonly reason: string;
}

interface Entry {
  readonly waiting: Waiting;
  readonly settle: (decision: Decision) => void;
  readonly end: AbortController;
}

const waitingMaxDefault = 1000;
const timeoutMsDefault = 300_000;

/** Requests that a person has to approve, and those that were put off. What nobody answers is denied. */
export class Approvals {
  readonly #options: ApprovalOptions;
  readonly #waitingMax: number;
  readonly #timeoutMs: number;
  readonly #entries = new Map<string, Entry>();
  #count: number;
  #isClosed = false;

  constructor(options: ApprovalOptions) {
    this.#options = options;
    this.#count = options.count ?? 0;
    this.#waitingMax = options.waitingMax ?? waitingMaxDefault;
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  }

  /** The oldest first. */
  get waiting(): readonly Waiting[] {
    return [...this.#entries.values()].map(({ waiting }) => waiting);
  }

  /**
   * Waits for the answer to a decision that is no answer yet, for `timeoutMs` if that is less than all may wait;
   * every other comes back as it is. Never rejects.
   */
  ask(
    request: PolicyRequest,
    decision: Decision,
    timeoutMs: number = Number.POSITIVE_INFINITY,
  ): Promise<Decision> {
    const { kind, reason, policies, version } = decision;
    if (kind !== 'step-up' && kind !== 'defer') return Promise.resolve(decision);
    if (this.#isClosed) return Promise.resolve(denial('the host ends', version, policies));
    if (this.#entries.size >= this.#waitingMax)
      return Promise.resolve(
        denial(`${this.#waitingMax} requests wait for an answer already`, version, policies),
      );
    this.#count += 1;
    const askedAtMs = this.#nowMs();
    const waiting: Waiting = {
      id: `a${this.#count}`,
      kind,
      request: structuredClone(request),
      reason,
      policies,
      askedAtMs,
      deadlineMs: askedAtMs + Math.min(this.#timeoutMs, timeoutMs),
    };
    return new Promise((settle) => this.#add(waiting, settle));
  }

  /**
   * A person says yes.
   * @throws HostError `HOST_ERR_POLICY_APPROVAL_UNKNOWN`, `HOST_ERR_POLICY_APPROVAL_LOST`, `HOST_ERR_CAPABILITY_DENIED`
   */
  approve(id: string, by: string, reason = ''): Decision {
    const { waiting } = this.#entry(id);
    const { principal } = waiting.request;
    if (isAsker(waiting.request, by))
      throw new HostError(
        'HOST_ERR_CAPABILITY_DENIED',
        `${entityText(principal)} asks for ${id} and cannot approve it; another person has to`,
        { id, by },
      );
    return this.#settle(id, this.#approved(waiting, by), { how: 'approved', by, reason });
  }

  /** A person says no. @throws HostError `HOST_ERR_POLICY_APPROVAL_UNKNOWN`, `HOST_ERR_POLICY_APPROVAL_LOST` */
  deny(id: string, by: string, why = ''): Decision {
    const { policies } = this.#entry(id).waiting;
    const { version } = this.#options.decide(this.#entry(id).waiting.request);
    const denied = denial(`denied by ${by}${why === '' ? '' : `: ${why}`}`, version, policies);
    return this.#settle(id, denied, { how: 'refused', by, reason: why });
  }

  /** After a change of the policies: what they decide by themselves now waits no longer. */
  reconsider(): void {
    for (const [id, { waiting }] of this.#entries) {
      const decision = this.#options.decide(waiting.request);
      if (decision.kind === 'step-up' || decision.kind === 'defer') continue;
      this.#settle(id, decision, { how: 'decided', by: '', reason: `${decision.kind}: ${decision.reason}` });
    }
  }

  /** Denies all that waits, and all that is asked from now on. */
  close(): void {
    this.#isClosed = true;
    for (const [id, { waiting }] of this.#entries)
      this.#settle(id, denial('the host ends', 0, waiting.policies), lostWithHost);
  }

  #add(waiting: Waiting, settle: (decision: Decision) => void): void {
    const end = new AbortController();
    this.#entries.set(waiting.id, { waiting, settle, end });
    this.#options.clock.sleep(waiting.deadlineMs - waiting.askedAtMs, end.signal).then(
      () => this.#timeOut(waiting),
      () => {},
    );
    try {
      this.#options.onWaiting?.(waiting);
    } catch (error) {
      const why = `nobody can be asked: ${error instanceof Error ? error.message : String(error)}`;
      this.#settle(waiting.id, denial(why, 0, waiting.policies), { how: 'lost', by: '', reason: why });
    }
  }

  #timeOut({ id, request, policies, askedAtMs, deadlineMs }: Waiting): void {
    if (!this.#entries.has(id)) return;
    const { version } = this.#options.decide(request);
    const why = `nobody answered within ${Math.round(deadlineMs - askedAtMs)} ms`;
    this.#settle(id, denial(why, version, policies), { how: 'timed-out', by: '', reason: why });
  }

  #approved({ request, kind, policies }: Waiting, by: string): Decision {
    const decision = this.#options.decide(request);
    if (decision.kind === 'deny' || isAllowed(decision)) return decision;
    // What was put off meanwhile is more than a person was asked for.
    if (decision.kind === 'defer' && kind === 'step-up')
      return denial('the policies put it off meanwhile', decision.version, policies);
    const isBound = decision.conditions.some((condition) => condition.kind !== 'until');
    return { ...decision, kind: isBound ? 'conditions' : 'allow', reason: `approved by ${by}` };
  }

  #settle(id: string, decision: Decision, end: ApprovalEnd): Decision {
    const entry = this.#entry(id);
    this.#entries.delete(id);
    entry.end.abort();
    this.#options.onSettled?.(entry.waiting, end);
    entry.settle(decision);
    return decision;
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    if (this.#options.lost?.has(id) === true)
      throw new HostError(
        'HOST_ERR_POLICY_APPROVAL_LOST',
        `'${id}' was asked before the host ended, and denied with it; whoever wants it asks again, under another name`,
        { id },
      );
    throw new HostError(
      'HOST_ERR_POLICY_APPROVAL_UNKNOWN',
      `nothing waits as '${id}'; it may be answered already`,
      {
        id,
      },
    );
  }

  #nowMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }
}

export const lostWithHost: ApprovalEnd = { how: 'lost', by: '', reason: 'the host ended' };

/** Whether it is the asker's own name, or that of whom the asker acts for. */
function isAsker({ principal, context }: PolicyRequest, by: string): boolean {
  return (principal.kind === 'Principal' && principal.id === by) || context?.caller === by;
}
