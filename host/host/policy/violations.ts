import type { Violation } from '../../agent/allowances.ts';
import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { Bus } from '../../bus/bus.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import { note } from '../record/note.ts';

export interface ViolationsRooms {
  readonly bus: () => Bus;
  readonly pen: AuditPen | undefined;
  readonly wallMs: () => number;
  readonly say: (level: LogEntry['level'], text: string, agent: string) => void;
  /** The agent stands still, until a person lets it go on. */
  readonly suspend: (id: number) => void;
}

/** What comes of agents that want more than they may: a line of the log, an event, an entry on the chain, and the action. */
export class Violations {
  readonly #rooms: ViolationsRooms;

  constructor(rooms: ViolationsRooms) {
    this.#rooms = rooms;
  }

  take(violation: Violation): void {
    const { agent, what, line, seconds, action } = violation;
    const { say, pen } = this.#rooms;
    const why = `it wants more than [resources] ${line} allows`;
    // A line when it begins and when more comes of it: one that is throttled for an hour is no news each second.
    if (seconds === 0 || action === 'suspend' || action === 'kill') {
      const isRefusal = what === 'connections' && action === 'throttle';
      say('warn', `${why}: ${isRefusal ? 'it gets none' : consequences[action]}`, agent.name);
      const message = agent.delivery?.message;
      if (pen !== undefined)
        note(
          pen,
          kinds.limit,
          agent.name,
          message?.sender ?? '',
          `resources.${what}`,
          seconds,
          line,
          message?.id ?? '',
        );
      this.#publish(violation);
    }
    // Not here: it was found out while somebody asked whether the agent may go on.
    if (action === 'kill') queueMicrotask(() => agent.stop({ kind: 'denied', reason: why }));
    if (action === 'suspend') queueMicrotask(() => this.#rooms.suspend(agent.id));
  }

  /** `host.agent.NAME.violated`. */
  #publish({ agent, what, line, seconds, action }: Violation): void {
    const { bus, wallMs } = this.#rooms;
    if (!bus().hasEventListeners) return;
    const body = {
      agent: agent.name,
      event: 'violated',
      atMs: wallMs(),
      resource: what,
      line,
      seconds,
      action,
    };
    bus().publishEvent(`host.agent.${agent.name}.violated`, {
      contentType: 'application/json',
      headers: [],
      body: new TextEncoder().encode(JSON.stringify(body)),
    });
  }
}

const consequences: Readonly<Record<Violation['action'], string>> = {
  log: 'nothing is held back',
  throttle: 'it is slowed down',
  suspend: 'it is suspended; host agents resume lets it go on',
  kill: 'what it does is ended',
};
