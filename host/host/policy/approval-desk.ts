import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { Clock } from '../../clock.ts';
import { type ApprovalEnd, Approvals, lostWithHost, type Waiting } from '../../policy/approvals.ts';
import type { Decider } from '../../policy/decider.ts';
import { type Decision, denial } from '../../policy/decision.ts';
import { type EntityRef, entityText } from '../../policy/entity.ts';
import type { PolicyRequest } from '../../policy/request.ts';
import { note } from '../record/note.ts';
import type { Approval } from '../serving.ts';
import type { ApprovalFile, LeftApproval } from './approval-file.ts';

export interface ApprovalDeskOptions {
  readonly decider: Decider;
  readonly clock: Clock;
  readonly say: (text: string) => void;
  /** Says an event of the host: `host.approval.asked`, `host.approval.answered`. */
  readonly publish: (subject: string, body: unknown) => void;
  /** The host's audit chain; undefined: it keeps none. */
  readonly pen: AuditPen | undefined;
  /** What is known of approvals beyond a run of the host. */
  readonly file: ApprovalFile;
}

/**
 * Where what a person has to approve waits, for the whole host. What waits when the host ends is denied: who asked is
 * gone with it, or asks again. That it was lost is on the record, also after a crash, and no name is given twice: an
 * answer that comes late is refused and meets nothing else.
 */
export class ApprovalDesk {
  readonly #options: ApprovalDeskOptions;
  readonly #approvals: Approvals;

  constructor(options: ApprovalDeskOptions) {
    this.#options = options;
    const { clock, decider } = options;
    this.#approvals = new Approvals({
      clock,
      decide: (request) => decider.decide(request),
      count: options.file.count,
      lost: options.file.lost,
      onWaiting: (waiting) => this.#announce(waiting),
      onSettled: (waiting, end) => this.#settled(waiting, end),
    });
    for (const one of options.file.left) this.#recordLost(one);
    decider.onRevoked(() => this.#approvals.reconsider());
  }

  ask(request: PolicyRequest, decision: Decision, timeoutMs: number): Promise<Decision> {
    if (this.#options.pen?.isFull === true && (decision.kind === 'step-up' || decision.kind === 'defer'))
      return Promise.resolve(denial(unrecordable, decision.version, decision.policies));
    return this.#approvals.ask(request, decision, timeoutMs);
  }

  /** The oldest first. */
  get waiting(): readonly Approval[] {
    return this.#approvals.waiting.map(approvalOf);
  }

  /** @throws HostError `HOST_ERR_POLICY_APPROVAL_UNKNOWN`, `HOST_ERR_CAPABILITY_DENIED` for who asked itself */
  answer(id: string, isApproved: boolean, by: string, reason: string): void {
    if (isApproved) this.#options.pen?.assertRoom();
    if (isApproved) this.#approvals.approve(id, by, reason);
    else this.#approvals.deny(id, by, reason);
    const words = `${isApproved ? 'approved' : 'denied'} by ${by}${reason === '' ? '' : `: ${reason}`}`;
    this.#options.say(`approval ${id} ${words}`);
    this.#options.publish('host.approval.answered', { id, isApproved, by, reason });
  }

  close(): void {
    this.#approvals.close();
  }

  #settled({ id, request }: Waiting, { how, by, reason }: ApprovalEnd): void {
    const { pen } = this.#options;
    this.#forget(id, how === 'lost');
    if (pen === undefined) return;
    const parties = partiesOf(request.principal);
    if (how === 'timed-out') note(pen, kinds.approvalTimedOut, ...parties, id);
    else note(pen, kinds.approvalGiven, ...parties, id, by, how, reason);
  }

  #forget(id: string, isLost: boolean): void {
    const { file, say } = this.#options;
    try {
      file.remove(id, isLost);
    } catch (error) {
      say(
        `approval ${id} ended, and that is not on disk: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** The host was ended before it could say so itself. */
  #recordLost({ id, principal, action, resource }: LeftApproval): void {
    const { pen, say } = this.#options;
    say(`approval ${id} was lost with the host: ${entityText(principal)} ${action} ${resource}`);
    if (pen === undefined) return;
    note(pen, kinds.approvalGiven, ...partiesOf(principal), id, '', lostWithHost.how, lostWithHost.reason);
  }

  #announce(waiting: Waiting): void {
    const approval = approvalOf(waiting);
    const { file, pen } = this.#options;
    file.add(waiting);
    const timeoutMs = waiting.deadlineMs - waiting.askedAtMs;
    if (pen !== undefined)
      note(
        pen,
        kinds.approvalAsked,
        ...partiesOf(waiting.request.principal),
        waiting.id,
        waiting.request.action,
        approval.resource,
        timeoutMs,
        waiting.kind,
        waiting.policies,
      );
    const { id, principal, action, resource, policies, reason } = approval;
    this.#options.say(
      `approval ${id} is asked: ${principal} ${action} ${resource} (${policies.join(', ')}: ${reason}); host approvals approve ${id}`,
    );
    this.#options.publish('host.approval.asked', approval);
  }
}

const unrecordable = 'that it is asked cannot be recorded now';

/** As the record names who asks: an agent, or somebody outside. */
function partiesOf({ kind, id }: EntityRef): readonly [agent: string, principal: string] {
  return kind === 'Agent' ? [id, ''] : ['', id];
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
