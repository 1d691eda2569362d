import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Journal, JournalRecord } from '../../host/bus/journal-port.ts';
import { answer, Buses, outside, replyText, type TestAgent, tagOf, text } from '../support/buses.ts';
import { fc } from '../support/properties.ts';

/** What a thread's journal has still to see delivered. */
class OpenJournal implements Journal {
  readonly open = new Map<number, JournalRecord>();
  #entries = 0;

  accepted(record: JournalRecord): number {
    this.open.set(++this.#entries, record);
    return this.#entries;
  }

  settled(first: number, count = 1): void {
    for (let entry = first; entry < first + count; entry++) this.open.delete(entry);
  }

  withdrawn(entry: number): void {
    this.open.delete(entry);
  }

  attempted(): void {}
  died(): void {}

  read(entries: readonly number[]): ReadonlyMap<number, JournalRecord> {
    return new Map([...this.open].filter(([entry]) => entries.includes(entry)));
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }
}

const terms = {
  mailbox: { capacity: 1000, high: 800, low: 200 },
  redelivery: { attemptsMax: 3, backoffMs: 1000, backoffMsMax: 60_000 },
  rate: { perSecond: 10_000, burst: 20_000 },
  messageBytesMax: 1024 * 1024,
} as const;

/** Has an agent go to another thread if it may, with `meanwhile` at each moment at which others may do something. */
async function move(buses: Buses, agent: TestAgent, to: number, meanwhile: () => void = () => {}) {
  const { bus: origin, id, name } = agent;
  buses.directory.hold(id);
  meanwhile();
  origin.pause(id, 'move');
  const known = origin.fence(1000);
  meanwhile();
  buses.carry();
  assert.ok(await known);
  meanwhile();
  if (!origin.mayLeave(id)) {
    origin.resume(id, 'move');
    buses.directory.place(id, buses.all.indexOf(origin));
    for (const bus of buses.all) bus.release(id, name);
    return false;
  }
  const luggage = origin.leave(id);
  meanwhile();
  const back = origin.fence(1000);
  buses.carry();
  assert.ok(await back);
  agent.bus = buses.at(to);
  agent.bus.attach(id, name, agent, terms);
  agent.bus.unpack(id, luggage);
  buses.directory.place(id, to);
  meanwhile();
  for (const bus of buses.all) {
    bus.release(id, name);
    meanwhile();
  }
  buses.carry();
  return true;
}

test('messages of every guarantee keep their order from each sender, whoever moves and whatever is on its way', async () => {
  const guarantees = ['at-most-once', 'at-least-once', 'exactly-once'] as const;
  /** Sends of the three senders, and moves: of one of them, or of the receiver, the fourth. */
  const sends = fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...guarantees), fc.boolean()), {
    maxLength: 150,
    size: 'max',
  });
  let moved = 0;
  const ways = fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sends, ways, async (all, moves) => {
      const journal = new OpenJournal();
      const buses = new Buses(3, { journal });
      buses.isDeferred = true;
      const agents = [0, 1, 2].map((thread) => buses.agent(`s${thread}`, { thread }));
      const receiver = buses.agent('r', { thread: 1 });
      agents.push(receiver);
      const sent: string[][] = [[], [], []];
      let at = 0;
      let moving: TestAgent | undefined;
      const some = (): void => {
        for (const end = Math.min(all.length, at + 4); at < end; at++) {
          const [which, guarantee, isCarried] = all[at] as (typeof all)[number];
          const sender = agents[which] as TestAgent;
          // Nobody is in the middle of a message while it moves.
          if (sender !== moving) {
            const words = `${which}:${sent[which]?.length}`;
            // Buses of a test all give the same ids.
            const asked = { guarantee, id: words };
            assert.equal(tagOf(sender.bus.send(sender, 'r', text(words), asked)), undefined);
            sent[which]?.push(words);
          }
          if (isCarried) buses.carry();
        }
      };
      some();
      for (const [which, to] of moves) {
        moving = agents[which] as TestAgent;
        // What it sent is on disk before it goes.
        await turn();
        if (buses.directory.ownerOf(moving.id) !== to && (await move(buses, moving, to, some))) moved += 1;
        moving = undefined;
      }
      while (at < all.length) some();
      buses.carry();
      receiver.work();
      for (const [which, words] of sent.entries())
        assert.deepEqual(
          receiver.heard.filter((one) => one.startsWith(`${which}:`)),
          words,
        );
      assert.equal(buses.directory.depthOf(receiver.id), 0);
      assert.deepEqual(
        buses.all.map((bus) => bus.counts.held),
        [0, 0, 0],
      );
      await turn();
      buses.carry();
      assert.equal(journal.open.size, 0);
    }),
    { numRuns: 100 },
  );
  assert.ok(moved > 100, `only ${moved} moves`);
});

test('a request waits for its receiver to arrive, is answered from there, and is taken back by who gives up', async () => {
  const buses = new Buses(3);
  buses.isDeferred = true;
  const asker = buses.agent('asker', { thread: 2 });
  const server = buses.agent('server', { thread: 1 });
  const before = asker.bus.request(asker, 'agent.server', text('before'));
  const gone = asker.bus.request(asker, 'agent.server', text('gone'), { timeoutMs: 20 });
  buses.carry();
  let during: Promise<unknown> = Promise.resolve();
  let isAsked = false;
  await move(buses, server, 0, () => {
    if (isAsked) return;
    isAsked = true;
    during = asker.bus.request(asker, 'agent.server', text('during')).then(replyText);
    buses.pass(30);
  });
  assert.equal(replyText(await gone), 'timed-out');
  server.handle = ({ message }) => answer(new TextDecoder().decode(message.body));
  server.work();
  buses.carry();
  assert.deepEqual(server.heard, ['before', 'during']);
  assert.deepEqual([replyText(await before), await during], ['before', 'during']);
  assert.equal(asker.bus.counts.asking, 0);
});

test('a request to one that is on its way ends with its asker’s time, and a lost thread’s is told', async () => {
  const buses = new Buses(3);
  const asker = buses.agent('asker', { thread: 2 });
  const server = buses.agent('server', { thread: 1 });
  buses.directory.hold(server.id);
  const asked = asker.bus.request(asker, 'agent.server', text('x'));
  const late = asker.bus.request(asker, 'agent.server', text('y'), { timeoutMs: 10 });
  buses.pass(20);
  assert.equal(replyText(await late), 'timed-out');
  buses.directory.suspend(server.id, 1);
  asker.bus.release(server.id, 'server');
  assert.equal(replyText(await asked), 'unavailable');
});

test('what an agent got exactly once and what it sent under an id is known where it goes, what waits comes there', async () => {
  const buses = new Buses(2, { journal: new OpenJournal() });
  const exactly = { guarantee: 'exactly-once' } as const;
  const [sender, agent, other] = [buses.agent('s'), buses.agent('a'), buses.agent('o')];
  sender.bus.send(sender, 'a', text('one'), { ...exactly, id: 'one' });
  agent.work();
  agent.bus.send(agent, 'o', text('said'), { id: 'said' });
  sender.bus.send(sender, 'a', text('two'), { ...exactly, id: 'two' });
  assert.ok(await move(buses, agent, 1));
  // The ids as of another sender’s window: only the receiver knows them.
  const record = (id: string): JournalRecord => ({
    message: {
      ...{ id, subject: 'agent.a', sender: 's', replyTo: undefined, sentAtNs: 1n, deadlineNs: undefined },
      ...{ attempt: 1, contentType: undefined, headers: [], body: new Uint8Array(1) },
    },
    receiver: 'a',
    guarantee: 'exactly-once',
  });
  for (const id of ['one', 'two']) sender.bus.restore(record(id), 0);
  agent.work();
  assert.deepEqual(agent.heard, ['one', 'two']);
  const again = agent.bus.send(agent, 'o', text('said'), { id: 'said' });
  assert.deepEqual('receivers' in again && again.receivers, 0);
  other.work();
  assert.deepEqual(other.heard, ['said']);
});

test('of a thread that is lost while an agent leaves it, each message is delivered once, as its sender’s journal says', async () => {
  const journal = new OpenJournal();
  const buses = new Buses(2, { journal });
  const agent = buses.agent('a', { thread: 1 });
  for (const words of ['one', 'two'])
    void buses.bus.send(outside, 'a', text(words), { guarantee: 'at-least-once' });
  buses.isDeferred = true;
  buses.directory.hold(agent.id);
  void buses.bus.send(outside, 'a', text('three'), { guarantee: 'at-least-once' });
  agent.bus.leave(agent.id);
  // The first had been said when the thread went, the second had not.
  const first = buses.frames.find(({ frame }) => frame.kind === 'message');
  assert.ok(first);
  buses.bus.accept(first.frame, first.from);
  buses.directory.suspend(agent.id, 1);
  buses.bus.forgetThread(1);
  buses.bus.release(agent.id, 'a');
  assert.deepEqual([buses.bus.counts.held, buses.bus.counts.stranded], [0, 3]);
  buses.isDeferred = false;
  agent.bus.attach(agent.id, 'a', agent, terms);
  buses.directory.forget(agent.id);
  buses.directory.place(agent.id, 1);
  buses.bus.returned(1);
  agent.work();
  assert.deepEqual([...agent.heard].sort(), ['one', 'three', 'two']);
  await turn();
  assert.equal(journal.open.size, 0);
});

test('what comes back after its receiver came somewhere is read from the journal; what was settled since is not', () => {
  const journal = new OpenJournal();
  const buses = new Buses(3, { journal });
  const agent = buses.agent('a', { thread: 1 });
  for (const words of ['one', 'two'])
    void buses.bus.send(outside, 'a', text(words), { guarantee: 'at-least-once' });
  buses.isDeferred = true;
  buses.directory.hold(agent.id);
  agent.bus.leave(agent.id);
  agent.bus = buses.at(2);
  agent.bus.attach(agent.id, 'a', agent, terms);
  buses.directory.place(agent.id, 2);
  journal.settled(1);
  buses.carry();
  agent.work();
  assert.deepEqual(agent.heard, ['two']);
});

test('a fence is passed when all others have, or are lost, and not while one says nothing', async () => {
  const buses = new Buses(3);
  buses.isDeferred = true;
  const passed = buses.bus.fence(1000);
  buses.carry();
  assert.equal(await passed, true);
  const late = buses.bus.fence(100);
  buses.pass(200);
  assert.equal(await late, false);
  buses.frames.length = 0;
  const lost = buses.bus.fence(1000);
  const to = buses.frames.filter((one) => one.to === 1);
  buses.frames.splice(0, 2, ...to);
  buses.carry();
  buses.bus.forgetThread(2);
  assert.equal(await lost, true);
});
