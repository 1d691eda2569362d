import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, serve } from '../host/host/serve.ts';
import type { Payload, Reply } from '../host/host/serving.ts';
import { writtenAgent } from '../test/support/written-agent.ts';

/** What an agent does with a message. */
export type Conduct = 'works' | 'loops' | 'floods' | 'swallows' | 'grows';

const conducts: Readonly<Record<Conduct, string>> = {
  works: `import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply {
  let hash: u32 = 2166136261;
  for (let round = 0; round < 64; round++)
    for (let at = 0; at < message.body.length; at++) hash = (hash ^ message.body[at]) * 16777619;
  return reply(message.body.slice(0, hash == 0 ? 1 : message.body.length));
}
`,
  loops: `import { Message, Reply, noReply } from "motehost:agent";
export function handle(message: Message): Reply {
  let state: u64 = 88172645463325252;
  while (state != 0) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return noReply();
}
`,
  // Goes on when it is refused: it stops for no limit but its deadline.
  floods: `import { Message, Reply, bus, noReply } from "motehost:agent";
import { Payload } from "motehost:agent/types";
export function handle(message: Message): Reply {
  const payload = new Payload(null, [], message.body);
  while (true) bus.send("swallows", payload);
  return noReply();
}
`,
  swallows: `import { Message, Reply, noReply } from "motehost:agent";
export function handle(message: Message): Reply {
  return noReply();
}
`,
  grows: `import { Message, Reply } from "motehost:agent";
export function handle(message: Message): Reply {
  const hoard: Uint8Array[] = [];
  while (true) hoard.push(new Uint8Array(1024 * 1024).fill(1));
}
`,
};

const manifestOf = (name: Conduct): string => `name = "${name}"
world = "handler"
[restart]
backoff = "1ms"
backoff-max = "1ms"
[capabilities.bus]
send = ["agent.swallows"]
`;

const body = new Uint8Array(64).fill(7);
const payload: Payload = { contentType: undefined, headers: [], body };
const principal = { name: 'bench' };

/** A serving host with many agents that behave, and one of each kind that does not, which nobody has asked yet. */
export class NeighbourHost {
  readonly names: readonly string[];
  readonly threads: number;
  readonly #serving: LocalServing;
  readonly #folder: string;

  private constructor(serving: LocalServing, folder: string, names: readonly string[], threads: number) {
    this.#serving = serving;
    this.#folder = folder;
    this.names = names;
    this.threads = threads;
  }

  static async start(agents: number): Promise<NeighbourHost> {
    const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
    const threads = availableParallelism();
    const serving = await serve({
      agents: [],
      stateFolder: folder,
      cacheFolder: undefined,
      threads,
      limits: {},
      clock: systemClock,
      random: systemRandom,
      log: () => {}, // Agents that do not behave are lost again and again, and each is told of.
    });
    const names = Array.from({ length: agents - 1 }, (_, index) => `works-${index}`);
    const host = new NeighbourHost(serving, folder, ['works', ...names], threads);
    for (const conduct of Object.keys(conducts) as Conduct[]) await host.#install(conduct);
    await serving.spawn('works', names);
    return host;
  }

  async #install(conduct: Conduct): Promise<void> {
    const { bytes } = await writtenAgent(conducts[conduct], { release: true });
    await this.#serving.install({ manifest: manifestOf(conduct), component: new Uint8Array(bytes) });
  }

  /** One message to one agent, which it answers in time or is ended. */
  ask(name: string, deadlineMs: number): Promise<Reply> {
    return this.#serving.invoke(name, payload, { principal, deadlineMs });
  }

  async close(): Promise<void> {
    await this.#serving.close(1000);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
