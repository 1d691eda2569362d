import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../../../../host/clock.ts';
import { Stopped } from '../../../../host/engine/budget.ts';
import { scene } from './grants.ts';

/** A clock that moves only when something sleeps: a sleep takes no time and moves the clock by its length. */
function leapingClock(): Clock {
  let nowNs = 5_000_000_000n;
  return {
    ...systemClock,
    monotonicNs: () => nowNs,
    monotonicMs: () => Number(nowNs) / 1e6,
    sleep: async (ms, signal) => {
      const untilNs = nowNs + BigInt(Math.ceil(ms)) * 1_000_000n;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      if (nowNs < untilNs) nowNs = untilNs;
    },
  };
}

test('an empty list traps, and one that is too long', async () => {
  await using it = await scene();
  assert.throws(() => it.call('wasi:io/poll', 'poll', []), { kind: 'canonical-abi' });
  const event = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 0n);
  const long = new Array(100_000).fill(event);
  assert.throws(() => it.call('wasi:io/poll', 'poll', long), { kind: 'allocation-too-large' });
});

test('poll reports every ready one, duplicates too, and only those', async () => {
  const clock = leapingClock();
  await using it = await scene({ clock });
  const soon = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 0n);
  const late = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 3_600_000_000_000n);
  assert.deepEqual(it.call('wasi:io/poll', 'poll', [soon, late, soon]), new Uint32Array([0, 2]));
});

test('poll waits for the first timer of two', async () => {
  await using it = await scene();
  const sooner = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 3_000_000n);
  const late = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 3_600_000_000_000n);
  const before = it.call('wasi:clocks/monotonic-clock', 'now');
  assert.deepEqual(await it.call('wasi:io/poll', 'poll', [late, sooner]), new Uint32Array([1]));
  assert.ok(it.call('wasi:clocks/monotonic-clock', 'now') - before >= 2_900_000n);
});

test('the thread turns while a guest waits', async () => {
  await using it = await scene();
  let turns = 0;
  const turn = setInterval(() => {
    turns += 1;
  }, 1);
  await it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 30_000_000n).block();
  clearInterval(turn);
  assert.ok(turns > 3, `${turns} turns`);
});

test('a stop wakes a waiting guest', async () => {
  await using it = await scene();
  const event = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 3_600_000_000_000n);
  const waited = it.call('wasi:io/poll', 'poll', [event]);
  it.budget.stop({ kind: 'cancelled', reason: 'Ctrl-C' });
  await assert.rejects(waited, Stopped);
});

test('disposing settles a wait that is still under way', async () => {
  const it = await scene();
  const event = it.call('wasi:clocks/monotonic-clock', 'subscribeDuration', 3_600_000_000_000n);
  const waited = event.block();
  await Promise.all([assert.rejects(waited, Stopped), it.wasi.dispose()]);
});

test('the deadline wakes and stops a waiting guest', async () => {
  const clock = leapingClock();
  await using it = await scene(
    { clock: systemClock, stdin: { isTerminal: false, read: () => new Promise(() => {}) } },
    { deadlineMs: 2000 },
    clock,
  );
  const stdin = it.call('wasi:cli/stdin', 'getStdin');
  await assert.rejects(stdin.blockingRead(1n), Stopped);
  assert.deepEqual(it.budget.cause, { kind: 'limit', limit: 'deadlineMs', max: 2000, used: 2000 });
});

test('after a stop no function acts any more', async () => {
  await using it = await scene();
  const stdout = it.call('wasi:cli/stdout', 'getStdout');
  assert.throws(() => it.call('wasi:cli/exit', 'exit', { tag: 'err' }), Stopped);
  assert.deepEqual(it.budget.cause, { kind: 'exit', exitCode: 1 });
  assert.throws(() => stdout.blockingWriteAndFlush(new Uint8Array(1)), Stopped);
});
