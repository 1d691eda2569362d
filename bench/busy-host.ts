import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../host/clock.ts';
import type { SchedulerSettings } from '../host/config/scheduler-settings.ts';
import { type LocalServing, serve } from '../host/host/serve.ts';
import type { Payload, Reply, ThreadScheduling } from '../host/host/serving.ts';
import { writtenAgent } from '../test/support/written-agent.ts';

const loop = `import { Message, Reply, noReply } from "motehost:agent";
export function handle(message: Message): Reply {
  if (message.body.length == 0) return noReply();
  let state: u64 = 88172645463325252;
  while (state != 0) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return noReply();
}
`;
/** As the loop, and it ends: 10,000 times round for each byte of the message. */
const toil = `import { Message, Reply, noReply } from "motehost:agent";
export function handle(message: Message): Reply {
  let left: u64 = <u64>message.body.length * 10000;
  let state: u64 = 88172645463325252;
  while (state != 0 && left != 0) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    left -= 1;
  }
  return noReply();
}
`;
const echo = `import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply {
  return reply(message.body);
}
`;

const sources: Readonly<Record<'loop' | 'toil' | 'echo', string>> = { loop, toil, echo };

const principal = { name: 'bench' };
const payload: Payload = { contentType: undefined, headers: [], body: new Uint8Array(64).fill(7) };

/** A host of one thread, with agents that compute without an end and agents that answer at once. */
export class BusyHost {
  readonly serving: LocalServing;
  readonly #folder: string;

  private constructor(serving: LocalServing, folder: string) {
    this.serving = serving;
    this.#folder = folder;
  }

  static async start(scheduler: SchedulerSettings = {}): Promise<BusyHost> {
    const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
    const serving = await serve({
      agents: [],
      stateFolder: folder,
      cacheFolder: undefined,
      threads: 1,
      // Nobody ends for having used much, but at the deadline.
      limits: {},
      scheduler,
      clock: systemClock,
      random: systemRandom,
      log: () => {},
    });
    return new BusyHost(serving, folder);
  }

  /** So many agents of a kind: `NAME`, `NAME-1`, …; `scheduling` is what stands in their manifest's table. */
  async install(
    kind: keyof typeof sources,
    name: string,
    count: number,
    scheduling: string,
    deadlineMs = 60_000,
  ): Promise<string[]> {
    const { bytes } = await writtenAgent(sources[kind], { release: true });
    const manifest = `name = "${name}"\nworld = "handler"\n[limits]\nfuel = "100T"\ndeadline = "${deadlineMs}ms"\n[restart]\nbackoff = "1ms"
backoff-max = "1ms"\n[scheduling]\n${scheduling}\n`;
    await this.serving.install({ manifest, component: new Uint8Array(bytes) });
    const more = Array.from({ length: count - 1 }, (_, index) => `${name}-${index + 1}`);
    if (more.length > 0) await this.serving.spawn(name, more);
    return [name, ...more];
  }

  ask(name: string): Promise<Reply> {
    return this.serving.invoke(name, payload, { principal, deadlineMs: 120_000 });
  }

  /** An agent that loops begins, and has nothing to do. */
  begin(name: string): Promise<Reply> {
    return this.serving.invoke(name, { ...payload, body: new Uint8Array() }, { principal });
  }

  /** Has an agent compute until its deadline. @returns the fuel it used */
  async burn(name: string): Promise<number> {
    const reply = await this.ask(name);
    if (reply.kind === 'refused') throw new Error(`${name} was refused: ${reply.reason}`);
    return Number(reply.outcome.usage.fuel);
  }

  /** Has a `toil` compute 10,000 times round for each of so many bytes. @returns the fuel it used */
  async toil(name: string, bytes: number): Promise<number> {
    const body = { ...payload, body: new Uint8Array(bytes) };
    const reply = await this.serving.invoke(name, body, { principal, deadlineMs: 60_000 });
    if (reply.kind === 'refused') throw new Error(`${name} was refused: ${reply.reason}`);
    return Number(reply.outcome.usage.fuel);
  }

  async turns(): Promise<ThreadScheduling> {
    const { threads } = await this.serving.status();
    const [thread] = threads;
    if (thread === undefined) throw new Error('a host without a thread');
    return thread.scheduling;
  }

  async close(): Promise<void> {
    await this.serving.close(0);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
