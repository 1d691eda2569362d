import type { LogEntry } from './log-entry.ts';

const entriesMax = 10_000;

/**
 * Log entries of one thread on their way to the main thread: posted together once per turn of the event loop.
 * When more come in one turn than it holds, the rest is counted and told as one line.
 */
export class LogOutbox {
  readonly #post: (entries: readonly LogEntry[]) => void;
  readonly #nowMs: () => number;
  #entries: LogEntry[] = [];
  #lost = 0;

  constructor(post: (entries: readonly LogEntry[]) => void, nowMs: () => number) {
    this.#post = post;
    this.#nowMs = nowMs;
  }

  write(entry: LogEntry): void {
    if (this.#entries.length >= entriesMax) {
      this.#lost += 1;
      return;
    }
    this.#entries.push(entry);
    if (this.#entries.length === 1) setImmediate(this.#send);
  }

  readonly #send = (): void => {
    const entries = this.#entries;
    this.#entries = [];
    if (this.#lost > 0) entries.push(this.#lostEntry());
    this.#lost = 0;
    this.#post(entries);
  };

  #lostEntry(): LogEntry {
    return {
      atMs: this.#nowMs(),
      level: 'warn',
      agent: undefined,
      messageId: undefined,
      text: `${this.#lost} log lines were lost: more than ${entriesMax} came at once`,
      fields: [],
    };
  }
}
