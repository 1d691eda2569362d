import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { JournalEntry } from '../../host/bus/journal/journal.ts';
import { writeMessage } from '../../host/bus/journal/record.ts';
import { RecordWriter } from '../../host/bus/journal/record-writer.ts';
import { open, owe, segmentsIn, sent, temporary } from './journal-parts.ts';

const names = ['a', 'b', 'c', 'd', 'e'];

/** Five messages, a write each. @returns the file they are in, and where each one's record ends */
async function written(folder: string): Promise<{ path: string; ends: number[] }> {
  const { journal } = open({ folder });
  const ends: number[] = [];
  for (const id of names) {
    journal.accepted(owe(sent(id)));
    await journal.flushed();
    ends.push(journal.status().diskBytes);
  }
  await journal.close();
  const [path = ''] = segmentsIn(folder);
  return { path, ends };
}

function ids(pending: readonly JournalEntry[]): string[] {
  return pending.map(({ message }) => message.id);
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x40;
  writeFileSync(path, bytes);
}

test('wherever a crash cut the last write off, what was whole is there and the rest is reported', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  const whole = readFileSync(path);
  for (let length = whole.length - 1; length >= 16; length -= 1) {
    writeFileSync(path, whole.subarray(0, length));
    const { recovered } = open({ folder });
    const survivors = ends.filter((end) => end <= length).length;
    assert.deepEqual(ids(recovered.pending), names.slice(0, survivors), `cut at ${length}`);
    const end = survivors === 0 ? 16 : (ends[survivors - 1] ?? 0);
    const torn = { path, from: end, bytes: length - end, kind: 'torn' };
    assert.deepEqual(recovered.damage, length === end ? [] : [torn], `cut at ${length}`);
    if (survivors > 0) assert.equal(statSync(path).size, end);
  }
});

test('a segment that was just being made is no damage', async (t) => {
  const folder = temporary(t);
  const { path } = await written(folder);
  const next = path.replace('01.journal', '02.journal');
  for (const rest of [Buffer.alloc(0), Buffer.from('MHJ'), Buffer.alloc(4096)]) {
    writeFileSync(next, rest);
    const { recovered } = open({ folder });
    assert.deepEqual(ids(recovered.pending), names);
    assert.equal(existsSync(next), false);
  }
});

test('garbage behind the last record is cut off', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  appendFileSync(path, Buffer.alloc(300, 0xa5));
  const { recovered } = open({ folder });
  assert.deepEqual(ids(recovered.pending), names);
  assert.deepEqual(recovered.damage, [{ path, from: ends[4], bytes: 300, kind: 'torn' }]);
});

test('damage before good records is refused by name, with the cure, and touches nothing', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  flip(path, (ends[1] ?? 0) + 30);
  const before = readFileSync(path);
  assert.throws(() => open({ folder }), {
    code: 'HOST_ERR_JOURNAL_CORRUPT',
    message: new RegExp(`${path}: .* ${ends[1]} on are damaged.*--repair-journal`),
  });
  assert.deepEqual(readFileSync(path), before);
});

test('repaired, every other message is there, the damaged file is set aside, and the next start is clean', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  flip(path, (ends[1] ?? 0) + 30);
  const damaged = readFileSync(path);
  const { journal, recovered } = open({ folder, repair: true });
  assert.deepEqual(ids(recovered.pending), ['a', 'b', 'd', 'e']);
  const [from = 0, to = 0] = ends.slice(1, 3);
  assert.deepEqual(recovered.damage, [{ path, from, bytes: to - from, kind: 'corrupt' }]);
  assert.deepEqual(readFileSync(`${path}.damaged`), damaged);
  await journal.close();
  const again = open({ folder });
  assert.deepEqual(ids(again.recovered.pending), ['a', 'b', 'd', 'e']);
  assert.deepEqual(again.recovered.damage, []);
});

test('a flipped bit anywhere is either seen or harmless: no message is ever changed', async (t) => {
  const folder = temporary(t);
  const { path } = await written(folder);
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 1) {
    writeFileSync(path, whole);
    flip(path, at);
    const { recovered } = open({ folder: folder, repair: true });
    for (const { message } of recovered.pending) assert.deepEqual(message, sent(message.id), `flip at ${at}`);
    assert.ok(recovered.pending.length >= names.length - 1 || at < 16, `flip at ${at}`);
    assert.equal(recovered.damage.length, 1, `flip at ${at}`);
    writeFileSync(path, whole);
  }
});

test('a torn end that is not the last segment is damage: it cannot come from a crash', async (t) => {
  const folder = temporary(t);
  const { path } = await written(folder);
  const { journal } = open({ folder });
  journal.accepted(owe(sent('f')));
  await journal.close();
  truncateSync(path, statSync(path).size - 3);
  assert.throws(() => open({ folder }), { code: 'HOST_ERR_JOURNAL_CORRUPT' });
  const { recovered } = open({ folder, repair: true });
  assert.deepEqual(ids(recovered.pending), ['a', 'b', 'c', 'd', 'f']);
});

test('a message that contains a record does not pass for one where the file is damaged', async (t) => {
  const folder = temporary(t);
  const forged = new RecordWriter();
  // The checksums of a segment are seeded with what nobody outside knows; a guest can only guess.
  for (const salt of [0, 1, 2, 0xffff_ffff])
    writeMessage(forged, salt, 2 ** 20, 'vault', sent('forged', { sender: 'root' }), 'at-least-once');
  const body = new Uint8Array(forged.bytes.subarray(0, forged.length));
  const first = open({ folder });
  first.journal.accepted(owe(sent('carrier', { body })));
  first.journal.accepted(owe(sent('after')));
  await first.journal.close();
  const [path = ''] = segmentsIn(folder);
  flip(path, 16);
  const { recovered } = open({ folder, repair: true });
  assert.deepEqual(ids(recovered.pending), ['after']);
});

test('a folder of somebody else is refused with what to do', (t) => {
  const folder = temporary(t);
  writeFileSync(`${folder}/file`, '');
  assert.throws(() => open({ folder: `${folder}/file` }), {
    code: 'HOST_ERR_STATE_UNWRITABLE',
    message: /must belong to the host's user/,
  });
});
