import { systemClock } from '../host/clock.ts';
import { Budget } from '../host/engine/budget.ts';
import type { InstancePool } from '../host/engine/hibernation/instance-pool.ts';
import { InstancePools } from '../host/engine/hibernation/instance-pools.ts';
import type { Snapshot } from '../host/engine/hibernation/snapshot.ts';
import { Linker } from '../host/engine/linker.ts';
import { prepareProgram } from '../host/engine/prepare.ts';
import { loadProgram } from '../host/engine/program.ts';
import { defaultLimits } from '../host/limits.ts';
import { echoComponent } from './echo.ts';
import { measureFresh } from './fresh.ts';
import { atLeast, atMost, type Bench, type Effort, type Report, round } from './report.ts';
import { median, percentile } from './samples.ts';

const limits = { ...defaultLimits, deadlineMs: 3_600_000 };
const linker = new Linker();
const newBudget = (): Budget => new Budget({ limits, clock: systemClock });
const message = new Uint8Array(64).fill(7);

interface Times {
  readonly medianUs: number;
  readonly p99Us: number;
}

interface Measured {
  readonly steps: Readonly<Record<string, Times>>;
  /** Spawn, one call, end: agents a second of one thread, instances from the pool. */
  readonly spawnedPerSecond: number;
  /** The same without a pool. */
  readonly madePerSecond: number;
}

async function newPool(idleInstancesMax: number): Promise<InstancePool> {
  const program = loadProgram(await prepareProgram(echoComponent(), () => {}));
  return new InstancePools({ idleInstancesMax }).of(program);
}

/** One agent after the other through its life: each step's microseconds. */
async function measureSteps(rounds: number): Promise<Readonly<Record<string, Times>>> {
  const pool = await newPool(64);
  const us: Record<string, number[]> = {
    spawn: [],
    call: [],
    hibernate: [],
    wake: [],
    'call after wake': [],
  };
  let fromMs = 0;
  const lap = (step: string): void => {
    const nowMs = performance.now();
    us[step]?.push((nowMs - fromMs) * 1000);
    fromMs = performance.now();
  };
  for (let turn = 0; turn < rounds; turn += 1) {
    fromMs = performance.now();
    const lease = await pool.spawn(linker, newBudget());
    lap('spawn');
    await lease.call('echo', [message]);
    lap('call');
    const snapshot: Snapshot = pool.hibernate(lease);
    lap('hibernate');
    const woken = pool.wake(snapshot, linker, newBudget());
    lap('wake');
    await woken.call('echo', [message]);
    lap('call after wake');
    woken.dispose();
  }
  return Object.fromEntries(
    Object.entries(us).map(([step, all]) => {
      const warm = all.slice(rounds >> 2);
      return [step, { medianUs: median(warm), p99Us: percentile(warm, 0.99) }];
    }),
  );
}

async function perSecond(pool: InstancePool, count: number): Promise<number> {
  const fromMs = performance.now();
  for (let made = 0; made < count; made += 1) {
    const lease = await pool.spawn(linker, newBudget());
    await lease.call('echo', [message]);
    lease.dispose();
  }
  return (count * 1000) / (performance.now() - fromMs);
}

async function measure(rounds: number): Promise<Measured> {
  const steps = await measureSteps(rounds);
  const pooled = await newPool(64);
  const fresh = await newPool(0);
  const spawned: number[] = [];
  const made: number[] = [];
  for (let pass = 0; pass < 5; pass += 1) {
    spawned.push(await perSecond(pooled, rounds * 4));
    made.push(await perSecond(fresh, rounds));
  }
  return { steps, spawnedPerSecond: median(spawned), madePerSecond: median(made) };
}

function report({ quick }: Effort): Report {
  const measured = measureFresh<Measured>(import.meta.filename, [quick ? '2000' : '20000']);
  const { steps, spawnedPerSecond, madePerSecond } = measured;
  const us = (step: string): number => steps[step]?.medianUs ?? Number.NaN;
  return {
    question,
    columns: ['step', 'median µs', 'p99 µs'],
    rows: Object.entries(steps).map(([step, times]) => [step, round(times.medianUs), round(times.p99Us)]),
    marks: [
      atMost('hibernate', us('hibernate'), 100, 'µs'),
      atMost('wake', us('wake'), 100, 'µs'),
      atMost('spawn', us('spawn'), 60, 'µs'),
      atLeast('spawn, one call, end; pooled', spawnedPerSecond, 15_000, 'a second'),
      atLeast('spawn, one call, end; not pooled', madePerSecond, 15_000, 'a second'),
    ],
    remarks: [
      'an echo agent with one page of memory, metered and limited, an account of its own each; one thread, warm.',
    ],
  };
}

const question = 'What does it cost to begin an agent, to put it to sleep and to wake it?';

export const bench: Bench = { name: 'hibernate', question, run: async (effort) => report(effort) };

if (import.meta.main) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
