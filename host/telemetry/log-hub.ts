import type { LogLevel } from './guest-api.ts';
import { charsOf, type LogEntry } from './log-entry.ts';

export interface LogFilter {
  /** A name, or a pattern with `*` at its end. */
  readonly agent?: string;
  readonly levelMin?: LogLevel;
}

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** The last lines of all agents, and who follows them. */
export class LogHub {
  readonly #entriesMax: number;
  readonly #charsMax: number;
  /** A ring: the oldest is `#length` places before `#next`. */
  readonly #entries: (LogEntry | undefined)[] = [];
  #next = 0;
  #length = 0;
  #chars = 0;
  readonly #followers = new Set<{
    readonly filter: LogFilter;
    readonly listener: (entry: LogEntry) => void;
  }>();

  /** It keeps so many entries, and of so many UTF-16 units in all. */
  constructor(entriesMax: number, charsMax: number) {
    this.#entriesMax = entriesMax;
    this.#charsMax = charsMax;
  }

  write(entry: LogEntry): void {
    if (this.#length === this.#entriesMax) this.#dropOldest();
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#entriesMax;
    this.#length += 1;
    this.#chars += charsOf(entry);
    while (this.#chars > this.#charsMax && this.#length > 1) this.#dropOldest();
    for (const { filter, listener } of this.#followers) if (passes(filter, entry)) listener(entry);
  }

  #dropOldest(): void {
    const at = (this.#next - this.#length + this.#entriesMax) % this.#entriesMax;
    const oldest = this.#entries[at];
    this.#entries[at] = undefined;
    this.#length -= 1;
    if (oldest !== undefined) this.#chars -= charsOf(oldest);
  }

  /** The last `max` entries that pass, oldest first. */
  recent(filter: LogFilter, max: number): readonly LogEntry[] {
    const found: LogEntry[] = [];
    for (let back = 1; back <= this.#length && found.length < max; back += 1) {
      const entry = this.#entries[(this.#next - back + this.#entriesMax) % this.#entriesMax];
      if (entry !== undefined && passes(filter, entry)) found.push(entry);
    }
    return found.reverse();
  }

  /** Calls `listener` with each entry from now on; it must not wait. Returns the way to end it. */
  follow(filter: LogFilter, listener: (entry: LogEntry) => void): () => void {
    const follower = { filter, listener };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

function passes({ agent, levelMin }: LogFilter, entry: LogEntry): boolean {
  if (levelMin !== undefined && levels.indexOf(entry.level) < levels.indexOf(levelMin)) return false;
  if (agent === undefined) return true;
  return agent.endsWith('*') ? entry.agent?.startsWith(agent.slice(0, -1)) === true : entry.agent === agent;
}
