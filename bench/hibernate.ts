import { readFileSync } from 'node:fs';
import { systemClock } from '../host/clock.ts';
import { Budget } from '../host/engine/budget.ts';
import { camelCase } from '../host/engine/component/names.ts';
import type { InstancePool } from '../host/engine/hibernation/instance-pool.ts';
import { InstancePools } from '../host/engine/hibernation/instance-pools.ts';
import type { Snapshot } from '../host/engine/hibernation/snapshot.ts';
import { Linker } from '../host/engine/linker.ts';
import { prepareProgram } from '../host/engine/prepare.ts';
import { loadProgram } from '../host/engine/program.ts';
import { defaultLimits } from '../host/limits.ts';
import { writtenAgent } from '../test/support/written-agent.ts';
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

/** An AssemblyScript agent that uses every interface of our world, and a linker that offers them. */
async function fullAgent(): Promise<{ readonly pool: InstancePool; readonly linker: Linker }> {
  const source = readFileSync(
    new URL('../test/guest-sdk/agents/full/assembly/index.ts', import.meta.url),
    'utf8',
  );
  const { bytes } = await writtenAgent(source, { release: true });
  const program = loadProgram(await prepareProgram(new Uint8Array(bytes), () => {}));
  const full = new Linker();
  for (const { interface: name, func } of program.facts.plan?.imports ?? []) {
    const functions = { ...full.get(name)?.functions, [camelCase(func)]: () => 0n };
    full.define(name, { functions, suspending: new Set() });
  }
  return { pool: new InstancePools({ idleInstancesMax: 64 }).of(program), linker: full };
}

type Laps = Record<string, number[]>;

/** One agent after the other through its life: each step's microseconds. */
async function liveOnce(
  pool: InstancePool,
  from: Linker,
  kind: string,
  isCalled: boolean,
  us: Laps,
): Promise<void> {
  let fromMs = performance.now();
  const lap = (step: string): void => {
    const nowMs = performance.now();
    us[`${kind}: ${step}`] ??= [];
    us[`${kind}: ${step}`]?.push((nowMs - fromMs) * 1000);
    fromMs = performance.now();
  };
  const lease = await pool.spawn(from, newBudget());
  lap('spawn');
  if (isCalled) {
    await lease.call('echo', [message]);
    lap('call');
  }
  const snapshot = pool.hibernate(lease);
  lap('hibernate');
  const woken = pool.wake(snapshot, from, newBudget());
  lap('wake');
  if (isCalled) {
    await woken.call('echo', [message]);
    lap('call after wake');
  }
  woken.dispose();
}

/** Many sleep; any one is woken, called and put to sleep again. */
async function crowd(pool: InstancePool, sleepers: number, turns: number, us: Laps): Promise<void> {
  const asleep: Snapshot[] = [];
  for (let made = 0; made < sleepers; made += 1) {
    const lease = await pool.spawn(linker, newBudget());
    await lease.call('echo', [message]);
    asleep.push(pool.hibernate(lease));
  }
  const laps: number[] = [];
  us[`one of ${sleepers} asleep: wake, call, hibernate`] = laps;
  for (let turn = 0; turn < turns; turn += 1) {
    const who = (turn * 7919) % sleepers;
    const fromMs = performance.now();
    const lease = pool.wake(asleep[who] as Snapshot, linker, newBudget());
    await lease.call('echo', [message]);
    asleep[who] = pool.hibernate(lease);
    laps.push((performance.now() - fromMs) * 1000);
  }
}

async function measureSteps(rounds: number): Promise<Readonly<Record<string, Times>>> {
  const us: Laps = {};
  const echo = await newPool(64);
  const full = await fullAgent();
  for (let turn = 0; turn < rounds; turn += 1) {
    await liveOnce(echo, linker, 'echo', true, us);
    await liveOnce(full.pool, full.linker, 'full', false, us);
  }
  await crowd(echo, 10_000, rounds, us);
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
    rows: [
      ...Object.entries(steps).map(([step, times]) => [step, round(times.medianUs), round(times.p99Us)]),
      ['echo: spawn, call, end without a pool, mean', round(1e6 / madePerSecond), '-'],
    ],
    marks: [
      ...['echo', 'full'].flatMap((kind) => [
        atMost(`${kind}: hibernate`, us(`${kind}: hibernate`), 100, 'µs'),
        atMost(`${kind}: wake`, us(`${kind}: wake`), 100, 'µs'),
        atMost(`${kind}: spawn`, us(`${kind}: spawn`), 60, 'µs'),
      ]),
      atLeast('spawn, one call, end; pooled', spawnedPerSecond, 15_000, 'a second'),
    ],
    remarks: [
      'metered and limited, an account of its own each; one thread, warm. echo: one page of memory, no imports;',
      'full: an AssemblyScript agent that uses every interface of the world.',
    ],
  };
}

const question = 'What does it cost to begin an agent, to put it to sleep and to wake it?';

export const bench: Bench = { name: 'hibernate', question, run: async (effort) => report(effort) };

if (import.meta.main) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
