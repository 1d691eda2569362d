import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lifecycle, life } from '../host/agent/lifecycle.ts';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, serve } from '../host/host/serve.ts';
import { localAgent } from '../test/support/hosted.ts';
import { toiler } from '../test/support/toiler.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const payload = {
  contentType: undefined,
  headers: [],
  body: new TextEncoder().encode('work 1000000'),
};
const lineWaitMs = 10;

interface Taken {
  readonly pause: readonly number[];
  readonly resume: readonly number[];
}

/** Pauses and resumes an agent in the middle of an endless computation, while others compute on its thread, or none. */
async function measure(others: number, rounds: number): Promise<Taken> {
  const component = await toiler();
  const names = Array.from({ length: others + 1 }, (_, index) => `toiler-${index}`);
  const folder = mkdtempSync(join(tmpdir(), 'motehost-pause-'));
  const busy = { count: 0 };
  const serving = await serve({
    agents: names.map((name) => localAgent(name, component)),
    stateFolder: folder,
    cacheFolder: undefined,
    threads: 1,
    limits: { fuelMax: 10n ** 15n, deadlineMs: 600_000 },
    clock: systemClock,
    random: systemRandom,
    log: ({ text }) => {
      if (text === 'at work') busy.count += 1;
    },
  });
  try {
    return await taken(serving, names, busy, rounds);
  } finally {
    for (const name of names) await serving.handle(name).kill();
    await serving.close(0);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function taken(
  serving: LocalServing,
  names: readonly string[],
  busy: { readonly count: number },
  rounds: number,
): Promise<Taken> {
  for (const name of names) await serving.send(name, payload, { principal: { name: 'bench' } });
  while (busy.count < names.length) await systemClock.sleep(lineWaitMs);
  const agent = serving.handle(names[0] ?? '');
  const [pause, resume]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const fromMs = performance.now();
    await agent.pause();
    const pausedMs = performance.now();
    await systemClock.sleep(1);
    const againMs = performance.now();
    await agent.resume();
    pause.push(pausedMs - fromMs);
    resume.push(performance.now() - againMs);
    await systemClock.sleep(1);
  }
  return { pause, resume };
}

/** Nanoseconds that the states of one message cost: ready, running, ready. */
function stateNs(messages: number): number {
  let turns = 0;
  const lifecycle = new Lifecycle('ann', {
    turned: () => {
      turns += 1;
    },
  });
  lifecycle.to(life.initializing);
  lifecycle.to(life.ready);
  const fromMs = performance.now();
  for (let message = 0; message < messages; message++) {
    lifecycle.to(life.running);
    lifecycle.to(life.ready);
  }
  const ns = ((performance.now() - fromMs) * 1e6) / messages;
  if (turns !== 2 * messages + 2) throw new Error('bug: turns were lost');
  return ns;
}

async function run({ quick }: Effort): Promise<Report> {
  const rounds = quick ? 100 : 1_000;
  const alone = await measure(0, rounds);
  const crowd = await measure(20, rounds);
  stateNs(100_000);
  const ns = stateNs(quick ? 1_000_000 : 10_000_000);
  const row = (name: string, of: readonly number[]): string[] => [
    name,
    round(median(of)),
    round(percentile(of, 0.99)),
    round(percentile(of, 1)),
  ];
  return {
    question,
    columns: [`ms, ${rounds} times`, 'median', 'p99', 'most'],
    rows: [
      row('pause, alone on its thread', alone.pause),
      row('resume', alone.resume),
      row('pause, beside 20 that compute', crowd.pause),
      row('resume', crowd.resume),
    ],
    marks: [
      atMost('pause, p99', percentile(crowd.pause, 0.99), 5, 'ms'),
      atMost('resume, p99', percentile(crowd.resume, 0.99), 5, 'ms'),
      atMost('the states of one message', ns, 50, 'ns'),
    ],
    remarks: [
      'as the one who asks on the main thread sees it; once a pause has resolved, the guest stands still.',
      'that result and fuel are the same afterwards is a test: test/host/reins.test.ts.',
    ],
  };
}

const question = 'How long does it take to pause an agent that computes, and to have it go on?';

export const bench: Bench = { name: 'pause', question, run };
