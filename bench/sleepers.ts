import { join } from 'node:path';
import { measureFresh } from './fresh.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { ask, type ResidentHost, residentHost } from './resident-host.ts';
import { median, percentile } from './samples.ts';
import { pausesOfAll, probeAll } from './thread-probe.ts';

/** Agent threads: the cores of a small machine. */
const threads = 2;
/** Agents that are born and asked together. */
const perBatch = 20;
/** Beyond this, one that is seen almost a whole interval late was born a moment before that was noted. */
const wholeShare = 0.9;

/** Figures by what they are of. */
type Figures = Readonly<Record<string, number>>;

interface Span {
  readonly count: number;
  /** Of each agent's interval: all wake once in so long, evenly spread, as that is how they are born. */
  readonly everyMs: number;
  /** From a turn until the agent leaves memory. */
  readonly idleMs: number;
}

const manifestOf = ({ everyMs, idleMs }: Span): string => `[hibernate]
after = "${idleMs}ms"
[capabilities.bus]
publish = ["woken"]
[[triggers]]
name = "tick"
every = "${everyMs}ms"
`;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Agents that sleep until their intervals wake them; how late each was is seen by what it says when it is awake. */
class Sleepers {
  readonly #host: ResidentHost;
  readonly #span: Span;
  readonly #bornMs = new Map<string, number>();
  readonly lateMs: number[] = [];

  constructor(host: ResidentHost, span: Span) {
    this.#host = host;
    this.#span = span;
    host.serving.subscribe('woken', undefined, ({ sender = '' }) => this.#woke(sender));
  }

  #woke(name: string): void {
    const { everyMs } = this.#span;
    const sinceMs = performance.now() - (this.#bornMs.get(name) ?? Number.NaN);
    if (sinceMs < everyMs / 2) return;
    const lateMs = sinceMs % everyMs;
    this.lateMs.push(lateMs > everyMs * wholeShare ? 0 : lateMs);
  }

  /** Spread over one interval; each answers a message and has a state to come back to. */
  async beBorn(): Promise<void> {
    const { count, everyMs } = this.#span;
    const { serving } = this.#host;
    const fromMs = performance.now();
    for (let at = 0; at < count; at += perBatch) {
      const some = Array.from(
        { length: Math.min(perBatch, count - at) },
        (_, index) => `timed-${at + index}`,
      );
      await serving.spawn('like', some);
      const nowMs = performance.now();
      for (const name of some) this.#bornMs.set(name, nowMs);
      await Promise.all(some.map((name) => ask(serving, name)));
      const aheadMs = fromMs + (everyMs * (at + perBatch)) / count - performance.now();
      if (aheadMs > 1) await wait(aheadMs);
    }
  }
}

async function measure(span: Span): Promise<Figures> {
  const host = await residentHost(manifestOf(span), threads);
  const sleepers = new Sleepers(host, span);
  const fromMs = performance.now();
  await sleepers.beBorn();
  const bornMs = performance.now() - fromMs;
  const cpuFrom = process.cpuUsage();
  await pausesOfAll();
  sleepers.lateMs.length = 0;
  await wait(span.everyMs);
  const late = sleepers.lateMs.slice();
  const cpu = process.cpuUsage(cpuFrom);
  const pauses = await pausesOfAll();
  const { agents } = await host.serving.status();
  const heapBytes = (await probeAll()).reduce((sum, one) => sum + one.heapBytes, 0);
  const rssBytes = process.memoryUsage.rss();
  await host.close();
  return {
    'born in, s': bornMs / 1000,
    'wakes measured': late.length,
    'wakes a second': (late.length * 1000) / span.everyMs,
    'processor time of a wake, µs': (cpu.user + cpu.system) / late.length,
    'in memory': agents.idle,
    'asleep, in the heap': agents.hibernated,
    'asleep, on disk': agents.cold,
    'heap of all threads, bytes each': heapBytes / span.count,
    'RSS, bytes each': rssBytes / span.count,
    'longest pause to collect, ms': Math.max(...pauses.map(({ mostMs }) => mostMs)),
    'late, ms median': median(late),
    'late, ms p90': percentile(late, 0.9),
    'late, ms p99': percentile(late, 0.99),
    'late, ms p99.9': percentile(late, 0.999),
    'late, ms most': percentile(late, 1),
  };
}

const spanOf = (isQuick: boolean): Span =>
  isQuick
    ? { count: 5_000, everyMs: 3_000, idleMs: 200 }
    : { count: 100_000, everyMs: 60_000, idleMs: 1_000 };

function report({ quick }: Effort): Report {
  const { count, everyMs } = spanOf(quick);
  const probe = join(import.meta.dirname, 'thread-probe.ts');
  const found = measureFresh<Figures>(import.meta.filename, [quick ? 'quick' : 'whole'], ['--import', probe]);
  return {
    question,
    columns: [`${count} agents with a timer`, 'figure'],
    rows: Object.entries(found).map(([what, figure]) => [what, round(figure)]),
    marks: [
      atMost('late, p99', found['late, ms p99'] ?? Number.NaN, 20, 'ms'),
      atLeast('wakes measured, of all agents', (found['wakes measured'] ?? 0) / count, 0.99, ''),
    ],
    remarks: [
      `each wakes once in ${everyMs / 1000} s, ${Math.round((count * 1000) / everyMs)} a second: a minute is the rhythm of a timer that polls or looks after something, and a crowd that wakes more often is a load of messages, which other benches ask for;`,
      'late: from when it was due until its word, said while it is awake, has come back to the main thread: timer, message, wake from heap or disk and turn included.',
    ],
  };
}

const question = 'How late do sleeping agents wake by their timers?';

export const bench: Bench = { name: 'sleepers', question, run: async (effort) => report(effort) };

if (import.meta.main) {
  const [effort, count, everyMs, idleMs] = process.argv.slice(2);
  const span = spanOf(effort === 'quick');
  const figures = await measure({
    count: Number(count ?? span.count),
    everyMs: Number(everyMs ?? span.everyMs),
    idleMs: Number(idleMs ?? span.idleMs),
  });
  process.stdout.write(JSON.stringify(figures));
}
