import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, type ServeOptions, serve } from '../host/host/serve.ts';
import { parseManifest } from '../host/manifest.ts';
import { writtenAgent } from '../test/support/written-agent.ts';

/** Counts its messages in its one page of memory and answers how many there were; tells `woken` of those of a trigger; `trap` traps, `spin` never ends. */
const source = `import { Message, Reply, bus, reply } from "motehost:agent";
let count: u32 = 0;
export function handle(message: Message): Reply {
  if (message.subject.startsWith("trigger.")) bus.publish("woken", "");
  const body = String.UTF8.decode(message.body.buffer);
  if (body == "trap") unreachable();
  while (body == "spin") count += 1;
  count += 1;
  return reply(Uint8Array.wrap(String.UTF8.encode(count.toString())));
}
`;

/** A serving host with one agent, `like`, and as many more of its kind as a bench spawns. */
export interface ResidentHost {
  readonly serving: LocalServing;
  readonly threads: number;
  close(): Promise<void>;
}

/** `manifest`: what agent.toml says besides the name. */
export async function residentHost(
  manifest: string,
  threads: number,
  options: Partial<ServeOptions> = {},
): Promise<ResidentHost> {
  const { bytes } = await writtenAgent(source, { release: true });
  const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
  const text = `name = "like"\ncomponent = "like.wasm"\n${manifest}`;
  const manifestPath = join(folder, 'agent.toml');
  writeFileSync(manifestPath, text);
  const serving = await serve({
    agents: [
      {
        manifestPath,
        manifest: parseManifest(text, 'agent.toml'),
        component: new Uint8Array(bytes),
      },
    ],
    stateFolder: join(folder, 'state'),
    cacheFolder: undefined,
    threads,
    limits: {},
    clock: systemClock,
    random: systemRandom,
    log: ({ level, text: said }) => {
      // Agents that end are part of some benches.
      if (level === 'error' && !said.startsWith('ended: ')) process.stderr.write(`${said}\n`);
    },
    ...options,
  });
  const close = async (): Promise<void> => {
    await serving.close(1000);
    rmSync(folder, { recursive: true, force: true });
  };
  return { serving, threads, close };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One message to one agent; what it answered. */
export async function ask(
  serving: LocalServing,
  name: string,
  body = 'hi',
  deadlineMs = 30_000,
): Promise<string> {
  const payload = { contentType: undefined, headers: [], body: encoder.encode(body) };
  const reply = await serving.invoke(name, payload, { deadlineMs, principal: { name: 'bench' } });
  if (reply.kind !== 'answered') throw new Error(`${name} refused: ${reply.reason}`);
  if (reply.outcome.kind !== 'ok') throw new Error(`${name}: ${reply.outcome.kind}`);
  return decoder.decode(reply.outcome.value);
}
