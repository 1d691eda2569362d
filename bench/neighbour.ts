import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Conduct, NeighbourHost } from './neighbour-host.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const agents = 1000;
const perSecond = 2000;
const deadlineMs = 10_000;
/** A neighbour's call is ended after this, and begun anew. */
const neighbourMs = 1000;
const tickMs = 1;
/** A machine that is busy with something else makes everybody late, and a neighbour seem harmless. */
const quietMsMax = 10;

const neighbours = [
  { conduct: undefined, name: 'quiet' },
  { conduct: 'loops', name: 'an endless loop' },
  { conduct: 'floods', name: 'a flood of messages' },
  { conduct: 'grows', name: 'memory to its limit, again and again' },
] as const satisfies readonly { conduct: Conduct | undefined; name: string }[];

/** What the agents that behave gave in one span of time. */
interface Span {
  readonly latenciesMs: readonly number[];
  readonly refused: number;
  readonly neighbourCalls: number;
}

/** Asks the neighbour for as long as the signal lets it, each time until it is ended. */
async function disturb(host: NeighbourHost, conduct: Conduct, signal: AbortSignal): Promise<number> {
  let calls = 0;
  for (; !signal.aborted; calls += 1) {
    const reply = await host.ask(conduct, neighbourMs);
    if (reply.kind === 'refused') await delay(tickMs);
  }
  return calls;
}

/**
 * Asks all agents in turn at a steady rate, whatever becomes of earlier questions. Latency counts from when a
 * question was due, not from when it went out.
 */
async function openLoop(host: NeighbourHost, spanMs: number): Promise<Omit<Span, 'neighbourCalls'>> {
  const latenciesMs: number[] = [];
  const pending: Promise<void>[] = [];
  let refused = 0;
  const ask = async (at: number, dueMs: number): Promise<void> => {
    const reply = await host.ask(host.names[at % host.names.length] ?? '', deadlineMs);
    if (reply.kind === 'answered' && reply.outcome.kind === 'ok') latenciesMs.push(performance.now() - dueMs);
    else refused += 1;
  };
  const fromMs = performance.now();
  const count = (spanMs * perSecond) / 1000;
  const dueOf = (at: number): number => fromMs + (at * 1000) / perSecond;
  for (let at = 0; at < count; ) {
    for (; at < count && dueOf(at) <= performance.now(); at += 1) pending.push(ask(at, dueOf(at)));
    await delay(tickMs);
  }
  await Promise.all(pending);
  return { latenciesMs, refused };
}

async function span(host: NeighbourHost, conduct: Conduct | undefined, spanMs: number): Promise<Span> {
  const ending = new AbortController();
  const disturbed = conduct === undefined ? 0 : disturb(host, conduct, ending.signal);
  // It has the thread by then.
  await delay(neighbourMs / 10);
  const measured = await openLoop(host, spanMs);
  ending.abort();
  return { ...measured, neighbourCalls: await disturbed };
}

/** `part`: one conduct, beside none; undefined: all. */
async function measure(
  rounds: number,
  spanMs: number,
  part: string | undefined,
): Promise<ReadonlyMap<string, Span[]>> {
  const some = neighbours.filter(({ conduct = part }) => part === undefined || conduct === part);
  if (some.length < 2) throw new Error(`bench: no part ${part}; there are loops, floods, grows`);
  const host = await NeighbourHost.start(agents);
  const spans = new Map<string, Span[]>(some.map(({ name }) => [name, []]));
  try {
    await openLoop(host, spanMs); // All begin with their first message.
    for (let at = 0; at < rounds; at += 1)
      for (const { conduct, name } of some) spans.get(name)?.push(await span(host, conduct, spanMs));
  } finally {
    await host.close();
  }
  return spans;
}

const p99 = ({ latenciesMs }: Span): number => percentile(latenciesMs, 0.99);

function ratioTo(quiet: readonly Span[], spans: readonly Span[]): number {
  return median(spans.map((one, at) => p99(one) / p99(quiet[at] ?? one)));
}

function rowOf(name: string, spans: readonly Span[], quiet: readonly Span[]): string[] {
  const sum = (of: (span: Span) => number): string =>
    String(spans.reduce((total, one) => total + of(one), 0));
  return [
    name,
    round(median(spans.map(({ latenciesMs }) => median(latenciesMs)))),
    round(median(spans.map(p99))),
    round(Math.max(...spans.flatMap(({ latenciesMs }) => percentile(latenciesMs, 1)))),
    round(ratioTo(quiet, spans)),
    sum(({ refused }) => refused),
    sum(({ neighbourCalls }) => neighbourCalls),
  ];
}

async function run({ quick, part }: Effort): Promise<Report> {
  const [rounds, spanMs] = quick ? [1, 2000] : [4, 3000];
  const spans = await measure(rounds, spanMs, part);
  const quiet = spans.get('quiet') ?? [];
  return {
    question,
    columns: [`${agents} agents, beside`, 'p50 ms', 'p99 ms', 'worst', '× p99', 'refused', 'its calls'],
    rows: [...spans].map(([name, of]) => rowOf(name, of, quiet)),
    marks: [
      atMost(
        'p99 when quiet; beyond, the ratios are the machine’s',
        median(quiet.map(p99)),
        quietMsMax,
        'ms',
      ),
      ...[...spans].slice(1).map(([name, of]) => atMost(`p99 beside ${name}`, ratioTo(quiet, of), 2, '×')),
      atMost(
        'refused',
        [...spans.values()].flat().reduce((sum, { refused }) => sum + refused, 0),
        0,
        '',
      ),
    ],
    remarks: [
      `${perSecond} questions a second at a steady rate, latency from when each was due; load at the end ${round(loadavg()[0] ?? 0)}`,
      'medians over the rounds; ×: against the quiet span of the same round',
    ],
  };
}

const question = 'How much do 1,000 agents notice of one that does not behave?';

export const bench: Bench = { name: 'neighbour', question, run };
