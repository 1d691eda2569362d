import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Journal, JournalRecord } from '../../host/bus/journal-port.ts';
import { HostError } from '../../host/errors.ts';
import { answer, atOnce, Buses, done, outside, replyText, tagOf, text } from '../support/buses.ts';

/** A journal whose writes end when, and as, the test says. */
class HandJournal implements Journal {
  readonly open = new Map<number, JournalRecord>();
  readonly attempts: [number, number][] = [];
  isFull = false;
  roomFor = Number.POSITIVE_INFINITY;
  #entries = 0;
  #write = Promise.withResolvers<void>();

  accepted(record: JournalRecord): number {
    if (this.isFull || this.open.size >= this.roomFor)
      throw new HostError('HOST_ERR_STATE_UNWRITABLE', 'the disk is full; make room');
    this.open.set(++this.#entries, record);
    return this.#entries;
  }

  settled(first: number, count = 1): void {
    for (let entry = first; entry < first + count; entry++) this.open.delete(entry);
  }

  read(entries: readonly number[]): ReadonlyMap<number, JournalRecord> {
    return new Map([...this.open].filter(([entry]) => entries.includes(entry)));
  }

  withdrawn(entry: number): void {
    this.open.delete(entry);
  }

  attempted(entry: number, attempt: number): void {
    this.attempts.push([entry, attempt]);
  }

  died(): void {}

  flushed(): Promise<void> {
    return this.#write.promise;
  }

  /** What was accepted so far is on disk, or is not. */
  async end(isSafe: boolean): Promise<void> {
    const { resolve, reject, promise } = this.#write;
    this.#write = Promise.withResolvers();
    promise.catch(() => {});
    if (isSafe) resolve();
    else reject(new HostError('HOST_ERR_STATE_UNWRITABLE', 'the disk is full'));
    await turn();
  }
}

const kept = { guarantee: 'at-least-once' } as const;

test('an answer waits until what its giver sent is on disk, and the agent goes on meanwhile', async () => {
  const journal = new HandJournal();
  const buses = new Buses(1, { journal });
  const [a, b] = [buses.agent('a'), buses.agent('b')];
  let told = '';
  void buses.bus.request(outside, 'agent.a', text('question')).then((reply) => {
    told = replyText(reply);
  });
  const question = a.take();
  assert.ok(question);
  atOnce(buses.bus.send(a, 'b', text('came of it'), kept));
  buses.bus.settle(question, answer('42'));
  await turn();
  assert.equal(told, '');
  atOnce(buses.bus.send(b, 'a', text('next'), { guarantee: 'at-most-once' }));
  assert.deepEqual([a.work(), a.heard], [1, ['question', 'next']]);
  await journal.end(true);
  assert.equal(told, '42');
});

test('when the disk does not take what an agent sent, its message counts as not handled, at no cost in attempts', async () => {
  const journal = new HandJournal();
  const buses = new Buses(1, { journal });
  const a = buses.agent('a');
  buses.agent('b');
  const accepted = buses.bus.send(outside, 'a', text('job'), kept);
  await journal.end(true);
  await accepted;
  const asked = buses.bus.request(outside, 'agent.b', text('x'));
  const job = a.take();
  assert.ok(job);
  atOnce(buses.bus.send(a, 'b', text('came of it'), kept));
  buses.bus.settle(job, done);
  await journal.end(false);
  assert.ok(journal.open.has(job.entry));
  buses.pass(1000);
  const again = a.take();
  assert.deepEqual([again?.entry, again?.message.attempt, journal.attempts], [job.entry, 1, []]);
  void asked;
});

test('a journal that takes nothing: the place is given back, an agent is told `unavailable`, people are told why', async () => {
  const journal = new HandJournal();
  const buses = new Buses(1, { journal });
  const [a, b] = [buses.agent('a'), buses.agent('b')];
  journal.isFull = true;
  assert.equal(tagOf(atOnce(buses.bus.send(a, 'b', text('x'), { ...kept, id: 'mine' }))), 'unavailable');
  assert.throws(() => buses.bus.send(outside, 'b', text('x'), kept), { code: 'HOST_ERR_STATE_UNWRITABLE' });
  assert.equal(buses.directory.depthOf(b.id), 0);
  assert.equal(tagOf(atOnce(buses.bus.send(a, 'b', text('x'), { guarantee: 'at-most-once' }))), undefined);
  journal.isFull = false;
  // The same id again is no repetition of what was refused.
  const again = atOnce(buses.bus.send(a, 'b', text('x'), { ...kept, id: 'mine' }));
  assert.equal('receivers' in again && again.receivers, 1);
});

test('a publication that the journal takes in part goes to nobody', () => {
  const journal = new HandJournal();
  const buses = new Buses(1, { journal });
  const all = ['a', 'b', 'c'].map((name) => buses.agent(name));
  for (const { id, bus } of all) bus.subscribe(id, 'news', undefined);
  const [a] = all;
  assert.ok(a);
  journal.roomFor = 2;
  assert.equal(tagOf(atOnce(buses.bus.publish(a, 'news', text('x'), kept))), 'unavailable');
  assert.deepEqual([journal.open.size, ...all.map(({ id }) => buses.directory.depthOf(id))], [0, 0, 0, 0]);
  assert.deepEqual(
    all.map((one) => one.work()),
    [0, 0, 0],
  );
});

test('what a lost thread was to deal with waits for its successor, in order, and the first of it counts as tried', () => {
  const journal = new HandJournal();
  const buses = new Buses(2, { journal });
  const [here, there] = [buses.agent('here'), buses.agent('there', { thread: 1 })];
  for (const words of ['one', 'two']) atOnce(buses.bus.send(here, 'there', text(words), kept));
  assert.ok(there.take());
  buses.at(1).detach(there.id);
  buses.directory.suspend(there.id, 1);
  buses.bus.forgetThread(1);
  atOnce(buses.bus.send(here, 'there', text('three'), kept));
  assert.equal(
    tagOf(atOnce(buses.bus.send(here, 'there', text('four'), { guarantee: 'at-most-once' }))),
    'unavailable',
  );
  assert.equal(buses.bus.counts.stranded, 3);
  const again = there.bus;
  again.attach(there.id, 'there', there, {
    mailbox: { capacity: 10, high: 8, low: 2 },
    redelivery: { attemptsMax: 3, backoffMs: 1, backoffMsMax: 1 },
    rate: { perSecond: 1, burst: 1 },
    messageBytesMax: 1,
  });
  buses.directory.forget(there.id);
  buses.directory.place(there.id, 1);
  buses.bus.returned(1);
  there.handled.length = 0;
  there.work();
  assert.deepEqual(there.heard, ['one', 'two', 'three']);
  assert.deepEqual(
    there.handled.map(({ message }) => message.attempt),
    [2, 1, 1],
  );
  assert.deepEqual([buses.directory.depthOf(there.id), buses.bus.counts.stranded], [0, 0]);
});

test('requests of a lost thread are cancelled where they are, and its successor with the same tokens gets no old answer', () => {
  const buses = new Buses(2);
  const [asker, server] = [buses.agent('asker'), buses.agent('server', { thread: 1 })];
  void buses.bus.request(asker, 'agent.server', text('old'));
  const old = server.take();
  assert.ok(old);
  buses.isDeferred = true;
  buses.at(1).forgetThread(0);
  assert.deepEqual(server.cancelled, [old]);
  buses.at(1).settle(old, answer('old'));
  assert.deepEqual(buses.frames, []);
});

test('a message of a lost thread that is here already is not delivered twice when its journal brings it again', () => {
  const buses = new Buses(2, { journal: new HandJournal() });
  const [here, there] = [buses.agent('here'), buses.agent('there', { thread: 1 })];
  atOnce(buses.bus.send(here, 'there', text('one'), kept));
  buses.at(1).forgetThread(0);
  const message = {
    id: 'x',
    subject: 'agent.there',
    sender: 'here',
    replyTo: undefined,
    sentAtNs: 1n,
  } as const;
  const record = {
    message: { ...message, deadlineNs: undefined, attempt: 1, ...text('one') },
    receiver: 'there',
  };
  buses.bus.restore({ ...record, guarantee: 'at-least-once' }, 1);
  buses.bus.restore({ ...record, guarantee: 'at-least-once' }, 2);
  assert.equal(there.work(), 2);
  assert.equal(buses.directory.depthOf(there.id), 0);
});
