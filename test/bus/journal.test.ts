import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { open, owe, sent, temporary } from './journal-parts.ts';

test('what was accepted and not settled is there again, in order, with everything it carried', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  const whole = sent('a', {
    sender: 'shop',
    replyTo: '_inbox.1',
    deadlineNs: 9_007_199_254_740_993n,
    contentType: 'application/json',
    headers: [{ name: 'traceparent', value: '00-äöü-01' }],
    body: new Uint8Array([0, 255, 1]),
  });
  first.journal.accepted(owe(whole));
  const settled = first.journal.accepted(owe(sent('b')));
  first.journal.accepted(owe(sent('c'), 'exactly-once', 'audit'));
  await first.journal.flushed();
  first.journal.settled(settled);
  await first.journal.close();

  const second = open({ folder });
  assert.deepEqual(
    second.recovered.pending.map(({ receiver, guarantee, message }) => ({ receiver, guarantee, message })),
    [
      { receiver: 'billing', guarantee: 'at-least-once', message: whole },
      { receiver: 'audit', guarantee: 'exactly-once', message: sent('c') },
    ],
  );
  assert.deepEqual(second.recovered.damage, []);
});

test('a journal that was not closed loses nothing that was flushed', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  first.journal.accepted(owe(sent('a')));
  await first.journal.flushed();
  const second = open({ folder });
  assert.deepEqual(
    second.recovered.pending.map(({ message }) => message.id),
    ['a'],
  );
});

test('a message keeps its sequence over restarts, and can be settled under it', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  const sequence = first.journal.accepted(owe(sent('a')));
  await first.journal.close();
  const second = open({ folder });
  assert.equal(second.recovered.pending[0]?.sequence, sequence);
  assert.ok(second.journal.accepted(owe(sent('b'))) > sequence);
  second.journal.settled(sequence);
  await second.journal.close();
  const third = open({ folder });
  assert.deepEqual(
    third.recovered.pending.map(({ message }) => message.id),
    ['b'],
  );
});

test('the attempt that comes next is remembered', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  const sequence = first.journal.accepted(owe(sent('a')));
  first.journal.attempted(sequence, 2);
  first.journal.attempted(sequence, 3);
  await first.journal.close();
  const second = open({ folder });
  assert.equal(second.recovered.pending[0]?.message.attempt, 3);
});

test('dead letters are kept with their reasons, can live again, and can be dropped', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  const detail = new Uint8Array([1, 2]);
  const custom = { tag: 'custom', val: { code: 'E7', message: 'no stock', detail } } as const;
  const denied = { tag: 'denied', val: 'not yours' } as const;
  const [a = 0, b = 0, c = 0] = ['a', 'b', 'c'].map((id) => first.journal.accepted(owe(sent(id))));
  first.journal.died(a, 'attempts', custom);
  first.journal.died(b, 'refused', denied);
  first.journal.died(c, 'expired', undefined);
  await first.journal.close();

  const second = open({ folder });
  assert.deepEqual(second.recovered.pending, []);
  assert.deepEqual(
    second.recovered.deadLetters.map(({ message, reason, failure }) => [message.id, reason, failure]),
    [
      ['a', 'attempts', custom],
      ['b', 'refused', denied],
      ['c', 'expired', undefined],
    ],
  );
  second.journal.attempted(a, 1);
  second.journal.settled(b);
  await second.journal.close();

  const third = open({ folder });
  assert.deepEqual(
    third.recovered.pending.map(({ message }) => [message.id, message.attempt]),
    [['a', 1]],
  );
  assert.deepEqual(
    third.recovered.deadLetters.map(({ message }) => message.id),
    ['c'],
  );
});

test('the oldest dead letters make room and are counted', async (t) => {
  const folder = temporary(t);
  const first = open({ folder, deadLettersMax: 2 });
  for (const id of ['a', 'b', 'c', 'd'])
    first.journal.died(first.journal.accepted(owe(sent(id))), 'attempts', undefined);
  assert.equal(first.journal.status().deadLettersDropped, 2);
  await first.journal.close();
  const second = open({ folder });
  assert.deepEqual(
    second.recovered.deadLetters.map(({ message }) => message.id),
    ['c', 'd'],
  );
});

test('ids of exactly-once messages that were dealt with are known after a restart, others are not', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  const once = first.journal.accepted(owe(sent('once'), 'exactly-once'));
  const often = first.journal.accepted(owe(sent('often')));
  first.journal.accepted(owe(sent('waiting'), 'exactly-once'));
  first.journal.settled(once);
  first.journal.settled(often);
  await first.journal.close();
  const second = open({ folder });
  assert.deepEqual(
    second.recovered.settledIds.map(({ receiver, id }) => [receiver, id]),
    [['billing', 'once']],
  );
});

test('a journal knows whose id it is: a principal’s of one that waits, and of one that was dealt with', async (t) => {
  const folder = temporary(t);
  const first = open({ folder });
  const annas = sent('same', { principal: 'anna' });
  first.journal.settled(first.journal.accepted(owe(sent('same', { principal: 'bert' }), 'exactly-once')));
  first.journal.accepted(owe(annas, 'exactly-once'));
  await first.journal.close();
  const { pending, settledIds } = open({ folder }).recovered;
  assert.deepEqual(
    pending.map(({ message }) => message),
    [annas],
  );
  assert.deepEqual(
    settledIds.map(({ origin }) => origin),
    ['@bert'],
  );
});

test('the window of settled ids is bounded: the oldest leave it', async (t) => {
  const folder = temporary(t);
  const first = open({ folder, settledIdsMax: 2 });
  for (const id of ['a', 'b', 'c'])
    first.journal.settled(first.journal.accepted(owe(sent(id), 'exactly-once')));
  await first.journal.close();
  const second = open({ folder, settledIdsMax: 2 });
  assert.deepEqual(
    second.recovered.settledIds.map(({ id }) => id),
    ['b', 'c'],
  );
});

test('one write carries what a turn of the event loop recorded', async (t) => {
  const folder = temporary(t);
  const writes: number[] = [];
  const { journal } = open({ folder, onWrite: (bytes) => writes.push(bytes) });
  for (let index = 0; index < 100; index++) journal.accepted(owe(sent(`m${index}`)));
  await journal.flushed();
  // The head of the segment, and the batch.
  assert.equal(writes.length, 2);
  await turn();
  for (let index = 0; index < 100; index++) journal.accepted(owe(sent(`n${index}`)));
  await journal.flushed();
  assert.equal(writes.length, 3);
});

test('more bytes than may wait for the disk are refused, what was taken before is safe', async (t) => {
  const folder = temporary(t);
  const first = open({ folder, pendingBytesMax: 10_000 });
  const body = new Uint8Array(4000);
  first.journal.accepted(owe(sent('a', { body })));
  first.journal.accepted(owe(sent('b', { body })));
  assert.throws(() => first.journal.accepted(owe(sent('c', { body }))), {
    code: 'HOST_ERR_STATE_UNWRITABLE',
    message: /pendingBytesMax/,
  });
  assert.throws(() => first.journal.accepted(owe(sent('d', { body: new Uint8Array(10_001) }))), {
    code: 'HOST_ERR_MESSAGE_TOO_LARGE',
  });
  await first.journal.flushed();
  first.journal.accepted(owe(sent('e', { body })));
  await first.journal.close();
  const second = open({ folder });
  assert.deepEqual(
    second.recovered.pending.map(({ message }) => message.id),
    ['a', 'b', 'e'],
  );
});

test('a closed journal refuses messages', async (t) => {
  const { journal } = open({ folder: temporary(t) });
  await journal.close();
  assert.throws(() => journal.accepted(owe(sent('a'))), {
    code: 'HOST_ERR_STATE_UNWRITABLE',
  });
});

test('messages are read again wherever they are: in files, in the write under way, in none yet, carried on', async (t) => {
  const folder = temporary(t);
  const { journal } = open({ folder, segmentBytesMax: 2048 });
  const sequences: number[] = [];
  for (let batch = 0; batch < 20; batch++) {
    for (const id of ['a', 'b']) sequences.push(journal.accepted(owe(sent(`${batch}${id}`))));
    await journal.flushed();
  }
  const [first = 0, second = 0] = sequences;
  journal.settled(first);
  journal.attempted(second, 4);
  const writing = journal.accepted(owe(sent('writing')));
  await new Promise((resolve) => setImmediate(resolve));
  const filling = journal.accepted(owe(sent('filling'), 'exactly-once', 'shop'));
  const found = journal.read([...sequences, writing, filling, 12345]);
  assert.deepEqual(
    [...found.keys()].sort((a, b) => a - b),
    [...sequences.slice(1), writing, filling],
  );
  assert.equal(found.get(second)?.message.attempt, 4);
  const { message, receiver, guarantee } = found.get(filling) ?? assert.fail('it is missing');
  assert.deepEqual([message, receiver, guarantee], [sent('filling'), 'shop', 'exactly-once']);
});
