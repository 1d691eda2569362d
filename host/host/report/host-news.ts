import type { HostError } from '../../errors.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import { type LogFilter, LogHub } from '../../telemetry/log-hub.ts';
import { Health } from '../supervision/health.ts';

const logEntriesMax = 10_000;
const logCharsMax = 32 * 1024 * 1024;

/** What a host tells its operator: lines of its log, and what probes hear of its health. */
export class HostNews {
  readonly #hub = new LogHub(logEntriesMax, logCharsMax);
  readonly #print: (entry: LogEntry) => void;
  readonly #nowMs: () => number;
  readonly health: Health = new Health();

  constructor(print: (entry: LogEntry) => void, nowMs: () => number) {
    this.#print = print;
    this.#nowMs = nowMs;
  }

  /** What is not recorded is not done: the front door is told, and so is the operator. */
  auditTurned(trouble: string | undefined): void {
    this.health.set('audit chain', trouble);
    if (trouble === undefined) this.say('info', 'the audit chain takes what is to be recorded again');
    else this.say('error', `the audit chain takes nothing: ${trouble}`);
  }

  anchorTurned(trouble: string | undefined): void {
    this.health.set('audit anchor', trouble && 'the last seal is not kept elsewhere; the log says why');
    if (trouble === undefined) this.say('info', 'the last seal is kept elsewhere again');
    else this.say('error', `the last seal is not kept elsewhere (--audit-anchor): ${trouble}`);
  }

  policiesTurned(result: number | HostError): void {
    if (typeof result === 'number') this.say('info', `policies of version ${result} are in force`);
    else this.say('error', `a change of the policies was not taken: ${inOneLine(result.message)}`);
  }

  journalTurned(thread: number, isTaking: boolean): void {
    const part = thread === 0 ? 'journal of the main thread' : `journal of thread ${thread}`;
    const trouble = 'refuses messages that must not be lost; the log says why';
    this.health.set(part, isTaking ? undefined : trouble);
  }

  log(entry: LogEntry): void {
    this.#hub.write(entry);
    this.#print(entry);
  }

  say(level: LogEntry['level'], text: string, agent?: string): void {
    this.log({ atMs: this.#nowMs(), level, agent, messageId: undefined, text, fields: [] });
  }

  recent(filter: LogFilter, max: number): readonly LogEntry[] {
    return this.#hub.recent(filter, max);
  }

  follow(filter: LogFilter, listener: (entry: LogEntry) => void): () => void {
    return this.#hub.follow(filter, listener);
  }
}

/** A line for each fault, as one line of a log. */
function inOneLine(text: string): string {
  return text.replace(/:\n\s*/g, ': ').replace(/\n\s*/g, '; ');
}
