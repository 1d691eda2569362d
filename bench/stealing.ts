import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../host/clock.ts';
import { type LocalServing, serve } from '../host/host/serve.ts';
import type { Payload } from '../host/host/serving.ts';
import { writtenAgent } from '../test/support/written-agent.ts';
import { atLeast, type Bench, type Effort, type Report, ratio, round } from './report.ts';
import { median } from './samples.ts';

const agentsCount = 100;
/** Requests that each agent has at once. */
const depth = 4;
const principal = { name: 'bench' };
const payload: Payload = { contentType: undefined, headers: [], body: new Uint8Array(8) };

/** Computes for about a millisecond, and counts its messages. */
const source = `import { Message, Reply, reply } from "motehost:agent";
let count: u32 = 0;
export function handle(message: Message): Reply {
  let sum: u32 = message.body.length;
  for (let at = 400_000; at > 0; at--) sum = sum * 1664525 + 1013904223;
  count++;
  const body = new Uint8Array(8);
  store<u32>(body.dataStart, count);
  store<u32>(body.dataStart, sum, 4);
  return reply(body);
}
`;

interface Measured {
  readonly perSecond: number;
  /** Agents that changed threads, and messages whose number was not the next of their agent's. */
  readonly moved: number;
  readonly wrong: number;
}

/** Keeps an agent busy until it is told to stop; counts what is answered. */
async function keepBusy(
  serving: LocalServing,
  name: string,
  state: { isOver: boolean; isCounted: boolean; count: number; wrong: number },
): Promise<void> {
  const counts = new Set<number>();
  const one = async (): Promise<void> => {
    while (!state.isOver) {
      const answer = await serving.invoke(name, payload, { principal });
      if (answer.kind === 'refused' || answer.outcome.kind !== 'ok') {
        state.wrong += 1;
        continue;
      }
      const value = answer.outcome.value ?? new Uint8Array(8);
      counts.add(new DataView(value.buffer, value.byteOffset).getUint32(0, true));
      if (state.isCounted) state.count += 1;
    }
  };
  await Promise.all(Array.from({ length: depth }, one));
  // Every number from 1 on came once: no state was lost, and none was there twice.
  if (counts.size !== Math.max(...counts)) state.wrong += 1;
}

async function measure(stealing: boolean, spanMs: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-bench-'));
  // All find room on the first thread.
  const scheduler = { stealing, placement: 'first-fit' as const };
  const serving = await serve({
    agents: [],
    ...{ stateFolder: folder, cacheFolder: undefined, threads: 2, limits: {}, scheduler },
    ...{ clock: systemClock, random: systemRandom, log: () => {} },
  });
  try {
    const { bytes } = await writtenAgent(source, { release: true });
    const manifest = 'name = "a"\nworld = "handler"\n';
    await serving.install({ manifest, component: new Uint8Array(bytes) });
    const more = Array.from({ length: agentsCount - 1 }, (_, at) => `a-${at}`);
    await serving.spawn('a', more);
    const state = { isOver: false, isCounted: false, count: 0, wrong: 0 };
    const all = ['a', ...more].map((name) => keepBusy(serving, name, state));
    // What steals needs some looks, and programs are compiled.
    await systemClock.sleep(1_000);
    state.isCounted = true;
    const from = systemClock.monotonicMs();
    await systemClock.sleep(spanMs);
    state.isCounted = false;
    const seconds = (systemClock.monotonicMs() - from) / 1000;
    const { moved } = (await serving.status()).stealing;
    state.isOver = true;
    await Promise.all(all);
    return { perSecond: state.count / seconds, moved, wrong: state.wrong };
  } finally {
    await serving.close(0);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run({ quick }: Effort): Promise<Report> {
  const spanMs = quick ? 1_500 : 2_500;
  const rounds = quick ? 1 : 3;
  const without: Measured[] = [];
  const withIt: Measured[] = [];
  for (let at = 0; at < rounds; at += 1) {
    without.push(await measure(false, spanMs));
    withIt.push(await measure(true, spanMs));
  }
  const of = (measured: readonly Measured[]): number => median(measured.map(({ perSecond }) => perSecond));
  const row = (what: string, measured: readonly Measured[]): string[] => [
    what,
    round(of(measured)),
    String(median(measured.map(({ moved }) => moved))),
    String(measured.reduce((sum, { wrong }) => sum + wrong, 0)),
  ];
  return {
    question,
    columns: ['', 'messages a second', 'agents moved', 'refused, lost or twice'],
    rows: [row('they stay', without), row('threads steal', withIt)],
    marks: [
      atLeast('throughput with stealing against without', of(withIt) / of(without), 1.5, '×'),
      atLeast(
        'answers that were refused, lost or there twice (none is 1)',
        withIt.some(({ wrong }) => wrong > 0) ? 0 : 1,
        1,
        '',
      ),
    ],
    remarks: [
      `${agentsCount} agents with ${depth} requests each, all on one of two threads; the main thread, which asks, takes its part of the same cores: ${ratio(of(withIt) / of(without))} of 2 at best`,
    ],
  };
}

const question = 'What is gained when a thread with nothing to do takes agents that wait at another?';

export const bench: Bench = { name: 'stealing', question, run };
