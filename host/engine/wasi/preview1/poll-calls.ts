import type { Call, Context } from './context.ts';
import { errno, Refusal } from './errno.ts';
import { clockName } from './process-calls.ts';
import { rights } from './rights.ts';
import type { Input } from './stdio.ts';

/** Subscriptions of one `poll_oneoff`; more fail with `inval`. */
export const subscriptionsMax = 4096;
const eventBytes = 32;
const subscriptionBytes = { wasi_snapshot_preview1: 48, wasi_unstable: 56 } as const;
const tags = { clock: 0, read: 1, write: 2 } as const;
const absoluteTime = 1;
const nsPerMs = 1_000_000n;

interface Event {
  readonly userdata: bigint;
  readonly tag: number;
  readonly errno: number;
  readonly bytes: bigint;
}

/** One thing waited for. */
interface Watch {
  /** The event, once it happened. */
  readonly check: () => Event | undefined;
  /** Nanoseconds until it happens by itself. */
  readonly leftNs?: () => bigint;
  /** The stream that may make it happen. */
  readonly input?: Input;
}

export const poll_oneoff: Call = (
  context,
  subscriptions: number,
  events: number,
  count: number,
  pointer: number,
) => {
  const length = count >>> 0;
  if (length === 0 || length > subscriptionsMax) throw new Refusal('inval');
  const bytes = subscriptionBytes[context.snapshot];
  const start = context.memory.at(subscriptions, length * bytes);
  context.memory.at(events, length * eventBytes);
  context.memory.at(pointer, 4);
  const watches = Array.from({ length }, (_, index) => watch(context, start + index * bytes));
  const happened = checkAll(watches);
  if (happened.length > 0) return putEvents(context, events, pointer, happened);
  return waitForAny(context, watches).then((found) => putEvents(context, events, pointer, found));
};

function checkAll(watches: readonly Watch[]): Event[] {
  return watches.map((each) => each.check()).filter((event) => event !== undefined);
}

/** Waits with one timer and one read, however many subscriptions there are. */
async function waitForAny(context: Context, watches: readonly Watch[]): Promise<Event[]> {
  for (;;) {
    const stop = new AbortController();
    const unsubscribe = context.budget.onStop(() => stop.abort());
    try {
      await Promise.race(waitsOf(context, watches, stop.signal));
    } finally {
      unsubscribe();
      stop.abort();
    }
    context.budget.check();
    const happened = checkAll(watches);
    if (happened.length > 0) return happened;
  }
}

function waitsOf(context: Context, watches: readonly Watch[], signal: AbortSignal): Promise<void>[] {
  const waits = [];
  const lefts = watches.map(({ leftNs }) => leftNs?.()).filter((left) => left !== undefined);
  if (lefts.length > 0) {
    const earliest = lefts.reduce((least, left) => (left < least ? left : least));
    waits.push(sleep(context.grants.clock, earliest, signal));
  }
  const input = watches.find((each) => each.input !== undefined)?.input;
  if (input !== undefined) waits.push(input.fill());
  return waits;
}

function watch(context: Context, at: number): Watch {
  const { memory } = context;
  const userdata = memory.u64(at);
  const tag = memory.u8(at + 8);
  try {
    if (tag === tags.clock) return watchClock(context, at, userdata);
    if (tag === tags.read || tag === tags.write) return watchFd(context, memory.u32(at + 16), tag, userdata);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return already({ userdata, tag, errno: thrown.errno, bytes: 0n });
  }
  throw new Refusal('inval');
}

function already(event: Event): Watch {
  return { check: () => event };
}

/** `wasi_unstable` has an identifier before the clock's number. */
function watchClock({ snapshot, memory, grants }: Context, at: number, userdata: bigint): Watch {
  const start = at + (snapshot === 'wasi_unstable' ? 24 : 16);
  const name = clockName(memory.u32(start));
  const timeout = memory.u64(start + 8);
  const now = (): bigint => (name === 'realtime' ? grants.clock.wallNs() : grants.clock.monotonicNs());
  const isAbsolute = (memory.u16(start + 24) & absoluteTime) !== 0;
  const dueNs = isAbsolute ? timeout : now() + timeout;
  const event = { userdata, tag: tags.clock, errno: errno.success, bytes: 0n };
  return {
    check: () => (now() >= dueNs ? event : undefined),
    leftNs: () => dueNs - now(),
  };
}

/** Sleeps at least `ns`; ends early, without failing, when nobody waits any more. */
async function sleep(clock: Context['grants']['clock'], ns: bigint, signal: AbortSignal): Promise<void> {
  const ms = ns <= 0n ? 0 : Number((ns + nsPerMs - 1n) / nsPerMs);
  try {
    await clock.sleep(Math.min(ms, Number.MAX_SAFE_INTEGER), signal);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}

function watchFd({ fds }: Context, fd: number, tag: number, userdata: bigint): Watch {
  const entry = fds.require(fd, rights.pollFdReadwrite);
  const event = (bytes: bigint): Event => ({ userdata, tag, errno: errno.success, bytes });
  if (entry.kind === 'directory') throw new Refusal('badf');
  if (entry.kind === 'output' && tag === tags.read) throw new Refusal('badf');
  if (entry.kind !== 'input') return already(event(1n));
  if (tag === tags.write) throw new Refusal('badf');
  const { stream } = entry;
  return {
    check: () => (stream.ready === undefined ? undefined : event(BigInt(stream.ready))),
    input: stream,
  };
}

function putEvents(
  { memory }: Context,
  pointer: number,
  countPointer: number,
  events: readonly Event[],
): void {
  let at = memory.at(pointer, events.length * eventBytes);
  const { view } = memory;
  for (const event of events) {
    view.setBigUint64(at, event.userdata, true);
    view.setUint16(at + 8, event.errno, true);
    view.setUint16(at + 10, event.tag, true);
    view.setUint32(at + 12, 0, true);
    view.setBigUint64(at + 16, event.bytes, true);
    view.setBigUint64(at + 24, 0n, true);
    at += eventBytes;
  }
  memory.setU32(countPointer, events.length);
}
