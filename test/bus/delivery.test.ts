import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Guarantee } from '../../host/bus/message.ts';
import type { Outcome } from '../../host/outcome.ts';
import { atOnce, Buses, done, failed, outside, tagOf, text, usage, wordsOf } from '../support/buses.ts';
import { fc } from '../support/properties.ts';

const busy = failed({ tag: 'unavailable', val: 'busy' });

function guaranteed(guarantee: Guarantee): { readonly guarantee: Guarantee } {
  return { guarantee };
}

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'of the same thread' : 'of another thread';

  test(`an agent ${where} that is unavailable gets the message again, later each time, then it is a dead letter`, () => {
    const buses = new Buses(2);
    const audit = buses.agent('audit', { thread });
    audit.handle = () => busy;
    buses.bus.send(outside, 'audit', text('x'));
    assert.equal(audit.handled.length, 1);
    assert.equal(buses.directory.depthOf(audit.id), 1);
    buses.pass(992);
    assert.equal(audit.handled.length, 1);
    buses.pass(12);
    assert.equal(audit.handled.length, 2);
    buses.pass(1980);
    assert.equal(audit.handled.length, 2);
    buses.pass(20);
    assert.deepEqual(
      audit.handled.map(({ message }) => message.attempt),
      [1, 2, 3],
    );
    assert.equal(new Set(audit.handled.map(({ message }) => message.id)).size, 1);
    buses.pass(20_000);
    assert.equal(audit.handled.length, 3);
    assert.equal(buses.directory.depthOf(audit.id), 0);
    const [letter] = audit.bus.deadLetters(10);
    assert.deepEqual(
      [letter?.receiver, letter?.reason, letter?.failure],
      ['audit', 'attempts', { tag: 'unavailable', val: 'busy' }],
    );
  });
}

const ends: readonly (readonly [string, Outcome<undefined>, string])[] = [
  ['unavailable', busy, 'again'],
  ['a trap', { kind: 'trap', trap: 'unreachable', message: '', usage }, 'again'],
  ['a limit', { kind: 'limit', limit: 'fuelMax', max: 1, used: 1, usage }, 'again'],
  ['an end by the host', { kind: 'cancelled', reason: 'reload', usage }, 'again'],
  ['invalid', failed({ tag: 'invalid', val: 'no' }), 'invalid'],
  ['denied', failed({ tag: 'denied', val: 'no' }), 'refused'],
  ['unsupported', failed({ tag: 'unsupported', val: 'no' }), 'refused'],
  ['timed-out', failed({ tag: 'timed-out', val: 'no' }), 'refused'],
  ['custom', failed({ tag: 'custom', val: { code: 'c', message: 'm', detail: undefined } }), 'refused'],
  ['other', failed({ tag: 'other', val: 'no' }), 'refused'],
  ['an exit code', { kind: 'error', exitCode: 3, usage }, 'refused'],
  ['a missing grant', { kind: 'denied', reason: 'files', usage }, 'refused'],
  ['success', done, 'done'],
];

for (const [name, outcome, fate] of ends) {
  test(`after ${name} a message that is to be delivered at least once is ${fate}`, () => {
    const buses = new Buses();
    const audit = buses.agent('audit');
    audit.handle = () => outcome;
    buses.bus.send(outside, 'audit', text('x'));
    const reason = buses.bus.deadLetters(1)[0]?.reason;
    assert.equal(reason ?? (buses.bus.counts.redelivered === 1 ? 'again' : 'done'), fate);
  });

  test(`after ${name} a message under at-most-once does not come again`, () => {
    const buses = new Buses();
    const audit = buses.agent('audit', { guarantee: 'at-most-once' });
    audit.handle = () => outcome;
    buses.bus.send(outside, 'audit', text('x'));
    buses.pass(10_000);
    assert.equal(audit.handled.length, 1);
    assert.equal(buses.bus.counts.deadLetters, fate === 'invalid' ? 1 : 0);
  });
}

test('a repeated message does not hold up those behind it', () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  audit.handle = ({ message }) => (wordsOf(message.body) === 'a' && message.attempt === 1 ? busy : done);
  for (const words of ['a', 'b', 'c']) buses.bus.send(outside, 'audit', text(words));
  buses.pass(1004);
  assert.deepEqual(audit.heard, ['a', 'b', 'c', 'a']);
});

test('messages that wait to be repeated count as waiting', () => {
  const buses = new Buses();
  const audit = buses.agent('audit', { mailbox: { capacity: 3, high: 3, low: 1 } });
  audit.handle = () => busy;
  const tags = [1, 2, 3, 4].map(() => tagOf(atOnce(buses.bus.send(outside, 'audit', text('x')))));
  assert.deepEqual(tags, [undefined, undefined, undefined, 'full']);
});

test('an agent that is removed while a message waits to be repeated leaves a dead letter', () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  audit.handle = () => busy;
  buses.bus.send(outside, 'audit', text('x'));
  buses.bus.remove(audit.id);
  buses.directory.remove('audit');
  buses.pass(5000);
  assert.equal(audit.handled.length, 1);
  assert.deepEqual(
    buses.bus.deadLetters(9).map(({ receiver, reason }) => [receiver, reason]),
    [['audit', 'removed']],
  );
});

test('an agent that is removed while it handles a message leaves a dead letter when that fails', () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  buses.bus.send(outside, 'audit', text('x'));
  const delivery = audit.take();
  assert.ok(delivery);
  buses.bus.remove(audit.id);
  buses.directory.remove('audit');
  buses.bus.settle(delivery, busy);
  assert.deepEqual(
    buses.bus.deadLetters(9).map(({ receiver, reason }) => [receiver, reason]),
    [['audit', 'removed']],
  );
});

test('a message under way to an agent that is removed meanwhile is a dead letter, not the next agent’s', () => {
  const buses = new Buses(2);
  buses.isDeferred = true;
  const audit = buses.agent('audit', { thread: 1 });
  buses.bus.send(outside, 'audit', text('x'));
  audit.bus.remove(audit.id);
  buses.directory.remove('audit');
  const next = buses.agent('next', { thread: 1 });
  buses.carry();
  assert.equal(next.take(), undefined);
  assert.equal(audit.bus.deadLetters(1)[0]?.reason, 'removed');
});

test('under exactly-once a receiver gets no second message with the same id', () => {
  const buses = new Buses(2);
  const audit = buses.agent('audit', { thread: 1, guarantee: 'exactly-once' });
  const record = { receiver: 'audit', guarantee: 'exactly-once' } as const;
  buses.bus.send(outside, 'audit', text('x'), { id: 'a' });
  const message = audit.take()?.message;
  assert.ok(message);
  // As after a restart: the journal brings it again.
  buses.bus.restore({ ...record, message }, 0);
  buses.bus.restore({ ...record, message: { ...message, id: 'b' } }, 0);
  const first = audit.handled[0];
  assert.ok(first);
  audit.bus.settle(first, done);
  audit.work();
  assert.deepEqual(
    audit.handled.map(({ message: { id } }) => id),
    ['a', 'b'],
  );
  assert.equal(buses.directory.depthOf(audit.id), 0);
});

test('under exactly-once two principals with the same id are two, over threads, and one is one', () => {
  const buses = new Buses(2);
  const audit = buses.agent('audit', { thread: 1, guarantee: 'exactly-once' });
  const sender = buses.agent('anna', { thread: 1 });
  const fromOutside = (principal: string, id: string) =>
    buses.bus.send({ ...outside, principal }, 'audit', text(principal), { id });
  fromOutside('anna', 'invoice-1');
  fromOutside('bert', 'invoice-1');
  sender.bus.send(sender, 'audit', text('the agent'), { id: 'invoice-1' });
  audit.work();
  assert.deepEqual(audit.heard, ['anna', 'bert', 'the agent']);
  for (const { message } of audit.handled)
    buses.bus.restore({ receiver: 'audit', guarantee: 'exactly-once', message }, 0);
  assert.equal(audit.work(), 0, 'each of them came before');
});

test('a dead letter can be delivered again, under exactly-once too', () => {
  const buses = new Buses();
  const audit = buses.agent('audit', { guarantee: 'exactly-once' });
  audit.handle = () => failed({ tag: 'invalid', val: 'no' });
  const accepted = atOnce(buses.bus.send(outside, 'audit', text('x')));
  assert.ok('id' in accepted);
  audit.handle = () => done;
  assert.equal(buses.bus.retryDeadLetter(accepted.id), true);
  assert.equal(audit.handled.length, 2);
  assert.equal(buses.bus.retryDeadLetter(accepted.id), false);
  assert.equal(buses.bus.dropDeadLetter(accepted.id), false);
});

test('of dead letters the latest are kept', () => {
  const buses = new Buses(1, { limits: { deadLettersMax: 2 } });
  const audit = buses.agent('audit');
  audit.handle = () => failed({ tag: 'invalid', val: 'no' });
  for (const words of ['a', 'b', 'c']) buses.bus.send(outside, 'audit', text(words));
  assert.deepEqual(
    buses.bus.deadLetters(9).map(({ message }) => wordsOf(message.body)),
    ['c', 'b'],
  );
  assert.equal(buses.bus.counts.deadLetters, 3);
});

test('a journal hears of what is accepted and, from whichever thread, of what is dealt with', async () => {
  const open = new Map<number, string>();
  let flushes = 0;
  let entries = 0;
  const journal = {
    accepted: ({ receiver }: { readonly receiver: string }) => {
      open.set(++entries, receiver);
      return entries;
    },
    settled: (first: number, count = 1) => {
      for (let entry = first; entry < first + count; entry++) assert.ok(open.delete(entry));
    },
    read: () => new Map(),
    withdrawn: () => {},
    attempted: () => {},
    died: (entry: number) => {
      assert.ok(open.delete(entry));
    },
    flushed: async () => {
      flushes++;
    },
  };
  const buses = new Buses(2, { journal });
  const here = buses.agent('here');
  const there = buses.agent('there', { thread: 1 });
  for (const one of [here, there]) one.bus.subscribe(one.id, 'orders.>', undefined);
  buses.bus.listen('orders.>', undefined, () => {});
  await buses.bus.send(outside, 'here', text('a'));
  await buses.bus.send(outside, 'there', text('b'));
  assert.equal(flushes, 2);
  atOnce(buses.bus.send(here, 'there', text('c'), guaranteed('at-most-once')));
  atOnce(buses.bus.publish(here, 'orders.eu', text('d'), guaranteed('at-least-once')));
  assert.deepEqual([...open.values()].sort(), ['here', 'here', 'there', 'there']);
  here.handle = () => failed({ tag: 'invalid', val: 'no' });
  here.work();
  there.work();
  // What `here` dealt with counts once what it sent is on disk.
  await turn();
  assert.deepEqual([...open.values()], []);
});

test('every message accepted to be delivered at least once is dealt with or a dead letter, and first deliveries keep the order of each pair', () => {
  const outcomes = fc.constantFrom(done, done, busy, failed({ tag: 'invalid' as const, val: 'no' }));
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('send' as const),
      from: fc.nat(2),
      to: fc.nat(2),
      guarantee: fc.constantFrom('at-least-once' as const, 'exactly-once' as const),
    }),
    fc.record({ kind: fc.constant('publish' as const), from: fc.nat(2) }),
    fc.record({ kind: fc.constant('handle' as const), at: fc.nat(2), outcome: outcomes }),
    fc.record({ kind: fc.constant('carry' as const) }),
    fc.record({ kind: fc.constant('full' as const) }),
    fc.record({ kind: fc.constant('pause' as const), at: fc.nat(2) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(3000) }),
  );
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const buses = new Buses(2);
    buses.isDeferred = true;
    const agents = [0, 1, 0].map((thread, index) =>
      buses.agent(`a${index}`, { thread, mailbox: { capacity: 6, high: 4, low: 1 } }),
    );
    for (const agent of agents) agent.bus.subscribe(agent.id, 'all', undefined);
    buses.carry();
    const accepted = new Map<string, number>();
    const fates = new Map<string, number>();
    const order = new Map<string, number>();
    let sequence = 0;
    const count = (map: Map<string, number>, id: string, by: number): void => {
      map.set(id, (map.get(id) ?? 0) + by);
    };
    const handle = (index: number, outcome: Outcome<undefined>): boolean => {
      const agent = agents[index];
      const delivery = agent?.take();
      if (agent === undefined || delivery === undefined) return false;
      const { message } = delivery;
      if (message.attempt === 1) {
        const pair = `${message.sender} ${agent.name}`;
        const number = Number(wordsOf(message.body));
        assert.ok(number > (order.get(pair) ?? -1), `${pair}: ${number} after ${order.get(pair)}`);
        order.set(pair, number);
      }
      agent.bus.settle(delivery, outcome);
      if (outcome === done) count(fates, message.id, 1);
      return true;
    };
    for (const one of steps) {
      if (one.kind === 'send' || one.kind === 'publish') {
        const agent = agents[one.from];
        assert.ok(agent);
        const words = text(`${sequence++}`);
        const result =
          one.kind === 'send'
            ? agent.bus.send(agent, `a${one.to}`, words, guaranteed(one.guarantee))
            : agent.bus.publish(agent, 'all', words, guaranteed('at-least-once'));
        if (result instanceof Promise)
          // It waits: whatever comes of it, it ends.
          void result;
        else if ('id' in result) count(accepted, result.id, one.kind === 'send' ? 1 : 3);
      } else if (one.kind === 'handle') handle(one.at, one.outcome);
      else if (one.kind === 'carry') buses.carry();
      else if (one.kind === 'full') buses.isFull = !buses.isFull;
      else if (one.kind === 'pass') buses.pass(one.ms);
      else agents[one.at]?.bus.pause(agents[one.at]?.id ?? 0);
    }
    buses.isFull = false;
    for (const agent of agents) agent.bus.resume(agent.id);
    for (let round = 0; round < 12; round++) {
      buses.pass(6000);
      buses.carry();
      for (const index of [0, 1, 2]) while (handle(index, done));
    }
    for (const bus of buses.all) for (const { message } of bus.deadLetters(1000)) count(fates, message.id, 1);
    for (const [id, copies] of accepted) assert.equal(fates.get(id), copies, id);
    for (const agent of agents) assert.equal(buses.directory.depthOf(agent.id), 0);
    for (const bus of buses.all) assert.equal(bus.counts.waiting, 0);
  });
  fc.assert(property, { numRuns: 300 });
});
