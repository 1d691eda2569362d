import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { CrashingHost } from './crashing-host.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const restartMsMax = 1;
const crashers = 1000;
const workers = 100;
const perSecond = 2000;
const deadlineMs = 10_000;
const tickMs = 1;
/** A machine that is busy with something else makes everybody late, and crashes seem harmless. */
const quietMsMax = 10;

/** From the answer that an agent trapped to the word of its supervisor that it is there again. */
async function supervised(samples: number): Promise<number[]> {
  const host = await CrashingHost.start({ works: 0, crashes: 1, isSupervised: true, restart: '' });
  const times: number[] = [];
  let restarted = Promise.withResolvers<void>();
  host.serving.subscribe('host.supervisor.top.restarted', undefined, () => restarted.resolve());
  try {
    for (let at = 0; at < samples; at += 1) {
      restarted = Promise.withResolvers<void>();
      await host.crash('crashes-0', deadlineMs);
      const fromMs = performance.now();
      await restarted.promise;
      times.push(performance.now() - fromMs);
      // Each crash is the first in the period of its supervisor, and nobody is in the lane before it.
      await delay(12);
    }
  } finally {
    await host.close();
  }
  return times;
}

/** What the first message after a crash takes longer than another: nobody looks after the agent. */
async function lazy(samples: number): Promise<number[]> {
  const host = await CrashingHost.start({ works: 0, crashes: 1, isSupervised: false, restart: '' });
  const times: number[] = [];
  const timed = async (): Promise<number> => {
    const fromMs = performance.now();
    await host.work('crashes-0', deadlineMs);
    return performance.now() - fromMs;
  };
  try {
    for (let at = 0; at < samples; at += 1) {
      await host.crash('crashes-0', deadlineMs);
      const first = await timed();
      times.push(first - (await timed()));
      // A thread begins at most 100 crashed agents a second anew: one restart is measured, not the line for it.
      await delay(12);
    }
  } finally {
    await host.close();
  }
  return times;
}

/** Latencies of those that work, asked at a steady rate, counted from when each question was due. */
async function openLoop(host: CrashingHost, spanMs: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  const pending: Promise<void>[] = [];
  const ask = async (at: number, dueMs: number): Promise<void> => {
    await host.work(host.working[at % host.working.length] ?? '', deadlineMs);
    latenciesMs.push(performance.now() - dueMs);
  };
  const fromMs = performance.now();
  const count = (spanMs * perSecond) / 1000;
  const dueOf = (at: number): number => fromMs + (at * 1000) / perSecond;
  for (let at = 0; at < count; ) {
    for (; at < count && dueOf(at) <= performance.now(); at += 1) pending.push(ask(at, dueOf(at)));
    await delay(tickMs);
  }
  await Promise.all(pending);
  return latenciesMs;
}

interface Beside {
  readonly quiet: number[];
  readonly crashing: number[];
  readonly crashes: number;
}

/** All crashers are asked again as soon as they have answered; their restarts wait as their manifests say. */
async function beside(isSupervised: boolean, rounds: number, spanMs: number): Promise<Beside[]> {
  const restart = 'backoff = "100ms"\nbackoff-max = "30s"\njitter = 50\n';
  const host = await CrashingHost.start({ works: workers, crashes: crashers, isSupervised, restart });
  const found: Beside[] = [];
  try {
    await openLoop(host, spanMs / 2); // All begin with their first message.
    for (let at = 0; at < rounds; at += 1) {
      const quiet = await openLoop(host, spanMs);
      const ending = new AbortController();
      let crashes = 0;
      const crash = async (name: string): Promise<void> => {
        for (; !ending.signal.aborted; crashes += 1) await host.crash(name, spanMs);
      };
      const crashing = host.crashing.map(crash);
      // The first crash of all at once is not what is asked.
      await delay(spanMs);
      crashes = 0;
      found.push({ quiet, crashing: await openLoop(host, spanMs), crashes });
      ending.abort();
      await Promise.all(crashing);
    }
  } finally {
    await host.close();
  }
  return found;
}

const p99 = (times: readonly number[]): number => percentile([...times], 0.99);

async function run({ quick }: Effort): Promise<Report> {
  const samples = quick ? 50 : 500;
  const [rounds, spanMs] = quick ? [1, 2000] : [3, 3000];
  const [byItself, bySupervisor] = [await lazy(samples), await supervised(samples)];
  const alone = await beside(false, rounds, spanMs);
  const inTree = await beside(true, rounds, spanMs);
  const ratio = (all: readonly Beside[]): number =>
    median(all.map(({ quiet, crashing }) => p99(crashing) / p99(quiet)));
  const row = (name: string, times: readonly number[], crashes = ''): string[] => [
    name,
    round(median([...times])),
    round(p99(times)),
    crashes,
  ];
  const rowsOf = (name: string, all: readonly Beside[]): string[][] => [
    row(
      `${workers} that work, quiet`,
      all.flatMap(({ quiet }) => quiet),
    ),
    row(
      `the same beside ${crashers} that crash, ${name}`,
      all.flatMap(({ crashing }) => crashing),
      String(all.reduce((sum, { crashes }) => sum + crashes, 0)),
    ),
  ];
  const quiet = median([...alone, ...inTree].map((one) => p99(one.quiet)));
  return {
    question,
    columns: ['', 'p50 ms', 'p99 ms', 'crashes'],
    rows: [
      row('restart with the next message, what it costs more', byItself),
      row('restart by a supervisor, until it says so', bySupervisor),
      ...rowsOf('each by itself', alone),
      ...rowsOf('under one supervisor', inTree),
    ],
    marks: [
      atMost('restart with the next message, p50', median(byItself), restartMsMax, 'ms'),
      atMost('restart by a supervisor, p50', median(bySupervisor), restartMsMax, 'ms'),
      atMost('p99 when quiet; beyond, the ratios are the machine’s', quiet, quietMsMax, 'ms'),
      atMost(`p99 beside ${crashers} that crash, each by itself`, ratio(alone), 2, '×'),
      atMost(`p99 beside ${crashers} that crash, under one supervisor`, ratio(inTree), 2, '×'),
    ],
    remarks: [
      `${perSecond} questions a second at a steady rate, latency from when each was due; load at the end ${round(loadavg()[0] ?? 0)}`,
      'those that crash are asked again as soon as they have answered, and wait for their restarts as by default, with jitter; they have done so for a while before anything is measured',
    ],
  };
}

const question = 'How long does a restart take, and who notices a thousand crashes?';

export const bench: Bench = { name: 'restart', question, run };
