import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { BlockSeal } from '../../host/block-seal.ts';
import type { JournalEntry } from '../../host/bus/journal/journal.ts';
import { systemRandom } from '../../host/clock.ts';
import { HostSecret } from '../../host/identity/host-secret.ts';
import { StoreSeal } from '../../host/identity/store-seal.ts';
import { open, owe, segmentsIn, sent, temporary } from './journal-parts.ts';

const names = ['a', 'b', 'c', 'd', 'e'];
const body = Buffer.from('a secret nobody must find on the disk');

function sealOf(takesUnsealed = false, store = 'journal/1', fill = 7): BlockSeal {
  const secret = new HostSecret(new Uint8Array(32).fill(fill));
  return new StoreSeal({ secret, random: systemRandom, store, takesUnsealed });
}

/** Five messages, a block each. @returns the file they are in, and where each block ends */
async function written(
  folder: string,
  seal: BlockSeal | 'none' = sealOf(),
): Promise<{ path: string; ends: number[] }> {
  const { journal } = open({ folder, ...(seal === 'none' ? {} : { seal }) });
  const ends: number[] = [];
  for (const id of names) {
    journal.accepted(owe(sent(id, { body })));
    await journal.flushed();
    ends.push(journal.status().diskBytes);
  }
  await journal.close();
  return { path: segmentsIn(folder).at(-1) ?? '', ends };
}

function ids(pending: readonly JournalEntry[]): string[] {
  return pending.map(({ message }) => message.id);
}

const corrupt = { code: 'HOST_ERR_JOURNAL_CORRUPT' };

test('what is in a sealed journal is nowhere in the clear, and all of it is there after a restart', async (t) => {
  const folder = temporary(t);
  const { path } = await written(folder);
  const file = readFileSync(path);
  for (const clear of ['a secret', 'agent.billing', 'billing']) assert.ok(!file.includes(clear), clear);
  const { recovered } = open({ folder, seal: sealOf() });
  assert.deepEqual(ids(recovered.pending), names);
  assert.deepEqual(Buffer.from(recovered.pending[0]?.message.body ?? []), body);
  assert.deepEqual(recovered.damage, []);
});

test('messages of one turn of the event loop are one block', async (t) => {
  const folder = temporary(t);
  const writes: number[] = [];
  const { journal } = open({ folder, seal: sealOf(), onWrite: (bytes) => void writes.push(bytes) });
  for (let index = 0; index < 100; index++) journal.accepted(owe(sent(`m${index}`)));
  await journal.flushed();
  // The head, then all of them.
  assert.equal(writes.length, 2);
  await journal.close();
  assert.equal(open({ folder, seal: sealOf() }).recovered.pending.length, 100);
});

test('wherever a crash cut the last block off, what was whole is there and the rest is reported', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  const whole = readFileSync(path);
  for (let length = whole.length - 1; length >= 16; length -= 7) {
    writeFileSync(path, whole.subarray(0, length));
    const { recovered } = open({ folder, seal: sealOf() });
    const survivors = ends.filter((end) => end <= length).length;
    assert.deepEqual(ids(recovered.pending), names.slice(0, survivors), `cut at ${length}`);
    const end = survivors === 0 ? 16 : (ends[survivors - 1] ?? 0);
    const torn = { path, from: end, bytes: length - end, kind: 'torn' };
    assert.deepEqual(recovered.damage, length === end ? [] : [torn], `cut at ${length}`);
  }
});

test('attack, changed block: any flipped bit is refused, in the last block too, and the cure is said', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  const whole = readFileSync(path);
  for (const at of [20, 40, (ends[1] ?? 0) + 60, (ends[4] ?? 0) - 1, (ends[3] ?? 0) + 50]) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(path, changed);
    assert.throws(
      () => open({ folder, seal: sealOf() }),
      { ...corrupt, message: /--repair-journal/ },
      `${at}`,
    );
    assert.deepEqual(readFileSync(path), changed, 'nothing is touched');
  }
});

test('attack, swapped blocks: neither opens in the place of the other', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  const file = readFileSync(path);
  const [a = 0, b = 0, c = 0] = [ends[0], ends[1], ends[2]];
  assert.equal(b - a, c - b);
  writeFileSync(
    path,
    Buffer.concat([file.subarray(0, a), file.subarray(b, c), file.subarray(a, b), file.subarray(c)]),
  );
  assert.throws(() => open({ folder, seal: sealOf() }), corrupt);
});

test('attack, moved and removed blocks: what is behind does not open any more', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  const file = readFileSync(path);
  const [a = 0, b = 0] = ends;
  writeFileSync(path, Buffer.concat([file.subarray(0, a), file.subarray(b)]));
  assert.throws(() => open({ folder, seal: sealOf() }), corrupt);
  writeFileSync(path, Buffer.concat([file, file.subarray(a, b)]));
  assert.throws(() => open({ folder, seal: sealOf() }), corrupt);
});

test('attack, a segment under another number, or in the place of one that began anew', async (t) => {
  const folder = temporary(t);
  const { path } = await written(folder);
  const other = path.replace('01.journal', '09.journal');
  copyFileSync(path, other);
  assert.throws(() => open({ folder, seal: sealOf() }), corrupt);
  renameSync(other, path);
  assert.throws(() => open({ folder, seal: sealOf(false, 'journal/2') }), corrupt, 'of another thread');
});

test('another host key opens nothing, loses nothing, and the cure is said', async (t) => {
  const folder = temporary(t);
  await written(folder);
  assert.throws(() => open({ folder, seal: sealOf(false, 'journal/1', 8) }), {
    ...corrupt,
    message: /keys\/host\.key/,
  });
  assert.throws(() => open({ folder }), { ...corrupt, message: /sealed, and there is no key/ });
  assert.deepEqual(ids(open({ folder, seal: sealOf() }).recovered.pending), names);
});

test('repaired, all but the changed block is there, and the next start is clean', async (t) => {
  const folder = temporary(t);
  const { path, ends } = await written(folder);
  const changed = readFileSync(path);
  const at = (ends[1] ?? 0) + 60;
  changed[at] = (changed[at] ?? 0) ^ 1;
  writeFileSync(path, changed);
  const { journal, recovered } = open({ folder, seal: sealOf(), repair: true });
  assert.deepEqual(ids(recovered.pending), ['a', 'b', 'd', 'e']);
  assert.deepEqual(
    recovered.damage.map(({ kind }) => kind),
    ['corrupt'],
  );
  assert.ok(existsSync(`${path}.damaged`));
  await journal.close();
  const again = open({ folder, seal: sealOf() }).recovered;
  assert.deepEqual(ids(again.pending), ['a', 'b', 'd', 'e']);
  assert.deepEqual(again.damage, []);
});

test('files of a time before there were seals are read once, and nothing of them stays in the clear', async (t) => {
  const folder = temporary(t);
  const { path } = await written(folder, 'none');
  assert.ok(readFileSync(path).includes(body));
  const { journal, recovered } = open({ folder, seal: sealOf(true) });
  assert.deepEqual(ids(recovered.pending), names);
  await journal.flushed();
  await journal.close();
  for (const segment of segmentsIn(folder)) assert.ok(!readFileSync(segment).includes(body), segment);
  assert.deepEqual(ids(open({ folder, seal: sealOf() }).recovered.pending), names);
});

test('attack, an unsealed segment put beside sealed ones: refused unless the operator says otherwise', async (t) => {
  const [folder, forged] = [temporary(t), temporary(t)];
  await written(folder);
  const { path } = await written(forged, 'none');
  copyFileSync(path, path.replace(forged, folder).replace('01.journal', '02.journal'));
  assert.throws(() => open({ folder, seal: sealOf() }), {
    ...corrupt,
    message: /not sealed.*--take-unsealed/,
  });
  const { recovered } = open({ folder, seal: sealOf(), repair: true });
  assert.deepEqual(ids(recovered.pending), names);
});

test('dead letters and what was moved to a younger segment are sealed too', async (t) => {
  const folder = temporary(t);
  const { journal } = open({ folder, seal: sealOf(), segmentBytesMax: 4096 });
  const dead = journal.accepted(owe(sent('dead', { body })));
  journal.died(dead, 'attempts', { tag: 'other', val: 'a secret reason' });
  const sequences: number[] = [];
  for (let index = 0; index < 400; index++) {
    sequences.push(journal.accepted(owe(sent(`m${index}`, { body }))));
    if (index % 5 === 0) await journal.flushed();
  }
  for (const sequence of sequences) journal.settled(sequence);
  await journal.flushed();
  await journal.close();
  const bytes = segmentsIn(folder).map((path) => readFileSync(path));
  for (const file of bytes) assert.ok(!file.includes('a secret'));
  const { recovered } = open({ folder, seal: sealOf() });
  assert.deepEqual(
    recovered.deadLetters.map(({ message, failure }) => [message.id, failure?.val]),
    [['dead', 'a secret reason']],
  );
  assert.ok(segmentsIn(folder).every((path) => statSync(path).size > 0));
});
