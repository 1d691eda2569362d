import { bounded, charsOf, type LogEntry } from './log-entry.ts';

const entriesMax = 10_000;
const charsMax = 4 * 1024 * 1024;

/**
 * Log entries of one thread on their way to the main thread: posted together once per turn of the event loop.
 * When more come in one turn than it holds, the rest is counted and told as one line.
 */
export class LogOutbox {
  readonly #post: (entries: readonly LogEntry[]) => void;
  readonly #nowMs: () => number;
  #entries: LogEntry[] = [];
  #chars = 0;
  #lost = 0;

  constructor(post: (entries: readonly LogEntry[]) => void, nowMs: () => number) {
    this.#post = post;
    this.#nowMs = nowMs;
  }

  write(written: LogEntry): void {
    if (this.#entries.length >= entriesMax || this.#chars >= charsMax) {
      this.#lost += 1;
      return;
    }
    const entry = bounded(written);
    this.#chars += charsOf(entry);
    this.#entries.push(entry);
    if (this.#entries.length === 1) setImmediate(this.#send);
  }

  readonly #send = (): void => {
    const entries = this.#entries;
    this.#entries = [];
    this.#chars = 0;
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
      text: `${this.#lost} log lines were lost: more than ${entriesMax}, or ${charsMax} characters, came at once`,
      fields: [],
    };
  }
}
