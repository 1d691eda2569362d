import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { type LocalAgent, type LocalServing, type ServeOptions, serve } from '../../host/host/serve.ts';
import type { Payload } from '../../host/host/serving.ts';
import { parseManifest } from '../../host/manifest.ts';
import type { LogEntry } from '../../host/telemetry/log-entry.ts';
import { writtenAgent } from './written-agent.ts';

/** Lines of a host and its agents, waited for one by one. */
export class Lines {
  readonly all: string[] = [];
  readonly #waiting = new Set<() => void>();

  add(entry: LogEntry): void {
    this.all.push(`${entry.agent ?? 'host'}: ${entry.text}`);
    for (const look of this.#waiting) look();
  }

  /** Resolves once there are `count` lines that match. */
  until(pattern: RegExp, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.all.filter((line) => pattern.test(line)).length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** How often a line came. */
  count(line: string): number {
    return this.all.filter((one) => one === line).length;
  }
}

const started = new WeakMap<TestContext, Hosted[]>();

/** A state folder, removed after the test and after its hosts have ended. `release` comes in between. */
export function temporaryState(t: TestContext, release: (folder: string) => void = () => {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-state-'));
  t.after(async () => {
    for (const host of started.get(t) ?? []) await host.close(0);
    release(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A host in this process; what is open when the test ends is ended before its state folder is removed. */
export class Hosted {
  readonly serving: LocalServing;
  readonly lines: Lines;
  #isClosed = false;

  private constructor(serving: LocalServing, lines: Lines) {
    this.serving = serving;
    this.lines = lines;
  }

  static async start(
    t: TestContext,
    stateFolder: string,
    agents: readonly LocalAgent[],
    options: Partial<ServeOptions> = {},
  ): Promise<Hosted> {
    const lines = new Lines();
    const serving = await serve({
      agents,
      stateFolder,
      cacheFolder: process.env.MOTEHOST_TEST_CACHE,
      threads: 1,
      limits: {},
      clock: systemClock,
      random: systemRandom,
      log: (entry) => lines.add(entry),
      ...options,
    });
    const hosted = new Hosted(serving, lines);
    started.set(t, [...(started.get(t) ?? []), hosted]);
    return hosted;
  }

  async close(drainMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.serving.close(drainMs);
  }

  /** An agent's answer as text, or how it ended. */
  async ask(name: string, words: string): Promise<string> {
    const reply = await this.serving.invoke(name, payload(words), { principal });
    if (reply.kind === 'refused') return reply.reason;
    const { outcome } = reply;
    return outcome.kind === 'ok' ? new TextDecoder().decode(outcome.value) : outcome.kind;
  }

  async send(name: string, words: string, messageId?: string, exactly = false): Promise<string> {
    const { id } = await this.serving.send(name, payload(words), {
      principal,
      guarantee: exactly ? 'exactly-once' : 'at-least-once',
      ...(messageId === undefined ? {} : { messageId }),
    });
    return id;
  }
}

export const principal = { name: 'test' };

export function payload(words: string): Payload {
  return { contentType: 'text/plain', headers: [], body: new TextEncoder().encode(words) };
}

/** An agent as it would lie on disk. */
export function localAgent(
  name: string,
  component: Uint8Array<ArrayBuffer>,
  toml = '',
  world = 'handler',
): LocalAgent {
  const manifestPath = `/agents/${name}/agent.toml`;
  return {
    manifestPath,
    manifest: parseManifest(`name = "${name}"\nworld = "${world}"\n${toml}`, manifestPath),
    component,
  };
}

/**
 * Answers with how many messages it had, and logs `seen WORDS`. `spin` never ends; `to NAME WORDS` sends the words to
 * another agent first; `bad` is refused as invalid.
 */
export const scribeSource = `
import { Failure, Message, Reply, bus, fail, log, reply, utf8 } from "motehost:agent";

let count = 0;

export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  log.info("seen " + words);
  if (words == "spin") for (;;) {}
  if (words.startsWith("bad")) return fail(Failure.invalid(words));
  if (words.startsWith("to ")) {
    const rest = words.slice(3);
    const at = rest.indexOf(" ");
    const sent = bus.send(rest.slice(0, at), rest.slice(at + 1));
    if (sent.isErr) return fail(Failure.unavailable(sent.error.toString()));
  }
  count++;
  return reply(count.toString());
}
`;

let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** The component of `scribeSource`, built once. */
export function scribe(): Promise<Uint8Array<ArrayBuffer>> {
  built ??= writtenAgent(scribeSource).then(({ bytes }) => new Uint8Array(bytes));
  return built;
}
