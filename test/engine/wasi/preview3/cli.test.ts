import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../../../host/clock.ts';
import { chunks, Kept } from '../preview2/grants.ts';
import { readText, scene3, written } from './scene.ts';

test('standard input is a stream to its end, and the end is no failure', async () => {
  await using it = await scene3({ stdin: chunks('one ', 'two') });
  assert.deepEqual(await readText(it.call('wasi:cli/stdin', 'readViaStream')), {
    text: 'one two',
    end: { tag: 'ok' },
  });
});

test('who drops standard input half-way is told that nothing failed', async () => {
  await using it = await scene3({ stdin: chunks('one', 'two') });
  const [stream, end] = it.call('wasi:cli/stdin', 'readViaStream');
  for await (const first of stream) {
    assert.equal(Buffer.from(first).toString(), 'one');
    break;
  }
  assert.deepEqual(await end, { tag: 'ok' });
});

test('what is written to standard output arrives before its future is settled, and the stream is let go', async () => {
  const stdout = new Kept();
  await using it = await scene3({ stdout });
  const data = written('hello, ', 'WASI 0.3');
  assert.deepEqual(await it.call('wasi:cli/stdout', 'writeViaStream', data), { tag: 'ok' });
  assert.equal(stdout.text, 'hello, WASI 0.3');
  assert.ok(data.isDropped);
});

test('an output that takes no more settles the future with an error', async () => {
  const broken = { isTerminal: false, write: () => Promise.reject(new Error('gone')) };
  await using it = await scene3({ stdout: broken });
  const end = await it.call('wasi:cli/stdout', 'writeViaStream', written('a', 'b'));
  assert.deepEqual(end, { tag: 'err', val: 'io' });
});

test('a stream that fails in the hands of the host ends no process when nobody waits for its future', async () => {
  await using it = await scene3();
  const data = { ...written('x'), read: () => Promise.reject(new Error('torn')) };
  const end: Promise<unknown> = it.call('wasi:cli/stdout', 'writeViaStream', data);
  // An unhandled rejection would end the test's own process in this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(end, /torn/);
});

test('output counts against the limit of the program', async () => {
  const stdout = new Kept();
  await using it = await scene3({ stdout });
  const data = written('x'.repeat(100));
  await it.call('wasi:cli/stdout', 'writeViaStream', data);
  assert.equal(it.budget.outputBytes, 100);
});

test('variables and arguments are those that were granted, and no folder is the current one', async () => {
  await using it = await scene3({ args: ['prog', 'x'], env: [['A', '1']] });
  assert.deepEqual(it.call('wasi:cli/environment', 'getArguments'), ['prog', 'x']);
  assert.deepEqual(it.call('wasi:cli/environment', 'getEnvironment'), [['A', '1']]);
  assert.equal(it.call('wasi:cli/environment', 'getInitialCwd'), undefined);
});

test('a stopped guest waits for no clock', async () => {
  await using it = await scene3();
  const wait = it.call('wasi:clocks/monotonic-clock', 'waitFor', 3_600_000_000_000n);
  it.budget.stop({ kind: 'cancelled', reason: 'test' });
  await assert.rejects(wait, { name: 'Stopped' });
});

test('times before 1970 have negative seconds and whole nanoseconds', async () => {
  const { instant, instantNs } = await import('../../../../host/engine/wasi/preview3/clocks.ts');
  for (const ns of [0n, 1n, -1n, -1_000_000_000n, 1_700_000_000_123_456_789n, -2_500_000_001n]) {
    const { seconds, nanoseconds } = instant(ns);
    assert.ok(nanoseconds >= 0 && nanoseconds < 1e9);
    assert.equal(instantNs({ seconds, nanoseconds }), ns);
  }
});

test('random bytes are fresh, and the insecure seed is the same for a whole life', async () => {
  await using it = await scene3({ random: systemRandom });
  const bytes = (): Uint8Array => it.call('wasi:random/random', 'getRandomBytes', 32n);
  assert.notDeepEqual(bytes(), bytes());
  const seed = (): unknown => it.call('wasi:random/insecure-seed', 'getInsecureSeed');
  assert.deepEqual(seed(), seed());
});
