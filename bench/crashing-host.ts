import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalAgent, type LocalServing, serve } from '../host/host/serve.ts';
import type { Payload, Reply } from '../host/host/serving.ts';
import { parseManifest, parseSupervisors } from '../host/manifest.ts';
import { writtenAgent } from '../test/support/written-agent.ts';

/** Traps if a message's first byte is 1; its start does nothing that would take time. */
const source = `import { Config, Failure, Message, Reply, Result, StopReason, Unit, done, reply } from "motehost:agent";
export function start(config: Config): Result<Unit, Failure> {
  return done<Failure>();
}
export function handle(message: Message): Reply {
  if (message.body.length > 0 && message.body[0] == 1) unreachable();
  return reply(message.body);
}
export function stop(reason: StopReason): void {}
`;

const principal = { name: 'bench' };
const payloadOf = (byte: number): Payload => ({
  contentType: undefined,
  headers: [],
  body: new Uint8Array(64).fill(byte),
});
const [work, crash] = [payloadOf(7), payloadOf(1)];

export interface CrashingHostOptions {
  readonly works: number;
  readonly crashes: number;
  /** Those that crash are children of one supervisor, which bears any number of restarts. */
  readonly isSupervised: boolean;
  /** Lines of `[restart]` of those that crash. */
  readonly restart: string;
}

/** A serving host with agents that work, and others that crash when they are told to. */
export class CrashingHost {
  readonly serving: LocalServing;
  readonly working: readonly string[];
  readonly crashing: readonly string[];
  readonly #folder: string;

  private constructor(serving: LocalServing, folder: string, working: string[], crashing: string[]) {
    this.serving = serving;
    this.#folder = folder;
    this.working = working;
    this.crashing = crashing;
  }

  static async start({ works, crashes, isSupervised, restart }: CrashingHostOptions): Promise<CrashingHost> {
    const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
    const { bytes } = await writtenAgent(source, { world: 'agent', release: true });
    const component = new Uint8Array(bytes);
    const agent = (name: string, more: string): LocalAgent => ({
      manifestPath: `/${name}/agent.toml`,
      manifest: parseManifest(`name = "${name}"\nworld = "agent"\n${more}`, 'agent.toml'),
      component,
    });
    const working = Array.from({ length: works }, (_, at) => `works-${at}`);
    const crashing = Array.from({ length: crashes }, (_, at) => `crashes-${at}`);
    const children = JSON.stringify(crashing);
    const tree = `[[supervisors]]\nname = "top"\nintensity = 1000000\nperiod = "1ms"\nchildren = ${children}\n`;
    const serving = await serve({
      agents: [
        ...working.map((name) => agent(name, '')),
        ...crashing.map((name) => agent(name, `[restart]\n${restart}`)),
      ],
      ...(isSupervised ? { supervisors: parseSupervisors(tree, 'supervisors.toml') } : {}),
      stateFolder: folder,
      cacheFolder: undefined,
      threads: availableParallelism(),
      limits: {},
      clock: systemClock,
      random: systemRandom,
      log: () => {}, // Each crash is told of.
    });
    return new CrashingHost(serving, folder, working, crashing);
  }

  work(name: string, deadlineMs: number): Promise<Reply> {
    return this.serving.invoke(name, work, { principal, deadlineMs });
  }

  crash(name: string, deadlineMs: number): Promise<Reply> {
    return this.serving.invoke(name, crash, { principal, deadlineMs });
  }

  async close(): Promise<void> {
    await this.serving.close(1000);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
