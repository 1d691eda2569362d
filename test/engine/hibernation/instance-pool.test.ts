import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Budget } from '../../../host/engine/budget.ts';
import type { LaneState } from '../../../host/engine/fast-lane/fast-lane.ts';
import type { InstancePool } from '../../../host/engine/hibernation/instance-pool.ts';
import { InstancePools, type PoolsOptions } from '../../../host/engine/hibernation/instance-pools.ts';
import type { Lease } from '../../../host/engine/hibernation/lease.ts';
import type { Snapshot } from '../../../host/engine/hibernation/snapshot.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { type Program, saveableOf } from '../../../host/engine/program.ts';
import { budgetOf } from '../fast-lane/fast-guest.ts';
import { otherProgram, programFrom, stateProgram, tableProgram } from './state-guest.ts';

const program = await stateProgram();
const other = await otherProgram();
const withTable = await tableProgram();

const blockBytes = 4096;

function linkerOf(answer: number): Linker {
  return new Linker().define('$root', {
    functions: { ask: (n: number) => n + answer },
    suspending: new Set(),
  });
}

const linker = linkerOf(1000);

function poolOf(of: Program = program, options: PoolsOptions = {}): InstancePool {
  return new InstancePools(options).of(of);
}

/** Everything a guest can see of itself. */
async function seen(lease: Lease): Promise<readonly unknown[]> {
  const look = (name: string, ...args: unknown[]): Promise<unknown> => lease.call(name, args);
  return [
    await look('pages'),
    await look('share'),
    await look('large'),
    await look('peek', 8),
    await look('peek', 100),
    await look('peek', 200),
    await look('peek', 30_000),
    await look('peek', 60_000),
    await look('pick', 0),
    await look('pick', 1),
  ];
}

async function spoil(lease: Lease): Promise<void> {
  await lease.call('add', [5]);
  for (const at of [100, 200, 30_000, 60_000, 65_535]) await lease.call('poke', [at, 99]);
}

test('an agent goes on where it was: memory, globals, data segments and tables', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  await lease.call('add', [40]);
  await lease.call('poke', [30_000, 77]);
  const before = await seen(lease);
  const snapshot = pool.hibernate(lease);
  const woken = pool.wake(snapshot, linker, budgetOf());
  assert.deepEqual(await seen(woken), before);
  assert.equal(await woken.call('add', [2]), 84);
});

test('a snapshot can be posted, and woken in another pool of the same program', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  await lease.call('add', [3]);
  const before = await seen(lease);
  const posted = structuredClone(pool.hibernate(lease));
  assert.deepEqual(await seen(poolOf().wake(posted, linker, budgetOf())), before);
});

test('a snapshot holds the blocks that were changed, and no others', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  await lease.call('poke', [30_000, 1]);
  const [memory] = pool.save(lease).memories;
  assert.deepEqual([...(memory?.blocks ?? [])], [0, Math.floor(30_000 / blockBytes)]);
  assert.equal(memory?.bytes.length, 2 * blockBytes);
});

test('saving leaves the agent where it is', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  await lease.call('add', [1]);
  const copy = pool.save(lease);
  assert.equal(await lease.call('add', [1]), 4);
  assert.equal(await pool.wake(copy, linker, budgetOf()).call('add', [1]), 4);
});

test('a new agent in a used instance sees what the first one saw', async () => {
  const pool = poolOf();
  const first = await pool.spawn(linker, budgetOf());
  const fresh = await seen(first);
  await spoil(first);
  first.dispose();
  assert.equal(pool.idle, 1);
  const second = await pool.spawn(linker, budgetOf());
  assert.equal(pool.idle, 0);
  assert.deepEqual(await seen(second), fresh);
  assert.equal(await second.call('peek', [65_535]), 0);
});

test('a woken agent in a used instance sees nothing of the one before', async () => {
  const pool = poolOf();
  const first = await pool.spawn(linker, budgetOf());
  const kept = pool.save(first);
  const fresh = await seen(first);
  await spoil(first);
  pool.hibernate(first);
  assert.equal(pool.idle, 1);
  const second = pool.wake(kept, linker, budgetOf());
  assert.equal(pool.idle, 0);
  assert.deepEqual(await seen(second), fresh);
  assert.equal(await second.call('peek', [65_535]), 0);
});

test('memory that one agent grew is not there for the next', async () => {
  const pool = poolOf();
  const first = await pool.spawn(linker, budgetOf());
  assert.equal(await first.call('grow', [3]), 1);
  await first.call('poke', [4 * 65_536 - 1, 9]);
  const snapshot = pool.hibernate(first);
  const second = await pool.spawn(linker, budgetOf());
  assert.equal(await second.call('pages', []), 1);
  assert.equal(pool.idle, 1, 'the larger instance waits for an agent of its size');
  const woken = pool.wake(snapshot, linker, budgetOf());
  assert.equal(pool.idle, 0);
  assert.equal(await woken.call('pages', []), 4);
  assert.equal(await woken.call('peek', [4 * 65_536 - 1]), 9);
});

test('a grown agent is woken in an instance that grows with it, and in a grown one that is clean', async () => {
  const pool = poolOf();
  const first = await pool.spawn(linker, budgetOf());
  await first.call('grow', [1]);
  const small = pool.save(first);
  await first.call('poke', [70_000, 9]);
  pool.hibernate(first);
  assert.equal(await pool.wake(small, linker, budgetOf()).call('peek', [70_000]), 0);
  const elsewhere = poolOf().wake(small, linker, budgetOf());
  assert.equal(await elsewhere.call('pages', []), 2);
});

test('after a trap an agent is not saved, and the next has its instance, of which nothing is left', async () => {
  const pool = poolOf();
  const fresh = await seen(await pool.spawn(linker, budgetOf()));
  const lease = await pool.spawn(linker, budgetOf());
  const { instance } = lease;
  await spoil(lease);
  await assert.rejects(lease.call('trap', []), { name: 'Trap' });
  assert.throws(() => pool.save(lease), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  await assert.rejects(lease.call('peek', [100]), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  lease.dispose();
  assert.equal(pool.idle, 1);
  const next = await pool.spawn(linker, budgetOf());
  assert.equal(next.instance, instance);
  assert.deepEqual(await seen(next), fresh);
});

test('who ended in an instance ends nobody who comes after', async () => {
  const pool = poolOf();
  const budget = budgetOf();
  const lease = await pool.spawn(linker, budget);
  await lease.call('add', [5]);
  await assert.rejects(lease.call('trap', []), { name: 'Trap' });
  const { fuelUsed } = budget;
  lease.dispose();
  const next = await pool.spawn(linker, budgetOf());
  budget.stop({ kind: 'cancelled', reason: 'too late' });
  assert.equal(await next.call('pages', []), 1);
  assert.equal(budget.fuelUsed, fuelUsed);
});

test('an agent that was stopped is not saved, and its instance not used again', async () => {
  const pool = poolOf();
  const budget = budgetOf();
  const lease = await pool.spawn(linker, budget);
  budget.stop({ kind: 'cancelled', reason: 'test' });
  assert.throws(() => pool.save(lease), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  lease.dispose();
  assert.equal(pool.idle, 0);
});

test('an agent in the middle of a call is not saved, and goes on', async () => {
  const pool = poolOf();
  const waiting = Promise.withResolvers<number>();
  const slow = new Linker().define('$root', {
    functions: { ask: () => waiting.promise },
    suspending: new Set(['ask']),
  });
  const lease = await pool.spawn(slow, budgetOf());
  const answer = lease.call('consult', [1]);
  assert.throws(() => pool.hibernate(lease), { code: 'HOST_ERR_INSTANCE_BUSY' });
  waiting.resolve(5);
  assert.equal(await answer, 5);
  assert.ok(pool.hibernate(lease));
});

test('what is dropped in the middle of a call is not used again', async () => {
  const pool = poolOf();
  const waiting = Promise.withResolvers<number>();
  const slow = new Linker().define('$root', {
    functions: { ask: () => waiting.promise },
    suspending: new Set(['ask']),
  });
  const lease = await pool.spawn(slow, budgetOf());
  const answer = lease.call('consult', [1]);
  lease.dispose();
  assert.equal(pool.idle, 0);
  waiting.resolve(5);
  await answer.catch(() => {});
  assert.equal(pool.idle, 0);
});

test('each agent of one instance calls its own host functions and burns its own fuel', async () => {
  const pool = poolOf();
  const budgets: Budget[] = [budgetOf(), budgetOf()];
  const first = await pool.spawn(linkerOf(100), budgets[0] as Budget);
  assert.equal(await first.call('consult', [1]), 101);
  const used = budgets[0]?.fuelUsed;
  first.dispose();
  const second = await pool.spawn(linkerOf(200), budgets[1] as Budget);
  assert.equal(await second.call('consult', [1]), 201);
  assert.equal(budgets[1]?.fuelUsed, used, 'the same calls cost the same in a used instance');
});

test('growth in a used instance is charged to the agent that grows', async () => {
  const pool = poolOf();
  const poor = budgetOf({ memoryBytesMax: 65_536 });
  (await pool.spawn(linker, budgetOf())).dispose();
  const lease = await pool.spawn(linker, poor);
  assert.equal(await lease.call('grow', [1]), -1);
  assert.equal(poor.memoryBytes, 65_536);
});

test('a woken agent is charged for the memory it has, and not woken over its limit', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  await lease.call('grow', [3]);
  const snapshot = pool.hibernate(lease);
  const enough = budgetOf({ memoryBytesMax: 4 * 65_536 });
  pool.wake(snapshot, linker, enough);
  assert.equal(enough.memoryBytes, 4 * 65_536);
  const little = budgetOf({ memoryBytesMax: 3 * 65_536 });
  assert.throws(() => pool.wake(snapshot, linker, little), { name: 'Stopped' });
  assert.equal(little.cause?.kind, 'limit');
});

test('whoever kept a lease that has ended reaches nothing through it', async () => {
  const pool = poolOf();
  const old = await pool.spawn(linker, budgetOf());
  pool.hibernate(old);
  const next = await pool.spawn(linker, budgetOf());
  await assert.rejects(old.call('poke', [30_000, 1]), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  assert.throws(() => old.callSync('poke', [30_000, 1]), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  assert.throws(() => pool.save(old), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  old.dispose();
  assert.equal(await next.call('peek', [30_000]), 0);
  assert.equal(pool.idle, 0);
});

test('an instance whose imports suspend otherwise is not given to an agent', async () => {
  const pool = poolOf();
  const suspending = new Linker().define('$root', {
    functions: { ask: async (n: number) => n },
    suspending: new Set(['ask']),
  });
  (await pool.spawn(linker, budgetOf())).dispose();
  const lease = await pool.spawn(suspending, budgetOf());
  assert.equal(await lease.call('consult', [4]), 4);
  assert.equal(pool.idle, 1);
});

test('a snapshot of another program is refused', async () => {
  const pool = poolOf();
  const snapshot = pool.save(await pool.spawn(linker, budgetOf()));
  assert.throws(() => poolOf(other).wake(snapshot, linker, budgetOf()), {
    code: 'HOST_ERR_SNAPSHOT_MISMATCH',
  });
  assert.throws(() => pool.wake({ ...snapshot, version: 'older' }, linker, budgetOf()), {
    code: 'HOST_ERR_SNAPSHOT_MISMATCH',
  });
});

test('a snapshot that is not what it says is refused before anything is written', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  await lease.call('poke', [30_000, 1]);
  const sound = pool.save(lease);
  const [memory] = sound.memories;
  assert.ok(memory !== undefined);
  const withMemory = (change: Partial<typeof memory>): Snapshot => ({
    ...sound,
    memories: [{ ...memory, ...change }],
  });
  const cases: Snapshot[] = [
    { ...sound, memories: [] },
    { ...sound, globals: sound.globals.slice(1) },
    { ...sound, globals: sound.globals.map(() => 1n) },
    { ...sound, globals: sound.globals.map(() => 1) },
    withMemory({ pages: 0 }),
    withMemory({ pages: 1.5 }),
    withMemory({ blocks: new Uint32Array([0, 16]) }),
    withMemory({ blocks: new Uint32Array([7, 0]) }),
    withMemory({ blocks: new Uint32Array([0, 0]) }),
    withMemory({ blocks: new Uint32Array([0]) }),
    withMemory({ bytes: new Uint8Array(10) }),
  ];
  for (const each of cases)
    assert.throws(() => pool.wake(each, linker, budgetOf()), { code: 'HOST_ERR_SNAPSHOT_CORRUPT' });
});

test('a program that changes its table is not saved, and its instances serve one agent each', async () => {
  const pool = poolOf(withTable);
  assert.deepEqual(pool.saveable, { possible: false, reason: 'it changes a table' });
  const lease = await pool.spawn(linker, budgetOf());
  assert.throws(() => pool.hibernate(lease), {
    code: 'HOST_ERR_MODULE_UNSUPPORTED',
    message: /changes a table/,
  });
  await lease.call('trap', []);
  assert.equal(await lease.call('pick', [0]), 8);
  lease.dispose();
  assert.equal(pool.idle, 0);
  assert.equal(await (await pool.spawn(linker, budgetOf())).call('pick', [0]), 7);
});

test('idle instances of all programs together keep to one bound', async () => {
  const pools = new InstancePools({ idleInstancesMax: 2 });
  const leases = await Promise.all(
    [program, program, other].map((each) => pools.of(each).spawn(linker, budgetOf())),
  );
  for (const lease of leases) lease.dispose();
  assert.equal(pools.idle, 2);
  assert.equal(pools.of(other).idle, 1, 'one that is used now displaces one that waits');
  assert.equal(pools.shrink(5), 2);
  assert.equal(pools.idle, 0);
});

test('idle instances keep to a bound of bytes', async () => {
  const pools = new InstancePools({ idleBytesMax: 2 * 65_536 });
  const pool = pools.of(program);
  const large = await pool.spawn(linker, budgetOf());
  const small = await pool.spawn(linker, budgetOf());
  await large.call('grow', [2]);
  large.dispose();
  assert.equal(pool.idle, 0);
  small.dispose();
  assert.equal(pool.idle, 1);
});

test("a program that makes objects in the engine's heap is not saved: what it was granted is its own", async () => {
  const objects = await programFrom(
    `(module
      (type $box (struct (field i32)))
      (func (export "one") (result i32) (struct.get $box 0 (struct.new $box (i32.const 1)))))`,
    'package test:box; world guest { export one: func() -> u32; }',
  );
  assert.deepEqual(saveableOf(objects), { possible: false, reason: "it makes objects in the engine's heap" });
  const pool = poolOf(objects);
  const lease = await pool.spawn(new Linker(), budgetOf());
  assert.equal(await lease.call('one', []), 1);
  lease.dispose();
  assert.equal(pool.idle, 0);
});

test('what the lane remembers is saved with the agent, put back with it, and cleared for the next', async () => {
  const pool = poolOf();
  const kept: LaneState & { value: unknown } = {
    value: 'first',
    unsaveable: undefined,
    save: () => kept.value,
    restore: (saved) => {
      kept.value = saved;
    },
    clear: () => {
      kept.value = undefined;
    },
  };
  const lease = await pool.spawn(linker, budgetOf());
  lease.instance.laneState = kept;
  const snapshot = pool.hibernate(lease);
  assert.equal(snapshot.extra, 'first');
  assert.equal(kept.value, undefined);
  pool.wake(snapshot, linker, budgetOf());
  assert.equal(kept.value, 'first');
});

test('an agent of which the lane says that it cannot be saved now stays', async () => {
  const pool = poolOf();
  const lease = await pool.spawn(linker, budgetOf());
  const nothing = (): undefined => undefined;
  lease.instance.laneState = { unsaveable: 'it waits', save: nothing, restore: nothing, clear: nothing };
  assert.throws(() => pool.hibernate(lease), { code: 'HOST_ERR_INSTANCE_BUSY', message: /it waits/ });
  assert.equal(await lease.call('add', [1]), 2);
});
