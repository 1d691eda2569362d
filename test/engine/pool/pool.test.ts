import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { systemClock } from '../../../host/clock.ts';
import { Pool, type PoolOptions } from '../../../host/engine/pool.ts';
import type { OwnerCalls, ThreadCalls } from '../../support/pool-thread.ts';

type Options = PoolOptions<OwnerCalls, ThreadCalls>;

const opened: Pool<OwnerCalls, ThreadCalls>[] = [];

afterEach(async () => {
  for (const pool of opened.splice(0)) await pool.close(0);
});

const events: string[] = [];
let onEvent: (event: string) => void = () => {};

function record(event: string): void {
  events.push(event);
  onEvent(event);
}

/** Resolves when `wanted` was recorded `times` times. */
function recorded(wanted: string, times: number = 1): Promise<void> {
  return new Promise((resolve) => {
    onEvent = () => {
      if (events.filter((event) => event.includes(wanted)).length >= times) resolve();
    };
    onEvent('');
  });
}

async function startPool(options: Partial<Options> = {}): Promise<Pool<OwnerCalls, ThreadCalls>> {
  events.length = 0;
  const pool = await Pool.start<OwnerCalls, ThreadCalls>({
    entry: new URL('../../support/pool-thread.ts', import.meta.url),
    threads: 1,
    start: { greeting: 'hello' },
    clock: systemClock,
    heapMiBMax: 32,
    answers: () => ({ nameOf: (id) => `agent-${id}`, noted: record }),
    onOutput: (place, stream, text) => record(`${stream} of ${place}: ${text}`),
    onPlaced: (place) => record(`placed ${place}`),
    onLost: (place, reason) => record(`lost ${place}: ${reason}`),
    ...options,
  });
  opened.push(pool);
  return pool;
}

function threadOf(pool: Pool<OwnerCalls, ThreadCalls>): NonNullable<ReturnType<typeof pool.thread>> {
  const thread = pool.thread(0);
  assert.ok(thread !== undefined);
  return thread;
}

test('thread and owner call each other', async () => {
  const pool = await startPool({ threads: 2 });
  assert.equal(await threadOf(pool).call('greet', 'you'), 'hello you agent-7');
  assert.equal(await pool.thread(1)?.call('greet', 'us'), 'hello us agent-7');
  assert.deepEqual(events, ['placed 0', 'placed 1']);
});

test('a HostError keeps its code and data on its way; a mistake stays a mistake', async () => {
  const pool = await startPool();
  await assert.rejects(threadOf(pool).call('fail', 'HOST_ERR_AGENT_UNKNOWN'), {
    name: 'HostError',
    code: 'HOST_ERR_AGENT_UNKNOWN',
    data: { agent: 'x' },
  });
  await assert.rejects(threadOf(pool).call('fail', 'bug'), { name: 'Error', message: /a mistake/ });
});

test('a thread sees the bytes it was sent and nothing that lies beside them', async () => {
  const pool = await startPool();
  const pooled = Buffer.from('a small text in the slab that all requests share');
  assert.ok(pooled.buffer.byteLength > pooled.length);
  assert.equal(await threadOf(pool).call('visibleBytes', { bytes: pooled }), pooled.length);
  const whole = new Uint8Array(100);
  assert.equal(await threadOf(pool).call('visibleBytes', { bytes: whole.subarray(10, 20) }), 10);
  assert.equal(await threadOf(pool).call('visibleBytes', { bytes: whole }), 100);
});

test('bytes move both ways without a copy when told so', async () => {
  const pool = await startPool();
  const bytes = new Uint8Array([1, 2, 3]);
  const answer = await threadOf(pool).call('double', bytes, [bytes.buffer]);
  assert.deepEqual([...answer], [2, 4, 6]);
  assert.equal(bytes.length, 0);
});

test('what a thread prints is given to the owner; of the environment it sees at most where compiled code lies', async () => {
  const pool = await startPool();
  await threadOf(pool).call('print', 'printed');
  await recorded('stdout of 0: printed');
  const seen = await threadOf(pool).call('environment', undefined);
  assert.deepEqual(
    seen.filter((name) => name !== 'NODE_COMPILE_CACHE'),
    [],
  );
});

for (const [title, kill, reason] of [
  ['that exits', (pool) => threadOf(pool).call('exit', 3), /exited with code 3/],
  ['whose heap is full', (pool) => threadOf(pool).call('exhaustHeap', undefined), /memory limit/],
  [
    'that loops without end and is ended',
    (pool) => {
      const call = threadOf(pool).call('loop', undefined);
      void threadOf(pool).terminate('it did not answer');
      return call;
    },
    /it did not answer/,
  ],
] satisfies [string, (pool: Pool<OwnerCalls, ThreadCalls>) => Promise<unknown>, RegExp][]) {
  test(`a thread ${title}: its calls fail at once, the warm one takes its place, another stands by`, async () => {
    const pool = await startPool();
    const lost = threadOf(pool);
    await assert.rejects(kill(pool), { code: 'HOST_ERR_THREAD_LOST', message: reason });
    await recorded('placed 0', 2);
    assert.notEqual(pool.thread(0), lost);
    assert.equal(await threadOf(pool).call('greet', 'again'), 'hello again agent-7');
    await assert.rejects(lost.call('greet', 'gone'), { code: 'HOST_ERR_THREAD_LOST' });
    assert.equal(events.filter((event) => event.startsWith('lost 0')).length, 1);
  });
}

test('every place is filled again when all threads are lost at once, and more often than there are spares', async () => {
  const pool = await startPool({ threads: 3 });
  const gone = [0, 1, 2].map((place) => pool.thread(place)?.terminate());
  await Promise.all(gone);
  await recorded('placed', 6);
  for (const place of [0, 1, 2])
    assert.equal(await pool.thread(place)?.call('greet', 'x'), 'hello x agent-7');
});

test('retiring lets a thread finish, and gives its place to another', async () => {
  const pool = await startPool();
  await pool.retire(0, 60_000);
  await recorded('placed 0', 2);
  assert.ok(events.includes('retiring'));
});

test('a thread that does not finish is ended at the deadline', async () => {
  const pool = await startPool({ start: { greeting: 'no', stubborn: true } });
  await pool.close(1);
  await assert.rejects(Promise.resolve(pool.thread(0)?.call('greet', 'x')), { code: 'HOST_ERR_THREAD_LOST' });
});

test('an entry that cannot be loaded fails the start and says why', async () => {
  const entry = new URL('../../support/no-such-file.ts', import.meta.url);
  await assert.rejects(startPool({ entry }), { code: 'HOST_ERR_THREAD_LOST', message: /no-such-file/ });
});

test('how busy a thread is, and how full its heap', async () => {
  const pool = await startPool();
  const usage = await threadOf(pool).usage();
  assert.ok(usage.utilization >= 0 && usage.utilization <= 1);
  assert.ok(usage.heapBytes > 0 && usage.heapBytes < usage.heapBytesMax);
});
