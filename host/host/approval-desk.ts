import type { Clock } from '../clock.ts';
import { Approvals, type Waiting } from '../policy/approvals.ts';
import type { Decider } from '../policy/decider.ts';
import type { Decision } from '../policy/decision.ts';
import { entityText } from '../policy/entity.ts';
import type { PolicyRequest } from '../policy/request.ts';
import type { Approval } from './serving.ts';

export interface ApprovalDeskOptions {
  readonly decider: Decider;
  readonly clock: Clock;
  readonly say: (text: string) => void;
  /** Says an event of the host: `host.approval.asked`, `host.approval.answered`. */
  readonly publish: (subject: string, body: unknown) => void;
}

/** Where what a person has to approve waits, for the whole host. Nothing here survives it: a restart denies. */
export class ApprovalDesk {
  readonly #options: ApprovalDeskOptions;
  readonly #approvals: Approvals;

  constructor(options: ApprovalDeskOptions) {
    this.#options = options;
    const { clock, decider } = options;
    this.#approvals = new Approvals({
      clock,
      decide: (request) => decider.decide(request),
      onWaiting: (waiting) => this.#announce(waiting),
    });
    decider.onRevoked(() => this.#approvals.reconsider());
  }

  ask(request: PolicyRequest, decision: Decision, timeoutMs: number): Promise<Decision> {
    return this.#approvals.ask(request, decision, timeoutMs);
  }

  /** The oldest first. */
  get waiting(): readonly Approval[] {
    return this.#approvals.waiting.map(approvalOf);
  }

  /** @throws HostError `HOST_ERR_POLICY_APPROVAL_UNKNOWN`, `HOST_ERR_CAPABILITY_DENIED` for who asked itself */
  answer(id: string, isApproved: boolean, by: string, reason: string): void {
    if (isApproved) this.#approvals.approve(id, by);
    else this.#approvals.deny(id, by, reason);
    const words = `${isApproved ? 'approved' : 'denied'} by ${by}${reason === '' ? '' : `: ${reason}`}`;
    this.#options.say(`approval ${id} ${words}`);
    this.#options.publish('host.approval.answered', { id, isApproved, by, reason });
  }

  close(): void {
    this.#approvals.close();
  }

  #announce(waiting: Waiting): void {
    const approval = approvalOf(waiting);
    const { id, principal, action, resource, policies, reason } = approval;
    this.#options.say(
      `approval ${id} is asked: ${principal} ${action} ${resource} (${policies.join(', ')}: ${reason}); host approvals approve ${id}`,
    );
    this.#options.publish('host.approval.asked', approval);
  }
}

function approvalOf({ id, kind, request, reason, policies, askedAtMs, deadlineMs }: Waiting): Approval {
  return {
    id,
    kind,
    principal: entityText(request.principal),
    action: request.action,
    resource: entityText(request.resource),
    context: request.context ?? {},
    policies,
    reason,
    askedAtMs,
    deadlineMs,
  };
}
