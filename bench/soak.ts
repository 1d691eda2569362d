import { parseArgs } from 'node:util';
import type { LocalServing } from '../host/host/serve.ts';
import type { Payload } from '../host/host/serving.ts';
import { measureFresh } from './fresh.ts';
import { atMost, type Bench, type Effort, type Report, reportText, round } from './report.ts';
import { type ResidentHost, residentHost } from './resident-host.ts';
import { median } from './samples.ts';

/**
 * A host under mixed load for a bounded time: calls, messages, publications, agents that come and go, that sleep
 * and wake, that trap, that are stopped by their deadline. What it holds must not grow, and at the end it must hold
 * what lives and nothing else.
 */
const threads = 2;
const agents = 2000;
const callers = 24;
/** Of the whole time, until the first measure: pools, caches and code are warm then. */
const warmUpShare = 0.4;
const samplesEveryMs = 500;

const manifest = `[hibernate]
after = "200ms"
[limits]
deadline = "2s"
[restart]
backoff = "1ms"
backoff-max = "5ms"
[subscriptions]
"news.*" = { group = "readers" }
`;

interface Soaked {
  readonly acts: Readonly<Record<string, number>>;
  /** What was refused or failed, by kind: load beyond what is there is refused, and that is as it should be. */
  readonly ends: Readonly<Record<string, number>>;
  readonly rssWarmBytes: number;
  readonly rssLastBytes: number;
  readonly heapWarmBytes: number;
  readonly heapLastBytes: number;
  readonly memoriesLeft: number;
  readonly memoriesOfAgents: number;
  readonly active: number;
  readonly agentsLeft: number;
}

const principal = { name: 'bench' };
const encoder = new TextEncoder();
const payloadOf = (text: string): Payload => ({
  contentType: undefined,
  headers: [],
  body: encoder.encode(text),
});

class Soak {
  readonly #serving: LocalServing;
  readonly acts: Record<string, number> = {};
  readonly ends: Record<string, number> = {};
  #spawned = 0;
  readonly #untilMs: number;

  constructor({ serving }: ResidentHost, forMs: number) {
    this.#serving = serving;
    this.#untilMs = performance.now() + forMs;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: callers }, () => this.#caller()));
  }

  async #caller(): Promise<void> {
    while (performance.now() < this.#untilMs) {
      const dice = Math.random();
      const act = kinds.find(({ below }) => dice < below)?.name ?? 'invoke';
      this.acts[act] = (this.acts[act] ?? 0) + 1;
      const end = await this.#act(act).catch((thrown: unknown) =>
        thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown),
      );
      this.ends[end] = (this.ends[end] ?? 0) + 1;
    }
  }

  async #act(act: string): Promise<string> {
    const serving = this.#serving;
    const name = `one-${Math.floor(Math.random() * agents)}`;
    switch (act) {
      case 'send':
        await serving.send(name, payloadOf('hi'), { principal });
        return 'ok';
      case 'publish':
        await serving.publish('news.today', payloadOf('hi'), { principal });
        return 'ok';
      case 'spawn':
        return this.#comeAndGo();
      case 'trap':
        return this.#invoke(name, 'trap', 2000);
      case 'deadline':
        return this.#invoke(name, 'spin', 5);
      default:
        return this.#invoke(name, 'hi', 5000);
    }
  }

  async #invoke(name: string, text: string, deadlineMs: number): Promise<string> {
    const reply = await this.#serving.invoke(name, payloadOf(text), { deadlineMs, principal });
    return reply.kind === 'answered' ? reply.outcome.kind : reply.reason;
  }

  async #comeAndGo(): Promise<string> {
    this.#spawned += 1;
    const name = `guest-${this.#spawned}`;
    await this.#serving.spawn('like', [name]);
    const end = await this.#invoke(name, 'hi', 5000);
    await this.#serving.remove(name);
    return end;
  }
}

const kinds = [
  { name: 'send', below: 0.15 },
  { name: 'publish', below: 0.2 },
  { name: 'spawn', below: 0.3 },
  { name: 'trap', below: 0.32 },
  { name: 'deadline', below: 0.34 },
] as const;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function soak(forMs: number): Promise<Soaked> {
  const host = await residentHost(manifest, threads);
  const { serving } = host;
  await serving.spawn(
    'like',
    Array.from({ length: agents }, (_, index) => `one-${index}`),
  );
  const load = new Soak(host, forMs);
  const rss: number[] = [];
  const heap: number[] = [];
  const sampling = setInterval(() => {
    rss.push(process.memoryUsage.rss());
    void serving
      .status()
      .then(({ threads: each }) => heap.push(each.reduce((sum, { heapBytes }) => sum + heapBytes, 0)));
  }, samplesEveryMs);
  await load.run();
  clearInterval(sampling);
  // Whoever is left falls asleep, and threads without work keep no more instances than they do then.
  await wait(3000);
  const status = await serving.status();
  const idle = status.agents.idle + status.agents.running;
  await host.close();
  return {
    acts: load.acts,
    ends: load.ends,
    ...spanOf('rss', rss),
    ...spanOf('heap', heap),
    memoriesLeft: status.memories.live,
    memoriesOfAgents: idle,
    active: status.threads.reduce((sum, { active }) => sum + active, 0),
    agentsLeft: Object.values(status.agents).reduce((sum, each) => sum + each, 0),
  } as Soaked;
}

/** Medians of what was sampled after the warm-up, and of as much at the end. */
function spanOf(name: string, samples: readonly number[]): Record<string, number> {
  const from = Math.floor(samples.length * warmUpShare);
  const length = Math.max(1, Math.floor(samples.length * 0.15));
  return {
    [`${name}WarmBytes`]: median(samples.slice(from, from + length)),
    [`${name}LastBytes`]: median(samples.slice(-length)),
  };
}

/** Instances that wait in the pools of the threads for the next agent, and dropped ones that wait to be collected. */
const pooledMax = threads * (256 + 64);

function report(forMs: number): Report {
  const found = measureFresh<Soaked>(import.meta.filename, [String(forMs)]);
  const mib = (bytes: number): string => `${round(bytes / 2 ** 20)} MiB`;
  const growth = (found.rssLastBytes / found.rssWarmBytes - 1) * 100;
  return {
    question,
    columns: [`${forMs / 1000} s of`, 'count'],
    rows: [
      ...Object.entries(found.acts).map(([act, count]) => [act, String(count)]),
      ...Object.entries(found.ends).map(([end, count]) => [`ended: ${end}`, String(count)]),
      ['RSS after the warm-up', mib(found.rssWarmBytes)],
      ['RSS at the end', mib(found.rssLastBytes)],
      ['heap of the agent threads after the warm-up', mib(found.heapWarmBytes)],
      ['heap of the agent threads at the end', mib(found.heapLastBytes)],
    ],
    marks: [
      atMost('growth of RSS after the warm-up', growth, 5, '%'),
      atMost(
        'memories that neither an agent nor a pool has',
        found.memoriesLeft - found.memoriesOfAgents,
        pooledMax,
        '',
      ),
      atMost('calls under way at the end', found.active, 0, ''),
      atMost('agents too many', found.agentsLeft - agents - 1, 0, ''),
    ],
    remarks: [
      `${agents} agents on ${threads} threads, ${callers} callers; what is refused under a deadline is meant to be.`,
    ],
  };
}

const question = 'Does a host under mixed load grow?';

/** `node bench/soak.ts --minutes 10` for longer. */
export const bench: Bench = {
  name: 'soak',
  question,
  run: async ({ quick }: Effort) => report(quick ? 10_000 : 60_000),
};

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string' } },
  });
  if (values.minutes !== undefined) process.stdout.write(reportText(report(Number(values.minutes) * 60_000)));
  else process.stdout.write(JSON.stringify(await soak(Number(positionals[0] ?? 60_000))));
}
