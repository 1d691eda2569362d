import type { Bus } from '../../bus/bus.ts';
import type { SupervisorNote } from '../../supervisor/supervisor-note.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import type { HostAudit } from '../record/host-audit.ts';
import type { HostNews } from '../report/host-news.ts';

/** What the people who run the host are told of its supervisors: the log, events on the bus, the audit chain. */
export class SupervisorNews {
  readonly #bus: Bus;
  readonly #audit: HostAudit;
  readonly #news: HostNews;
  readonly #nowMs: () => number;

  constructor(bus: Bus, audit: HostAudit, news: HostNews, nowMs: () => number) {
    this.#bus = bus;
    this.#audit = audit;
    this.#news = news;
    this.#nowMs = nowMs;
  }

  told(supervisor: string, note: SupervisorNote): void {
    const child = 'child' in note ? note.child : '';
    const why = reasonOf(note);
    if (recorded.has(note.kind)) this.#audit.supervised(supervisor, note.kind, child, why);
    const about = child === '' ? '' : ` ${child}`;
    const text = `supervisor ${supervisor}:${about} ${words[note.kind]}${why === '' ? '' : ` (${why})`}`;
    const level = levels[note.kind];
    if (level !== 'debug') this.#news.say(level, text, child === '' ? undefined : child);
    this.#publish(supervisor, note, child, why);
  }

  /** `host.supervisor.NAME.escalated`, … */
  #publish(supervisor: string, note: SupervisorNote, child: string, why: string): void {
    if (!this.#bus.hasEventListeners) return;
    const body = JSON.stringify({
      supervisor,
      event: note.kind,
      atMs: this.#nowMs(),
      ...(child !== '' && { child }),
      ...(why !== '' && { why }),
      ...(note.kind === 'restarted' && { restarts: note.restarts, pausedMs: note.pausedMs }),
    });
    this.#bus.publishEvent(`host.supervisor.${supervisor}.${note.kind}`, {
      contentType: 'application/json',
      headers: [],
      body: new TextEncoder().encode(body),
    });
  }
}

function reasonOf(note: SupervisorNote): string {
  if ('why' in note) return note.why;
  if (note.kind === 'exited') return note.exit.kind === 'failed' ? note.exit.why : note.exit.kind;
  return '';
}

const recorded: ReadonlySet<SupervisorNote['kind']> = new Set([
  'restarted',
  'start-failed',
  'killed',
  'lost',
  'escalated',
]);

const words: Readonly<Record<SupervisorNote['kind'], string>> = {
  started: 'started',
  restarted: 'was restarted',
  exited: 'ended',
  'start-failed': 'could not be started',
  stopped: 'was stopped',
  killed: 'did not end in time and was killed',
  lost: 'was killed and does not end',
  escalated: 'gave up, and its children are stopped',
};

const levels: Readonly<Record<SupervisorNote['kind'], LogEntry['level']>> = {
  started: 'debug',
  restarted: 'info',
  exited: 'warn',
  'start-failed': 'error',
  stopped: 'debug',
  killed: 'warn',
  lost: 'error',
  escalated: 'error',
};
