import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import type { Clock } from '../../../../host/clock.ts';
import { Stopped } from '../../../../host/engine/budget.ts';
import { Disk } from '../../../../host/engine/wasi/files/disk.ts';
import { openFile, sandbox } from './sandbox.ts';

class TurnedClock implements Clock {
  nowMs = 0;
  wallNs(): bigint {
    return BigInt(this.nowMs) * 1_000_000n;
  }
  monotonicNs(): bigint {
    return this.wallNs();
  }
  monotonicMs(): number {
    return this.nowMs;
  }
  async sleep(ms: number): Promise<void> {
    this.nowMs += ms;
  }
}

test('calls that keep holding the thread go to the pool until the disk had time to recover; one alone does not', async () => {
  const clock = new TurnedClock();
  const disk = new Disk(clock);
  const run = async (tookMs: number): Promise<string> => {
    let where = 'pool';
    await disk.run(
      true,
      () => {
        where = 'thread';
        clock.nowMs += tookMs;
      },
      (done) => done(null, undefined),
    );
    return where;
  };
  for (const tookMs of [5, 0, 0, 0, 0, 5, 0, 0, 0, 0]) assert.equal(await run(tookMs), 'thread');
  assert.equal(await run(5), 'thread');
  assert.equal(disk.isQuick, true);
  assert.equal(await run(5), 'thread');
  assert.equal(disk.isQuick, false);
  assert.equal(await run(1), 'pool');
  clock.nowMs += 250;
  assert.equal(await run(1), 'thread');
});

test('only file systems that need no network and no server are used on the thread', async () => {
  const disk = new Disk(new TurnedClock());
  assert.equal(await disk.isLocal(statSync('/proc').dev, '/proc'), false);
  assert.equal(disk.isLocal(statSync('/proc').dev, '/proc'), false);
});

test('a read that ends after the guest was stopped leaves the memory alone', async (context) => {
  const { root, budget } = await sandbox(context, 'checked-path');
  const file = await openFile(root, 'file', { read: true, write: true, create: true });
  await file.write(new Uint8Array(8).fill(7), 0n);
  const memory = new Uint8Array(8);
  const reading = file.read(memory, 0n);
  budget.stop({ kind: 'cancelled', reason: 'enough' });
  await assert.rejects(async () => reading, Stopped);
  assert.deepEqual(memory, new Uint8Array(8));
});

test('a write in the pool takes its bytes before the guest can change them', async (context) => {
  const { root } = await sandbox(context, 'checked-path');
  const file = await openFile(root, 'file', { read: true, write: true, create: true });
  const memory = new Uint8Array(4).fill(1);
  const writing = file.write(memory, 0n);
  memory.fill(9);
  await writing;
  const read = new Uint8Array(4);
  await file.read(read, 0n);
  assert.deepEqual(read, new Uint8Array(4).fill(1));
});
