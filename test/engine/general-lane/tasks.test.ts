import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../../host/clock.ts';
import { Budget } from '../../../host/engine/budget.ts';
import { createEngine } from '../../../host/engine/engine.ts';
import { InstancePools } from '../../../host/engine/hibernation/instance-pools.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { defaultLimits, type Limits } from '../../../host/limits.ts';
import { assemble } from '../../support/component-tools.ts';
import { noGrants } from '../wasi/preview2/grants.ts';

const engine = createEngine({ cacheFolder: undefined, clock: systemClock, pools: new InstancePools({}) });
after(() => engine.close());

/** Tasks of several core instances, which only the general lane takes. */
const tasks = await assemble(`(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $wait-for (canon lower (func $clock "wait-for") async (memory (core memory $memory "memory"))))
  (core func $return (canon task.return (result u32)))
  (core func $new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $drop (canon subtask.drop))
  (core module $m
    (import "" "wait-for" (func $wait-for (param i64) (result i32)))
    (import "" "return" (func $return (param i32)))
    (import "" "new" (func $new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (global $task (mut i32) (i32.const 0))
    (global $wait (mut i32) (i32.const 0))
    (global $rounds (mut i32) (i32.const 0))
    (func $wait-on (param $ns i64) (result i32)
      (local $set i32)
      (local.set $set (call $new))
      (global.set $task (i32.shr_u (call $wait-for (local.get $ns)) (i32.const 4)))
      (if (i32.eqz (global.get $task)) (then (call $return (i32.const 42)) (return (i32.const 0))))
      (call $join (global.get $task) (local.get $set))
      (global.set $wait (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
      (global.get $wait))
    (func (export "wait") (param $ns i64) (result i32) (call $wait-on (local.get $ns)))
    (func (export "waited") (param i32 i32 i32) (result i32)
      (if (i32.ne (local.get 0) (i32.const 1)) (then unreachable))
      (if (i32.ne (local.get 2) (i32.const 2)) (then (return (global.get $wait))))
      (call $join (global.get $task) (i32.const 0))
      (call $drop (global.get $task))
      (call $return (i32.const 42))
      (i32.const 0))
    (func (export "spin") (result i32) (loop $l (br $l)) (i32.const 0))
    (func (export "yield") (result i32) (i32.const 1))
    (func (export "yielded") (param i32 i32 i32) (result i32)
      (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
      (if (i32.lt_u (global.get $rounds) (i32.const 100)) (then (return (i32.const 1))))
      (call $return (global.get $rounds))
      (i32.const 0))
    (func (export "for-ever") (param i32 i32 i32) (result i32) (i32.const 1))
    (func (export "never") (result i32)
      (i32.or (i32.const 2) (i32.shl (call $new) (i32.const 4)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "wait-for" (func $wait-for)) (export "return" (func $return)) (export "new" (func $new))
    (export "join" (func $join)) (export "drop" (func $drop))))))
  (func (export "wait") async (param "ns" u64) (result u32)
    (canon lift (core func $i "wait") async (callback (core func $i "waited"))))
  (func (export "spin") async (result u32)
    (canon lift (core func $i "spin") async (callback (core func $i "waited"))))
  (func (export "yield") async (result u32)
    (canon lift (core func $i "yield") async (callback (core func $i "yielded"))))
  (func (export "for-ever") async (result u32)
    (canon lift (core func $i "yield") async (callback (core func $i "for-ever"))))
  (func (export "never") async (result u32)
    (canon lift (core func $i "never") async (callback (core func $i "waited")))))`);

async function called(name: string, args: readonly unknown[], limits: Partial<Limits> = {}) {
  const artifact = await engine.prepare(new Uint8Array(tasks));
  const budget = new Budget({ limits: { ...defaultLimits, ...limits }, clock: systemClock });
  const { instance, release } = await engine.launch(artifact, new Linker(), budget, noGrants);
  const result = instance.call(name, args).finally(release);
  return { artifact, budget, instance, result };
}

test('a component with tasks runs on the general lane, and its facts say that it has them', async () => {
  const { artifact, result } = await called('wait', [1_000_000n]);
  assert.equal(await result, 42);
  assert.equal(artifact.facts.lane, 'general');
  assert.equal(artifact.facts.hasTasks, true);
});

test('a task that gives way goes on until it has its answer', async () => {
  const { result } = await called('yield', []);
  assert.equal(await result, 100);
});

test('a task that computes for ever ends with its fuel', async () => {
  const { budget, result } = await called('spin', [], { fuelMax: 1_000_000n });
  await assert.rejects(result);
  assert.equal(budget.cause?.kind, 'limit');
  assert.ok(budget.fuelUsed >= 1_000_000n && budget.fuelUsed < 1_100_000n);
});

for (const name of ['wait', 'for-ever'])
  test(`a task that would take for ever (${name}) ends when it is stopped`, async () => {
    const { budget, instance, result } = await called(name, name === 'wait' ? [10n ** 18n] : []);
    const ended = assert.rejects(result);
    setImmediate(() => budget.stop({ kind: 'cancelled', reason: 'test' }));
    await ended;
    await assert.rejects(instance.call('yield', []), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  });

test('a task that waits for nothing at all is a deadlock, which is a trap', async () => {
  const { result } = await called('never', []);
  await assert.rejects(result, /deadlock/);
});

test('a component with tasks is let in beside other agents, and its memories are counted as theirs', async () => {
  const { artifact } = await called('yield', []);
  const budget = new Budget({ limits: defaultLimits, clock: systemClock });
  const resident = await engine.enter(engine.load(artifact), new Linker(), budget, noGrants);
  assert.equal(await resident.instance.call('yield', []), 100);
  await resident.instance.settled?.();
  assert.equal(resident.saveable.possible, false);
  await assert.rejects(resident.hibernate(), { code: 'HOST_ERR_MODULE_UNSUPPORTED' });
  resident.instance.dispose();
  await resident.release();
});

/** Waits that hold a stack: for a host function called synchronously, for a set of waitables, and before either. */
const stacks = await assemble(`(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $sync (canon lower (func $clock "wait-for")))
  (core func $async (canon lower (func $clock "wait-for") async (memory (core memory $memory "memory"))))
  (core func $new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $wait (canon waitable-set.wait (memory (core memory $memory "memory"))))
  (core func $return (canon task.return))
  (core module $m
    (import "" "sync" (func $sync (param i64)))
    (import "" "async" (func $async (param i64) (result i32)))
    (import "" "new" (func $new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "return" (func $return))
    (func (export "for-host") (call $sync (i64.const 1000000000000000000)) (call $return))
    (func (export "for-set") (local $set i32)
      (local.set $set (call $new))
      (call $join (i32.shr_u (call $async (i64.const 1000000000000000000)) (i32.const 4)) (local.get $set))
      (drop (call $wait (local.get $set) (i32.const 0)))
      (call $return)))
  (core instance $i (instantiate $m (with "" (instance (export "sync" (func $sync)) (export "async" (func $async))
    (export "new" (func $new)) (export "join" (func $join)) (export "wait" (func $wait)) (export "return" (func $return))))))
  (func (export "for-host") async (canon lift (core func $i "for-host") async))
  (func (export "for-set") async (canon lift (core func $i "for-set") async)))`);

const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('\n').length;

test('stacks of tasks that are stopped are freed, wherever they waited', {
  skip: process.platform !== 'linux',
}, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const program = engine.load(await engine.prepare(new Uint8Array(stacks)));
  const stop = async (name: string, turns: number): Promise<void> => {
    const budget = new Budget({ limits: defaultLimits, clock: systemClock });
    const { instance, release } = await engine.launch(program, new Linker(), budget, noGrants);
    const ended = assert.rejects(instance.call(name, []));
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
    budget.stop({ kind: 'cancelled', reason: 'test' });
    await ended;
    instance.dispose();
    await release();
  };
  const settle = async (): Promise<number> => {
    for (let round = 0; round < 4; round += 1) {
      await systemClock.sleep(20);
      collect();
    }
    return mappings();
  };
  await stop('for-set', 50);
  const before = await settle();
  for (let count = 0; count < 40; count += 1)
    for (const name of ['for-host', 'for-set']) for (const turns of [1, 50]) await stop(name, turns);
  const left = (await settle()) - before;
  assert.ok(left < 160, `${left} mappings are left of 160 stopped tasks, each of which had several`);
});
