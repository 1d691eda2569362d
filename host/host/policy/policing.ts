import { join } from 'node:path';
import type { Bus } from '../../bus/bus.ts';
import type { Message } from '../../bus/message.ts';
import type { Clock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { type Decision, denial } from '../../policy/decision.ts';
import type { PolicyRequest } from '../../policy/request.ts';
import { Entrance } from '../entrance.ts';
import type { Approval, SubscribeOptions } from '../serving.ts';
import type { PolicyOwner } from '../thread/policy.ts';
import type { Trust } from '../trust/trust.ts';
import { Admission, deniedText, notPermitted } from './admission.ts';
import { ApprovalDesk } from './approval-desk.ts';
import { ApprovalFile } from './approval-file.ts';
import { agentOf, principalOf } from './asked-of-agents.ts';
import { Clearance } from './clearance.ts';
import { labelsOn } from './data-flow.ts';

export interface PolicingOptions {
  readonly trust: Trust;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly say: (level: 'info' | 'warn', text: string) => void;
  readonly bus: () => Bus;
}

/** Policies on the main thread of a host: callers, agents that come, approvals. */
export class Policing implements PolicyOwner {
  readonly clearance: Clearance;
  readonly admission: Admission;
  readonly entrance: Entrance;
  readonly #desk: ApprovalDesk;
  readonly #options: PolicingOptions;

  /** Undefined where there are no policies. */
  static of(options: PolicingOptions): Policing | undefined {
    const { decider, policies } = options.trust;
    return decider === undefined || policies === undefined
      ? undefined
      : new Policing(options, decider, policies);
  }

  private constructor(
    options: PolicingOptions,
    decider: NonNullable<Trust['decider']>,
    policies: NonNullable<Trust['policies']>,
  ) {
    const { clock, say } = options;
    this.#options = options;
    this.#desk = new ApprovalDesk({
      decider,
      clock,
      say: (text) => say('warn', text),
      publish: (subject, body) => this.#publish(subject, body),
      pen: options.trust.pen,
      file: new ApprovalFile(join(options.stateFolder, 'approvals.json')),
    });
    this.clearance = new Clearance({
      decider,
      clock,
      policyFolder: policies.folder,
      needs: options.trust.needs,
      ask: (request, decision, waitMs) => this.#desk.ask(request, decision, waitMs),
    });
    this.admission = new Admission({
      clearance: this.clearance,
      board: policies.board,
      say: (text) => say('warn', text),
    });
    this.entrance = new Entrance({
      decider,
      clear: (request, act, waitMs, isWanted) => this.clearance.clear(request, act, waitMs, isWanted),
      goesOn: (request) => this.clearance.goesOn(request),
      say: (text) => say('warn', text),
    });
  }

  /** A thread asks. */
  approve({ request, decision, waitMs }: Parameters<PolicyOwner['approve']>[0]): Promise<Decision> {
    return this.#desk.ask(request, decision, waitMs);
  }

  /** A thread asks. */
  settle({ request, waitMs }: Parameters<PolicyOwner['settle']>[0]): ReturnType<PolicyOwner['settle']> {
    return this.clearance.settle(request, waitMs);
  }

  get approvals(): readonly Approval[] {
    return this.#desk.waiting;
  }

  answer(id: string, isApproved: boolean, by: string, reason: string): void {
    this.#desk.answer(id, isApproved, by, reason);
  }

  /**
   * Listens for somebody outside, until it is permitted no more. What is labelled stays inside.
   * @throws HostError `HOST_ERR_POLICY_DENIED`
   */
  listen(
    pattern: string,
    group: string | undefined,
    listener: (message: Message) => void,
    { principal = { name: 'local' }, ended = () => {} }: SubscribeOptions,
  ): () => void {
    const { decider } = this.clearance;
    const request: PolicyRequest = {
      principal: principalOf(principal.name),
      action: 'bus.subscribe',
      resource: { kind: 'Subject', id: pattern },
    };
    const cleared = this.clearance.now(request, {});
    if ('why' in cleared) {
      this.#options.say('warn', deniedText(request, cleared.why));
      throw notPermitted(request.action);
    }
    const end = this.#options.bus().listen(pattern, group, (message) => {
      if (this.isUnlabelled(message)) listener(message);
    });
    const endWatch = decider.onRevoked(() => {
      const refused = this.clearance.goesOn(request);
      if (refused === undefined) return;
      this.#options.say('warn', `${deniedText(request, refused.why)}; it ended`);
      stop();
      ended('the policies of the host do not permit it any more');
    });
    const stop = (): void => {
      endWatch();
      end();
    };
    return stop;
  }

  /** Whether a message may be passed on to who holds no labels. */
  isUnlabelled(message: Message): boolean {
    return labelsOn(message, this.clearance.decider)?.length === 0;
  }

  /** Whether an agent is told of what is published to a pattern, by a trigger of its manifest. */
  hears(agent: string, pattern: string, trigger: string): boolean {
    const request: PolicyRequest = {
      principal: agentOf(agent),
      action: 'bus.subscribe',
      resource: { kind: 'Subject', id: pattern },
    };
    const cleared = this.clearance.now(request, {});
    if ('why' in cleared)
      this.#options.say('warn', `${deniedText(request, cleared.why)} (trigger ${trigger})`);
    return 'act' in cleared;
  }

  close(): void {
    this.#desk.close();
  }

  #publish(subject: string, value: unknown): void {
    const bus = this.#options.bus();
    if (!bus.hasEventListeners) return;
    const body = new TextEncoder().encode(JSON.stringify(value));
    bus.publishEvent(subject, { contentType: 'application/json', headers: [], body });
  }
}

/** For threads of a host without policies: they have nothing to ask. */
export const noPolicy: PolicyOwner = {
  approve: async ({ decision }) => denial('this host has no policies', decision.version),
  settle: async () => ({ why: 'this host has no policies' }),
};

/** @throws HostError `HOST_ERR_POLICY_APPROVAL_UNKNOWN` */
export function noApproval(id: string): never {
  throw new HostError(
    'HOST_ERR_POLICY_APPROVAL_UNKNOWN',
    `nothing waits as '${id}': this host has no policies; host serve --policies FOLDER`,
    { id },
  );
}
