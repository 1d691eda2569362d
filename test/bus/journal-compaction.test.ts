import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { systemFiles } from '../../host/bus/journal/files.ts';
import type { Journal } from '../../host/bus/journal/journal.ts';
import { open, owe, segmentsIn, sent, temporary } from './journal-parts.ts';

const body = new Uint8Array(1000);

/** Accepts messages in batches of ten. @returns their sequences */
async function accept(journal: Journal, ids: readonly string[]): Promise<number[]> {
  const sequences: number[] = [];
  for (const [index, id] of ids.entries()) {
    sequences.push(journal.accepted(owe(sent(id, { body }))));
    if (index % 10 === 9) await journal.flushed();
  }
  await journal.flushed();
  return sequences;
}

function named(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** Waits, in turns of the event loop, until nothing more is removed. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turns = 0; turns < 100_000; turns++) {
    if (isSo()) return;
    await turn();
  }
  assert.fail('never came to be so');
}

test('segments in which everything is settled are removed', async (t) => {
  const folder = temporary(t);
  const { journal } = open({ folder, segmentBytesMax: 20_000 });
  const sequences = await accept(journal, named('m', 200));
  assert.ok(segmentsIn(folder).length > 8);
  for (const sequence of sequences) journal.settled(sequence);
  await journal.flushed();
  await until(() => journal.status().segments <= 2);
  await until(() => segmentsIn(folder).length <= 2);
  assert.equal(journal.status().live, 0);
  assert.equal(journal.status().liveBytes, 0);
});

test('a few old survivors do not keep the segments behind them: they are carried on, in order, with their state', async (t) => {
  const folder = temporary(t);
  const { journal } = open({ folder, segmentBytesMax: 20_000 });
  const [first = 0, second = 0, third = 0, ...rest] = await accept(journal, named('old', 10));
  journal.attempted(second, 4);
  journal.died(third, 'attempts', { tag: 'other', val: 'no' });
  for (const sequence of rest) journal.settled(sequence);
  for (let round = 0; round < 20; round++) {
    const sequences = await accept(journal, named(`r${round}-`, 50));
    for (const sequence of sequences) journal.settled(sequence);
    await journal.flushed();
  }
  await until(() => journal.status().diskBytes < 150_000);
  assert.ok(!segmentsIn(folder).some((path) => path.endsWith('00000001.journal')));
  const last = journal.accepted(owe(sent('last')));
  await journal.close();

  const again = open({ folder, segmentBytesMax: 20_000 });
  assert.deepEqual(
    again.recovered.pending.map(({ sequence, message }) => [sequence, message.id, message.attempt]),
    [
      [first, 'old0', 1],
      [second, 'old1', 4],
      [last, 'last', 1],
    ],
  );
  assert.deepEqual(
    again.recovered.deadLetters.map(({ sequence, reason, failure }) => [sequence, reason, failure]),
    [[third, 'attempts', { tag: 'other', val: 'no' }]],
  );
  for (const sequence of [first, second, third, last]) again.journal.settled(sequence);
  await again.journal.close();
  const empty = open({ folder });
  assert.deepEqual(empty.recovered.pending, []);
  assert.deepEqual(empty.recovered.deadLetters, []);
});

test('ids of the exactly-once window outlive the segments they were recorded in', async (t) => {
  const folder = temporary(t);
  const { journal } = open({ folder, segmentBytesMax: 20_000 });
  journal.settled(journal.accepted(owe(sent('once'), 'exactly-once')));
  const sequences = await accept(journal, named('m', 100));
  for (const sequence of sequences) journal.settled(sequence);
  await journal.flushed();
  await until(() => journal.status().segments <= 2);
  await journal.close();
  assert.ok(!segmentsIn(folder).some((path) => path.endsWith('00000001.journal')));
  const again = open({ folder });
  assert.deepEqual(
    again.recovered.settledIds.map(({ id }) => id),
    ['once'],
  );
});

test('a message settled while it is carried on stays settled', async (t) => {
  const folder = temporary(t);
  const kept: number[] = [];
  let settleNow = (): void => {};
  const files = {
    ...systemFiles,
    write: ((...call) => {
      settleNow();
      systemFiles.write(...call);
    }) satisfies typeof systemFiles.write,
  };
  const { journal } = open({ folder, files, segmentBytesMax: 20_000 });
  kept.push(...(await accept(journal, named('old', 15))));
  // One is settled at each write, so some between their copy and its confirmation.
  settleNow = () => {
    const next = kept.pop();
    if (next !== undefined && kept.length > 0) journal.settled(next);
    else if (next !== undefined) kept.push(next);
  };
  for (let round = 0; round < 20; round++) {
    for (const sequence of await accept(journal, named(`r${round}-`, 20))) journal.settled(sequence);
    await journal.flushed();
  }
  await until(() => journal.status().live === 1);
  await journal.close();
  const again = open({ folder });
  assert.deepEqual(
    again.recovered.pending.map(({ message }) => message.id),
    ['old0'],
  );
});

test('whatever happens in whatever order, a restart finds exactly what is owed', async (t) => {
  // A small generator of its own: the same order in every run.
  let state = 12_345;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const folder = temporary(t);
  const owed = new Map<string, { sequence: number; attempt: number; isDead: boolean }>();
  let number = 0;
  for (let run = 0; run < 12; run++) {
    const { journal, recovered } = open({ folder, segmentBytesMax: 3000 + draw(9000) });
    const dead = recovered.deadLetters.map(({ message }) => message.id).sort();
    const pending = recovered.pending.map(({ message }) => [message.id, message.attempt]);
    const expected = [...owed].sort(([, a], [, b]) => a.sequence - b.sequence);
    assert.deepEqual(dead, expected.flatMap(([id, { isDead }]) => (isDead ? [id] : [])).sort());
    assert.deepEqual(
      pending,
      expected.flatMap(([id, { attempt, isDead }]) => (isDead ? [] : [[id, attempt]])),
    );
    for (let step = 0; step < 1500; step++) {
      const id = `m${number++}`;
      const message = sent(id, { body: new Uint8Array(draw(200)) });
      const sequence = journal.accepted(owe(message));
      owed.set(id, { sequence, attempt: 1, isDead: false });
      while (owed.size > 40) {
        const [victim = '', its] = [...owed][draw(owed.size)] ?? [];
        if (its === undefined) break;
        const dice = draw(10);
        if (dice === 0) {
          its.isDead = true;
          journal.died(its.sequence, 'attempts', undefined);
        } else if (dice === 1) {
          its.attempt = 2 + draw(5);
          its.isDead = false;
          journal.attempted(its.sequence, its.attempt);
        } else {
          journal.settled(its.sequence);
          owed.delete(victim);
        }
      }
      if (draw(5) === 0) await journal.flushed();
    }
    await journal.flushed();
    assert.equal(journal.status().live, owed.size);
    await journal.close();
  }
});
