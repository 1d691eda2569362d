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

test('a call that held the thread sends the next ones to the pool until the disk had time to recover', async () => {
  const clock = new TurnedClock();
  const disk = new Disk(clock);
  const where: string[] = [];
  const run = (tookMs: number): unknown =>
    disk.run(
      true,
      () => {
        where.push('thread');
        clock.nowMs += tookMs;
      },
      (done) => {
        where.push('pool');
        done(null, undefined);
      },
    );
  await run(1);
  await run(5);
  assert.equal(disk.isQuick, false);
  await run(1);
  clock.nowMs += 250;
  await run(1);
  assert.deepEqual(where, ['thread', 'thread', 'pool', 'thread']);
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
