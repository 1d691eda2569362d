import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { headBytes } from '../../../host/engine/cold-store/record.ts';
import { folderOf, markOf, openStore, snapshotOf } from './snapshots.ts';

const files = (folder: string): string[] => readdirSync(folder).map((name) => join(folder, name));
const corrupt = { code: 'HOST_ERR_SNAPSHOT_CORRUPT' };
const unwritable = { code: 'HOST_ERR_STATE_UNWRITABLE' };

/** Changes one byte of the only segment. */
function damage(folder: string, at: number): void {
  const [file = ''] = files(folder);
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 0x10;
  writeFileSync(file, bytes);
}

test('what was put is got, to the byte, and only under its name', async (context) => {
  const store = await openStore(folderOf(context));
  const put = { ...snapshotOf(7, 3), extra: { waits: ['reply', 3n] } };
  const generation = await store.put('agent', put);
  const got = await store.get('agent');
  assert.equal(got?.generation, generation);
  assert.deepEqual(structuredClone(got?.snapshot), structuredClone(put));
  assert.equal(store.has('agent'), true);
  assert.equal(store.has('other'), false);
  assert.equal(await store.get('other'), undefined);
  await store.close();
});

test('a large snapshot is packed off the thread and comes back whole', async (context) => {
  const store = await openStore(folderOf(context));
  const put = snapshotOf(7, 300);
  await store.put('agent', put);
  assert.deepEqual(structuredClone((await store.get('agent'))?.snapshot), put);
  await store.close();
});

test('snapshots survive a restart, and the names are told', async (context) => {
  const folder = folderOf(context);
  const first = await openStore(folder);
  for (let mark = 0; mark < 50; mark += 1) await first.put(`agent-${mark}`, snapshotOf(mark));
  await first.close();
  const names: string[] = [];
  const second = await openStore(folder, { onFound: (name) => names.push(name) });
  assert.equal(second.size, 50);
  assert.deepEqual(names.sort(), Array.from({ length: 50 }, (_, mark) => `agent-${mark}`).sort());
  for (let mark = 0; mark < 50; mark += 1)
    assert.equal(markOf((await second.get(`agent-${mark}`))?.snapshot), mark);
  await second.close();
});

test('the last snapshot put is the one that is there, before and after a restart', async (context) => {
  const folder = folderOf(context);
  const first = await openStore(folder);
  const generations = await Promise.all([1, 2, 3].map((mark) => first.put('agent', snapshotOf(mark))));
  assert.ok((generations[0] ?? 0) < (generations[1] ?? 0) && (generations[1] ?? 0) < (generations[2] ?? 0));
  assert.equal(markOf((await first.get('agent'))?.snapshot), 3);
  await first.close();
  const second = await openStore(folder);
  assert.equal(markOf((await second.get('agent'))?.snapshot), 3);
  assert.equal(second.size, 1);
  assert.ok((await second.put('agent', snapshotOf(4))) > (generations[2] ?? 0));
  await second.close();
});

test('a deleted snapshot never comes back, nor does one before it', async (context) => {
  const folder = folderOf(context);
  const first = await openStore(folder);
  await first.put('agent', snapshotOf(1));
  await first.put('agent', snapshotOf(2));
  assert.equal(await first.delete('agent'), true);
  assert.equal(await first.delete('agent'), false);
  assert.equal(first.has('agent'), false);
  assert.equal(await first.get('agent'), undefined);
  // No goodbye: what is on the disk now is all that counts.
  const second = await openStore(folder);
  assert.equal(second.has('agent'), false);
  await second.close();
  await first.close();
});

test('deleting one generation leaves a later one', async (context) => {
  const store = await openStore(folderOf(context));
  const old = await store.put('agent', snapshotOf(1));
  await store.put('agent', snapshotOf(2));
  assert.equal(await store.delete('agent', old), false);
  assert.equal(markOf((await store.get('agent'))?.snapshot), 2);
  await store.close();
});

test('operations on one name happen in the order they were asked for', async (context) => {
  const store = await openStore(folderOf(context));
  const put = store.put('agent', snapshotOf(1));
  await Promise.resolve();
  const [, got, deleted, after] = await Promise.all([
    put,
    put.then(() => store.get('agent')),
    put.then(() => store.delete('agent')),
    put.then(() => store.delete('agent')),
  ]);
  assert.ok(got === undefined || markOf(got.snapshot) === 1);
  assert.deepEqual([deleted, after], [true, false]);
  assert.equal(store.size, 0);
  await store.close();
});

test('a damaged snapshot is refused, wherever the damage is, and the others are not', async (context) => {
  for (const at of [headBytes + 2, headBytes + 40, headBytes + 5 + 200]) {
    const folder = folderOf(context);
    const first = await openStore(folder);
    await first.put('agent', snapshotOf(1));
    await first.put('other', snapshotOf(2));
    await first.close();
    damage(folder, at);
    const second = await openStore(folder);
    // A damaged name is nobody's.
    if (at >= headBytes + 5) await assert.rejects(second.get('agent'), corrupt);
    else assert.equal(await second.get('agent'), undefined);
    assert.equal(markOf((await second.get('other'))?.snapshot), 2);
    await second.close();
  }
});

test('a damaged head loses its own record and no other', async (context) => {
  for (const at of [0, 9, 17, 21, 33]) {
    const folder = folderOf(context);
    const first = await openStore(folder);
    await first.put('agent', snapshotOf(1));
    await first.put('other', snapshotOf(2));
    await first.close();
    damage(folder, at);
    const second = await openStore(folder);
    assert.equal(await second.get('agent'), undefined);
    assert.equal(markOf((await second.get('other'))?.snapshot), 2);
    await second.close();
  }
});

test('a half-written record at the end is passed over', async (context) => {
  const folder = folderOf(context);
  const first = await openStore(folder);
  await first.put('whole', snapshotOf(1));
  const [file = ''] = files(folder);
  const wholeBytes = statSync(file).size;
  await first.put('torn', snapshotOf(2));
  const bothBytes = statSync(file).size;
  await first.close();
  for (const bytes of [bothBytes - 1, wholeBytes + headBytes, wholeBytes + headBytes - 1, wholeBytes + 1]) {
    truncateSync(file, bytes);
    const store = await openStore(folder);
    assert.equal(store.has('torn'), false);
    assert.equal(markOf((await store.get('whole'))?.snapshot), 1);
    await store.close();
  }
});

test('space of what died is given back, and what lives moves along', async (context) => {
  const folder = folderOf(context);
  const store = await openStore(folder, { segmentBytesMax: 64 * 1024 });
  for (let turn = 0; turn < 40; turn += 1)
    for (let mark = 0; mark < 20; mark += 1) await store.put(`agent-${mark}`, snapshotOf(turn * 100 + mark));
  const oneBytes = statSync(files(folder)[0] ?? '').size;
  assert.ok(files(folder).length <= 8, `${files(folder).length} files of about ${oneBytes} bytes`);
  for (let mark = 0; mark < 20; mark += 1)
    assert.equal(markOf((await store.get(`agent-${mark}`))?.snapshot), 3900 + mark);
  await store.close();
  const again = await openStore(folder, { segmentBytesMax: 64 * 1024 });
  assert.equal(again.size, 20);
  for (let mark = 0; mark < 20; mark += 1)
    assert.equal(markOf((await again.get(`agent-${mark}`))?.snapshot), 3900 + mark);
  await again.close();
});

test('a snapshot that sleeps long while others come and go is moved, not lost', async (context) => {
  const folder = folderOf(context);
  const store = await openStore(folder, { segmentBytesMax: 32 * 1024 });
  await store.put('sleeper', snapshotOf(1));
  const [first = ''] = files(folder);
  for (let turn = 0; turn < 200; turn += 1) await store.put('lively', snapshotOf(turn));
  assert.equal(files(folder).includes(first), false, 'the first segment was written anew');
  assert.equal(markOf((await store.get('sleeper'))?.snapshot), 1);
  await store.delete('sleeper');
  const again = await openStore(folder);
  assert.equal(again.has('sleeper'), false, 'neither copy comes back');
  await again.close();
  await store.close();
});

test('a store that is full refuses, and keeps what it has', async (context) => {
  const store = await openStore(folderOf(context), { bytesMax: 8 * 1024 });
  await store.put('agent', snapshotOf(1));
  await assert.rejects(
    (async () => {
      for (let mark = 0; mark < 50; mark += 1) await store.put(`agent-${mark}`, snapshotOf(mark));
    })(),
    unwritable,
  );
  assert.equal(markOf((await store.get('agent'))?.snapshot), 1);
  assert.equal(await store.delete('agent'), true);
  await store.close();
});

test('more than may wait for the disk is refused', async (context) => {
  const store = await openStore(folderOf(context), { pendingBytesMax: 10 * 1024 });
  const puts = Array.from({ length: 60 }, (_, mark) => store.put(`agent-${mark}`, snapshotOf(mark)));
  const settled = await Promise.allSettled(puts);
  const kept = settled.filter(({ status }) => status === 'fulfilled').length;
  assert.ok(kept > 0 && kept < 60);
  assert.equal(store.size, kept);
  for (const each of settled) if (each.status === 'rejected') assert.equal(each.reason.code, unwritable.code);
  await store.close();
});

test('what threads that are no more have left is adopted', async (context) => {
  const [one, two] = [folderOf(context), folderOf(context)];
  const stores = [await openStore(one), await openStore(two)];
  await stores[0]?.put('both', snapshotOf(1));
  await stores[0]?.put('first', snapshotOf(2));
  await stores[1]?.put('both', snapshotOf(3));
  for (const store of stores) await store.close();
  const heir = await openStore(one, { adopt: [two] });
  assert.equal(heir.size, 2);
  assert.equal(markOf((await heir.get('both'))?.snapshot), 3, 'the later one');
  assert.equal(markOf((await heir.get('first'))?.snapshot), 2);
  assert.deepEqual(readdirSync(two), []);
  await heir.close();
});

test('a folder that cannot be used is refused with its name', async (context) => {
  const folder = join(folderOf(context), 'file');
  writeFileSync(folder, '');
  await assert.rejects(openStore(join(folder, 'below')), unwritable);
});
