import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Journal } from '../../host/bus/journal/journal.ts';
import { type Clock, systemClock } from '../../host/clock.ts';
import { HostError } from '../../host/errors.ts';
import { open, owe, SmallDisk, sent, temporary } from './journal-parts.ts';

/** A clock whose waits end when the test says so. */
class HeldClock implements Clock {
  readonly wallNs: Clock['wallNs'] = systemClock.wallNs;
  readonly monotonicNs: Clock['monotonicNs'] = systemClock.monotonicNs;
  readonly monotonicMs: Clock['monotonicMs'] = systemClock.monotonicMs;
  #waiting: (() => void)[] = [];

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#waiting.push(resolve);
    });
  }

  /** Ends every wait. */
  async turn(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const full = { code: 'HOST_ERR_STATE_UNWRITABLE' };

async function promise(journal: Journal, id: string, bytes = 100): Promise<number> {
  const body = new Uint8Array(bytes);
  const sequence = journal.accepted(owe(sent(id, { body })));
  await journal.flushed();
  return sequence;
}

function recoveredIds(folder: string): string[] {
  return open({ folder }).recovered.pending.map(({ message }) => message.id);
}

test('wherever the disk becomes full: what was promised before is kept, what was not is refused, and with room it goes on', async (t) => {
  for (let room = 0; room < 500; room += 7) {
    const folder = temporary(t);
    const files = new SmallDisk(room);
    const clock = new HeldClock();
    const { journal } = open({ folder, files, clock });
    const promised: string[] = [];
    for (const id of ['a', 'b', 'c']) {
      try {
        await promise(journal, id);
        promised.push(id);
      } catch (error) {
        assert.ok(error instanceof HostError);
        assert.equal(error.code, full.code);
      }
    }
    assert.ok(promised.length < 3);
    assert.throws(() => journal.accepted(owe(sent('held'))), full);
    files.room = Number.POSITIVE_INFINITY;
    await clock.turn();
    await promise(journal, 'after');
    assert.equal(journal.status().trouble, undefined);
    assert.equal(journal.status().live, promised.length + 1);
    await journal.close();
    assert.deepEqual(recoveredIds(folder), [...promised, 'after'], `room for ${room} bytes`);
  }
});

test('a host that ends while the disk is full finds what was promised', async (t) => {
  for (let room = 200; room < 500; room += 50) {
    const folder = temporary(t);
    const files = new SmallDisk(room);
    const { journal } = open({ folder, files, clock: new HeldClock() });
    const promised: string[] = [];
    await assert.rejects(async () => {
      for (const id of ['a', 'b', 'c', 'd']) {
        await promise(journal, id);
        promised.push(id);
      }
    }, full);
    // Nothing more is called: recovery reads what the failed write left.
    assert.deepEqual(recoveredIds(folder), promised, `room for ${room} bytes`);
  }
});

test('what was settled while the disk was full is written once there is room, without being asked again', async (t) => {
  const folder = temporary(t);
  const files = new SmallDisk(Number.POSITIVE_INFINITY);
  const clock = new HeldClock();
  const { journal } = open({ folder, files, clock });
  const a = await promise(journal, 'a');
  await promise(journal, 'b');
  files.room = 0;
  journal.settled(a);
  await assert.rejects(journal.flushed(), full);
  files.room = Number.POSITIVE_INFINITY;
  await clock.turn();
  await journal.flushed();
  assert.deepEqual(recoveredIds(folder), ['b']);
});

test('messages that filled while a write failed are refused with it', async (t) => {
  const folder = temporary(t);
  const files = new SmallDisk(20);
  const { journal } = open({ folder, files, clock: new HeldClock() });
  journal.accepted(owe(sent('a')));
  const first = journal.flushed();
  await new Promise((resolve) => setImmediate(resolve));
  journal.accepted(owe(sent('b')));
  const second = journal.flushed();
  assert.notEqual(first, second);
  await Promise.all([assert.rejects(first, full), assert.rejects(second, full)]);
  assert.equal(journal.status().live, 0);
});

test('a late word about a refused message does not hit another', async (t) => {
  const folder = temporary(t);
  const files = new SmallDisk(20);
  const clock = new HeldClock();
  const { journal } = open({ folder, files, clock });
  const refused = journal.accepted(owe(sent('refused')));
  await assert.rejects(journal.flushed(), full);
  files.room = Number.POSITIVE_INFINITY;
  await clock.turn();
  const kept = await promise(journal, 'kept');
  assert.ok(kept > refused);
  journal.settled(refused);
  await journal.close();
  assert.deepEqual(recoveredIds(folder), ['kept']);
});

test('on disk before promised: with sync disk, nothing is promised that the disk did not confirm', async (t) => {
  const folder = temporary(t);
  const files = new SmallDisk(Number.POSITIVE_INFINITY);
  const failing = { ...files, write: files.write, sync: () => Promise.reject(new Error('EIO')) };
  const { journal } = open({ folder, files: failing, sync: 'disk', clock: new HeldClock() });
  await assert.rejects(promise(journal, 'a'), full);
});

test('a real disk that is full', async (t) => {
  const folder = temporary(t);
  const small = join(folder, 'small');
  mkdirSync(small);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]).status !== 0)
    return t.skip('mounting a small tmpfs takes rights this run does not have');
  try {
    await fillAndClear(small);
  } finally {
    spawnSync('umount', ['-l', small]);
  }
});

async function fillAndClear(folder: string): Promise<void> {
  const clock = new HeldClock();
  const { journal } = open({ folder, clock });
  const ballast = join(folder, 'ballast');
  writeFileSync(ballast, new Uint8Array(128 * 1024));
  const promised: string[] = [];
  await assert.rejects(async () => {
    for (let index = 0; index < 1000; index++) {
      await promise(journal, `m${index}`, 5000);
      promised.push(`m${index}`);
    }
  }, full);
  assert.ok(promised.length > 10);
  rmSync(ballast);
  await clock.turn();
  await promise(journal, 'after');
  await journal.close();
  const again = open({ folder });
  const ids = again.recovered.pending.map(({ message }) => message.id);
  await again.journal.close();
  assert.deepEqual(ids, [...promised, 'after']);
}
