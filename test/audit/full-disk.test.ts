import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { HostError } from '../../host/errors.ts';
import { type Kept, keep, newKey, temporary } from './audit-parts.ts';
import { SmallDisk } from './small-disk.ts';

const refused = (error: unknown): boolean =>
  error instanceof HostError &&
  (error.code === 'HOST_ERR_AUDIT_UNWRITABLE' || error.code === 'HOST_ERR_AUDIT_FULL');

/** Appends until it is refused. @returns the numbers of those that were promised */
async function fill({ pen }: Kept): Promise<{ readonly promised: number[]; readonly appended: number }> {
  const promised: number[] = [];
  for (let number = 0; ; number++) {
    if (pen.isFull) return { promised, appended: number };
    pen.append(kinds.trap, 'shop', '', 'unreachable', 'x'.repeat(100), String(number));
    try {
      await pen.flushed();
      promised.push(number);
    } catch (error) {
      assert.ok(refused(error), String(error));
      return { promised, appended: number + 1 };
    }
  }
}

test('wherever the disk becomes full: nothing new is begun, nothing is lost, and with room it goes on', async (t) => {
  for (let room = 200; room < 2_600; room += 171) {
    const [folder, key, disk] = [temporary(t), newKey(), new SmallDisk(room)];
    const kept = keep(folder, key, { disk });
    const { promised, appended } = await fill(kept);
    assert.equal(kept.pen.isFull, true);
    assert.throws(() => kept.pen.assertRoom(), { code: 'HOST_ERR_AUDIT_FULL' });
    assert.match(kept.troubles.at(-1) ?? '', /ENOSPC/);
    // What was under way has to be recorded all the same.
    kept.pen.append(kinds.invocationEnded, 'shop', '', 'i1', 'ok', 1, 2, 3);
    disk.room = Number.POSITIVE_INFINITY;
    while (kept.pen.isFull) await new Promise((resolve) => setImmediate(resolve));
    await kept.pen.flushed();
    assert.equal(kept.troubles.at(-1), undefined);
    await kept.pen.close();
    await kept.keeper.close('test');
    const found = await verifyChain(folder, [key.publicKey]);
    assert.deepEqual(found.faults, [], `room for ${room} bytes`);
    const events = [...readEvents(folder)];
    const traps = events.filter(({ name }) => name === 'trap').map(({ fields }) => Number(fields[2]));
    assert.deepEqual(
      traps,
      Array.from({ length: appended }, (_, index) => index),
    );
    assert.ok(promised.every((number) => traps.includes(number)));
    assert.equal(events.filter(({ name }) => name === 'invocation-ended').length, 1);
  }
});

test('a host that ends while the disk is full goes on from the last seal, and says what it cut off', async (t) => {
  const [folder, key, disk] = [temporary(t), newKey(), new SmallDisk(1_500)];
  const kept = keep(folder, key, { disk });
  const { promised } = await fill(kept);
  assert.match((await kept.keeper.close('test')) ?? '', /ENOSPC/);
  const left = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual(left.faults, []);
  assert.match(left.notes.join(), /nobody was promised them/);
  const again = keep(folder, key);
  await again.pen.close();
  await again.keeper.close('test');
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual([found.faults, found.notes], [[], []]);
  const events = [...readEvents(folder)];
  assert.equal(events.filter(({ name }) => name === 'trap').length, promised.length);
  const recovered = events.find(({ name }) => name === 'recovered');
  assert.equal(recovered?.fields[2], left.tailBytes);
});

test('nothing is promised that the disk did not confirm', async (t) => {
  const [folder, key, disk] = [temporary(t), newKey(), new SmallDisk(Number.POSITIVE_INFINITY)];
  const kept = keep(folder, key, { disk });
  await kept.keeper.flushed();
  disk.isBroken = true;
  kept.pen.append(kinds.agentStarted, 'shop', '', 'i1');
  await assert.rejects(kept.pen.flushed(), refused);
  disk.isBroken = false;
  while (kept.pen.isFull) await new Promise((resolve) => setImmediate(resolve));
  await kept.pen.flushed();
  await kept.pen.close();
  await kept.keeper.close('test');
  assert.equal((await verifyChain(folder, [key.publicKey])).isIntact, true);
});

test('a pen is full at its bound; its reserve is for what cannot be refused; what is lost beyond is counted', async (t) => {
  const [folder, key, disk] = [temporary(t), newKey(), new SmallDisk(0)];
  const kept = keep(folder, key, { disk });
  const pen = kept.newPen({ pendingBytesMax: 100_000, reserveBytesMax: 70_000 });
  const append = (): void => pen.append(kinds.trap, 'shop', '', 'unreachable', 'x'.repeat(1_000), 'i1');
  while (pen.pendingBytes < 140_000) append();
  assert.equal(pen.isFull, true);
  let lost = 0;
  for (let tries = 0; tries < 300; tries++)
    try {
      append();
    } catch (error) {
      assert.ok(refused(error));
      lost += 1;
    }
  assert.ok(lost > 50);
  disk.room = Number.POSITIVE_INFINITY;
  while (pen.isFull) await new Promise((resolve) => setImmediate(resolve));
  append();
  await pen.close();
  await kept.pen.close();
  await kept.keeper.close('test');
  const told = [...readEvents(folder)].find(({ name }) => name === 'events-lost');
  assert.equal(told?.fields[0], lost);
});
