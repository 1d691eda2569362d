import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { listen } from '../host/http/listen.ts';
import { BusyHost } from './busy-host.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const loops = 100;
const startMsMax = 2;

/** What it takes, in milliseconds, one after the other with pauses between. */
async function times(count: number, act: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const fromMs = performance.now();
    await act();
    samples.push(performance.now() - fromMs);
    await delay(1 + (at % 7));
  }
  return samples;
}

/** Posts to an agent on one connection, as a client far away would. */
function poster(port: number, name: string): { post(): Promise<void>; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const post = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, agent, method: 'POST', path: `/v1/agents/${name}/invoke` },
        (response) => {
          response.resume();
          response.on('end', () =>
            response.statusCode === 200 ? resolve() : reject(new Error(String(response.statusCode))),
          );
        },
      );
      sent.on('error', reject);
      sent.end('x');
    });
  return { post, close: () => agent.destroy() };
}

interface Found {
  readonly host: readonly number[];
  readonly http: readonly number[];
}

async function ask(host: BusyHost, port: number, name: string, count: number): Promise<Found> {
  const client = poster(port, name);
  try {
    await client.post();
    const inHost = await times(count, () => host.ask(name));
    return { host: inHost, http: await times(count, () => client.post()) };
  } finally {
    client.close();
  }
}

function row(what: string, { host, http }: Found): string[] {
  const cells = (all: readonly number[]): string[] => [
    round(median(all)),
    round(percentile(all, 0.99)),
    round(Math.max(...all)),
  ];
  return [what, ...cells(host), ...cells(http)];
}

async function run({ quick }: Effort): Promise<Report> {
  const count = quick ? 100 : 600;
  const host = await BusyHost.start();
  const front = await listen(host.serving, { port: 0 });
  try {
    await host.install('echo', 'critical', 1, 'priority = "critical"');
    await host.install('echo', 'normal', 1, '');
    const names = await host.install('loop', 'loop', loops, '');
    const quiet = await ask(host, front.port, 'critical', count);
    const alone = host.burn(names[0] ?? '');
    await delay(200);
    const besideOne = await ask(host, front.port, 'critical', count);
    const burning = names.slice(1).map((name) => host.burn(name));
    await delay(1_000);
    const besideAll = await ask(host, front.port, 'critical', count);
    const normal = await ask(host, front.port, 'normal', Math.round(count / 4));
    const { preemptions, slices, latenessMsMax } = await host.turns();
    // They end with the host.
    void Promise.allSettled([alone, ...burning]);
    const added = (all: readonly number[], before: readonly number[]): number =>
      percentile(all, 0.99) - median(before);
    return {
      question,
      columns: ['ms there and back', 'from the host p50', 'p99', 'worst', 'over HTTP p50', 'p99', 'worst'],
      rows: [
        row('critical, nobody else', quiet),
        row('critical, beside one endless loop', besideOne),
        row(`critical, beside ${loops} endless loops`, besideAll),
        row(`normal, beside ${loops} endless loops`, normal),
      ],
      marks: [
        atMost(
          'later than on a quiet thread, from the host, p99',
          added(besideAll.host, quiet.host),
          startMsMax,
          'ms',
        ),
        atMost(
          'later than on a quiet thread, over HTTP, p99',
          added(besideAll.http, quiet.http),
          startMsMax,
          'ms',
        ),
        atMost(
          'the same beside one loop, over HTTP, p99',
          added(besideOne.http, quiet.http),
          startMsMax,
          'ms',
        ),
      ],
      remarks: [
        `${slices} slices ended with a guest giving way, ${preemptions} of them to somebody who went first`,
        `no turn that was looked at began later than ${round(latenessMsMax)} ms, those of the loops themselves among them`,
      ],
    };
  } finally {
    await front.close(0);
    await host.close();
  }
}

const question = 'How soon does a critical message begin beside endless loops on the same thread?';

export const bench: Bench = { name: 'preemption', question, run };
