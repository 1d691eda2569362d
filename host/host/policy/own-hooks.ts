import type { Agent } from '../../agent/agent.ts';
import type { AgentNote } from '../../agent/surroundings.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Delivery } from '../../bus/delivery.ts';
import type { Payload } from '../../bus/message.ts';
import type { HookName } from '../../manifest.ts';
import type { Outcome } from '../../outcome.ts';
import type { Clearance } from './clearance.ts';

export interface OwnHooksRooms {
  readonly bus: Bus;
  /** Undefined: no policies decide, and what the manifest grants is all there is to it. */
  readonly clearance: Clearance | undefined;
  readonly wallMs: () => number;
  readonly say: (text: string, agent: string) => void;
}

/** Its messages set no hook off: two agents could else keep each other busy for ever. */
const hookHeader = 'life-hook';
const encoder = new TextEncoder();

/** Publishes the moments of agents that their manifests name subjects for, under their own grants. */
export class OwnHooks {
  readonly #rooms: OwnHooksRooms;

  constructor(rooms: OwnHooksRooms) {
    this.#rooms = rooms;
  }

  told(agent: Agent, what: AgentNote): void {
    const name = hookOf(what);
    if (name === undefined || agent.spec.manifest.hooks[name] === undefined) return;
    const { lastError: error } = agent;
    const more = 'why' in what ? { why: what.why } : what.kind === 'ended' ? { reason: what.reason } : {};
    this.#publish(agent, name, { ...more, ...(name === 'error' && { error }) });
  }

  /** A message was dealt with, or not. */
  handled(agent: Agent, { message }: Delivery, { kind }: Outcome): void {
    if (agent.spec.manifest.hooks.message === undefined) return;
    if (message.headers.some((header) => header.name === hookHeader)) return;
    const { id, subject, attempt } = message;
    this.#publish(agent, 'message', { message: id, subject, attempt, outcome: kind });
  }

  #publish(agent: Agent, name: HookName, more: Readonly<Record<string, unknown>>): void {
    const subject = agent.spec.manifest.hooks[name] ?? '';
    const text = JSON.stringify({ agent: agent.name, hook: name, ...more, atMs: this.#rooms.wallMs() });
    const payload: Payload = {
      contentType: 'application/json',
      headers: [{ name: hookHeader, value: name }],
      body: encoder.encode(text),
    };
    const why = this.#fault(agent, subject, payload);
    if (why !== undefined)
      this.#rooms.say(`its hook ${name} was not published to ${subject}: ${why}`, agent.name);
  }

  /** Publishes it; why that was not possible. */
  #fault(agent: Agent, subject: string, payload: Payload): string | undefined {
    const { bus, clearance } = this.#rooms;
    if (!agent.capabilities.mayPublish(subject)) return 'its manifest does not grant that';
    let carried = payload;
    let labels: readonly string[] = [];
    if (clearance !== undefined) {
      labels = clearance.decider.labelsOf(agent.name)?.carries ?? [];
      const context = { bytes: payload.body.length, contentType: 'application/json' };
      const cleared = clearance.now(
        {
          principal: { kind: 'Agent', id: agent.name },
          action: 'bus.publish',
          resource: { kind: 'Subject', id: subject },
          context: labels.length === 0 ? context : { ...context, labels },
        },
        { payload },
      );
      if (!('act' in cleared)) return cleared.why;
      carried = cleared.act.payload ?? payload;
    }
    // In its name, and no part of the message that it may be in the middle of: that one's end must not wait for this.
    const sender = { id: 0, name: agent.name, ...(labels.length > 0 && { labels: labels.join(',') }) };
    const published = bus.publish(sender, subject, carried);
    return 'tag' in published ? published.tag : undefined;
  }
}

function hookOf(what: AgentNote): HookName | undefined {
  switch (what.kind) {
    case 'started':
      return 'start';
    case 'ended':
      return what.reason === 'failed' ? 'error' : 'stop';
    case 'refused':
      return 'error';
    case 'paused':
      return 'pause';
    case 'resumed':
      return 'resume';
    default:
      return undefined;
  }
}
