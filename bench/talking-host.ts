import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { resolveTarget } from '../guest-sdk/build/target.ts';
import { buildProgram } from '../guest-sdk/c/build/build-program.ts';
import type { Payload } from '../host/bus/message.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, serve, type TrustSettings } from '../host/host/serve.ts';
import type { Reply } from '../host/host/serving.ts';
import { writtenAgent } from '../test/support/written-agent.ts';

export type Language = 'c' | 'assemblyscript';
export type Kind = 'talker' | 'listener';

/** May send to everybody, at any rate; all other checks are as they are by default. */
const manifestOf = (name: string): string => `name = "${name}"
world = "handler"
[limits]
messages-per-second = 1000000000
message-burst = 1000000000
[capabilities.bus]
send = ["agent.>"]
`;

const principal = { name: 'bench' };

/** A serving host with agents that talk to each other. */
export class TalkingHost {
  readonly serving: LocalServing;
  readonly stateFolder: string;
  readonly #more: string;

  private constructor(serving: LocalServing, stateFolder: string, more: string) {
    this.serving = serving;
    this.stateFolder = stateFolder;
    this.#more = more;
  }

  /** `more` is added to every manifest. */
  static async start(threads: number, trust: TrustSettings = {}, more = ''): Promise<TalkingHost> {
    const stateFolder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
    const serving = await serve({
      agents: [],
      stateFolder,
      cacheFolder: undefined,
      threads,
      limits: {},
      trust,
      clock: systemClock,
      random: systemRandom,
      log: ({ level, text }) => {
        if (level === 'warn' || level === 'error') process.stderr.write(`${level}: ${text}\n`);
      },
    });
    return new TalkingHost(serving, stateFolder, more);
  }

  /** Installs agents one after the other; each goes to the thread with the fewest, of these the first. */
  async install(language: Language, agents: readonly (readonly [name: string, kind: Kind])[]): Promise<void> {
    for (const [name, kind] of agents) {
      const component = new Uint8Array(await componentOf(language, kind));
      await this.serving.install({ manifest: `${manifestOf(name)}${this.#more}`, component });
    }
  }

  async tell(name: string, words: string): Promise<void> {
    const payload: Payload = { contentType: undefined, headers: [], body: new TextEncoder().encode(words) };
    const reply: Reply = await this.serving.invoke(name, payload, { principal });
    if (reply.kind !== 'answered' || reply.outcome.kind !== 'ok')
      throw new Error(`${name}: ${inspect(reply, { depth: 5 })}`);
  }

  async handled(name: string): Promise<number> {
    return (await this.serving.agent(name)).handled;
  }

  async close(): Promise<void> {
    await this.serving.close(1000);
    rmSync(this.stateFolder, { recursive: true, force: true });
  }
}

const built = new Map<string, Promise<Uint8Array>>();

function componentOf(language: Language, kind: Kind): Promise<Uint8Array> {
  const key = `${language} ${kind}`;
  const bytes = built.get(key) ?? (language === 'c' ? buildC(kind) : buildAssemblyScript(kind));
  built.set(key, bytes);
  return bytes;
}

const folder = join(import.meta.dirname, 'talkers');

async function buildC(kind: Kind): Promise<Uint8Array> {
  const own = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
  try {
    copyFileSync(join(folder, `${kind}.c`), join(own, 'agent.c'));
    const target = await resolveTarget('', 'handler');
    return (await buildProgram({ folder: own, entry: 'agent.c', target, release: true })).bytes;
  } finally {
    rmSync(own, { recursive: true });
  }
}

async function buildAssemblyScript(kind: Kind): Promise<Uint8Array> {
  const source = readFileSync(join(folder, 'assembly', `${kind}.ts`), 'utf8');
  return (await writtenAgent(source, { release: true })).bytes;
}
