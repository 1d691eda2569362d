import { createInterface } from 'node:readline';
import type { Invoked, Live, RunResult } from '../../host.ts';
import { formatOutcome } from '../report.ts';
import { isTerminal } from '../stdio.ts';
import type { Stage, StageOptions, Version } from './stage.ts';

/**
 * One instance that is talked to: each line of stdin is a message to it, and so is `--input` to each version. What
 * it keeps in memory ends with it: when a new version takes over, and after a trap or a limit.
 */
export class AgentStage implements Stage {
  readonly #options: StageOptions;
  #version: Version | undefined;
  #live: Live | undefined;
  /** Everything that is done with the instance, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #lines: ReturnType<typeof createInterface> | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  swap(version: Version): Promise<boolean> {
    return this.#next(async () => {
      const live = await this.#open(version);
      if (!live.isOpen) return false;
      const before = this.#version;
      await this.#end('replaced');
      this.#version = version;
      this.#live = live;
      if (before !== undefined)
        this.#options.say(
          `host: version ${version.number} has taken over; what version ${before.number} kept in memory is gone\n`,
        );
      if (this.#options.input !== undefined) await this.#handle(this.#options.input);
      this.#listen(version);
      return true;
    });
  }

  async close(): Promise<void> {
    this.#lines?.close();
    await this.#next(() => this.#end('shutdown'));
  }

  /** Runs `act` when all before it is done, whatever came of that. */
  #next<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  #listen({ name }: Version): void {
    if (this.#lines !== undefined || this.#options.signal.aborted) return;
    const what = isTerminal(0) ? 'line you type' : 'line of stdin';
    this.#options.say(`host: ${name} is ready; each ${what} is a message to it; Ctrl-C ends\n`);
    const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = lines;
    lines.on('line', (line) => {
      // One at a time: a pipe may bring a million.
      lines.pause();
      this.#next(() => this.#handle(Buffer.from(line)))
        .catch((thrown: unknown) => this.#options.say(`host: ${messageOf(thrown)}\n`))
        .finally(() => lines.resume());
    });
  }

  async #open(version: Version): Promise<Live> {
    const { artifact, grants, effective, name } = version;
    const { host, signal } = this.#options;
    const resumed = this.#version !== undefined;
    const live = await host.open({ artifact, grants, limits: effective.limits, name, resumed, signal });
    if (live.started.outcome.kind !== 'ok') this.#tell(live.started, version);
    return live;
  }

  async #handle(body: Uint8Array): Promise<void> {
    const version = this.#version;
    if (version === undefined || this.#options.signal.aborted) return;
    if (this.#live?.isOpen !== true) this.#live = await this.#open(version);
    if (!this.#live.isOpen) return;
    const { subject, signal } = this.#options;
    const result = await this.#live.handle({ subject, body }, signal);
    await this.#answer(result, version);
    if (!this.#live.isOpen && !signal.aborted)
      this.#options.say(
        'host: the instance ended, and what it kept in memory is gone; the next message begins another\n',
      );
  }

  /** Every answer ends its line: another will follow. */
  async #answer(result: RunResult, version: Version): Promise<void> {
    const { result: answer } = result;
    if (answer !== undefined && answer.length > 0) {
      const line = answer.at(-1) === 0x0a ? answer : Buffer.concat([answer, Buffer.from('\n')]);
      await version.grants.stdout.write(line).catch(() => {});
    }
    this.#tell(result, version);
  }

  async #end(reason: 'replaced' | 'shutdown'): Promise<void> {
    const [live, version] = [this.#live, this.#version];
    this.#live = undefined;
    if (live?.isOpen !== true || version === undefined) return;
    const ended = await live.close(reason);
    if (ended.outcome.kind !== 'ok') this.#tell(ended, version);
  }

  #tell({ outcome, denials }: Invoked, { effective }: Version): void {
    this.#options.say(formatOutcome(outcome, effective, denials));
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
