import { systemClock } from '../../clock.ts';
import type { LogEntry } from '../../host/serving.ts';
import { LogLines, logJson } from '../log-line.ts';
import { descriptorSink, isTerminal } from '../stdio.ts';

/** What a reader who does not read may hold up: some ten thousand lines. */
const waitingCharsMax = 16 * 1024 * 1024;

/**
 * What `host serve` says: agents' logs on stdout, and its own words on stderr; as JSON, all on stdout. A reader that
 * is slower than the agents loses lines and is told how many; the host never waits for one.
 */
export class Voice {
  readonly #isJson: boolean;
  readonly #lines: LogLines;
  readonly #stdout: ReturnType<typeof descriptorSink> = descriptorSink(1);
  #waiting: string[] = [];
  #waitingChars = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;

  constructor(isJson: boolean, names: readonly string[]) {
    this.#isJson = isJson;
    this.#lines = new LogLines(!isJson && isTerminal(1), names);
  }

  readonly log = (entry: LogEntry): void => {
    this.#write(this.#isJson ? logJson(entry) : this.#lines.format(entry));
  };

  /** A line of the host's own. */
  readonly say = (text: string, level: LogEntry['level'] = 'info'): void => {
    if (!this.#isJson) {
      process.stderr.write(`host: ${text}\n`);
      return;
    }
    const atMs = Number(systemClock.wallNs() / 1_000_000n);
    this.#write(logJson({ atMs, level, text, fields: [] }));
  };

  /** Several lines for people; machines have the rest of what is said. */
  readonly show = (text: string): void => {
    if (!this.#isJson) process.stderr.write(text);
  };

  /** Resolves when everything so far is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #write(line: string): void {
    if (this.#waitingChars > waitingCharsMax) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingChars += line.length;
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#stdout.write(Buffer.from(this.#take()));
    } catch {
      // Nobody reads any more, which is no reason for the agents to end.
      this.#waiting = [];
      this.#waitingChars = 0;
    } finally {
      this.#writing = undefined;
    }
  }

  #take(): string {
    const taken = this.#waiting.join('');
    const lost = this.#lost;
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#lost = 0;
    if (lost > 0) this.say(`${lost} log lines were left out: stdout is read too slowly`, 'warn');
    return taken;
  }
}
