import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { systemClock } from '../host/clock.ts';
import { Budget } from '../host/engine/budget.ts';
import { InstancePools } from '../host/engine/hibernation/instance-pools.ts';
import type { Lease } from '../host/engine/hibernation/lease.ts';
import { Linker } from '../host/engine/linker.ts';
import { prepareProgram } from '../host/engine/prepare.ts';
import { loadProgram, type Program } from '../host/engine/program.ts';
import { defaultLimits } from '../host/limits.ts';
import { type Bench, type Effort, type Report, round } from './report.ts';
import { alternate, median } from './samples.ts';

const limits = { ...defaultLimits, deadlineMs: 3_600_000 };
const newBudget = (): Budget => new Budget({ limits, clock: systemClock });

const wit = `package bench:waiting;
interface host { ask: async func(n: u32) -> u32; }
world guest { import host; export callback: async func(n: u32) -> u32; export stack: func(n: u32) -> u32; }`;

/** Asks the host and gives its answer: once by callback, once with the stack suspended. */
const guest = `(module
  (import "bench:waiting/host" "ask" (func $ask (param i32) (result i32)))
  (import "bench:waiting/host" "[async-lower]ask" (func $askLater (param i32 i32) (result i32)))
  (import "[export]$root" "[task-return]callback" (func $return (param i32)))
  (import "$root" "[waitable-set-new]" (func $newSet (result i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (import "$root" "[subtask-drop]" (func $drop (param i32)))
  (memory (export "memory") 1)
  (global $set (mut i32) (i32.const 0))
  (func (export "[async-lift]callback") (param i32) (result i32) (local $status i32)
    (local.set $status (call $askLater (local.get 0) (i32.const 16)))
    (if (i32.eqz (global.get $set)) (then (global.set $set (call $newSet))))
    (call $join (i32.shr_u (local.get $status) (i32.const 4)) (global.get $set))
    (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))
  (func (export "[callback][async-lift]callback") (param i32 i32 i32) (result i32)
    (call $drop (local.get 1))
    (call $return (i32.load (i32.const 16)))
    (i32.const 0))
  (func (export "stack") (param i32) (result i32) (call $ask (local.get 0))))`;

async function load(): Promise<Program> {
  const embedded = await componentEmbed({ binary: await parse(guest), witSource: wit, world: 'guest' });
  return loadProgram(await prepareProgram(new Uint8Array(await componentNew(embedded, [])), () => {}));
}

const ways = ['callback', 'stack'] as const;

function linkerOf(ask: (n: number) => Promise<number>): Linker {
  return new Linker().define('bench:waiting/host', { functions: { ask }, suspending: new Set(['ask']) });
}

/** Microseconds of a call that waits once for an answer that is there in the next turn of the microtask queue. */
async function measureCalls(program: Program, calls: number): Promise<ReadonlyMap<string, number>> {
  const lease = await new InstancePools({}).of(program).spawn(
    linkerOf(async (n) => n),
    newBudget(),
  );
  const contenders = ways.map((name) => ({
    name,
    run: async () => {
      for (let call = 0; call < calls; call += 1) await lease.call(name, [call]);
    },
  }));
  const samples = await alternate(contenders, 15);
  return new Map([...samples].map(([name, ms]) => [name, (median(ms) * 1000) / calls]));
}

interface Footprint {
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly mappings: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function footprint(): Footprint {
  collect();
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    heapBytes: heapUsed,
    rssBytes: rss,
    mappings: readFileSync('/proc/self/maps', 'utf8').split('\n').length,
  };
}

/** What waiting itself takes, beyond the instance that is there anyway. */
async function measureWaiting(program: Program, way: string, agents: number): Promise<Footprint> {
  const answers: (() => void)[] = [];
  const linker = linkerOf((n) =>
    n === 0 ? Promise.resolve(0) : new Promise((resolve) => answers.push(() => resolve(n))),
  );
  const pool = new InstancePools({}).of(program);
  const leases: Lease[] = [];
  for (let agent = 0; agent < agents; agent += 1) {
    const lease = await pool.spawn(linker, newBudget());
    await lease.call(way, [0]);
    leases.push(lease);
  }
  const idle = footprint();
  const calls: Promise<unknown>[] = [];
  // One after the other: a guest that is paused before it asks takes a stack as well.
  for (const lease of leases) {
    calls.push(lease.call(way, [1]));
    do await new Promise((resolve) => setImmediate(resolve));
    while (answers.length < calls.length);
  }
  const waiting = footprint();
  for (const answer of answers) answer();
  await Promise.all(calls);
  for (const lease of leases) lease.dispose();
  return {
    heapBytes: (waiting.heapBytes - idle.heapBytes) / agents,
    rssBytes: (waiting.rssBytes - idle.rssBytes) / agents,
    mappings: (waiting.mappings - idle.mappings) / agents,
  };
}

async function run({ quick }: Effort): Promise<Report> {
  const program = await load();
  const us = await measureCalls(program, quick ? 500 : 5_000);
  const agents = quick ? 300 : 2_000;
  const rows: string[][] = [];
  for (const way of ways) {
    const { heapBytes, rssBytes, mappings } = await measureWaiting(program, way, agents);
    rows.push(
      [way, us.get(way) ?? Number.NaN, heapBytes, rssBytes, mappings].map((cell) =>
        typeof cell === 'number' ? round(cell) : cell,
      ),
    );
  }
  return {
    question: 'what does a wait cost, by callback and with a suspended stack?',
    columns: ['way', 'µs a call with one wait', 'heap bytes while waiting', 'rss bytes', 'mappings'],
    rows,
    marks: [],
    remarks: [`${agents} agents wait at once; their instances are not counted`],
  };
}

export const bench: Bench = {
  name: 'waiting',
  question: 'what does a wait cost, by callback and with a suspended stack?',
  run,
};
