import { setImmediate as turn } from 'node:timers/promises';
import type { Agent } from '../../agent/agent.ts';
import type { Spec } from '../../agent/spec.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Delivery } from '../../bus/delivery.ts';
import type { Clock } from '../../clock.ts';
import type { Outcome } from '../../outcome.ts';
import type { PolicyRequest } from '../../policy/request.ts';
import { matches } from '../../subject.ts';
import { allocation, startOf, tierUse } from '../policy/asked-of-agents.ts';
import type { Clearance } from '../policy/clearance.ts';
import { flowFault, labelsOn } from '../policy/data-flow.ts';
import type { RaisedLevel } from '../record/audit-level.ts';

export interface InspectionOptions {
  readonly clearance: Clearance;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Those that did something lately. */
  readonly agents: () => Iterable<Agent>;
  readonly say: (text: string, agent: string) => void;
  /** An agent's own subscriptions are others now. */
  readonly subscribed: (agent: number) => void;
  /** What the policies that let it run want recorded of all that it does. */
  readonly raise?: (agent: Agent, level: RaisedLevel | undefined) => void;
}

/** What was found of one agent when the policies were last looked at. */
interface Standing {
  readonly version: number;
  readonly untilMs: number;
  /** Why it may not run. */
  readonly why: string | undefined;
  /** Patterns whose subscriptions ended: what came by them and waits still is not delivered. */
  readonly ended: readonly string[];
}

/** Milliseconds of looking at subscriptions after which others have their turn. */
const turnMsMax = 2;
const endedMax = 1000;
/** Between two looks at what depends on the time. */
const timedMs = 1_000;
const noUsage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

/**
 * What policies say of messages as they are delivered, and of subscriptions that are there: in one thread. While the
 * policies are the same, it costs a message one comparison, and a look at the labels of its sender.
 */
export class Inspection {
  readonly #options: InspectionOptions;
  readonly #standings = new WeakMap<Agent, Standing>();
  #sweep = 0;

  constructor(options: InspectionOptions) {
    this.#options = options;
    options.clearance.decider.onRevoked(() => void this.#lookAtAll());
  }

  /** Whether an agent may be given a message now; the operator is told when not. */
  /** Whether messages may still come of subscriptions that were ended. */
  remembers(agent: Agent): boolean {
    return (this.#standings.get(agent)?.ended.length ?? 0) > 0;
  }

  admits(agent: Agent, delivery: Delivery): boolean {
    const why = this.#objection(agent, delivery);
    if (why !== undefined) this.#options.say(`denied: a message to ${agent.name}: ${why}`, agent.name);
    return why === undefined;
  }

  #objection(agent: Agent, { message }: Delivery): string | undefined {
    const { decider } = this.#options.clearance;
    const standing = this.#standingOf(agent);
    if (standing.why !== undefined) return standing.why;
    if (standing.ended.length > 0 && !this.#isHeardStill(agent, message.subject, standing.ended))
      return `it is not subscribed to ${message.subject} any more`;
    return flowFault(labelsOn(message, decider), agent.name, decider);
  }

  /** What whoever asked is told: not what is labelled with what it may not be given. */
  answer(
    agent: Agent,
    { message: { sender } }: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
  ): Outcome<Uint8Array | undefined> {
    if (sender === undefined || outcome.kind !== 'ok') return outcome;
    const { decider } = this.#options.clearance;
    const why = flowFault(decider.labelsOf(agent.name)?.carries, sender, decider);
    if (why === undefined) return outcome;
    this.#options.say(`denied: its answer to ${sender}: ${why}`, agent.name);
    return { ...deniedOutcome, usage: outcome.usage };
  }

  /** Subscribes an agent to what its manifest says, as soon and as far as that is permitted. */
  subscribe(agent: string, pattern: string, subscribe: () => void): void {
    const result = this.#options.clearance.clear(subscription(agent, pattern), {}, Number.POSITIVE_INFINITY);
    const told = (settled: Awaited<typeof result>): void => {
      if ('act' in settled) subscribe();
      else this.#options.say(`denied: subscribe ${pattern}: ${settled.why}`, agent);
    };
    if (result instanceof Promise) void result.then(told);
    else told(result);
  }

  #standingOf(agent: Agent): Standing {
    const known = this.#standings.get(agent);
    const { clearance, clock } = this.#options;
    const version = clearance.decider.versionInForce;
    if (
      known?.version === version &&
      (known.untilMs === Number.POSITIVE_INFINITY || clock.monotonicMs() < known.untilMs)
    )
      return known;
    const standing = this.#look(agent, version, known?.ended ?? []);
    this.#standings.set(agent, standing);
    return standing;
  }

  #look(agent: Agent, version: number, before: readonly string[]): Standing {
    const { clearance, clock } = this.#options;
    const ended = [...before, ...this.#endSubscriptions(agent.id, agent.name)].slice(-endedMax);
    const asked = lifeOf(agent.name, agent.spec);
    const isTimed = [...asked, subscription(agent.name, '>')].some(({ action }) =>
      clearance.decider.readsTime(action),
    );
    const untilMs = Math.min(
      isTimed ? clock.monotonicMs() + timedMs : Number.POSITIVE_INFINITY,
      ...asked.map((request) => this.#leftMs(request)),
    );
    this.#options.raise?.(agent, this.#recordOf(asked));
    const why = asked.map((request) => this.#lifeFault(request, agent.spec)).find((one) => one !== undefined);
    return { version, untilMs, why, ended };
  }

  #recordOf(asked: readonly PolicyRequest[]): RaisedLevel | undefined {
    const levels = asked.map((request) => this.#options.clearance.decider.decide(request).audit);
    if (levels.includes('all') || levels.includes('payload')) return 'all';
    return levels.includes('messages') ? 'messages' : undefined;
  }

  #lifeFault(request: PolicyRequest, { limits, manifest: { tier }, approved }: Spec): string | undefined {
    const act = request.action === 'resource.allocate' ? { limits, tier } : { tier, isReading: true };
    return this.#options.clearance.goesOn(request, act, approved?.includes(request.action))?.why;
  }

  #leftMs(request: PolicyRequest): number {
    const { untilMs } = this.#options.clearance.decider.decide(request);
    if (untilMs === Number.POSITIVE_INFINITY) return untilMs;
    return this.#options.clock.monotonicMs() + timedMs;
  }

  #isHeardStill(agent: Agent, subject: string, ended: readonly string[]): boolean {
    if (subject.startsWith('agent.') || !ended.some((pattern) => matches(pattern, subject))) return true;
    return this.#options.bus.subscriptionsOf(agent.id).some(({ pattern }) => matches(pattern, subject));
  }

  #endSubscriptions(id: number, name: string): string[] {
    const own = [...this.#options.bus.subscriptionsOf(id)];
    return own.filter((one) => this.#endIfDenied(id, name, one)).map(({ pattern }) => pattern);
  }

  #endIfDenied(agent: number, name: string, one: { readonly id: number; readonly pattern: string }): boolean {
    const why = this.#options.clearance.goesOn(subscription(name, one.pattern))?.why;
    if (why === undefined) return false;
    this.#options.bus.unsubscribe(agent, one.id);
    this.#options.subscribed(agent);
    this.#options.say(`its subscription to ${one.pattern} ended: ${why}`, name);
    return true;
  }

  /** The call under way of an agent that may not run any more. */
  #endCall(agent: Agent): void {
    if (agent.delivery === undefined) return;
    const { why } = this.#standingOf(agent);
    if (why === undefined) return;
    this.#options.say(`denied: its call under way was ended: ${why}`, agent.name);
    agent.stop({ kind: 'cancelled', reason: 'the policies of the host do not permit it any more' });
  }

  /** All calls and subscriptions of this thread, a few at a time; of an agent that is given a message, before. */
  async #lookAtAll(): Promise<void> {
    this.#sweep += 1;
    const own = this.#sweep;
    const { bus, clock } = this.#options;
    let turnAtMs = clock.monotonicMs() + turnMsMax;
    const looks = [
      ...[...this.#options.agents()].map((agent) => () => this.#endCall(agent)),
      ...bus.ownSubscriptions().map((one) => () => this.#endIfDenied(one.subscriber, one.name, one)),
    ];
    for (const look of looks) {
      look();
      if (clock.monotonicMs() < turnAtMs) continue;
      await turn();
      if (this.#sweep !== own) return;
      turnAtMs = clock.monotonicMs() + turnMsMax;
    }
  }
}

const deniedOutcome: Outcome<undefined> = {
  kind: 'denied',
  reason: 'the policies of the host do not permit it',
  usage: noUsage,
};

function subscription(agent: string, pattern: string): PolicyRequest {
  return {
    principal: { kind: 'Agent', id: agent },
    action: 'bus.subscribe',
    resource: { kind: 'Subject', id: pattern },
  };
}

/** What has to be permitted while an agent runs. */
function lifeOf(name: string, spec: Spec): readonly PolicyRequest[] {
  const by = spec.startedBy ?? 'local';
  return [startOf(by, name), allocation(by, name, spec.limits), tierUse(name, spec.manifest.tier)];
}
