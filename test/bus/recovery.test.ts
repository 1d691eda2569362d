import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery, Sender } from '../../host/bus/delivery.ts';
import type { Outcome } from '../../host/outcome.ts';
import {
  answer,
  atOnce,
  Buses,
  done,
  outside,
  replyText,
  type TestAgent,
  text,
  usage,
} from '../support/buses.ts';

const trap: Outcome<undefined> = { kind: 'trap', trap: 'unreachable', message: '', usage };
const header = { name: 'mote-failover', value: 'bob' };

function send(buses: Buses, to: string, words: string): void {
  assert.ok(!('tag' in atOnce(buses.bus.send(outside, to, text(words)))));
}

function taken(agent: TestAgent): Delivery {
  const delivery = agent.take();
  assert.ok(delivery !== undefined, `nothing for ${agent.name}`);
  return delivery;
}

function reasons({ bus }: Buses): string[] {
  return bus
    .deadLetters(10)
    .map(({ reason, receiver, message }) => `${receiver} ${reason} ${message.attempt}`);
}

test('again at once: the message goes before all others, with its next attempt', () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  for (const words of ['one', 'two', 'three']) send(buses, 'bob', words);
  assert.equal(bob.bus.again(taken(bob), true), true);
  assert.equal(buses.directory.depthOf(bob.id), 3);
  bob.work();
  assert.deepEqual(bob.heard, ['one', 'one', 'two', 'three']);
  assert.deepEqual(
    bob.handled.map(({ message }) => message.attempt),
    [1, 2, 1, 1],
  );
  assert.equal(buses.directory.depthOf(bob.id), 0);
});

test('again after the backoff: a request keeps its asker, who gets the answer, or takes it back meanwhile', async () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  const asked = buses.bus.request(outside, 'agent.bob', text('first'), { timeoutMs: 5_000 });
  assert.equal(bob.bus.again(taken(bob), false), true);
  assert.equal(bob.take(), undefined);
  buses.pass(1_000);
  bob.handle = () => answer('at last');
  bob.work();
  assert.equal(replyText(await asked), 'at last');
  bob.handle = undefined;
  const gone = new AbortController();
  const given = buses.bus.request(outside, 'agent.bob', text('second'), {
    timeoutMs: 5_000,
    signal: gone.signal,
  });
  assert.equal(bob.bus.again(taken(bob), false), true);
  assert.equal(buses.directory.depthOf(bob.id), 1);
  gone.abort();
  assert.equal(replyText(await given), 'cancelled');
  assert.equal(buses.directory.depthOf(bob.id), 0);
  buses.pass(2_000);
  assert.equal(bob.take(), undefined);
  assert.equal(buses.bus.counts.asked, 0);
});

test('what cannot come again stays with whoever has it: late, once at most, or answered', async () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  const short = buses.bus.request(outside, 'agent.bob', text('short'), { timeoutMs: 900 });
  const late = taken(bob);
  assert.equal(bob.bus.again(late, false), false, 'its backoff is 1,000 ms');
  bob.bus.settle(late, trap);
  assert.equal(replyText(await short), 'trap');
  void buses.bus.send(outside, 'bob', text('once'), { guarantee: 'at-most-once' });
  const once = taken(bob);
  assert.equal(bob.bus.again(once, true), false);
  bob.bus.settle(once, trap, 'failed');
  const asked = buses.bus.request(outside, 'agent.bob', text('told'), { timeoutMs: 5_000 });
  const told = taken(bob);
  void bob.bus.publish(bob, told.message.replyTo ?? '', text('early'));
  assert.equal(replyText(await asked), 'early');
  assert.equal(bob.bus.again(told, true), false);
  bob.bus.settle(told, trap);
  assert.deepEqual(reasons(buses), []);
});

test('keep: the receiver is paused, and its message is the first when it is resumed', () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  send(buses, 'bob', 'one');
  const one = taken(bob);
  send(buses, 'bob', 'two');
  bob.bus.keep(one, trap);
  send(buses, 'bob', 'three');
  assert.equal(bob.take(), undefined);
  assert.equal(buses.directory.depthOf(bob.id), 3);
  bob.bus.resume(bob.id);
  bob.work();
  assert.deepEqual(bob.heard, ['one', 'one', 'two', 'three']);
  assert.equal(bob.handled[1]?.message.attempt, 1, 'a person’s word costs no attempt');
});

test('clear: what waits is given up, all of it or by its id, and who asked is told', async () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  void buses.bus.send(outside, 'bob', text('one'), { id: 'm-1' });
  bob.bus.keep(taken(bob), trap);
  send(buses, 'bob', 'two');
  bob.bus.clear(bob.id, 'dropped', ['m-1']);
  assert.deepEqual(reasons(buses), ['bob dropped 1']);
  assert.equal(buses.directory.depthOf(bob.id), 1);
  bob.bus.resume(bob.id);
  bob.work();
  assert.deepEqual(bob.heard, ['one', 'two']);
  const asked = buses.bus.request(outside, 'agent.bob', text('three'), { timeoutMs: 5_000 });
  send(buses, 'bob', 'four');
  send(buses, 'bob', 'five');
  const three = taken(bob);
  bob.bus.settle(taken2(bob, three), trap);
  bob.bus.clear(bob.id, 'terminated');
  assert.equal(replyText(await asked), 'unavailable');
  assert.deepEqual(reasons(buses).sort(), ['bob dropped 1', 'bob terminated 1', 'bob terminated 2']);
  assert.equal(buses.directory.depthOf(bob.id), 0);
  buses.pass(2_000);
  assert.equal(bob.take(), undefined);
});

test('clear: what is still on its way from another thread’s journal is given up as it comes', async () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  bob.bus.clear(bob.id, 'dropped', ['m-1']);
  void buses.bus.send(outside, 'bob', text('one'), { id: 'm-1' });
  void buses.bus.send(outside, 'bob', text('two'), { id: 'm-2' });
  bob.work();
  assert.deepEqual(bob.heard, ['two']);
  assert.deepEqual(reasons(buses), ['bob dropped 1']);
  assert.equal(buses.directory.depthOf(bob.id), 0);
});

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'the same thread' : 'another thread';
  test(`who takes no requests says so at once to those on ${where}; only people learn why, and messages stay`, async () => {
    const buses = new Buses(2);
    const bob = buses.agent('bob', { thread: 0 });
    const amy = buses.agent('amy', { thread });
    const there = buses.at(thread);
    const ask = (sender: Sender) => there.request(sender, 'agent.bob', text('asked'), { timeoutMs: 5_000 });
    send(buses, 'bob', 'sent');
    const waiting = [ask(outside), ask(amy)];
    const held: Outcome<undefined> = { kind: 'denied', reason: 'held', usage };
    bob.refuses = held;
    bob.bus.refuseAsked(bob.id, held);
    const replies = await Promise.all([...waiting, ask(outside), ask(amy)]);
    assert.deepEqual(
      replies.map((reply) => ('error' in reply ? reply.error.tag : reply.outcome)),
      [held, 'unavailable', held, 'unavailable'],
    );
    assert.equal(buses.directory.depthOf(bob.id), 1);
    bob.work();
    assert.deepEqual(bob.heard, ['sent']);
    assert.equal(buses.directory.depthOf(bob.id), 0);
  });
}

/** Puts a request back, and takes the message behind it. */
function taken2(bob: TestAgent, request: Delivery): Delivery {
  bob.bus.keep(request, trap);
  bob.bus.resume(bob.id);
  const again = taken(bob);
  assert.equal(bob.bus.again(again, false), true);
  return taken(bob);
}

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'on the same thread' : 'on another thread';
  test(`another agent ${where} gets what one failed at, as it was, and answers who asked`, async () => {
    const buses = new Buses(thread + 2);
    const bob = buses.agent('bob', { thread: 0 });
    const eve = buses.agent('eve', { thread });
    eve.handle = () => answer('eve here');
    // So that numbers of requests are not the same on all threads.
    for (const _ of [1, 2]) await buses.at(thread + 1).request(outside, 'agent.eve', text('before'));
    send(buses, 'bob', 'sent');
    assert.equal(bob.bus.passOn(taken(bob), 'eve', [header]), true);
    const asked = buses.at(thread + 1).request(outside, 'agent.bob', text('asked'), { timeoutMs: 5_000 });
    const failed = taken(bob);
    assert.equal(bob.bus.passOn(failed, 'eve', [header]), false, 'that is no way for a request');
    assert.equal(await bob.bus.askInstead(failed, 'eve', [header]), true);
    assert.equal(replyText(await asked), 'eve here');
    assert.deepEqual(eve.heard, ['before', 'before', 'sent', 'asked']);
    const { message } = eve.handled[3] as Delivery;
    assert.deepEqual([message.subject, message.attempt, message.headers], ['agent.bob', 1, [header]]);
    assert.equal(message.id, failed.message.id);
    assert.deepEqual(reasons(buses), []);
    assert.deepEqual(
      buses.all.map(({ counts }) => counts.asked + counts.asking),
      buses.all.map(() => 0),
    );
  });
}

test('nobody to stand in: the message is still with whoever failed at it', async () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  const eve = buses.agent('eve', { mailbox: { capacity: 1, high: 1, low: 0 } });
  send(buses, 'bob', 'sent');
  const sent = taken(bob);
  assert.equal(bob.bus.passOn(sent, 'nobody', []), false);
  send(buses, 'eve', 'full');
  assert.equal(bob.bus.passOn(sent, 'eve', []), false);
  bob.bus.settle(sent, trap, 'failed');
  assert.deepEqual(reasons(buses), ['bob failed 1']);
  const asked = buses.bus.request(outside, 'agent.bob', text('asked'), { timeoutMs: 5_000 });
  const request = taken(bob);
  assert.equal(await bob.bus.askInstead(request, 'nobody', []), false);
  assert.equal(await bob.bus.askInstead(request, 'eve', []), false);
  assert.equal(bob.bus.again(request, true), true);
  bob.bus.settle(taken(bob), done);
  assert.equal(replyText(await asked), '');
  assert.equal(eve.handled.length, 0);
});

test('an asker that gives up takes the question to the other agent along', async () => {
  const buses = new Buses();
  const bob = buses.agent('bob');
  const eve = buses.agent('eve');
  const gone = new AbortController();
  const asked = buses.bus.request(outside, 'agent.bob', text('asked'), {
    timeoutMs: 5_000,
    signal: gone.signal,
  });
  const instead = bob.bus.askInstead(taken(bob), 'eve', []);
  const other = taken(eve);
  gone.abort();
  assert.equal(replyText(await asked), 'cancelled');
  assert.equal(await instead, true);
  assert.deepEqual(eve.cancelled, [other]);
});

test('no agent can say itself who failed at a message', () => {
  const buses = new Buses();
  const [ann, bob] = [buses.agent('ann'), buses.agent('bob')];
  const forged = atOnce(ann.bus.send(ann, 'bob', text('forged', [header])));
  assert.equal('tag' in forged && forged.tag, 'unsupported');
  assert.equal(bob.take(), undefined);
});
