import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce, Buses, done, outside, tagOf, text, wordsOf } from '../support/buses.ts';

test('every subscriber of every thread gets a copy, and nobody two', () => {
  const buses = new Buses(3);
  const agents = [0, 1, 2, 2].map((thread, index) => buses.agent(`a${index}`, { thread }));
  for (const agent of agents) {
    agent.bus.subscribe(agent.id, 'orders.*', undefined);
    agent.bus.subscribe(agent.id, 'orders.>', undefined);
  }
  const accepted = atOnce(buses.bus.publish(outside, 'orders.eu', text('x')));
  assert.ok('receivers' in accepted);
  assert.deepEqual([accepted.receivers, accepted.dropped], [4, 0]);
  for (const agent of agents) agent.work();
  assert.deepEqual(
    agents.map(({ heard }) => heard),
    [['x'], ['x'], ['x'], ['x']],
  );
});

test('that nobody listens is no error', () => {
  const accepted = atOnce(new Buses().bus.publish(outside, 'orders.eu', text('x')));
  assert.ok('receivers' in accepted && accepted.receivers === 0);
});

test('of a group one gets each message, and idle members have their turns', () => {
  const buses = new Buses(2);
  const agents = [0, 0, 0].map((thread, index) => buses.agent(`a${index}`, { thread }));
  for (const agent of agents) {
    agent.bus.subscribe(agent.id, 'work', 'g');
    agent.handle = () => done;
  }
  for (let index = 0; index < 9; index++) buses.bus.publish(outside, 'work', text(`${index}`));
  assert.deepEqual(
    agents.map(({ handled }) => handled.length),
    [3, 3, 3],
  );
});

test('of a group the member with the least to do gets the message, here before elsewhere', () => {
  const buses = new Buses(2);
  const [loaded, idle, remote] = [
    buses.agent('loaded'),
    buses.agent('idle'),
    buses.agent('remote', { thread: 1 }),
  ];
  for (const agent of [loaded, idle, remote]) agent.bus.subscribe(agent.id, 'work', 'g');
  buses.bus.send(outside, 'loaded', text('load'));
  buses.bus.publish(outside, 'work', text('first'));
  assert.equal(wordsOf(idle.take()?.message.body), 'first');
  buses.bus.publish(outside, 'work', text('second'));
  remote.work();
  assert.deepEqual(remote.heard, ['second']);
});

test('a congested subscriber goes without, the publisher is told how many did, and the others are served', () => {
  const buses = new Buses();
  const [slow, quick] = ['slow', 'quick'].map((name) =>
    buses.agent(name, { mailbox: { capacity: 4, high: 2, low: 0 } }),
  );
  assert.ok(slow && quick);
  for (const agent of [slow, quick]) agent.bus.subscribe(agent.id, 'ticks', undefined);
  quick.handle = () => done;
  const dropped = [1, 2, 3, 4].map((index) => {
    const accepted = atOnce(buses.bus.publish(outside, 'ticks', text(`${index}`)));
    return 'dropped' in accepted ? accepted.dropped : -1;
  });
  assert.deepEqual(dropped, [0, 0, 1, 1]);
  assert.equal(quick.handled.length, 4);
  assert.equal(buses.bus.counts.dropped, 2);
});

test('what is to be delivered at least once goes to congested subscribers too, and to dead letters when they are full', () => {
  const buses = new Buses();
  const slow = buses.agent('slow', { mailbox: { capacity: 3, high: 2, low: 0 } });
  slow.bus.subscribe(slow.id, 'ticks', undefined);
  const payload = (index: number): ReturnType<typeof text> =>
    text(`${index}`, [{ name: 'mote-delivery', value: 'at-least-once' }]);
  for (let index = 1; index <= 5; index++) buses.bus.publish(outside, 'ticks', payload(index));
  slow.work();
  assert.deepEqual(slow.heard, ['1', '2', '3']);
  assert.deepEqual(
    buses.bus
      .deadLetters(9)
      .map(({ message, reason, receiver }) => [wordsOf(message.body), reason, receiver]),
    [
      ['5', 'mailbox-full', 'slow'],
      ['4', 'mailbox-full', 'slow'],
    ],
  );
});

test("agents' mailboxes, the host's events and inboxes are not published to", () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  assert.deepEqual(
    ['agent.a', 'host.started', '_inbox.x', 'a..b', '*', ''].map((subject) =>
      tagOf(buses.bus.publish(agent, subject, text('x'))),
    ),
    ['invalid-subject', 'invalid-subject', 'denied', 'invalid-subject', 'invalid-subject', 'invalid-subject'],
  );
});

test("the host's events reach who subscribed to them", () => {
  const buses = new Buses(2);
  const agent = buses.agent('a', { thread: 1 });
  agent.bus.subscribe(agent.id, 'host.>', undefined);
  buses.bus.publishEvent('host.agent.started', text('b'));
  agent.work();
  assert.deepEqual(agent.heard, ['b']);
});

test('subscribing twice to the same is one subscription, and only its own agent ends it', () => {
  const buses = new Buses(2);
  const agent = buses.agent('a');
  const other = buses.agent('b', { thread: 1 });
  const first = buses.bus.subscribe(agent.id, 'x.*', undefined);
  assert.equal(buses.bus.subscribe(agent.id, 'x.*', undefined), first);
  assert.notEqual(buses.bus.subscribe(agent.id, 'x.*', 'g'), first);
  assert.ok(typeof first === 'number');
  other.bus.unsubscribe(other.id, first);
  assert.equal(buses.bus.subscriptionsOf(agent.id).length, 2);
  buses.bus.unsubscribe(agent.id, first);
  buses.bus.unsubscribe(agent.id, first);
  assert.equal(buses.at(1).subscriptionsOf(agent.id).length, 1);
});

test('what is no pattern or group, and what nobody can publish to, is not subscribed to', () => {
  const buses = new Buses(1, { limits: { subscriptionsOfAgentMax: 2 } });
  const { id } = buses.agent('a');
  const subscribe = (pattern: string, group?: string): string | undefined =>
    tagOf(buses.bus.subscribe(id, pattern, group));
  assert.deepEqual(
    ['a.', 'a.>.b', 'agent.a', '_inbox.*', 'host.>', 'a'].map((pattern) => subscribe(pattern)),
    ['invalid-subject', 'invalid-subject', 'invalid-subject', 'invalid-subject', undefined, undefined],
  );
  assert.equal(subscribe('b', 'g.h'), 'invalid-subject');
  assert.equal(subscribe('b'), 'other');
});

test('listeners of the host hear every thread until they end, and take no part in requests', async () => {
  const buses = new Buses(2);
  const sender = buses.agent('a', { thread: 1 });
  const heard: string[] = [];
  const end = buses.bus.listen('chat.>', undefined, ({ body }) => heard.push(wordsOf(body)));
  sender.bus.publish(sender, 'chat.room', text('1'));
  buses.bus.publish(outside, 'chat.room', text('2'));
  assert.deepEqual(await buses.bus.request(outside, 'chat.room', text('3')), {
    error: { tag: 'no-responders' },
  });
  end();
  sender.bus.publish(sender, 'chat.room', text('4'));
  assert.deepEqual(heard, ['1', '2']);
});

test('an agent that is removed is subscribed to nothing, on no thread', () => {
  const buses = new Buses(2);
  const agent = buses.agent('a');
  buses.bus.subscribe(agent.id, 'x', undefined);
  buses.bus.remove(agent.id);
  buses.directory.remove('a');
  for (const bus of buses.all) {
    const accepted = atOnce(bus.publish(outside, 'x', text('1')));
    assert.ok('receivers' in accepted);
    assert.deepEqual([accepted.receivers, accepted.dropped], [0, 0]);
  }
});

test('a thread that starts later is told who subscribed', () => {
  const buses = new Buses(2);
  const agent = buses.agent('a');
  buses.isDeferred = true;
  buses.bus.subscribe(agent.id, 'x', undefined);
  buses.frames.length = 0;
  buses.bus.introduce(1);
  buses.carry();
  buses.at(1).publish(outside, 'x', text('1'));
  buses.carry();
  agent.work();
  assert.deepEqual(agent.heard, ['1']);
});

test('a publication with an id that is repeated goes out once', () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  buses.bus.subscribe(agent.id, 'x', undefined);
  for (const words of ['1', '2']) buses.bus.publish(outside, 'x', text(words), { id: 'same' });
  agent.work();
  assert.deepEqual(agent.heard, ['1']);
});
