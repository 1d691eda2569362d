import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Directory } from '../../host/bus/directory.ts';
import { systemRandom } from '../../host/clock.ts';

const small = { capacity: 4, high: 3, low: 1 };

function filled(agentsMax: number, names: readonly string[]): Directory {
  const directory = Directory.create(agentsMax, systemRandom);
  for (const name of names) directory.add(name, small, 'at-least-once');
  return directory;
}

test('names lead to ids, and names that are not there to none', () => {
  const names = Array.from({ length: 1000 }, (_, index) => `agent-${index}`);
  const directory = filled(1000, names);
  assert.equal(new Set(names.map((name) => directory.find(name))).size, 1000);
  for (const name of ['agent-1000', '', 'agent-é', 'x'.repeat(300)]) assert.equal(directory.find(name), 0);
});

test('a name is there once, and there is room for as many as were asked for', () => {
  const directory = filled(2, ['a', 'é']);
  assert.throws(() => directory.add('a', small, 'at-most-once'), { code: 'HOST_ERR_AGENT_DUPLICATE' });
  assert.throws(() => directory.add('c', small, 'at-most-once'), { code: 'HOST_ERR_BUDGET_EXHAUSTED' });
  directory.remove('a');
  assert.notEqual(directory.add('c', small, 'at-most-once'), 0);
});

test('that an agent is paused is seen by every reader, over other limits of it, and not of another in its place', () => {
  const directory = filled(1, ['a']);
  const reader = new Directory(directory.shared);
  const id = directory.find('a');
  directory.notePaused(id, true);
  directory.limit(id, small, 'exactly-once', true);
  assert.deepEqual(
    [reader.isPaused(id), reader.guaranteeOf(id), reader.isSealed(id)],
    [true, 'exactly-once', true],
  );
  directory.notePaused(id, false);
  assert.deepEqual([reader.isPaused(id), reader.isSealed(id)], [false, true]);
  directory.notePaused(id, true);
  directory.remove('a');
  assert.equal(reader.isPaused(directory.add('b', small, 'at-most-once')), false);
});

test('a removed name is gone for every reader, and its id means nobody any more', () => {
  const directory = filled(1, ['a']);
  const reader = new Directory(directory.shared);
  const id = reader.find('a');
  directory.place(id, 3);
  assert.equal(reader.ownerOf(id), 3);
  directory.remove('a');
  assert.deepEqual([reader.find('a'), reader.ownerOf(id), reader.isCurrent(id)], [0, -1, false]);
  const next = directory.add('b', small, 'at-most-once');
  directory.place(next, 1);
  assert.equal(directory.indexOf(next), directory.indexOf(id));
  assert.notEqual(next, id);
  assert.deepEqual([reader.ownerOf(id), reader.find('a'), reader.find('b')], [-1, 0, next]);
});

test('names come and go by the hundred thousand and all that are there are found', () => {
  const directory = Directory.create(64, systemRandom);
  const there = new Set<string>();
  for (let index = 0; index < 100_000; index++) {
    const name = `agent-${(index * 31) % 997}`;
    if (there.delete(name)) directory.remove(name);
    else if (there.size < 64) {
      directory.add(name, small, 'at-most-once');
      there.add(name);
    }
    if (index % 97 === 0) for (const one of there) assert.notEqual(directory.find(one), 0, one);
  }
  for (let index = 0; index < 997; index++)
    assert.equal(directory.find(`agent-${index}`) !== 0, there.has(`agent-${index}`));
});

test('room is given up to the capacity, and congestion lasts from the high mark to the low one', () => {
  const directory = filled(1, ['a']);
  const id = directory.find('a');
  const congested: boolean[] = [];
  const note = (): number => congested.push(directory.isCongested(id));
  for (let count = 0; count < 4; count++) {
    assert.equal(directory.reserve(id), true);
    note();
  }
  assert.equal(directory.reserve(id), false);
  assert.equal(directory.depthOf(id), 4);
  assert.equal(directory.awaitRoom(id, 2), true);
  const told = [1, 2, 3, 4].map(() => {
    const threads = directory.release(id);
    note();
    return threads;
  });
  assert.deepEqual(congested, [false, false, true, true, true, true, false, false]);
  assert.deepEqual(told, [0, 0, 4, 0]);
  assert.equal(directory.awaitRoom(id, 2), false);
});

test('threads that reserve and release at once never go over the capacity nor lose a place', async () => {
  const directory = filled(1, ['a']);
  const id = directory.find('a');
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ Directory }) => {
      const directory = new Directory(workerData.shared);
      let most = 0;
      for (let count = 0; count < 200000; count++) {
        if (!directory.reserve(workerData.id)) continue;
        most = Math.max(most, Atomics.add(workerData.held, 0, 1) + 1);
        Atomics.sub(workerData.held, 0, 1);
        directory.release(workerData.id);
      }
      parentPort.postMessage(most);
    });`;
  const held = new Int32Array(new SharedArrayBuffer(4));
  const module = new URL('../../host/bus/directory.ts', import.meta.url).href;
  const workerData = { module, shared: directory.shared, id, held };
  const most = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<number>((resolve, reject) => {
          const worker = new Worker(code, { eval: true, workerData });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  assert.ok(Math.max(...most) <= small.capacity);
  assert.equal(directory.depthOf(id), 0);
});

test('another thread finds every name that stays while others come and go', async () => {
  const stays = Array.from({ length: 200 }, (_, index) => `stays-${index}`);
  const directory = filled(512, stays);
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ Directory }) => {
      const ids = new Map();
      let lost = 0;
      parentPort.postMessage('ready');
      while (Atomics.load(workerData.stop, 0) === 0) {
        const directory = new Directory(workerData.shared);
        for (const name of workerData.stays) {
          const id = directory.find(name);
          if (id === 0 || (ids.has(name) && ids.get(name) !== id)) lost++;
          ids.set(name, id);
        }
      }
      parentPort.postMessage(lost);
    });`;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const module = new URL('../../host/bus/directory.ts', import.meta.url).href;
  const worker = new Worker(code, {
    eval: true,
    workerData: { module, shared: directory.shared, stays, stop },
  });
  await new Promise((resolve) => worker.once('message', resolve));
  for (let index = 0; index < 60_000; index++) {
    directory.add(`goes-${index}`, small, 'at-most-once');
    if (index >= 300) directory.remove(`goes-${index - 300}`);
  }
  const lost = new Promise((resolve) => worker.once('message', resolve));
  Atomics.store(stop, 0, 1);
  assert.equal(await lost, 0);
});
