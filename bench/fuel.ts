import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../host/clock.ts';
import { Budget } from '../host/engine/budget.ts';
import { meter } from '../host/engine/meter/meter.ts';
import { defaultLimits } from '../host/limits.ts';
import { measureFresh } from './fresh.ts';
import { compositeName, type Kernel, kernelBytes, kernels } from './kernels/kernels.ts';
import { atMost, type Bench, type Effort, type Report, ratio, round } from './report.ts';
import { alternate, geometricMean, median, percentile } from './samples.ts';

/** What one process measured of one kernel: each way to run it as a ratio to the plain module, and the fuel. */
interface Measured {
  readonly name: string;
  readonly plainMs: number;
  readonly meteredMs: number;
  readonly control: number;
  readonly metered: number;
  readonly sliced: number;
  readonly fuel: string;
  readonly counted: boolean;
}

interface Way {
  readonly name: string;
  run(): number | Promise<number>;
}

const fuelUnlimited = 2n ** 61n;
const limits = { ...defaultLimits, fuelMax: fuelUnlimited, deadlineMs: 3_600_000 };

type Run = (size: number) => number;

/** The module as it is; `label` makes the bytes differ, so that V8 compiles it anew instead of sharing code. */
function plain(bytes: Uint8Array<ArrayBuffer>, label: string): Run {
  const section = [0, label.length + 1, label.length, ...Buffer.from(label)];
  const module = new WebAssembly.Module(new Uint8Array([...bytes, ...section]));
  return new WebAssembly.Instance(module, {}).exports.run as Run;
}

interface Metered {
  readonly budget: Budget;
  readonly run: Run;
  readonly fuelStart: bigint;
}

function metered(bytes: Uint8Array<ArrayBuffer>, fuelSlice: bigint, suspending: boolean): Metered {
  const budget = new Budget({ limits, clock: systemClock, fuelSlice });
  // The start function runs as a plain call, where nothing can suspend.
  budget.synchronousDepth = 1;
  const module = new WebAssembly.Module(meter(bytes, { fuelCell: 'own' }).bytes);
  const { exports } = new WebAssembly.Instance(module, {
    'motehost:meter': {
      out: () => budget.out(),
      pause: suspending ? new WebAssembly.Suspending(() => budget.pause()) : () => {},
      grow_memory: (pages: number) => budget.growMemory(pages),
      grow_table: (elements: number) => budget.growTable(elements),
      allocate: (bytes: number) => budget.allocate(bytes),
    },
  });
  budget.attachFuel(exports['motehost:meter/fuel'] as WebAssembly.Global<'i64'>);
  const start = exports['motehost:meter/start'];
  if (typeof start === 'function') start();
  if (suspending) budget.synchronousDepth = 0;
  return { budget, run: exports.run as Run, fuelStart: budget.fuelUsed };
}

/** Whether result and fuel are what Wasmtime counts for the small run, and slices change neither. */
async function isCounted(kernel: Kernel, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const { size, result, fuelStart, fuelRun } = kernel.check;
  for (const fuelSlice of [fuelUnlimited, 10_007n, 1n]) {
    const one = metered(bytes, fuelSlice, true);
    const before = one.budget.fuelUsed;
    if ((await WebAssembly.promising(one.run)(size)) !== result) return false;
    if (one.fuelStart !== fuelStart || one.budget.fuelUsed - before !== fuelRun) return false;
  }
  return true;
}

function waysToRun(kernel: Kernel, bytes: Uint8Array<ArrayBuffer>): { ways: Way[]; fuel: () => bigint } {
  const base = plain(bytes, 'base');
  const control = plain(bytes, 'control');
  const whole = metered(bytes, fuelUnlimited, false);
  const sliced = metered(bytes, 2_000_000n, true);
  const slicedRun = WebAssembly.promising(sliced.run);
  const ways = [
    { name: 'plain', run: () => base(kernel.size) },
    { name: 'control', run: () => control(kernel.size) },
    {
      name: 'metered',
      run: () => {
        whole.budget.restart();
        return whole.run(kernel.size);
      },
    },
    {
      name: 'sliced',
      run: () => {
        sliced.budget.restart();
        return slicedRun(kernel.size);
      },
    },
  ];
  return { ways, fuel: () => whole.budget.fuelUsed };
}

/** Lets V8 compile the hot functions with its optimizing compiler, which works beside us and needs pauses to deliver. */
async function warmUp(ways: readonly Way[]): Promise<void> {
  for (let pass = 0; pass < 4; pass++) {
    for (const way of ways) for (let call = 0; call < 4; call++) await way.run();
    await sleep(30);
  }
}

async function measure(kernel: Kernel, rounds: number): Promise<Measured> {
  const bytes = kernelBytes(kernel.name);
  const { ways, fuel } = waysToRun(kernel, bytes);
  await warmUp(ways);
  const samples = await alternate(ways, rounds);
  const plainMs = samples.get('plain') ?? [];
  // Compared round by round, a slow spell of the machine weighs on both sides.
  const ratioOf = (name: string): number =>
    median((samples.get(name) ?? []).map((ms, index) => ms / (plainMs[index] ?? Number.NaN)));
  return {
    name: kernel.name,
    plainMs: percentile(plainMs, 0.25),
    meteredMs: percentile(samples.get('metered') ?? [], 0.25),
    control: ratioOf('control'),
    metered: ratioOf('metered'),
    sliced: ratioOf('sliced'),
    fuel: fuel().toString(),
    counted: await isCounted(kernel, bytes),
  };
}

/** Where code happens to lie in memory moves single kernels by some per cent: so several processes, and their median. */
function measureInProcesses(effort: Effort): readonly (readonly Measured[])[] {
  const processes = effort.quick ? 1 : 5;
  const rounds = effort.quick ? '9' : '25';
  return Array.from({ length: processes }, () => measureFresh<Measured[]>(import.meta.filename, [rounds]));
}

type Ratio = (one: Measured) => number;
const controlRatio: Ratio = (one) => one.control;
const meteredRatio: Ratio = (one) => one.metered;
const slicedRatio: Ratio = (one) => one.sliced;

function report(runs: readonly (readonly Measured[])[]): Report {
  const of = (name: string): Measured[] => runs.flatMap((run) => run.filter((one) => one.name === name));
  const typical = (name: string, pick: Ratio): number => median(of(name).map(pick));
  const mean = (pick: Ratio): number => geometricMean(kernels.map((kernel) => typical(kernel.name, pick)));
  const rows = kernels.map((kernel) => {
    const all = of(kernel.name);
    const ratios = all.map(meteredRatio);
    const fuelPerMs = Number(all[0]?.fuel ?? 0) / median(all.map((one) => one.meteredMs));
    return [
      kernel.name,
      kernel.language,
      round(median(all.map((one) => one.plainMs))),
      ratio(typical(kernel.name, controlRatio)),
      ratio(typical(kernel.name, meteredRatio)),
      `${ratio(Math.min(...ratios))}-${ratio(Math.max(...ratios))}`,
      ratio(typical(kernel.name, slicedRatio)),
      round(fuelPerMs / 1e6),
      all.every((one) => one.counted) ? 'exact' : 'WRONG',
    ];
  });
  const means = [controlRatio, meteredRatio, slicedRatio].map((pick) => ratio(mean(pick)));
  rows.push(['geomean', '', '', means[0] ?? '', means[1] ?? '', '', means[2] ?? '', '', '']);
  const wrong = kernels.filter((kernel) => of(kernel.name).some((one) => !one.counted));
  return {
    question,
    columns: [
      'kernel',
      'language',
      'plain ms',
      'control',
      'metered',
      'min-max',
      'sliced',
      'Mfuel/ms',
      'count',
    ],
    rows,
    marks: [
      atMost('metered / plain, geometric mean', mean(meteredRatio), 1.12, '×'),
      atMost('metered / plain, CoreMark-like composite', typical(compositeName, meteredRatio), 1.15, '×'),
      atMost('kernels whose result or fuel differs from Wasmtime 50', wrong.length, 0, 'kernels'),
    ],
    remarks: [
      `${runs.length} processes; in each, all ways run in turns and are compared round by round; median of rounds, median of processes.`,
      'control: the same code compiled twice, what the machine alone makes of 1.00.',
      'metered: one grant of fuel, plain call. sliced: slices of 2,000,000 with the clock read, promising call, as the host runs it.',
    ],
  };
}

const question = 'What does exact fuel cost, once V8 has optimized the code?';

export const bench: Bench = {
  name: 'fuel',
  question,
  run: async (effort) => report(measureInProcesses(effort)),
};

if (import.meta.main) {
  const rounds = Number(process.argv[2]);
  const wanted = process.argv.slice(3);
  const chosen = kernels.filter((kernel) => wanted.length === 0 || wanted.includes(kernel.name));
  const measured: Measured[] = [];
  for (const kernel of chosen) measured.push(await measure(kernel, rounds));
  process.stdout.write(JSON.stringify(measured));
}
