import type { Payload } from '../bus/message.ts';
import type { Decider } from '../policy/decider.ts';
import type { PolicyRequest } from '../policy/request.ts';
import { deniedText, notPermitted } from './policy/admission.ts';
import { agentOf, principalOf } from './policy/asked-of-agents.ts';
import type { Act } from './policy/bounds.ts';
import type { Cleared, Refused } from './policy/clearance.ts';
import { receiverOf } from './policy/effective-rights.ts';
import type { InvokeOptions, Principal, Reply } from './serving.ts';

export interface EntranceOptions {
  readonly decider: Decider;
  readonly clear: (
    request: PolicyRequest,
    act: Act,
    waitMs: number,
    isWanted: () => boolean,
  ) => Cleared | Refused | Promise<Cleared | Refused>;
  /** Why something under way may not go on. */
  readonly goesOn: (request: PolicyRequest) => Refused | undefined;
  readonly say: (text: string) => void;
}

/** What policies say of callers from outside, at one front door. */
export class Entrance {
  readonly #options: EntranceOptions;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /**
   * Makes a call that is waited for, as it may be made; it is ended as soon as it is permitted no more.
   * @throws HostError `HOST_ERR_POLICY_DENIED`
   */
  async ask(
    action: 'invoke' | 'bus.send',
    subject: string,
    payload: Payload,
    options: InvokeOptions,
    call: (payload: Payload, options: InvokeOptions) => Promise<Reply>,
  ): Promise<Reply> {
    const { principal, deadlineMs = 0, signal } = options;
    const request = requestOf(action, principal, subject, payload);
    const waitMs = deadlineMs === 0 ? Number.POSITIVE_INFINITY : deadlineMs;
    const act = { payload, timeoutMs: deadlineMs };
    const held = await this.#require(request, act, waitMs, () => signal?.aborted !== true);
    const end = new AbortController();
    const done = this.#options.decider.onRevoked(() => this.#endIfDenied(request, end));
    const own = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
    const { timeoutMs = 0 } = held;
    try {
      const asked = { ...options, signal: own, ...(timeoutMs === 0 ? {} : { deadlineMs: timeoutMs }) };
      const reply = await call(held.payload ?? payload, asked);
      if (end.signal.aborted) throw notPermitted(action);
      return reply;
    } finally {
      done();
    }
  }

  #endIfDenied(request: PolicyRequest, end: AbortController): void {
    const refused = this.#options.goesOn(request);
    if (refused === undefined || end.signal.aborted) return;
    this.#options.say(deniedText(request, refused.why));
    end.abort();
  }

  /** What goes out without an answer, as it may. @throws HostError `HOST_ERR_POLICY_DENIED` */
  async post(
    action: 'bus.send' | 'bus.publish',
    subject: string,
    payload: Payload,
    principal: Principal,
  ): Promise<Payload> {
    const request = requestOf(action, principal, subject, payload);
    const held = await this.#require(request, { payload }, Number.POSITIVE_INFINITY, () => true);
    return held.payload ?? payload;
  }

  async #require(request: PolicyRequest, act: Act, waitMs: number, isWanted: () => boolean): Promise<Act> {
    const result = await this.#options.clear(request, act, waitMs, isWanted);
    if ('act' in result) return result.act;
    this.#options.say(deniedText(request, result.why));
    throw notPermitted(request.action);
  }

  /** @throws HostError `HOST_ERR_POLICY_DENIED` */
  async visit(agent: string, principal: Principal, bytes: number | undefined): Promise<void> {
    const request: PolicyRequest = {
      principal: principalOf(principal.name),
      action: 'invoke',
      resource: agentOf(agent),
      ...(bytes === undefined ? {} : { context: { bytes } }),
    };
    await this.#require(request, {}, Number.POSITIVE_INFINITY, () => true);
  }
}

function requestOf(
  action: 'invoke' | 'bus.send' | 'bus.publish',
  { name }: Principal,
  subject: string,
  { body, contentType }: Payload,
): PolicyRequest {
  const resource = receiverOf(subject);
  const context = { bytes: body.length, ...(contentType === undefined ? {} : { contentType }) };
  return { principal: principalOf(name), action, resource, context };
}
