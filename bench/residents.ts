import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalServing } from '../host/host/serve.ts';
import { measureFresh } from './fresh.ts';
import { atLeast, atMost, type Bench, type Effort, type Mark, type Report, round } from './report.ts';
import { ask, type ResidentHost, residentHost } from './resident-host.ts';
import { median, percentile } from './samples.ts';
import { probeAll, type ThreadProbe } from './thread-probe.ts';

/** Agent threads: the cores of a small machine. */
const threads = 2;
/** Calls under way at once where throughput is the question. */
const callers = 64;
const warmUpCalls = 10_000;
/** By then a thread without work has put its heap in order. */
const quietMs = 6_000;
const never = '[hibernate]\nafter = "never"\n';

/** Figures by what they are of. */
type Figures = Readonly<Record<string, number>>;

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/** Asks every one of them once, `callers` at a time; microseconds of the whole, and of each. */
async function askAll(serving: LocalServing, who: readonly string[], us: number[] = []): Promise<number> {
  const fromMs = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let name = who[next++]; name !== undefined; name = who[next++]) {
      const askedMs = performance.now();
      await ask(serving, name);
      us.push((performance.now() - askedMs) * 1000);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (performance.now() - fromMs) * 1000;
}

/** One after the other: microseconds of each. */
async function askInTurn(serving: LocalServing, who: readonly string[]): Promise<number[]> {
  const us: number[] = [];
  for (const name of who) {
    const fromMs = performance.now();
    await ask(serving, name);
    us.push((performance.now() - fromMs) * 1000);
  }
  return us;
}

async function warmUp({ serving }: ResidentHost): Promise<void> {
  for (let done = 0; done < warmUpCalls; done += callers)
    await askAll(serving, new Array<string>(callers).fill('like'));
}

const heapOf = (probes: readonly ThreadProbe[]): number =>
  probes.reduce((sum, { heapBytes }) => sum + heapBytes, 0);

/** Bytes of RSS in memories of guests of one page, and of page tables, which RSS has not. */
function kernelView(): { readonly guestBytes: number; readonly tableBytes: number } {
  let guestBytes = 0;
  let isGuest = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (range !== null)
      isGuest = Number.parseInt(range[2] ?? '', 16) - Number.parseInt(range[1] ?? '', 16) === 65_536;
    else if (/^[0-9a-f]+-/.test(line)) isGuest = false;
    else if (isGuest && line.startsWith('Rss:')) guestBytes += 1024 * Number(/\d+/.exec(line)?.[0]);
  }
  const tables = /VmPTE:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return { guestBytes, tableBytes: 1024 * Number(tables) };
}

/** As many agents in memory as the process may have, and one more. */
async function live(count: number): Promise<Figures> {
  const host = await residentHost(never, threads);
  const { serving } = host;
  await warmUp(host);
  const heapBefore = heapOf(await probeAll());
  const [rssBefore, kernelBefore] = [process.memoryUsage.rss(), kernelView()];
  const all = names('live', count - 1);
  await serving.spawn('like', all);
  await askAll(serving, all);
  const us = await askInTurn(serving, all.slice(0, 2000));
  const rss = process.memoryUsage.rss() - rssBefore;
  const kernel = kernelView();
  const heap = heapOf(await probeAll()) - heapBefore;
  const { agents, memories } = await serving.status();
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  const quietRss = process.memoryUsage.rss() - rssBefore;
  await serving.spawn('like', ['one-more']);
  const [lastUs = Number.NaN] = await askInTurn(serving, ['one-more']);
  await host.close();
  return {
    live: agents.idle,
    memories: memories.live,
    'RSS, bytes each': rss / count,
    'RSS once all is quiet, bytes each': quietRss / count,
    'of it guest memory, bytes each': (kernel.guestBytes - kernelBefore.guestBytes) / count,
    'of it JavaScript heap after a collection, bytes each': heap / count,
    'page tables besides, bytes each': (kernel.tableBytes - kernelBefore.tableBytes) / count,
    'a call of one of them, µs median': median(us),
    'first call beyond the cap, µs': lastUs,
  };
}

/** A million that never did anything, and random ones of them that do. */
async function registered(count: number): Promise<Figures> {
  const host = await residentHost('', threads);
  const { serving } = host;
  const heapBefore = heapOf(await probeAll());
  const rssBefore = process.memoryUsage.rss();
  const fromMs = performance.now();
  const batch = 50_000;
  for (let at = 0; at < count; at += batch)
    await serving.spawn(
      'like',
      Array.from({ length: Math.min(batch, count - at) }, (_, index) => `many-${at + index}`),
    );
  const spawnMs = performance.now() - fromMs;
  const rss = process.memoryUsage.rss() - rssBefore;
  const [main, ...others] = await probeAll();
  const heap = heapOf([...(main === undefined ? [] : [main]), ...others]) - heapBefore;
  const random = Array.from({ length: 10_000 }, () => `many-${Math.floor(Math.random() * count)}`);
  const us = await askInTurn(serving, random);
  await host.close();
  return {
    'spawn, s': spawnMs / 1000,
    'RSS, bytes each': rss / count,
    'heap of all threads, bytes each': heap / count,
    'full collection of the main thread, ms': main?.gcMs ?? Number.NaN,
    'of an agent thread, ms': Math.max(...others.map(({ gcMs }) => gcMs)),
    'random one answers, µs median': median(us),
    'random one answers, µs p99': percentile(us, 0.99),
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Calls of agents that are in memory, in the heap and on disk; the difference is the wake. */
async function wake(count: number): Promise<Figures> {
  const figures: Record<string, number> = {};
  let liveUs = Number.NaN;
  for (const [kind, warmBytesMax, manifest] of [
    ['live', undefined, never],
    ['warm', undefined, '[hibernate]\nafter = "1ms"\n'],
    ['cold', 0, '[hibernate]\nafter = "1ms"\n'],
  ] as const) {
    const host = await residentHost(manifest, 1, warmBytesMax === undefined ? {} : { warmBytesMax });
    const { serving } = host;
    const all = names('one', count);
    await serving.spawn('like', all);
    const us: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const asked = await askInTurn(serving, all);
      if (round > 0) us.push(...asked);
      if (kind !== 'live')
        await until(async () => {
          const { agents } = await serving.status();
          return (kind === 'warm' ? agents.hibernated : agents.cold) >= count;
        });
    }
    figures[`call, ${kind}, µs median`] = median(us);
    figures[`call, ${kind}, µs p99`] = percentile(us, 0.99);
    if (kind === 'live') liveUs = median(us);
    else figures[`wake from ${kind}, µs median`] = median(us) - liveUs;
    await host.close();
  }
  return figures;
}

/** New agents of a known module: each is spawned, answers one message, and makes room when others come. */
async function spawn(count: number): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const number of [1, threads]) {
    const host = await residentHost('[hibernate]\nafter = "1ms"\n', number);
    const { serving } = host;
    await warmUp(host);
    const perSecond: number[] = [];
    const us: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const all = names(`new-${round}`, count);
      const fromMs = performance.now();
      await serving.spawn('like', all);
      await askAll(serving, all);
      perSecond.push((count * 1000) / (performance.now() - fromMs));
      const some = names(`alone-${round}`, 500);
      await serving.spawn('like', some);
      us.push(...(await askInTurn(serving, some)));
    }
    const on = number === 1 ? 'one thread' : 'all threads';
    figures[`spawned and answered, ${on}, a second`] = median(perSecond);
    figures[`first message, ${on}, µs median`] = median(us);
    await host.close();
  }
  return figures;
}

const scenarios: Readonly<Record<string, (isQuick: boolean) => Promise<Figures>>> = {
  live: (isQuick) => live(isQuick ? 1000 : 12_000),
  registered: (isQuick) => registered(isQuick ? 50_000 : 1_000_000),
  wake: (isQuick) => wake(isQuick ? 200 : 1000),
  spawn: (isQuick) => spawn(isQuick ? 500 : 3000),
};

function marksOf(found: Readonly<Record<string, Figures>>): Mark[] {
  const of = (scenario: string, what: string): number => found[scenario]?.[what] ?? Number.NaN;
  return [
    atMost('a live agent: RSS', of('live', 'RSS, bytes each') / 1024, 20, 'KiB'),
    atMost('a registered agent: heap', of('registered', 'heap of all threads, bytes each'), 300, 'B'),
    atMost(
      'full collection of the main thread',
      of('registered', 'full collection of the main thread, ms'),
      150,
      'ms',
    ),
    atMost('full collection of an agent thread', of('registered', 'of an agent thread, ms'), 150, 'ms'),
    atMost('wake from the heap', of('wake', 'wake from warm, µs median'), 100, 'µs'),
    atMost('wake from disk', of('wake', 'wake from cold, µs median'), 1000, 'µs'),
    atLeast(
      'new agents, one thread',
      of('spawn', 'spawned and answered, one thread, a second'),
      15_000,
      'a second',
    ),
    atLeast(
      'new agents, all threads',
      of('spawn', 'spawned and answered, all threads, a second'),
      15_000,
      'a second',
    ),
  ];
}

const probe = join(import.meta.dirname, 'thread-probe.ts');

function report({ quick, part }: Effort): Report {
  const names = Object.keys(scenarios).filter((name) => part === undefined || name === part);
  if (names.length === 0)
    throw new Error(`bench: no part ${part}; there are ${Object.keys(scenarios).join(', ')}`);
  const found = Object.fromEntries(
    names.map((name) => [
      name,
      measureFresh<Figures>(import.meta.filename, [name, quick ? 'quick' : 'whole'], ['--import', probe]),
    ]),
  );
  return {
    question,
    columns: ['what', 'figure'],
    rows: Object.entries(found).flatMap(([scenario, figures]) =>
      Object.entries(figures).map(([what, figure]) => [`${scenario}: ${what}`, round(figure)]),
    ),
    marks: marksOf(found).filter(({ measured }) => part === undefined || !measured.startsWith('-')),
    remarks: [
      'a serving host with its defaults; agents in AssemblyScript with one page of memory, of which they touch two times 4 KiB.',
      "calls go through the host's `invoke`, one after the other unless a rate is given; RSS of a host that was at work before.",
    ],
  };
}

const question = 'What do many agents cost, and how fast does any of them answer?';

export const bench: Bench = { name: 'residents', question, run: async (effort) => report(effort) };

if (import.meta.main) {
  const [name = '', effort] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await scenarios[name]?.(effort === 'quick')));
}
