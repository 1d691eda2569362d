import { setTimeout as wait } from 'node:timers/promises';
import { Triggers } from '../host/agent/triggers/triggers.ts';
import { systemClock } from '../host/clock.ts';
import type { Trigger } from '../host/manifest.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

function every(everyMs: number): Trigger {
  return {
    name: 'often',
    occasion: { kind: 'every', everyMs },
    body: undefined,
    misfire: 'once',
    jitterMs: 0,
  };
}

function cron(text: string): Trigger {
  return {
    name: 'cron',
    occasion: { kind: 'cron', cron: text, zone: 'Europe/Berlin' },
    body: undefined,
    misfire: 'once',
    jitterMs: 0,
  };
}

interface Measured {
  readonly name: string;
  readonly addMs: number;
  /** Milliseconds from when it was due until it was fired. */
  readonly late: readonly number[];
}

async function measure(
  name: string,
  count: number,
  trigger: (index: number) => Trigger,
  forMs: number,
): Promise<Measured> {
  const late: number[] = [];
  const triggers = new Triggers({
    clock: systemClock,
    listen: () => () => {},
    fire: (_, { dueMs }) => late.push(Number(systemClock.wallNs() / 1000n) / 1000 - dueMs),
  });
  const fromMs = performance.now();
  for (let index = 0; index < count; index++) triggers.add(`agent-${index}`, [trigger(index)], 'agent.toml');
  const addMs = performance.now() - fromMs;
  await wait(forMs);
  triggers.stop();
  return { name, addMs, late };
}

async function run({ quick }: Effort): Promise<Report> {
  const count = quick ? 1000 : 10_000;
  const forMs = quick ? 4000 : 20_000;
  const measured = [
    await measure('intervals of 5 to 15 s, spread', count, (index) => every(5000 + (index % 10_000)), forMs),
    await measure('one cron second for all', count, () => cron('*/5 * * * * *'), forMs),
    await measure('60 cron patterns', count, (index) => cron(`${index % 60} * * * * *`), forMs),
  ];
  const spread = measured[0]?.late ?? [];
  return {
    question,
    columns: [`${count} triggers`, 'set up ms', 'fired', 'late ms median', 'p99', 'most'],
    rows: measured.map(({ name, addMs, late }) => [
      name,
      round(addMs),
      String(late.length),
      round(median(late)),
      round(percentile(late, 0.99)),
      round(percentile(late, 1)),
    ]),
    marks: [atMost('spread intervals late, p99', percentile(spread, 0.99), 20, 'ms')],
    remarks: ['all for one second: the last of them waits for the others to be fired.'],
  };
}

const question = 'How late do triggers fire?';

export const bench: Bench = { name: 'triggers', question, run };
