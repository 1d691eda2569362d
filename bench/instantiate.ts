import { setTimeout as sleep } from 'node:timers/promises';
import { bareForm, type Echo, type EchoForm, jcoAsyncForm } from './echo.ts';
import { fastAsyncForm, fastAsyncName, generalForm, generalName } from './echo-lanes.ts';
import { measureFresh } from './fresh.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

type Forms = Readonly<Record<string, () => EchoForm | Promise<EchoForm>>>;

const forms: Forms = {
  'bare core module': bareForm,
  [fastAsyncName]: fastAsyncForm,
  [generalName]: generalForm,
  'jco, promising': jcoAsyncForm,
};

interface Times {
  readonly medianUs: number;
  readonly p90Us: number;
}

interface Sizes {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** All forms in turns, each instance made, called once and dropped: microseconds to make one. */
async function measureTimes(rounds: number): Promise<Readonly<Record<string, Times>>> {
  const ready = await Promise.all(
    Object.entries(forms).map(async ([name, make]) => ({ name, form: await make(), us: [] as number[] })),
  );
  const message = new Uint8Array(64);
  for (let round = 0; round < rounds; round++) {
    for (const { form, us } of ready) {
      const fromMs = performance.now();
      const pending = form.instantiate();
      const echo = pending instanceof Promise ? await pending : pending;
      us.push((performance.now() - fromMs) * 1000);
      await echo.echo(message);
    }
    // Dead memories hold address space until they are collected; collecting them is not what is measured here.
    if (round % 500 === 499) globalThis.gc?.();
  }
  return Object.fromEntries(
    ready.map(({ name, us }) => {
      const warm = us.slice(rounds >> 2);
      return [name, { medianUs: median(warm), p90Us: percentile(warm, 0.9) }];
    }),
  );
}

/** Something unrelated that is freed in one batch does not show in the median of all. */
const batches = 5;

/** What a live instance holds on to, never called or called once. */
async function measureSizes(name: string, count: number, isCalled: boolean): Promise<Sizes> {
  const form = await forms[name]?.();
  if (form === undefined) throw new Error(`no form ${name}`);
  const message = new Uint8Array(64);
  const live: Echo[] = [];
  const grow = async (more: number): Promise<void> => {
    for (let made = 0; made < more; made++) {
      const echo = await form.instantiate();
      if (isCalled) await echo.echo(message);
      live.push(echo);
    }
  };
  // What all instances share (compiled code, inline caches) is there before the first look.
  await grow(200);
  const heapBytes: number[] = [];
  const rssBytes: number[] = [];
  const batch = Math.floor(count / batches);
  let before = await settledMemory();
  for (let pass = 0; pass < batches; pass++) {
    await grow(batch);
    const after = await settledMemory();
    heapBytes.push((after.heapUsed - before.heapUsed) / batch);
    rssBytes.push((after.rss - before.rss) / batch);
    before = after;
  }
  return { heapBytes: median(heapBytes), rssBytes: median(rssBytes) };
}

/** Collects what is dead; what V8 frees late it frees between turns of the event loop. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc?.();
    await sleep(10);
  }
  return process.memoryUsage();
}

function report(effort: Effort): Report {
  const rounds = effort.quick ? 500 : 4000;
  const count = effort.quick ? 500 : 4000;
  const times = measureFresh<Record<string, Times>>(import.meta.filename, ['times', String(rounds)]);
  const sizesOf = (state: 'fresh' | 'called'): Record<string, Sizes> =>
    Object.fromEntries(
      Object.keys(forms).map((name) => [
        name,
        measureFresh<Sizes>(import.meta.filename, ['sizes', name, String(count), state]),
      ]),
    );
  const sizes = sizesOf('fresh');
  const called = sizesOf('called');
  const rows = Object.keys(forms).map((name) => [
    name,
    round(times[name]?.medianUs ?? Number.NaN),
    round(times[name]?.p90Us ?? Number.NaN),
    round((sizes[name]?.heapBytes ?? Number.NaN) / 1024),
    round((called[name]?.heapBytes ?? Number.NaN) / 1024),
    round((called[name]?.rssBytes ?? Number.NaN) / 1024),
  ]);
  return {
    question,
    columns: ['form', 'median µs', 'p90 µs', 'heap KiB', 'called once', 'RSS KiB'],
    rows,
    marks: [
      atMost('instantiate, fast lane', times[fastAsyncName]?.medianUs ?? Number.NaN, 60, 'µs'),
      atMost('heap of each', (sizes[fastAsyncName]?.heapBytes ?? Number.NaN) / 1024, 4, 'KiB'),
      atMost(
        'RSS of each, one page touched',
        (called[fastAsyncName]?.rssBytes ?? Number.NaN) / 1024,
        12,
        'KiB',
      ),
    ],
    remarks: [
      `times: ${rounds} rounds, all forms in turns in one process, instances dropped; sizes: ${count} live instances, a process for each form.`,
      'the guest: an echo component with one page of memory; our lanes meter and limit it, jco and the bare module run it unmetered.',
    ],
  };
}

const question = 'What does one more instance cost?';

export const bench: Bench = { name: 'instantiate', question, run: async (effort) => report(effort) };

if (import.meta.main) {
  const [what, ...rest] = process.argv.slice(2);
  const result =
    what === 'times'
      ? await measureTimes(Number(rest[0]))
      : await measureSizes(rest[0] ?? '', Number(rest[1]), rest[2] === 'called');
  process.stdout.write(JSON.stringify(result));
}
