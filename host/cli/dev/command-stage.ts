import { HostError } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { formatOutcome } from '../report.ts';
import { bytesSource } from '../stdio.ts';
import type { Stage, StageOptions, Version } from './stage.ts';

/** Runs each version from its beginning, with the same arguments and input; one that still runs makes way. */
export class CommandStage implements Stage {
  readonly #options: StageOptions;
  #running: { readonly end: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  async swap(version: Version): Promise<boolean> {
    await this.#stop(`version ${version.number} takes over`);
    const end = new AbortController();
    this.#running = { end, ended: this.#run(version, end.signal) };
    return true;
  }

  async close(): Promise<void> {
    await this.#stop('host dev ends');
  }

  async #stop(why: string): Promise<void> {
    this.#running?.end.abort(why);
    await this.#running?.ended;
    this.#running = undefined;
  }

  async #run({ artifact, grants, effective }: Version, signal: AbortSignal): Promise<void> {
    const { host, input, say, subject } = this.#options;
    const message = { subject, body: input ?? new Uint8Array() };
    const run: Parameters<Host['run']>[0] = {
      artifact,
      call: { kind: 'main', message },
      grants: { ...grants, stdin: bytesSource(message.body) },
      limits: effective.limits,
      signal,
    };
    try {
      const { outcome, denials } = await host.run(run);
      say(formatOutcome(outcome, effective, denials));
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      say(`host: ${thrown.message}\n`);
    }
  }
}
