import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Payload } from '../host/bus/message.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, serve } from '../host/host/serve.ts';
import type { Reply } from '../host/host/serving.ts';
import { writtenAgent } from '../test/support/written-agent.ts';

/** Does what it is told: `ask 100 NAME`, `send 100000 NAME`, `shout 100000 NAME` (as send, at most once). */
const talkerSource = `
import { Failure, Message, Reply, bus, fail, noReply, utf8 } from "motehost:agent";
import { Header, Payload } from "motehost:agent/types";

const body = new Uint8Array(64);

function ask(count: i32, name: string): Reply {
  const subject = "agent." + name;
  const question = new Payload(null, [], body);
  for (let at = 0; at < count; at++) {
    const answer = bus.request(subject, question);
    if (answer.isErr) return fail(Failure.unavailable(answer.error.toString()));
  }
  return noReply();
}

function send(count: i32, name: string, headers: Header[]): Reply {
  const payload = new Payload(null, headers, body);
  for (let at = 0; at < count; at++) {
    const sent = bus.send(name, payload);
    if (sent.isErr) return fail(Failure.unavailable(sent.error.toString()));
  }
  return noReply();
}

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  const count = I32.parseInt(words[1]);
  if (words[0] == "ask") return ask(count, words[2]);
  if (words[0] == "send") return send(count, words[2], []);
  return send(count, words[2], [new Header("mote-delivery", "at-most-once")]);
}`;

const listenerSource = `
import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply { return reply(message.body); }`;

const sinkSource = `
import { Message, Reply, noReply } from "motehost:agent";
export function handle(message: Message): Reply { return noReply(); }`;

const common = `
[limits]
messages-per-second = 1000000000
message-burst = 1000000000
[capabilities.bus]
send = ["agent.>"]
`;

const principal = { name: 'bench' };
const stateFolders: string[] = [];

/** A serving host with agents that talk to each other, all of it as it is by default but for the rate at which agents may send. */
export class TalkingHost {
  readonly serving: LocalServing;

  private constructor(serving: LocalServing) {
    this.serving = serving;
  }

  static async start(threads: number): Promise<TalkingHost> {
    const stateFolder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
    stateFolders.push(stateFolder);
    const serving = await serve({
      agents: [],
      stateFolder,
      cacheFolder: undefined,
      threads,
      limits: {},
      clock: systemClock,
      random: systemRandom,
      log: ({ level, text }) => {
        if (level === 'warn' || level === 'error') process.stderr.write(`${level}: ${text}\n`);
      },
    });
    return new TalkingHost(serving);
  }

  /** Agents go to the thread with the fewest. */
  async install(name: string, kind: Kind): Promise<void> {
    const component = new Uint8Array(await components[kind]());
    await this.serving.install({ manifest: `name = "${name}"\nworld = "handler"${common}`, component });
  }

  async tell(name: string, words: string): Promise<void> {
    const payload: Payload = { contentType: undefined, headers: [], body: new TextEncoder().encode(words) };
    const reply: Reply = await this.serving.invoke(name, payload, { principal });
    if (reply.kind !== 'answered' || reply.outcome.kind !== 'ok')
      throw new Error(`${name}: ${JSON.stringify(reply, (_, value) => String(value))}`);
  }

  async handled(name: string): Promise<number> {
    return (await this.serving.agent(name)).handled;
  }

  async close(): Promise<void> {
    await this.serving.close(1000);
    for (const folder of stateFolders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

const built = new Map<string, Promise<Uint8Array>>();

function component(source: string): () => Promise<Uint8Array> {
  return () => {
    let bytes = built.get(source);
    bytes ??= writtenAgent(source, { release: true }).then((result) => result.bytes);
    built.set(source, bytes);
    return bytes;
  };
}

type Kind = 'talker' | 'listener' | 'sink';

const components: Readonly<Record<Kind, () => Promise<Uint8Array>>> = {
  talker: component(talkerSource),
  listener: component(listenerSource),
  sink: component(sinkSource),
};
