import { loadavg } from 'node:os';
import { hasPeers } from './corpus.ts';
import { type EchoServer, fastifyServer, hostServer, workerdServer } from './http-servers.ts';
import { atLeast, atMost, type Bench, type Effort, type Mark, type Report, round } from './report.ts';
import { median } from './samples.ts';
import { ThreadTimes } from './thread-times.ts';
import { hasWrk, type Load, Wrk } from './wrk.ts';

const body = 'm'.repeat(64);
const connections = 64;
/** The first round lasts longer: programs are compiled anew until they have run for some seconds. */
const warmUpTimes = 3;

interface Sample extends Load {
  readonly cpuUs: number;
}

interface Measured {
  readonly name: string;
  readonly samples: readonly Sample[];
}

async function startAll(): Promise<EchoServer[]> {
  const servers: EchoServer[] = [];
  const starts = [
    () => hostServer('host serve'),
    () => hostServer('host serve, one thread', 1),
    fastifyServer,
    ...(hasPeers ? [workerdServer] : []),
  ];
  try {
    for (const start of starts) servers.push(await start());
  } catch (thrown) {
    await stopAll(servers);
    throw thrown;
  }
  return servers;
}

async function stopAll(servers: readonly EchoServer[]): Promise<void> {
  for (const server of servers) await server.stop();
}

/** One after the other gives an answer, and the same bytes. */
async function check(servers: readonly EchoServer[]): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream' };
  for (const { name, url } of servers) {
    const response = await fetch(url, { method: 'POST', body, headers });
    const answer = await response.text();
    if (!response.ok || answer !== body) throw new Error(`${name} answers ${response.status}: ${answer}`);
  }
}

/** All servers take their turn in each round, each round beginning with the next one; the first round warms them up. */
async function measure(servers: readonly EchoServer[], rounds: number, seconds: number): Promise<Measured[]> {
  const wrk = new Wrk(body, connections);
  const samples = new Map<string, Sample[]>(servers.map(({ name }) => [name, []]));
  try {
    for (let at = 0; at <= rounds; at += 1)
      for (let turn = 0; turn < servers.length; turn += 1) {
        const server = servers[(at + turn) % servers.length];
        if (server === undefined) continue;
        const times = new ThreadTimes(server.pid);
        const load = await wrk.run(server.url, at === 0 ? seconds * warmUpTimes : seconds);
        const cpuUs = times.busiestUs().reduce((sum, us) => sum + us, 0) / load.requests;
        if (at > 0) samples.get(server.name)?.push({ ...load, cpuUs });
      }
  } finally {
    wrk.close();
  }
  return servers.map(({ name }) => ({ name, samples: samples.get(name) ?? [] }));
}

/** The median of the ratios of each round, so that drift of the machine falls on both. */
function ratioOf(ours: Measured, theirs: Measured, figure: (sample: Sample) => number): number {
  return median(ours.samples.map((sample, at) => figure(sample) / figure(theirs.samples[at] ?? sample)));
}

const perSecond = (sample: Sample): number => sample.perSecond;
const p99Ms = (sample: Sample): number => sample.p99Ms;
const cpuUs = (sample: Sample): number => sample.cpuUs;

function rowOf(one: Measured, fastify: Measured): string[] {
  const of = (figure: (sample: Sample) => number): string => round(median(one.samples.map(figure)));
  return [
    one.name,
    of(perSecond),
    of(p99Ms),
    of(cpuUs),
    round(ratioOf(one, fastify, perSecond)),
    round(ratioOf(one, fastify, p99Ms)),
    round(ratioOf(one, fastify, cpuUs)),
    String(one.samples.reduce((sum, { errors }) => sum + errors, 0)),
  ];
}

function marksOf([host, , fastify, workerd]: readonly Measured[]): Mark[] {
  if (host === undefined || fastify === undefined) return [];
  return [
    atLeast('requests per second, of fastify’s', ratioOf(host, fastify, perSecond), 0.75, '×'),
    atMost('p99, of fastify’s', ratioOf(host, fastify, p99Ms), 3, '×'),
    ...(workerd === undefined
      ? []
      : [atLeast('requests per second, of workerd’s', ratioOf(host, workerd, perSecond), 2.5, '×')]),
    atMost(
      'requests that failed',
      host.samples.reduce((sum, { errors }) => sum + errors, 0),
      0,
      '',
    ),
  ];
}

const columns = ['POST, echo 64 B', 'req/s', 'p99 ms', 'CPU µs/req', '× req/s', '× p99', '× CPU', 'errors'];

async function run({ quick }: Effort): Promise<Report> {
  if (!(await hasWrk()))
    return { question, columns, rows: [], marks: [], remarks: ['wrk is not installed: not measured.'] };
  const servers = await startAll();
  try {
    await check(servers);
    const measured = await measure(servers, quick ? 2 : 5, quick ? 1 : 3);
    const fastify = measured[2];
    return {
      question,
      columns,
      rows: fastify === undefined ? [] : measured.map((one) => rowOf(one, fastify)),
      marks: marksOf(measured),
      remarks: [
        `wrk, one thread, ${connections} connections, on the same cores; medians of the rounds, load at the end ${round(loadavg()[0] ?? 0)}`,
        '×: against fastify, the median of the rounds’ ratios; CPU: all threads of the server',
        ...(hasPeers ? [] : ['the peers are not installed: npm ci --prefix bench/peers.']),
      ],
    };
  } finally {
    await stopAll(servers);
  }
}

const question = 'How many requests does an agent answer over HTTP, beside bare fastify and workerd?';

export const bench: Bench = { name: 'http', question, run };
