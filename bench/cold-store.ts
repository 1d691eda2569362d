import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../host/clock.ts';
import { Budget } from '../host/engine/budget.ts';
import type { ColdStore } from '../host/engine/cold-store/cold-store.ts';
import { SegmentStore } from '../host/engine/cold-store/segment-store.ts';
import { InstancePools } from '../host/engine/hibernation/instance-pools.ts';
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
/** Puts under way at one time. */
const atOnce = 64;

interface Measured {
  readonly putsPerSecond: number;
  readonly loopDelayP99Ms: number;
  readonly getUs: readonly [medianUs: number, p99Us: number];
  readonly wakeUs: readonly [medianUs: number, p99Us: number];
  readonly openMs: number;
  readonly heapBytesEach: number;
}

async function putAll(
  store: ColdStore,
  count: number,
  snapshot: Parameters<ColdStore['put']>[1],
): Promise<number> {
  const fromMs = performance.now();
  for (let made = 0; made < count; made += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - made) }, (_, index) =>
      store.put(`agent-${made + index}`, snapshot),
    );
    await Promise.all(batch);
  }
  return (count * 1000) / (performance.now() - fromMs);
}

async function sampleUs(rounds: number, act: (turn: number) => Promise<unknown>): Promise<[number, number]> {
  const us: number[] = [];
  for (let turn = 0; turn < rounds; turn += 1) {
    const fromMs = performance.now();
    await act(turn);
    us.push((performance.now() - fromMs) * 1000);
  }
  const warm = us.slice(rounds >> 3);
  return [median(warm), percentile(warm, 0.99)];
}

async function measure(count: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-cold-'));
  try {
    const program = loadProgram(await prepareProgram(echoComponent(), () => {}));
    const pool = new InstancePools().of(program);
    const lease = await pool.spawn(linker, newBudget());
    await lease.call('echo', [new Uint8Array(2000).fill(7)]);
    const snapshot = pool.hibernate(lease);
    const first = await SegmentStore.open({ folder, clock: systemClock });
    globalThis.gc?.();
    const before = process.memoryUsage();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const putsPerSecond = await putAll(first, count, snapshot);
    delay.disable();
    globalThis.gc?.();
    const after = process.memoryUsage();
    const heldBytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    await first.close();
    const fromMs = performance.now();
    const store = await SegmentStore.open({ folder, clock: systemClock });
    const openMs = performance.now() - fromMs;
    const nameOf = (turn: number): string => `agent-${(turn * 7919) % count}`;
    const getUs = await sampleUs(5000, (turn) => store.get(nameOf(turn)));
    const wakeUs = await sampleUs(5000, async (turn) => {
      const name = nameOf(turn * 3 + 1);
      const stored = await store.get(name);
      if (stored === undefined) return;
      const woken = pool.wake(stored.snapshot, linker, newBudget());
      await store.delete(name);
      await woken.call('echo', [new Uint8Array(64)]);
      woken.dispose();
    });
    await store.close();
    const loopDelayP99Ms = delay.percentile(99) / 1e6;
    return { putsPerSecond, loopDelayP99Ms, getUs, wakeUs, openMs, heapBytesEach: heldBytes / count };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report({ quick }: Effort): Report {
  const count = quick ? 20_000 : 200_000;
  const found = measureFresh<Measured>(import.meta.filename, [String(count)]);
  return {
    question,
    columns: ['what', 'measured', 'p99'],
    rows: [
      ['put, 64 at once, a second', round(found.putsPerSecond), '-'],
      ['delay of the event loop meanwhile, ms', '-', round(found.loopDelayP99Ms)],
      ['get, µs', round(found.getUs[0]), round(found.getUs[1])],
      ['get, wake, delete, call, µs', round(found.wakeUs[0]), round(found.wakeUs[1])],
      [`open with ${count} agents, ms`, round(found.openMs), '-'],
      ['memory for each sleeping agent, bytes', round(found.heapBytesEach), '-'],
    ],
    marks: [
      atMost('wake from disk, first answer included', found.wakeUs[0] / 1000, 1, 'ms'),
      atLeast('put', found.putsPerSecond, 5_000, 'a second'),
      atMost('memory for each', found.heapBytesEach, 100, 'bytes'),
    ],
    remarks: [`${count} agents with two dirty blocks each; files in the system's cache; one thread.`],
  };
}

const question = 'What does it cost to keep sleeping agents on the disk, and to wake one?';

export const bench: Bench = { name: 'cold-store', question, run: async (effort) => report(effort) };

if (import.meta.main) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
