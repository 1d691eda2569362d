import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { InstancePools } from '../../host/engine/hibernation/instance-pools.ts';
import { Linker } from '../../host/engine/linker.ts';
import {
  exchangesMaxOf,
  newResidence,
  Residence,
  readMappingsMax,
  settleBounds,
} from '../../host/engine/residence.ts';
import { budgetOf } from './fast-lane/fast-guest.ts';
import { programFrom } from './hibernation/state-guest.ts';

const tiny = await programFrom(
  '(module (memory (export "memory") 1) (func (export "one") (result i32) (i32.const 1)))',
  'package test:tiny; world guest { export one: func() -> u32; }',
);
/** `more` grows its memory by so many pages. */
const growing = await programFrom(
  '(module (memory (export "memory") 1) (func (export "more") (param i32) (result i32) (memory.grow (local.get 0))))',
  'package test:growing; world guest { export more: func(pages: u32) -> u32; }',
);
const none = new Linker();

test('memories and stacks together stay within the mappings that the kernel allows', () => {
  for (const mappings of [4_096, 10_000, 65_530, 262_144, 1_000_000]) {
    for (const threads of [1, 2, 8, 64]) {
      const bounds = settleBounds(mappings, threads);
      const { memoriesMax, stacksPerThreadMax } = bounds;
      const stacks = (stacksPerThreadMax + exchangesMaxOf(bounds)) * threads;
      const used = 2 * memoriesMax + 2.6 * stacks + 1_500;
      assert.ok(used < 0.85 * mappings, `${mappings} ${threads}: ${used}`);
      assert.ok(memoriesMax <= 12_000 && stacksPerThreadMax <= 1_000);
      assert.ok(memoriesMax >= 1 && stacksPerThreadMax >= 1);
    }
  }
});

test("a usual machine gets the host's own bounds, as does one without a bound of mappings", () => {
  const usual = { memoriesMax: 12_000, stacksPerThreadMax: 1_000 };
  assert.deepEqual(settleBounds(65_530, 3), usual);
  assert.deepEqual(settleBounds(undefined, 64), usual);
});

test('the bound of mappings is read where the kernel has one', { skip: process.platform !== 'linux' }, () => {
  assert.ok((readMappingsMax() ?? 0) > 1_000);
});

test('a spawn beyond the bound of memories is refused, whichever thread took them', async () => {
  const share = newResidence(2, { memoriesMax: 3, stacksPerThreadMax: 1 });
  const other = new Residence(share, 1);
  assert.ok(other.tryAcquireMemories(2));
  const pool = new InstancePools({ residence: new Residence(share, 0) }).of(tiny);
  const lease = await pool.spawn(none, budgetOf());
  const refused = { code: 'HOST_ERR_BUDGET_EXHAUSTED', message: /3 memories of at most 3/ };
  await assert.rejects(pool.spawn(none, budgetOf()), refused);
  const snapshot = pool.hibernate(lease);
  assert.equal(
    await pool.wake(snapshot, none, budgetOf()).call('one', []),
    1,
    'a memory that is there can be used',
  );
  assert.throws(() => pool.wake(snapshot, none, budgetOf()), refused);
  Residence.retire(share, 1);
  assert.equal(await pool.wake(snapshot, none, budgetOf()).call('one', []), 1);
});

test('a dropped memory counts until it was collected', async () => {
  const residence = new Residence(newResidence(1, { memoriesMax: 4, stacksPerThreadMax: 1 }), 0);
  const pool = new InstancePools({ residence, idleInstancesMax: 0 }).of(tiny);
  for (let made = 0; made < 4; made += 1) (await pool.spawn(none, budgetOf())).dispose();
  assert.equal(residence.memories, 4);
  assert.equal(residence.dropped, 4);
  await assert.rejects(pool.spawn(none, budgetOf()), { code: 'HOST_ERR_BUDGET_EXHAUSTED' });
  await residence.collect();
  assert.equal(residence.memories, 0);
  assert.equal(residence.dropped, 0);
  await pool.spawn(none, budgetOf());
});

test('idle instances are given up for memories of other programs', async () => {
  const residence = new Residence(newResidence(1, { memoriesMax: 2, stacksPerThreadMax: 1 }), 0);
  const pools = new InstancePools({ residence });
  const leases = [await pools.of(tiny).spawn(none, budgetOf()), await pools.of(tiny).spawn(none, budgetOf())];
  for (const lease of leases.splice(0)) lease.dispose();
  const other = await programFrom(
    '(module (memory (export "memory") 1) (func (export "one") (result i32) (i32.const 2)))',
    'package test:tiny; world guest { export one: func() -> u32; }',
  );
  await assert.rejects(pools.of(other).spawn(none, budgetOf()), { code: 'HOST_ERR_BUDGET_EXHAUSTED' });
  assert.equal(await pools.makeRoom(1), true);
  await pools.of(other).spawn(none, budgetOf());
});

/** Makes as many instances as it can, and keeps them. */
const greedy = `
import { parentPort, workerData } from 'node:worker_threads';
const root = workerData.root;
const { InstancePools } = await import(root + 'engine/hibernation/instance-pools.ts');
const { Residence } = await import(root + 'engine/residence.ts');
const { Linker } = await import(root + 'engine/linker.ts');
const { Budget } = await import(root + 'engine/budget.ts');
const { systemClock } = await import(root + 'clock.ts');
const { defaultLimits } = await import(root + 'limits.ts');
const residence = new Residence(workerData.share, workerData.thread);
const pool = new InstancePools({ residence }).of(workerData.program);
const held = [];
let refused = 0;
for (let made = 0; made < workerData.count; made += 1) {
  try {
    held.push(await pool.spawn(new Linker(), new Budget({ limits: defaultLimits, clock: systemClock })));
  } catch (error) {
    if (error.code !== 'HOST_ERR_BUDGET_EXHAUSTED') throw error;
    refused += 1;
  }
}
let answered = 0;
for (const lease of held) answered += lease.callSync('one', []);
parentPort.postMessage({ held: held.length, refused, answered });
`;

interface Tally {
  readonly held: number;
  readonly refused: number;
  readonly answered: number;
}

function run(workerData: object): Promise<{ readonly tally: Tally; readonly worker: Worker }> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(greedy)}`), { workerData });
  return new Promise((resolve, reject) => {
    worker.once('message', (tally: Tally) => resolve({ tally, worker }));
    worker.once('error', reject);
  });
}

test('20,000 instances in two threads: refusals at the bound, and the process lives', async () => {
  const share = newResidence(2);
  const root = new URL('../../host/', import.meta.url).href;
  const runs = await Promise.all(
    [0, 1].map((thread) => run({ root, share, thread, program: tiny, count: 10_000 })),
  );
  const sum = (pick: (tally: Tally) => number): number =>
    runs.reduce((all, { tally }) => all + pick(tally), 0);
  assert.equal(
    sum(({ held }) => held),
    share.bounds.memoriesMax,
  );
  assert.equal(
    sum(({ refused }) => refused),
    20_000 - share.bounds.memoriesMax,
  );
  assert.equal(
    sum(({ answered }) => answered),
    share.bounds.memoriesMax,
    'all that were made work',
  );
  for (const [thread, { worker }] of runs.entries()) {
    await worker.terminate();
    Residence.retire(share, thread);
  }
  assert.equal(new Residence(share, 0).memories, 0);
});

test('the bytes of all memories together are bounded, whichever thread has them, growth included', async () => {
  const share = newResidence(2, { memoriesMax: 10, stacksPerThreadMax: 1, memoryBytesMax: 4 * 65_536 });
  const other = new Residence(share, 1);
  const held = other.acquireMemories(1, 2);
  const residence = new Residence(share, 0);
  const pool = new InstancePools({ residence }).of(growing);
  const lease = await pool.spawn(none, budgetOf());
  assert.equal(Residence.bytesOf(share), 3 * 65_536);
  assert.equal(await lease.call('more', [1]), 1);
  assert.equal(await lease.call('more', [1]), 0xffff_ffff, 'there is no more');
  const full = {
    code: 'HOST_ERR_BUDGET_EXHAUSTED',
    message: /262144 of at most 262144 bytes.*--memory-total/,
  };
  await assert.rejects(pool.spawn(none, budgetOf()), full);
  assert.equal(residence.memories, 2, 'who is refused holds nothing');
  assert.ok(held.tryGrow(-1));
  const second = await pool.spawn(none, budgetOf());
  const snapshot = pool.hibernate(lease);
  assert.throws(() => other.acquireMemories(1, 1), full, 'what hibernates leaves its instance');
  const woken = pool.wake(snapshot, none, budgetOf());
  assert.equal(await woken.call('more', [1]), 0xffff_ffff);
  second.dispose();
  Residence.retire(share, 1);
  assert.equal(Residence.bytesOf(share), 3 * 65_536);
});

test('a dropped memory’s bytes, those it grew by too, are free when it was collected', async () => {
  const share = newResidence(1, { memoriesMax: 10, stacksPerThreadMax: 1, memoryBytesMax: 4 * 65_536 });
  const residence = new Residence(share, 0);
  const pool = new InstancePools({ residence, idleInstancesMax: 0 }).of(growing);
  const growAndDrop = async (): Promise<void> => {
    const lease = await pool.spawn(none, budgetOf());
    await lease.call('more', [3]);
    assert.ok(residence.areWaiting, 'idle agents are to leave');
    lease.dispose();
  };
  await growAndDrop();
  await assert.rejects(pool.spawn(none, budgetOf()), { code: 'HOST_ERR_BUDGET_EXHAUSTED' });
  await residence.collect();
  assert.equal(Residence.bytesOf(share), 0);
  assert.ok(!residence.areWaiting);
  await pool.spawn(none, budgetOf());
});

test('large memories that are dropped are not kept for the next, and collected before they are many', async () => {
  const bounds = { memoriesMax: 10, stacksPerThreadMax: 1, memoryBytesMax: 256 * 1024 * 1024 };
  const share = newResidence(1, bounds);
  const residence = new Residence(share, 0);
  const pool = new InstancePools({ residence }).of(growing);
  const growAndDrop = async (pages: number): Promise<void> => {
    const lease = await pool.spawn(none, budgetOf());
    assert.equal(await lease.call('more', [pages]), 1);
    lease.dispose();
  };
  await growAndDrop(500);
  assert.equal(pool.idle, 0);
  assert.equal(residence.dropped, 1);
  await growAndDrop(600);
  await residence.collect(); // The one under way.
  assert.equal(Residence.bytesOf(share), 0);
  await growAndDrop(15);
  assert.equal(pool.idle, 1, 'a small one is cleared and used again');
});
