import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../../host/clock.ts';
import { Stopped } from '../../../../host/engine/budget.ts';
import { errno } from '../../../../host/engine/wasi/preview1/errno.ts';
import { at, type Guest, guest } from './guest.ts';

/** A clock that only moves when somebody sleeps on it, or by hand. */
class TurnedClock implements Clock {
  nowNs = 1_000_000_000n;
  readonly slept: number[] = [];
  /** Nobody's sleep ends by itself. */
  isStuck = false;
  wallNs(): bigint {
    return this.nowNs + 10n ** 18n;
  }
  monotonicNs(): bigint {
    return this.nowNs;
  }
  monotonicMs(): number {
    return Number(this.nowNs) / 1e6;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    if (this.isStuck)
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    this.nowNs += BigInt(Math.ceil(ms * 1e6));
  }
}

type Subscription =
  | { readonly clock: number; readonly timeout: bigint; readonly absolute?: boolean }
  | { readonly read: number }
  | { readonly write: number };

/** Polls and gives the events as `[userdata, errno, type, bytes]`; userdata is the subscription's place. */
async function poll(made: Guest, ...subscriptions: readonly Subscription[]): Promise<number | unknown[]> {
  const { view } = made;
  for (const [index, each] of subscriptions.entries()) {
    const start = at.data + index * 48;
    made.bytes.fill(0, start, start + 48);
    view.setBigUint64(start, BigInt(index), true);
    if ('clock' in each) {
      view.setUint32(start + 16, each.clock, true);
      view.setBigUint64(start + 24, each.timeout, true);
      view.setUint16(start + 40, each.absolute === true ? 1 : 0, true);
    } else {
      view.setUint8(start + 8, 'read' in each ? 1 : 2);
      view.setUint32(start + 16, 'read' in each ? each.read : each.write, true);
    }
  }
  const number = await made.call('poll_oneoff', at.data, at.big, subscriptions.length, at.out);
  if (number !== 0) return number;
  return Array.from({ length: made.u32(at.out) }, (_, index) => {
    const event = at.big + index * 32;
    return [
      Number(made.u64(event)),
      view.getUint16(event + 8, true),
      made.bytes[event + 10],
      made.u64(event + 16),
    ];
  });
}

test('a poll waits for the earliest clock, relative or absolute, monotonic or real', async (context) => {
  const clock = new TurnedClock();
  const made = await guest(context, { clock });
  assert.deepEqual(await poll(made, { clock: 1, timeout: 5_000_000n }), [[0, 0, 0, 0n]]);
  assert.deepEqual(clock.slept, [5]);
  const due = clock.wallNs() + 7_000_000n;
  assert.deepEqual(
    await poll(made, { clock: 1, timeout: 10n ** 9n }, { clock: 0, timeout: due, absolute: true }),
    [[1, 0, 0, 0n]],
  );
  assert.deepEqual(await poll(made, { clock: 0, timeout: 1n, absolute: true }), [[0, 0, 0, 0n]]);
  assert.deepEqual(await poll(made, { clock: 1, timeout: 1n }), [[0, 0, 0, 0n]]);
});

test('what is ready is told at once, and a wrong number is an event of its own', async (context) => {
  const clock = new TurnedClock();
  const made = await guest(context, { clock });
  const events = await poll(
    made,
    { write: 1 },
    { read: 99 },
    { clock: 1, timeout: 10n ** 12n },
    { clock: 9, timeout: 0n },
  );
  assert.deepEqual(events, [
    [0, 0, 2, 1n],
    [1, errno.badf, 1, 0n],
    [3, errno.inval, 0, 0n],
  ]);
  assert.deepEqual(clock.slept, []);
});

test('a poll wakes when input comes, and when it ends', async (context) => {
  const clock = new TurnedClock();
  clock.isStuck = true;
  const waiting: ((bytes: Uint8Array | undefined) => void)[] = [];
  const made = await guest(context, {
    clock,
    stdin: { isTerminal: false, read: () => new Promise((resolve) => waiting.push(resolve)) },
  });
  const first = poll(made, { read: 0 }, { clock: 1, timeout: 10n ** 12n });
  await new Promise((resolve) => setImmediate(resolve));
  waiting.shift()?.(new Uint8Array(3));
  assert.deepEqual(await first, [[0, 0, 1, 3n]]);
  await made.call('fd_read', 0, ...made.vectors([at.data, 10]), at.out);
  const second = poll(made, { read: 0 });
  await new Promise((resolve) => setImmediate(resolve));
  waiting.shift()?.(undefined);
  assert.deepEqual(await second, [[0, 0, 1, 0n]]);
});

test('no subscriptions, too many, or an unknown kind are invalid', async (context) => {
  const made = await guest(context);
  assert.equal(await made.call('poll_oneoff', at.data, at.big, 0, at.out), errno.inval);
  assert.equal(await made.call('poll_oneoff', at.data, at.big, 4097, at.out), errno.inval);
  assert.equal(await made.call('poll_oneoff', at.data, 262_100, 2, at.out), errno.fault);
  made.bytes.fill(9, at.data, at.data + 48);
  assert.equal(await made.call('poll_oneoff', at.data, at.big, 1, at.out), errno.inval);
});

test('a waiting guest is woken when it is stopped, and by its deadline', async (context) => {
  const clock = new TurnedClock();
  clock.isStuck = true;
  const made = await guest(context, { clock });
  const waiting = poll(made, { clock: 1, timeout: 10n ** 15n });
  await new Promise((resolve) => setImmediate(resolve));
  made.budget.stop({ kind: 'cancelled', reason: 'enough' });
  await assert.rejects(waiting, Stopped);
  const other = await guest(context, { limits: { deadlineMs: 20 } });
  await assert.rejects(poll(other, { clock: 1, timeout: 10n ** 15n }), Stopped);
  assert.equal(other.budget.cause?.kind === 'limit' && other.budget.cause.limit, 'deadlineMs');
});

test('input that nobody sends does not outlive the guest', async (context) => {
  const made = await guest(context, {
    stdin: { isTerminal: false, read: () => new Promise(() => {}) },
  });
  const waiting = made.call('fd_read', 0, ...made.vectors([at.data, 10]), at.out);
  made.budget.stop({ kind: 'cancelled', reason: 'enough' });
  await assert.rejects(waiting, Stopped);
});
