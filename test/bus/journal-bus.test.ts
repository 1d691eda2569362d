import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '../../host/manifest/scheduling.ts';
import { Buses, done, failed, outside, text } from '../support/buses.ts';
import { open, SmallDisk, temporary } from './journal-parts.ts';

/** A bus over a journal, with what the run before left delivered again. */
function restarted(folder: string) {
  const { journal, recovered } = open({ folder });
  const buses = new Buses(1, { journal });
  const billing = buses.agent('billing', { terms: { level: 3 } });
  for (const entry of recovered.pending) buses.bus.restore(entry, entry.sequence);
  return { journal, buses, billing };
}

test('what a bus accepted and no agent dealt with is delivered after a restart, in order, once', async (t) => {
  const folder = temporary(t);
  const first = restarted(folder);
  for (const words of ['a', 'b', 'c', 'd'])
    await first.buses.bus.send(outside, 'billing', text(words), { guarantee: 'at-least-once' });
  const a = first.billing.take();
  assert.ok(a);
  first.buses.bus.settle(a, done);
  // It is at work on the second when the host ends.
  assert.ok(first.billing.take());
  await first.journal.flushed();

  const second = restarted(folder);
  second.billing.work();
  assert.deepEqual(second.billing.heard, ['b', 'c', 'd']);
  await second.journal.flushed();

  const third = restarted(folder);
  third.billing.work();
  assert.deepEqual(third.billing.heard, []);
});

test('a message from outside is accepted once it is on disk, and refused when the disk is full', async (t) => {
  const folder = temporary(t);
  const files = new SmallDisk(Number.POSITIVE_INFINITY);
  const { journal } = open({ folder, files });
  const buses = new Buses(1, { journal });
  buses.agent('billing');
  const send = () => buses.bus.send(outside, 'billing', text('a'), { guarantee: 'at-least-once' });
  const result = send();
  assert.ok(result instanceof Promise);
  assert.ok('receivers' in (await result));
  files.room = 0;
  await assert.rejects(async () => send(), { code: 'HOST_ERR_STATE_UNWRITABLE' });
});

test('what asks for a level still does after a restart, and when its segment was carried on', async (t) => {
  const folder = temporary(t);
  const first = restarted(folder);
  const send = (words: string, priority?: Level) =>
    first.buses.bus.send(outside, 'billing', text(words), { guarantee: 'at-least-once', priority });
  await send('plain');
  await send('critical', 'critical');
  await first.journal.flushed();
  const second = restarted(folder);
  second.billing.work();
  assert.deepEqual(
    second.billing.handled.map(({ message }) => message.priority),
    ['critical', undefined],
  );
});

test('an agent that failed is asked again after a restart', async (t) => {
  const folder = temporary(t);
  const first = restarted(folder);
  await first.buses.bus.send(outside, 'billing', text('a'), { guarantee: 'at-least-once' });
  const delivery = first.billing.take();
  assert.ok(delivery);
  first.buses.bus.settle(delivery, failed({ tag: 'unavailable', val: 'later' }));
  await first.journal.flushed();
  const second = restarted(folder);
  second.billing.work();
  assert.deepEqual(second.billing.heard, ['a']);
});
