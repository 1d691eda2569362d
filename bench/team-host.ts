import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, serve } from '../host/host/serve.ts';
import { writtenAgent } from '../test/support/written-agent.ts';
import { median } from './samples.ts';

/** Does one thing so often: `vote 100`, `pass 100`, `hold 100`, `make 100`; whoever is asked anything else agrees. */
const source = `
import { Message, Reply, orchestration as o, reply, utf8 } from "motehost:agent";

const voters = ["team-1", "team-2", "team-3", "team-4", "team-5"];

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  const count = words.length > 1 ? <i32>parseInt(words[1]) : 0;
  for (let i = 0; i < count; i++) {
    if (words[0] == "vote") assert(o.askQuorum(voters, "agreed?", o.Threshold.majority(), 5000).value.decision !== null);
    if (words[0] == "pass") { assert(o.put("bench", "value").isOk); assert(o.take("bench").isOk); }
    if (words[0] == "hold") assert(o.releaseLease("bench", o.acquireLease("bench", 5000).value.token).isOk);
    if (words[0] == "make") { assert(o.spawn("team-1", "made").isOk); assert(o.endChild("made").isOk); }
  }
  return reply("yes");
}
`;

const manifestOf = (name: string): string => `name = "${name}"
world = "handler"
[limits]
messages-per-second = 1000000000
message-burst = 1000000000
deadline = "60s"
[capabilities]
spawn = ["made"]
[capabilities.bus]
send = ["agent.*"]
[capabilities.orchestration]
channels = ["bench"]
leases = ["bench"]
spawn-from = ["team-1"]
`;

const principal = { name: 'bench' };

/** Six agents of a serving host that work together. */
export class TeamHost {
  readonly #serving: LocalServing;
  readonly #folder: string;

  private constructor(serving: LocalServing, folder: string) {
    this.#serving = serving;
    this.#folder = folder;
  }

  static async start(threads: number): Promise<TeamHost> {
    const folder = mkdtempSync(join(tmpdir(), 'motehost-team-'));
    const serving = await serve({
      agents: [],
      stateFolder: folder,
      cacheFolder: undefined,
      threads,
      limits: {},
      trust: { auditLevel: 'off' },
      clock: systemClock,
      random: systemRandom,
      log: () => {},
    });
    const host = new TeamHost(serving, folder);
    const component = new Uint8Array((await writtenAgent(source, { release: true })).bytes);
    for (const name of ['asker', 'team-1', 'team-2', 'team-3', 'team-4', 'team-5'])
      await serving.install({ manifest: manifestOf(name), component });
    return host;
  }

  /** Microseconds of one of `count`, median of the rounds; the first warms up. */
  async usOf(verb: string, count: number, rounds: number): Promise<number> {
    const samples: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const startedMs = performance.now();
      await this.#tell(`${verb} ${count}`);
      if (round > 0) samples.push(((performance.now() - startedMs) * 1000) / count);
    }
    return median(samples);
  }

  async #tell(words: string): Promise<void> {
    const payload = { contentType: undefined, headers: [], body: new TextEncoder().encode(words) };
    const reply = await this.#serving.invoke('asker', payload, { principal });
    if (reply.kind !== 'answered' || reply.outcome.kind !== 'ok')
      throw new Error(
        JSON.stringify(reply, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      );
  }

  async close(): Promise<void> {
    await this.#serving.close(1000);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
