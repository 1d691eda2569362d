import { setTimeout } from 'node:timers/promises';
import { ParkingHost, payloadOf, textOf } from '../test/support/parking-host.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const question = 'What do agents cost that wait for an answer, all at once, and how soon are they back?';
/** Longer than this the first requests would be over before the last began. */
const askedMsMax = 45_000;
const mib = 1024 ** 2;
const never = '[hibernate]\nafter = "never"\n';

interface Wave {
  readonly agents: number;
  /** Until all of them wait. */
  readonly askedMs: number;
  readonly parked: number;
  readonly waiting: number;
  readonly active: number;
  readonly memories: number;
  readonly kibPerAgent: number;
  /** From the opening of the door until all had their answers. */
  readonly answeredMs: number;
}

/** Every agent asks the slow one at once, with few memories; then the slow one answers. */
async function wave(host: ParkingHost, names: readonly string[]): Promise<Wave> {
  await host.ask('door', 'shut');
  const beforeBytes = process.memoryUsage.rss();
  const startedMs = performance.now();
  const asked = names.map((name) => host.ask(name, 'hello slow', { deadlineMs: 55_000 }));
  // The slow one waits as well.
  let [parked, waiting] = [0, 0];
  while (parked + waiting < names.length + 1) {
    if (performance.now() - startedMs > askedMsMax)
      throw new Error(`after ${askedMsMax} ms ${parked} + ${waiting} of ${names.length} wait`);
    await setTimeout(5);
    parked = await host.inPhase('parked');
    waiting = await host.inPhase('waiting');
  }
  const askedMs = performance.now() - startedMs;
  const active = await host.metric('motehost_calls_active');
  const memories = await host.metric('motehost_memories');
  const kibPerAgent = (process.memoryUsage.rss() - beforeBytes) / 1024 / names.length;
  const openedMs = performance.now();
  await host.ask('door', 'open');
  const wrong = (await Promise.all(asked)).filter((text) => text !== 'hello: hello!');
  if (wrong.length > 0) throw new Error(`${wrong.length} were answered otherwise: ${wrong[0]}`);
  const answeredMs = performance.now() - openedMs;
  return { agents: names.length, askedMs, parked, waiting, active, memories, kibPerAgent, answeredMs };
}

/** Microseconds from outside to outside of one question an agent asks another, by where it waits for the answer. */
async function resumes(host: ParkingHost, name: string, rounds: number): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    const startedMs = performance.now();
    const reply = await host.serving.invoke(name, payloadOf('hello echo'), { principal: { name: 'bench' } });
    samples.push((performance.now() - startedMs) * 1000);
    if (textOf(reply) !== 'hello: hello') throw new Error(textOf(reply));
  }
  return samples;
}

/** Milliseconds that a wait of two seconds took longer, as its asker sees it. */
async function lateness(host: ParkingHost, names: readonly string[]): Promise<number[]> {
  const startedMs = performance.now();
  return Promise.all(
    names.map(async (name) => {
      await host.ask(name, 'sleep 2000');
      return performance.now() - startedMs - 2000;
    }),
  );
}

async function report({ quick }: Effort): Promise<Report> {
  const memoriesMax = 500;
  await using host = await ParkingHost.start({ bounds: { memoriesMax, stacksPerThreadMax: 100 } });
  await host.furnish();
  await host.installAsker('first', never);
  await host.installAsker('soon');
  const names = Array.from({ length: quick ? 1_000 : 10_000 }, (_, index) => `asker-${index}`);
  await host.serving.spawn('first', names);
  const waves = [await wave(host, names), await wave(host, names)];
  const calls = await resumes(host, 'first', quick ? 200 : 2_000);
  const inMemory = await lateness(host, ['first']);
  const outOfMemory = await lateness(host, ['soon']);
  const late = await lateness(host, names.slice(0, quick ? 200 : 2_000));
  const last = waves.at(-1) as Wave;
  return {
    question,
    columns: [
      'wave',
      'all wait after, ms',
      'parked',
      'in memory',
      'turns held',
      'memories',
      'KiB each',
      'all answered after, ms',
    ],
    rows: waves.map((each, index) => [
      `${index + 1}`,
      round(each.askedMs),
      `${each.parked}`,
      `${each.waiting}`,
      `${each.active}`,
      `${each.memories}`,
      round(each.kibPerAgent),
      round(each.answeredMs),
    ]),
    marks: [
      atMost('turns held while all wait', last.active, 2, ''),
      atMost('memories while all wait', last.memories, memoriesMax, ''),
    ],
    remarks: [
      `${names.length} agents ask one agent at once; ${memoriesMax} memories, one thread; answers are given one by one.`,
      `per answer, woken from the heap: ${round((last.answeredMs * 1000) / last.agents)} µs of the thread.`,
      `a question asked in memory, from the main thread and back: median ${round(median(calls))} µs, p99 ${round(percentile(calls, 0.99))} µs.`,
      `late by, for a wait of 2 s: in memory ${round(inMemory[0] ?? 0)} ms, out of it ${round(outOfMemory[0] ?? 0)} ms; ${late.length} at once: median ${round(median(late))} ms, p99 ${round(percentile(late, 0.99))} ms.`,
      `process at the end: ${round(process.memoryUsage.rss() / mib)} MiB.`,
    ],
  };
}

export const bench: Bench = { name: 'parked', question, run: report };
