import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../../host/clock.ts';
import { createEngine, type Resident } from '../../../host/engine/engine.ts';
import { InstancePools } from '../../../host/engine/hibernation/instance-pools.ts';
import type { Snapshot } from '../../../host/engine/hibernation/snapshot.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { newResidence, Residence } from '../../../host/engine/residence.ts';
import { writtenAgent } from '../../support/written-agent.ts';
import { folderOf, openStore } from '../cold-store/snapshots.ts';
import { budgetOf } from '../fast-lane/fast-guest.ts';
import { noGrants } from '../wasi/preview2/grants.ts';

const source = `
const counts = new Map<string, u32>();
export function count(word: string): u32 {
  const next = (counts.has(word) ? counts.get(word) : 0) + 1;
  counts.set(word, next);
  return next;
}
export function words(): string[] { return counts.keys(); }
`;
const wit =
  'package test:words; world w { export count: func(word: string) -> u32; export words: func() -> list<string>; }';

const pools = new InstancePools();
const engine = createEngine({ cacheFolder: undefined, clock: systemClock, pools });
after(() => engine.close());
const { bytes } = await writtenAgent(source, { wit });
const program = engine.load(await engine.prepare(new Uint8Array(bytes)));
const linker = new Linker();

const enter = (): Promise<Resident> => engine.enter(program, linker, budgetOf(), noGrants);

test('an AssemblyScript agent keeps its objects over sleep on the disk', async (context) => {
  const folder = folderOf(context);
  const first = await openStore(folder);
  const resident = await enter();
  assert.deepEqual(resident.saveable, { possible: true });
  for (let turn = 0; turn < 300; turn += 1) await resident.instance.call('count', [`word-${turn % 100}`]);
  await first.put('counter', await resident.hibernate());
  await first.close();
  const second = await openStore(folder);
  const stored = await second.get('counter');
  assert.ok(stored !== undefined);
  const woken = await engine.wake(program, stored.snapshot, linker, budgetOf(), noGrants);
  assert.equal(await woken.instance.call('count', ['word-7']), 4);
  assert.equal(((await woken.instance.call('words', [])) as string[]).length, 100);
  await second.close();
});

test('agents that take turns in one instance keep apart', async () => {
  const asleep = new Map<string, Snapshot>();
  for (let turn = 0; turn < 5; turn += 1) {
    for (const name of ['one', 'two', 'three']) {
      const snapshot = asleep.get(name);
      const resident =
        snapshot === undefined
          ? await enter()
          : await engine.wake(program, snapshot, linker, budgetOf(), noGrants);
      assert.equal(await resident.instance.call('count', [name]), turn + 1);
      assert.deepEqual(await resident.instance.call('words', []), [name]);
      asleep.set(name, await resident.hibernate());
    }
  }
});

test('an agent that sleeps and wakes burns the same fuel as one that stays awake', async () => {
  const fuelOf = async (sleeps: boolean): Promise<bigint[]> => {
    let resident = await enter();
    const fuel: bigint[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      if (sleeps)
        resident = await engine.wake(program, await resident.hibernate(), linker, budgetOf(), noGrants);
      resident.instance.budget.restart();
      await resident.instance.call('count', [`word-${turn % 7}`]);
      fuel.push(resident.instance.budget.fuelUsed);
    }
    return fuel;
  };
  assert.deepEqual(await fuelOf(true), await fuelOf(false));
});

test('a resident that ended gives its instance back', async () => {
  const resident = await enter();
  const idle = pools.idle;
  resident.instance.dispose();
  await resident.release();
  assert.equal(pools.idle, idle + 1);
});

const elsewhere = `
import { parentPort, workerData } from 'node:worker_threads';
const root = workerData.root;
const { createEngine } = await import(root + 'engine/engine.ts');
const { InstancePools } = await import(root + 'engine/hibernation/instance-pools.ts');
const { Linker } = await import(root + 'engine/linker.ts');
const { Budget } = await import(root + 'engine/budget.ts');
const { systemClock } = await import(root + 'clock.ts');
const { defaultLimits } = await import(root + 'limits.ts');
const engine = createEngine({ cacheFolder: undefined, clock: systemClock, pools: new InstancePools() });
const budget = new Budget({ limits: defaultLimits, clock: systemClock });
const { program, snapshot } = workerData;
const resident = await engine.wake(program, snapshot, new Linker(), budget, {});
parentPort.postMessage([await resident.instance.call('count', ['here']), await resident.hibernate()]);
`;

test('a program and an agent are posted to another thread, which compiles nothing, and back', async () => {
  const here = await enter();
  await here.instance.call('count', ['here']);
  const workerData = {
    root: new URL('../../../host/', import.meta.url).href,
    program,
    snapshot: await here.hibernate(),
  };
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(elsewhere)}`), { workerData });
  const [count, snapshot] = await new Promise<[number, Snapshot]>((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  assert.equal(count, 2);
  const back = await engine.wake(program, snapshot, linker, budgetOf(), noGrants);
  assert.equal(await back.instance.call('count', ['here']), 3);
  await worker.terminate();
});

test('a program of another lane is entered, counted, and said to be unsaveable', async () => {
  const residence = new Residence(newResidence(1, { memoriesMax: 1, stacksPerThreadMax: 1 }), 0);
  const counted = createEngine({
    cacheFolder: undefined,
    clock: systemClock,
    pools: new InstancePools({ residence }),
  });
  const { wat } = await import('../../support/wat.ts');
  const core = await wat(
    '(module (memory (export "memory") 1) (func (export "f") (result i32) (i32.const 3)))',
  );
  const coreProgram = counted.load(await counted.prepare(core));
  const resident = await counted.enter(coreProgram, linker, budgetOf(), noGrants);
  assert.equal(await resident.instance.call('f', []), 3);
  assert.equal(residence.memories, 1);
  assert.equal(resident.saveable.possible, false);
  await assert.rejects(resident.hibernate(), { code: 'HOST_ERR_MODULE_UNSUPPORTED', message: /core lane/ });
  await assert.rejects(counted.enter(coreProgram, linker, budgetOf(), noGrants), {
    code: 'HOST_ERR_BUDGET_EXHAUSTED',
  });
  resident.instance.dispose();
  await resident.release();
  await counted.close();
});
