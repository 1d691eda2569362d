import { exportNames, meter } from '../host/engine/meter/meter.ts';
import { wat } from '../test/support/wat.ts';
import { median } from './samples.ts';

const guests = 100;
const turnsEach = 4;
/** As much as a guest computes in a turn beside others that do. */
const turnFuel = 6_000_000n;
const text = `(module (memory 1) (func (export "f") (param $left i64) (result i64)
  (local $state i64)
  (local.set $state (i64.const 88172645463325252))
  (loop $on
    (local.set $state (i64.xor (local.get $state) (i64.shl (local.get $state) (i64.const 13))))
    (local.set $state (i64.xor (local.get $state) (i64.shr_u (local.get $state) (i64.const 7))))
    (local.set $left (i64.sub (local.get $left) (i64.const 1)))
    (br_if $on (i64.ne (local.get $left) (i64.const 0))))
  (local.get $state)))`;
/** Fuel of once round. */
const roundFuel = 15n;

type Run = () => Promise<unknown>;

/** What no host can do without, at each change from one guest to another. */
export interface Suspensions {
  /** V8 puts a guest's stack aside and takes it up again. */
  readonly engineUs: number;
  /** That, and the event loop has its turn between. */
  readonly eventLoopUs: number;
}

/** Guests as a host has them, whose only host is what their pause waits for; without one they go on at once. */
function guestsOf(module: WebAssembly.Module, pause: (() => Promise<void>) | undefined): Run {
  const runs = Array.from({ length: guests }, () => {
    const cell = { global: undefined as WebAssembly.Global<'i64'> | undefined };
    const grant = (): void => {
      if (cell.global !== undefined) cell.global.value = turnFuel;
    };
    const out = (): number => {
      grant();
      return pause === undefined ? 0 : 1;
    };
    const { exports } = new WebAssembly.Instance(module, {
      'motehost:meter': {
        out,
        pause: new WebAssembly.Suspending(pause ?? (() => undefined)),
        grow_memory: () => 1,
        grow_table: () => 1,
        allocate: () => 0,
      },
    });
    cell.global = exports[exportNames.fuel] as WebAssembly.Global<'i64'>;
    const run = WebAssembly.promising(exports.f as WebAssembly.ExportedFunction);
    return () => {
      grant();
      return run((turnFuel * BigInt(turnsEach)) / roundFuel);
    };
  });
  return () => Promise.all(runs.map((run) => run()));
}

async function cpuUs(run: Run): Promise<number> {
  const from = process.threadCpuUsage();
  await run();
  const { user, system } = process.threadCpuUsage(from);
  return user + system;
}

/** Microseconds more than without, for each pause. */
async function addedUs(without: Run, run: Run, rounds: number): Promise<number> {
  const added: number[] = [];
  await run();
  for (let round = 0; round < rounds; round += 1) {
    const before = await cpuUs(without);
    const us = (await cpuUs(run)) + (await cpuUs(run));
    added.push((us - before - (await cpuUs(without))) / (2 * guests * turnsEach));
  }
  return median(added);
}

/** Of guests that compute for a while between two pauses: what the caches have forgotten meanwhile is part of it. */
export async function measureSuspensions(rounds: number): Promise<Suspensions> {
  const module = new WebAssembly.Module(meter(await wat(text), { fuelCell: 'own' }).bytes);
  const without = guestsOf(module, undefined);
  await without();
  const atOnce = guestsOf(module, () => Promise.resolve());
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  };
  const later = guestsOf(
    module,
    () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 1) setImmediate(next);
      }),
  );
  return {
    engineUs: await addedUs(without, atOnce, rounds),
    eventLoopUs: await addedUs(without, later, rounds),
  };
}
