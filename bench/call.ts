import { bareForm, type Echo, type EchoForm, extismForm, jcoAsyncForm, jcoSyncForm } from './echo.ts';
import { fastAsyncForm, fastAsyncName, fastSyncForm, fastSyncName, generalForm } from './echo-lanes.ts';
import { measureFresh } from './fresh.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, ratio, round } from './report.ts';
import { alternate, median } from './samples.ts';

const callsPerRound = 2_000;
const sizes = [64, 1024, 16_384] as const;

/** Microseconds a call by form name, for each size of message. */
type Measured = readonly (readonly [name: string, us: readonly number[]])[];

async function allForms(): Promise<readonly EchoForm[]> {
  const extism = extismForm();
  const own = [fastSyncForm(), fastAsyncForm(), await generalForm()];
  return [
    bareForm(),
    ...own,
    await jcoSyncForm(),
    await jcoAsyncForm(),
    ...(extism === undefined ? [] : [extism]),
  ];
}

async function callMany(echo: Echo, bytes: Uint8Array, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) {
    const answer = echo.echo(bytes);
    if (answer instanceof Promise) await answer;
  }
}

async function measure(rounds: number): Promise<Measured> {
  const live = await Promise.all(
    (await allForms()).map(async (form) => ({ name: form.name, echo: await form.instantiate() })),
  );
  const results = live.map(({ name }) => [name, [] as number[]] as const);
  for (const size of sizes) {
    const message = new Uint8Array(size).fill(7);
    const calls = Math.max(50, Math.round((callsPerRound * 64) / size));
    for (const { echo } of live) await callMany(echo, message, callsPerRound);
    const contenders = live.map(({ name, echo }) => ({ name, run: () => callMany(echo, message, calls) }));
    const samples = await alternate(contenders, rounds);
    for (const [name, us] of results) us.push((median(samples.get(name) ?? []) * 1000) / calls);
  }
  return results;
}

function report(effort: Effort): Report {
  const measured = measureFresh<Measured>(import.meta.filename, [effort.quick ? '9' : '51']);
  const us = (name: string): number => measured.find(([one]) => one === name)?.[1][0] ?? Number.NaN;
  const rows = measured.map(([name, times]) => [
    name,
    ...times.map(round),
    ratio((times[0] ?? Number.NaN) / us('jco, sync')),
  ]);
  return {
    question,
    columns: ['form', ...sizes.map((size) => `${size} B, µs`), '64 B × jco sync'],
    rows,
    marks: [
      atMost('echo of 64 B, sync export', us(fastSyncName), 0.5, 'µs'),
      atMost('echo of 64 B, promising export', us(fastAsyncName), 1.5, 'µs'),
      atLeast('jco / fast lane, both sync', us('jco, sync') / us(fastSyncName), 5, '×'),
      atLeast('jco / fast lane, both promising', us('jco, promising') / us(fastAsyncName), 5, '×'),
    ],
    remarks: [
      'all forms in turns in one process; median of rounds. our lanes meter and limit the guest; jco, Extism and the bare module do not.',
      'Extism 1.0.3 is reset every 1,000 calls, without which it fails after 16,383.',
    ],
  };
}

const question = 'What does one call cost, an echo of bytes?';

export const bench: Bench = { name: 'call', question, run: async (effort) => report(effort) };

if (import.meta.main) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
