import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { type LocalServing, type ServeOptions, serve } from '../../host/host/serve.ts';
import type { AgentDetail, Reply } from '../../host/host/serving.ts';
import { writtenAgent } from './written-agent.ts';

/**
 * Asks as many agents as it is told, all at once, and joins the answers: `ask gate echo` gives `ask: a b`.
 * `count` says how many messages this instance's memory remembers; `sleep 20` waits so many milliseconds; `race gate 20`
 * gives a request up when 20 ms are over.
 */
export const askerSource = `
import { Failure, Future, Message, Payload, Reply, Result, all, asyncBus, fail, reply, utf8 } from "motehost:agent";

type Answer = Result<Payload, asyncBus.BusError>;
let count = 0;

function textOf(answer: Answer): string {
  return answer.isOk ? utf8.decode(answer.value.body) : answer.error.toString();
}

export function handle(message: Message): Future<Reply> {
  const words = utf8.decode(message.body).split(" ");
  count++;
  if (words[0] == "count") return Future.of(reply(count.toString()));
  if (words[0] == "sleep")
    return asyncBus.sleep(<u32>I32.parseInt(words[1])).map<i32, Reply>(0, (slept, none) => reply("slept"));
  if (words[0] == "race") {
    const asked = asyncBus.request("agent." + words[1], "late", 50000);
    return asyncBus.sleep(<u32>I32.parseInt(words[2])).map<Future<Answer>, Reply>(asked, (slept, asked) =>
      reply(asked.cancel() ? "gave up" : "too late"));
  }
  const asked: Future<Answer>[] = [];
  for (let i = 1; i < words.length; i++) asked.push(asyncBus.request("agent." + words[i], words[0], 50000));
  return all(asked).map<string, Reply>(words[0], (answers, word) => {
    const texts: string[] = [];
    for (let i = 0; i < answers.length; i++) texts.push(textOf(answers[i]));
    if (word == "trap") unreachable();
    return reply(word + ": " + texts.join(" "));
  });
}`;

/** Answers nothing before the door is open, which it asks for every few milliseconds. */
const slowSource = `
import { Future, Message, Payload, Reply, Result, asyncBus, reply, utf8 } from "motehost:agent";

type Answer = Result<Payload, asyncBus.BusError>;

class Wait {
  readonly done: Future<Reply> = new Future<Reply>();
  constructor(public body: string) {}
}

function look(wait: Wait): void {
  asyncBus.request("agent.door", "?").then<Wait>(wait, (answer, wait) => {
    if (answer.isOk && utf8.decode(answer.value.body) == "open") wait.done.resolve(reply(wait.body + "!"));
    else asyncBus.sleep(5).then<Wait>(wait, (slept, wait) => { look(wait); });
  });
}

export function handle(message: Message): Future<Reply> {
  const wait = new Wait(utf8.decode(message.body));
  look(wait);
  return wait.done;
}`;

const doorSource = `
import { Message, Reply, reply, utf8 } from "motehost:agent";
let isOpen = false;
export function handle(message: Message): Reply {
  const word = utf8.decode(message.body);
  if (word == "open") isOpen = true;
  if (word == "shut") isOpen = false;
  return reply(isOpen ? "open" : "shut");
}`;

const echoSource = `
import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply { return reply(message.body); }`;

const grants = '[capabilities.bus]\nsend = ["agent.>"]\n';
const principal = { name: 'test' };
const built = new Map<string, Promise<Uint8Array>>();

function component(source: string, world: string): Promise<Uint8Array> {
  let bytes = built.get(source);
  bytes ??= writtenAgent(source, { world, release: true }).then((result) => result.bytes);
  built.set(source, bytes);
  return bytes;
}

export interface Told {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** A serving host with agents that wait for others, and a door that keeps one of these from answering. */
export class ParkingHost implements AsyncDisposable {
  readonly serving: LocalServing;
  readonly stateFolder: string;
  readonly log: string[];
  #isClosed = false;

  private constructor(serving: LocalServing, stateFolder: string, log: string[]) {
    this.serving = serving;
    this.stateFolder = stateFolder;
    this.log = log;
  }

  static async start(
    options: Partial<ServeOptions> = {},
    stateFolder: string = mkdtempSync(join(tmpdir(), 'motehost-parking-')),
  ): Promise<ParkingHost> {
    const log: string[] = [];
    const serving = await serve({
      agents: [],
      stateFolder,
      cacheFolder: process.env.MOTEHOST_TEST_CACHE,
      threads: 1,
      limits: {},
      clock: systemClock,
      random: systemRandom,
      log: ({ level, agent, text }) => void log.push(`${level} ${agent}: ${text}`),
      ...options,
    });
    return new ParkingHost(serving, stateFolder, log);
  }

  /** `door`, `slow` and `echo`. */
  async furnish(): Promise<void> {
    const wide = '[mailbox]\ncapacity = 100000\n[hibernate]\nafter = "never"\n';
    await this.install('door', await component(doorSource, 'handler'), `world = "handler"\n${wide}`);
    await this.install('slow', await component(slowSource, 'async-handler'), `${asyncWorld}${wide}${grants}`);
    await this.install('echo', await component(echoSource, 'handler'), `world = "handler"\n${wide}`);
  }

  /** An agent that asks others and leaves memory as soon as anybody looks; `more` lines of its manifest. */
  async installAsker(name: string, more: string = hibernateSoon, bytes?: Uint8Array): Promise<void> {
    const asker = bytes ?? (await component(askerSource, 'async-handler'));
    await this.install(name, asker, `${asyncWorld}${more}${grants}`);
  }

  async install(name: string, bytes: Uint8Array, manifest: string): Promise<void> {
    await this.serving.install({
      manifest: `name = "${name}"\n${manifest}`,
      component: new Uint8Array(bytes),
    });
  }

  tell(name: string, words: string, told: Told = {}): Promise<Reply> {
    return this.serving.invoke(name, payloadOf(words), { principal, ...told });
  }

  async ask(name: string, words: string, told: Told = {}): Promise<string> {
    return textOf(await this.tell(name, words, told));
  }

  async send(name: string, words: string): Promise<void> {
    await this.serving.send(name, payloadOf(words), { principal, messageId: 'sent' });
  }

  /** The agent once it has dealt with a message. */
  async handled(name: string): Promise<AgentDetail> {
    for (;;) {
      const agent = await this.serving.agent(name);
      if (agent.handled > 0) return agent;
    }
  }

  /** Agents of a phase, by the host's own metrics. */
  async inPhase(phase: string): Promise<number> {
    const metrics = await this.serving.metrics();
    const samples = metrics.find(({ name }) => name === 'motehost_agents_in_phase')?.samples ?? [];
    return samples.filter(({ labels }) => labels.phase === phase).reduce((sum, { value }) => sum + value, 0);
  }

  async metric(name: string): Promise<number> {
    const samples = (await this.serving.metrics()).find((each) => each.name === name)?.samples ?? [];
    return samples.reduce((sum, { value }) => sum + value, 0);
  }

  /** Waits until so many are in a phase: each look is answered by the agents' threads, in a turn of theirs. */
  async until(phase: string, count: number): Promise<void> {
    while ((await this.inPhase(phase)) !== count);
  }

  /** The same of a metric that has come down to 0. */
  async untilNone(metric: string): Promise<void> {
    while ((await this.metric(metric)) > 0);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.serving.close(2_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.stateFolder, { recursive: true, force: true });
  }
}

const asyncWorld = 'world = "async-handler"\n';
/** A line of a manifest. */
export const hibernateSoon: string = '[hibernate]\nafter = "1ms"\n';

export function payloadOf(words: string): Parameters<LocalServing['invoke']>[1] {
  return { contentType: undefined, headers: [], body: new TextEncoder().encode(words) };
}

/** What was answered, or how it ended otherwise. */
export function textOf(reply: Reply): string {
  if (reply.kind === 'refused') return reply.reason;
  const { outcome } = reply;
  if (outcome.kind === 'ok') return new TextDecoder().decode(outcome.value);
  if (outcome.kind === 'limit') return `limit ${outcome.limit}`;
  return outcome.kind === 'error' ? `error ${JSON.stringify(outcome.failure)}` : outcome.kind;
}

export function fuelOf(reply: Reply): bigint {
  return reply.kind === 'answered' ? reply.outcome.usage.fuel : -1n;
}
