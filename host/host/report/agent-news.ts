import type { Agent } from '../../agent/agent.ts';
import type { AgentNote } from '../../agent/surroundings.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Delivery } from '../../bus/delivery.ts';
import { describeFailure } from '../../outcome.ts';
import { isLogged, type LogLevel } from '../../telemetry/guest-api.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import type { LogOutbox } from '../../telemetry/log-outbox.ts';

const failureCharsMax = 1_000;

export interface AgentNewsRooms {
  readonly bus: Bus;
  readonly log: LogOutbox;
  readonly logLevelMin: LogLevel;
  readonly wallMs: () => number;
}

/** What the people who run the host are told of a thread and its agents: lines of the log, and events on the bus. */
export class AgentNews {
  readonly #rooms: AgentNewsRooms;

  constructor(rooms: AgentNewsRooms) {
    this.#rooms = rooms;
  }

  say(level: LogEntry['level'], text: string, agent?: string): void {
    const { log, wallMs } = this.#rooms;
    log.write({ atMs: wallMs(), level, agent, messageId: undefined, text, fields: [] });
  }

  /** An agent answered that it failed, and nobody waits for the answer. */
  unhandled(agent: Agent, { message }: Delivery, failure: unknown): void {
    const { log, wallMs } = this.#rooms;
    const text = `a message was not dealt with: ${describeFailure(failure)}`.slice(0, failureCharsMax);
    const fields = [
      { name: 'subject', value: message.subject },
      { name: 'attempt', value: String(message.attempt) },
    ];
    log.write({ atMs: wallMs(), level: 'warn', agent: agent.name, messageId: message.id, text, fields });
  }

  note(agent: Agent, what: AgentNote): void {
    if (what.kind === 'hibernated' || what.kind === 'woken') return;
    const { log, logLevelMin, wallMs } = this.#rooms;
    this.#publish(agent, what);
    const entry = noteEntry(agent, what);
    if (isLogged(entry.level, logLevelMin)) log.write({ ...entry, atMs: wallMs() });
  }

  /** `host.agent.NAME.started`, …: for whoever may listen to the host's own events. */
  #publish(agent: Agent, what: ToldNote): void {
    const { bus, wallMs } = this.#rooms;
    if (!bus.hasEventListeners) return;
    const event = what.kind === 'ended' && what.reason === 'failed' ? 'failed' : what.kind;
    const { name, lastError: error } = agent;
    const body = JSON.stringify({
      agent: name,
      event,
      atMs: wallMs(),
      ...(event === 'failed' && { error }),
      ...('why' in what && { why: what.why }),
      ...(what.kind === 'denied' && { what: what.what, allow: what.cure }),
    });
    bus.publishEvent(`host.agent.${name}.${event}`, {
      contentType: 'application/json',
      headers: [],
      body: new TextEncoder().encode(body),
    });
  }
}

type ToldNote = Exclude<AgentNote, { readonly kind: 'hibernated' | 'woken' }>;

/** What people are told of an agent's life. */
function noteEntry(agent: Agent, what: ToldNote): Omit<LogEntry, 'atMs'> {
  const base = { agent: agent.name, messageId: agent.delivery?.message.id, fields: [] };
  switch (what.kind) {
    case 'started':
      return { ...base, level: 'debug', text: what.resumed ? 'restarted' : 'started' };
    case 'denied':
      return {
        ...base,
        level: 'warn',
        text: `denied: ${what.what}`,
        fields: [{ name: 'allow', value: what.cure }],
      };
    case 'held': {
      const cure = `host agents resume ${agent.name} lets it go on`;
      return { ...base, level: 'error', text: `held (${what.why}); ${cure}` };
    }
    case 'terminated':
      return { ...base, level: 'error', text: `terminated (${what.why})` };
    case 'paused':
    case 'stopped':
    case 'killed':
      return { ...base, level: 'info', text: what.why };
    case 'failed-over':
      return { ...base, level: 'warn', text: `failed over: ${what.why}` };
    case 'resumed':
      return { ...base, level: 'info', text: `resumed (${what.why})` };
    case 'circuit-open':
      return { ...base, level: 'warn', text: `callers are turned away: ${what.why}` };
    case 'circuit-half-open':
      return { ...base, level: 'info', text: 'callers are let through again, to see' };
    case 'circuit-closed':
      return { ...base, level: 'info', text: `callers are let through: ${what.why}` };
    case 'unhealthy':
      return { ...base, level: 'error', text: `restarted: ${what.why}` };
    case 'unready':
      return { ...base, level: 'warn', text: `its mail waits, it is not ready: ${what.why}` };
    case 'ready':
      return { ...base, level: 'info', text: `ready: ${what.why}` };
    case 'refused':
      return { ...base, level: 'error', text: what.error.message };
    case 'ended':
      return what.reason === 'failed'
        ? { ...base, level: 'error', text: `ended: ${agent.lastError ?? ''}` }
        : { ...base, level: 'debug', text: `ended: ${what.reason}` };
  }
}
