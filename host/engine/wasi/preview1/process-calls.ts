import { setImmediate as nextTurn } from 'node:timers/promises';
import { Stopped } from '../../budget.ts';
import type { Call, Context } from './context.ts';
import { Refusal } from './errno.ts';
import { encode } from './guest-memory.ts';

export const args_sizes_get: Call = (context, count: number, bytes: number) =>
  putSizes(context, context.grants.args, count, bytes);

export const args_get: Call = (context, pointers: number, buffer: number) =>
  putStrings(context, context.grants.args, pointers, buffer);

export const environ_sizes_get: Call = (context, count: number, bytes: number) =>
  putSizes(context, environment(context), count, bytes);

export const environ_get: Call = (context, pointers: number, buffer: number) =>
  putStrings(context, environment(context), pointers, buffer);

function environment(context: Context): string[] {
  return context.grants.env.map(([name, value]) => `${name}=${value}`);
}

function putSizes({ memory }: Context, strings: readonly string[], count: number, bytes: number): void {
  memory.setU32(count, strings.length);
  memory.setU32(
    bytes,
    strings.reduce((sum, string) => sum + Buffer.byteLength(string) + 1, 0),
  );
}

function putStrings({ memory }: Context, strings: readonly string[], pointers: number, buffer: number): void {
  let at = buffer >>> 0;
  for (const [index, string] of strings.entries()) {
    const bytes = encode(`${string}\0`);
    memory.slice(at, bytes.length).set(bytes);
    memory.setU32((pointers >>> 0) + index * 4, at);
    at += bytes.length;
  }
}

const clocks = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;
/** What `Clock` can tell apart: microseconds of the wall, nanoseconds of the monotonic clock. */
const resolutionNs = { realtime: 1000n, monotonic: 1n } as const;

export const clock_res_get: Call = ({ memory }, id: number, pointer: number) => {
  memory.setU64(pointer, resolutionNs[clockName(id)]);
};

export const clock_time_get: Call = ({ grants, memory }, id: number, _precision: bigint, pointer: number) => {
  const { clock } = grants;
  memory.setU64(pointer, clockName(id) === 'realtime' ? clock.wallNs() : clock.monotonicNs());
};

/** CPU time is the thread's, which agents share: there is no true answer for one of them. */
export function clockName(id: number): 'realtime' | 'monotonic' {
  if (id === clocks.realtime) return 'realtime';
  if (id === clocks.monotonic) return 'monotonic';
  throw new Refusal(id === clocks.processCpu || id === clocks.threadCpu ? 'notsup' : 'inval');
}

/** Bytes of entropy made before other agents get the thread. */
const randomBytesPerTurn = 1_048_576;

export const random_get: Call = ({ grants, memory }, pointer: number, length: number) => {
  const bytes = memory.slice(pointer, length);
  if (bytes.length > randomBytesPerTurn) return fillSlowly(bytes, grants.random.fill, memory.check);
  grants.random.fill(bytes);
};

async function fillSlowly(
  bytes: Uint8Array<ArrayBuffer>,
  fill: (bytes: Uint8Array<ArrayBuffer>) => unknown,
  check: () => void,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += randomBytesPerTurn) {
    check();
    fill(bytes.subarray(at, at + randomBytesPerTurn));
    await nextTurn();
  }
}

export const proc_exit: Call = ({ budget }, exitCode: number) => {
  budget.stop({ kind: 'exit', exitCode: exitCode >>> 0 });
  throw new Stopped('exit');
};

const signalMax = 30;
/** `none`, and the signals that do nothing by default: chld, cont, urg, winch. */
const harmlessSignals: ReadonlySet<number> = new Set([0, 16, 17, 22, 27]);
/** Added to a signal's number for the exit code, as a shell does. */
const signalExitBase = 128;

export const proc_raise: Call = ({ budget }, signal: number) => {
  if (signal < 0 || signal > signalMax) throw new Refusal('inval');
  if (harmlessSignals.has(signal)) return;
  budget.stop({ kind: 'exit', exitCode: signalExitBase + signal });
  throw new Stopped('exit');
};

export const sched_yield: Call = async () => {
  await nextTurn();
};
