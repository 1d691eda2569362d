import type { DeadLetter } from '../../bus/dead-letters.ts';
import { describeFailure } from '../../outcome.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';

/** Lines within one window; what comes beyond is counted and told as one. */
const linesMax = 20;
const windowMs = 1_000;
const failureCharsMax = 1_000;
const cure = 'host dead-letters lists them, and delivers them again or drops them';

/** A line of the log for each message that is given up, or for many at once. */
export class DeadLetterLog {
  readonly #write: (entry: LogEntry) => void;
  readonly #nowMs: () => number;
  #fromMs = 0;
  #lines = 0;
  #untold = 0;

  /** `nowMs`: milliseconds since the Unix epoch. */
  constructor(write: (entry: LogEntry) => void, nowMs: () => number) {
    this.#write = write;
    this.#nowMs = nowMs;
  }

  note(letter: DeadLetter): void {
    this.look();
    if (this.#lines >= linesMax) this.#untold += 1;
    else {
      this.#lines += 1;
      this.#write(entryOf(letter));
    }
  }

  /** Tells how many had no line, once their window is over. Call it now and then. */
  look(): void {
    const atMs = this.#nowMs();
    // A clock that was set back begins a window, too.
    if (atMs >= this.#fromMs && atMs < this.#fromMs + windowMs) return;
    this.#fromMs = atMs;
    this.#lines = 0;
    if (this.#untold > 0) this.#write(untold(this.#untold, atMs));
    this.#untold = 0;
  }
}

function entryOf({ message, receiver, reason, failure, atMs }: DeadLetter): LogEntry {
  const why = failure === undefined ? '' : ` (${describeFailure(failure).slice(0, failureCharsMax)})`;
  return {
    atMs,
    level: 'warn',
    agent: receiver === '' ? undefined : receiver,
    messageId: message.id,
    text: `a message is a dead letter: ${reason}${why}; ${cure}`,
    fields: [
      { name: 'subject', value: message.subject },
      ...(message.sender === undefined || message.sender === ''
        ? []
        : [{ name: 'sender', value: message.sender }]),
      { name: 'attempt', value: String(message.attempt) },
    ],
  };
}

function untold(count: number, atMs: number): LogEntry {
  const text = `${count} more messages are dead letters; ${cure}`;
  return { atMs, level: 'warn', agent: undefined, messageId: undefined, text, fields: [] };
}
