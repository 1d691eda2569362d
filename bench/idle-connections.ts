import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultHttpLimits } from '../host/http/http-limits.ts';
import type { CrowdSizes, CrowdState } from './crowd.ts';
import { type EchoServer, hostServer } from './http-servers.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const idleMax = 10_000;
/** What else the host holds open: files, rings, its own sockets. */
const otherFiles = 500;
const perSecond = 500;
const sockets = 16;
const tickMs = 1;
/** Until those that came or left at once are dealt with. */
const settleMs = 1000;
const rssKibMax = 24;
const body = Buffer.alloc(64, 7);
const slow: CrowdSizes = { idle: 0, heads: 200, bodies: 100, deaf: 8 };
const none: CrowdSizes = { idle: 0, heads: 0, bodies: 0, deaf: 0 };

/** Connections held open by a process of its own, so that they cost whoever measures nothing. */
class CrowdProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(server: EchoServer, sizes: CrowdSizes) {
    const { idle, heads, bodies, deaf } = sizes;
    const args = [new URL(server.url).port, idle, heads, bodies, deaf].map(String);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'crowd.ts'), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#lines = createInterface(child.stdout);
  }

  /** Its next line: the first comes once all are there, another whenever it is asked. */
  async next(): Promise<CrowdState> {
    const [line] = (await once(this.#lines, 'line')) as [string];
    return JSON.parse(line) as CrowdState;
  }

  ask(): Promise<CrowdState> {
    this.#child.stdin?.write('?');
    return this.next();
  }

  async leave(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }
}

interface Span {
  readonly latenciesMs: readonly number[];
  readonly failed: number;
}

/** Calls at a steady rate, whatever becomes of earlier ones; latency counts from when each was due. */
class Calls {
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: sockets });

  constructor(url: string) {
    this.#url = url;
  }

  async span(spanMs: number): Promise<Span> {
    const latenciesMs: number[] = [];
    let failed = 0;
    const pending: Promise<void>[] = [];
    const fromMs = performance.now();
    const dueOf = (at: number): number => fromMs + (at * 1000) / perSecond;
    const call = async (dueMs: number): Promise<void> => {
      if ((await this.#call().catch(() => 0)) === 200) latenciesMs.push(performance.now() - dueMs);
      else failed += 1;
    };
    const count = (spanMs * perSecond) / 1000;
    for (let at = 0; at < count; ) {
      for (; at < count && dueOf(at) <= performance.now(); at += 1) pending.push(call(dueOf(at)));
      await delay(tickMs);
    }
    await Promise.all(pending);
    return { latenciesMs, failed };
  }

  async #call(): Promise<number> {
    const request = http.request(this.#url, {
      method: 'POST',
      agent: this.#agent,
      headers: { 'content-type': 'application/octet-stream', 'content-length': body.length },
    });
    request.end(body);
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    await once(answer.resume(), 'end');
    return answer.statusCode ?? 0;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function rssKibOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Node raises its own soft limit to the hard one; that one only the system's owner can raise. */
function filesMax(): number {
  const told = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return told === 'unlimited' ? Number.POSITIVE_INFINITY : Number(told);
}

interface Found {
  readonly asked: number;
  readonly quiet: Span;
  readonly beside: Span;
  readonly besideSlow: Span;
  readonly after: Span;
  readonly idle: CrowdState;
  readonly slowEnd: CrowdState;
  readonly rssQuietKib: number;
  readonly rssIdleKib: number;
}

async function measure(spanMs: number): Promise<Found> {
  const asked = Math.max(0, Math.min(idleMax, filesMax() - otherFiles));
  const server = await hostServer('host serve');
  const calls = new Calls(server.url);
  try {
    await calls.span(spanMs);
    const rssQuietKib = rssKibOf(server.pid);
    const quiet = await calls.span(spanMs);
    const crowd = new CrowdProcess(server, { ...none, idle: asked });
    await crowd.next();
    const beside = await calls.span(spanMs);
    const rssIdleKib = rssKibOf(server.pid);
    const slowOnes = new CrowdProcess(server, slow);
    const fromMs = performance.now();
    await slowOnes.next();
    await delay(settleMs);
    const besideSlow = await calls.span(spanMs);
    const idle = await crowd.ask();
    const { headersTimeoutMs, sweepMs } = defaultHttpLimits;
    await delay(Math.max(0, headersTimeoutMs + 2 * sweepMs - (performance.now() - fromMs)));
    const slowEnd = await slowOnes.ask();
    await Promise.all([crowd.leave(), slowOnes.leave()]);
    await delay(settleMs);
    const after = await calls.span(spanMs);
    return { asked, quiet, beside, besideSlow, after, idle, slowEnd, rssQuietKib, rssIdleKib };
  } finally {
    calls.close();
    await server.stop();
  }
}

const p99 = ({ latenciesMs }: Span): number => percentile(latenciesMs, 0.99);

async function run({ quick }: Effort): Promise<Report> {
  const found = await measure(quick ? 1500 : 4000);
  const { asked, quiet, beside, besideSlow, after, idle, slowEnd } = found;
  const rssKib = (found.rssIdleKib - found.rssQuietKib) / idle.idle;
  const quietMs = p99(quiet);
  const rowOf = (name: string, span: Span): string[] => [
    name,
    round(median(span.latenciesMs)),
    round(p99(span)),
    round(percentile(span.latenciesMs, 1)),
    round(p99(span) / quietMs),
    String(span.failed),
  ];
  const spans = [quiet, beside, besideSlow, after];
  return {
    question,
    columns: [`${perSecond} calls a second`, 'p50 ms', 'p99 ms', 'worst', '× p99', 'failed'],
    rows: [
      rowOf('quiet', quiet),
      rowOf(`beside ${idle.idle} idle connections`, beside),
      rowOf(`and ${slow.heads + slow.bodies + slow.deaf} slow clients`, besideSlow),
      rowOf('a second after all of them left', after),
    ],
    marks: [
      atLeast('idle connections let in and kept', idle.idle, asked, ''),
      atMost('refused', idle.refused, 0, ''),
      atMost(
        'calls that failed',
        spans.reduce((sum, { failed }) => sum + failed, 0),
        0,
        '',
      ),
      atMost('RSS of an idle connection', rssKib, rssKibMax, 'KiB'),
      atMost('p99 beside the idle ones, against quiet', p99(beside) / quietMs, 2, '×'),
      atMost('p99 beside the slow ones too', p99(besideSlow) / quietMs, 2, '×'),
      atLeast('heads without an end that were answered 408', slowEnd.timedOut, slow.heads, ''),
    ],
    remarks: [
      ...(asked < idleMax ? [`the system lets a process open ${filesMax()} files: not ${idleMax}`] : []),
      `slow: ${slow.heads} heads and ${slow.bodies} bodies byte by byte, ${slow.deaf} that read nothing of 8 MiB; of these ${slowEnd.heads}, ${slowEnd.bodies} and ${slowEnd.deaf} are left after headersTimeoutMs`,
      `RSS ${round(found.rssQuietKib / 1024)} MiB quiet, ${round(found.rssIdleKib / 1024)} MiB beside; load at the end ${round(loadavg()[0] ?? 0)}`,
    ],
  };
}

const question = 'What do 10,000 idle connections and slow clients cost those that are served?';

export const bench: Bench = { name: 'idle-connections', question, run };
