import { Wheel } from '../host/clock/wheel.ts';
import { atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median } from './samples.ts';

const question = 'what does a timer cost when 100,000 are armed?';

/** Delays of up to a minute, the same in every run. */
function delayOf(index: number): number {
  return 1 + ((index * 7919) % 60_000);
}

function nsPer(rounds: number, steps: number, run: () => void): number {
  return median(
    Array.from({ length: rounds }, () => {
      const startedMs = performance.now();
      run();
      return ((performance.now() - startedMs) * 1e6) / steps;
    }),
  );
}

async function run({ quick }: Effort): Promise<Report> {
  const rounds = quick ? 5 : 15;
  const steps = 200_000;
  let nowMs = 0;
  let fired = 0;
  const wheel = new Wheel({ nowMs: () => nowMs });
  const kind = wheel.kind(() => {
    fired++;
  });
  for (let index = 0; index < 100_000; index++) wheel.arm(kind, index, 10_000_000 + delayOf(index));
  const both = nsPer(rounds, steps, () => {
    for (let index = 0; index < steps; index++) wheel.cancel(wheel.arm(kind, index, nowMs + delayOf(index)));
  });
  const fire = nsPer(rounds, 100_000, () => {
    for (let index = 0; index < 100_000; index++) wheel.arm(kind, index, nowMs + delayOf(index));
    const untilMs = nowMs + 60_100;
    while (nowMs < untilMs) {
      nowMs += 4;
      wheel.turn();
    }
  });
  const idle = nsPer(rounds, 10_000, () => {
    for (let index = 0; index < 10_000; index++) {
      nowMs += 4;
      wheel.turn();
    }
  });
  const timeouts = nsPer(quick ? 2 : 5, 50_000, () => {
    for (let index = 0; index < 50_000; index++) clearTimeout(setTimeout(() => {}, delayOf(index)));
  });
  return {
    question,
    columns: ['', 'ns'],
    rows: [
      ['arm and cancel', round(both)],
      ['arm and fire, its share of the ticks included', round(fire)],
      ['a tick in which nothing is due', round(idle)],
      ['setTimeout and clearTimeout, beside it', round(timeouts)],
    ],
    marks: [atMost('arm and cancel', both, 50, 'ns')],
    remarks: [`${fired} timers fired`],
  };
}

export const bench: Bench = { name: 'wheel', question, run };
