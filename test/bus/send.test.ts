import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bus } from '../../host/bus/bus.ts';
import type { Reply, Sender } from '../../host/bus/delivery.ts';
import { answer, atOnce, Buses, failed, outside, replyText, tagOf, text, wordsOf } from '../support/buses.ts';

const small = { capacity: 10, high: 8, low: 2 };

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'of the same thread' : 'of another thread';

  test(`messages to an agent ${where} come in the order they were sent`, () => {
    const buses = new Buses(2);
    const sender = buses.agent('sender');
    const audit = buses.agent('audit', { thread });
    for (let index = 0; index < 100; index++) atOnce(buses.bus.send(sender, 'audit', text(`${index}`)));
    assert.equal(audit.woken.length, 1);
    audit.work();
    assert.deepEqual(
      audit.heard,
      Array.from({ length: 100 }, (_, index) => `${index}`),
    );
    assert.equal(buses.directory.depthOf(audit.id), 0);
  });

  test(`from outside, a congested receiver ${where} takes nothing until it is down to its low mark`, () => {
    const buses = new Buses(2);
    const audit = buses.agent('audit', { thread, mailbox: small });
    const send = (): string | undefined => tagOf(atOnce(buses.bus.send(outside, 'audit', text('x'))));
    for (let index = 0; index < 8; index++) assert.equal(send(), undefined);
    assert.equal(send(), 'full');
    for (let left = 7; left > 2; left--) {
      const delivery = audit.take();
      assert.ok(delivery);
      audit.bus.settle(delivery, failed({ tag: 'other', val: '' }));
      assert.equal(send(), left === 2 ? undefined : 'full');
    }
    audit.take();
    assert.equal(send(), undefined);
  });

  test(`an agent's send to a congested receiver ${where} waits for room, and its order stays`, async () => {
    const buses = new Buses(2);
    const sender = buses.agent('sender');
    const audit = buses.agent('audit', { thread, mailbox: small });
    for (let index = 0; index < 8; index++) atOnce(buses.bus.send(sender, 'audit', text(`${index}`)));
    const waiting = [8, 9].map((index) => buses.bus.send(sender, 'audit', text(`${index}`)));
    assert.ok(waiting.every((one) => one instanceof Promise));
    audit.work();
    assert.deepEqual((await Promise.all(waiting)).map(tagOf), [undefined, undefined]);
    audit.work();
    assert.deepEqual(
      audit.heard,
      Array.from({ length: 10 }, (_, index) => `${index}`),
    );
  });

  test(`an agent's send to a receiver ${where} that stays congested is told to come back later`, async () => {
    const buses = new Buses(2);
    const sender = buses.agent('sender');
    buses.agent('audit', { thread, mailbox: small });
    for (let index = 0; index < 8; index++) atOnce(buses.bus.send(sender, 'audit', text('x')));
    const waiting = buses.bus.send(sender, 'audit', text('x'));
    buses.pass(104);
    assert.deepEqual(await waiting, { tag: 'full', val: 100 });
    assert.equal(buses.bus.counts.waiting, 0);
  });

  test(`what waits for room at an agent ${where} waits no longer than its sender's deadline`, async () => {
    const buses = new Buses(2);
    const sender = buses.agent('sender');
    buses.agent('audit', { thread, mailbox: small });
    for (let index = 0; index < 8; index++) atOnce(buses.bus.send(sender, 'audit', text('x')));
    const deadlineNs = buses.clock.wallNs() + 20_000_000n;
    const waiting = buses.bus.send({ id: sender.id, name: 'sender', deadlineNs }, 'audit', text('x'));
    buses.pass(24);
    assert.equal(tagOf(await waiting), 'full');
  });
}

test('an agent that is not there is refused as one that is not granted', () => {
  const buses = new Buses();
  assert.deepEqual(buses.bus.send(outside, 'nobody', text('x')), { tag: 'denied' });
});

test('an agent that is nowhere yet is unavailable', () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  buses.directory.place(audit.id, -1);
  assert.deepEqual(buses.bus.send(outside, 'audit', text('x')), { tag: 'unavailable' });
});

test('when the way to another thread is full the message is refused and its place is free again', () => {
  const buses = new Buses(2);
  const audit = buses.agent('audit', { thread: 1 });
  buses.isFull = true;
  assert.equal(tagOf(buses.bus.send(outside, 'audit', text('x'))), 'full');
  assert.equal(buses.directory.depthOf(audit.id), 0);
  buses.isFull = false;
  assert.equal(tagOf(buses.bus.send(outside, 'audit', text('x'))), undefined);
});

test('an answer outlasts a full way: it waits, and nothing overtakes it', async () => {
  const buses = new Buses(2);
  const audit = buses.agent('audit', { thread: 1 });
  const sink = buses.agent('sink');
  const reply = buses.bus.request(outside, 'agent.audit', text('x'));
  buses.isFull = true;
  audit.work();
  buses.isFull = false;
  assert.equal(tagOf(audit.bus.send(audit, 'sink', text('overtakes'))), 'full');
  buses.pass(8);
  assert.ok('outcome' in (await reply));
  assert.equal(tagOf(audit.bus.send(audit, 'sink', text('follows'))), undefined);
  sink.work();
  assert.deepEqual(sink.heard, ['follows']);
});

test('a message tells its receiver who sent it, when, and what the sender put in', () => {
  const buses = new Buses();
  const sender = buses.agent('sender');
  const audit = buses.agent('audit');
  buses.clock.ms = 1012;
  const headers = [{ name: 'traceparent', value: '00-1-2-01' }];
  const accepted = atOnce(buses.bus.send(sender, 'audit', text('x', headers)));
  const message = audit.take()?.message;
  assert.ok(message && 'id' in accepted);
  assert.deepEqual(
    { ...message, body: wordsOf(message.body) },
    {
      id: accepted.id,
      subject: 'agent.audit',
      sender: 'sender',
      replyTo: undefined,
      sentAtNs: 1_700_000_001_012_000_000n,
      deadlineNs: undefined,
      attempt: 1,
      contentType: 'text/plain',
      headers,
      body: 'x',
    },
  );
});

test('no two messages have the same id', () => {
  const buses = new Buses();
  buses.agent('audit', { mailbox: { capacity: 5000, high: 5000, low: 0 } });
  const ids = new Set<string>();
  for (let index = 0; index < 4000; index++) {
    const accepted = atOnce(buses.bus.send(outside, 'audit', text('x')));
    if ('id' in accepted) ids.add(accepted.id);
  }
  assert.equal(ids.size, 4000);
});

test('a repeated id is accepted and dropped, for this sender and this target alone', () => {
  const buses = new Buses();
  const [one, other, audit, store] = ['one', 'other', 'audit', 'store'].map((name) => buses.agent(name));
  assert.ok(one && other && audit && store);
  const options = { id: 'order-1' };
  assert.deepEqual(buses.bus.send(one, 'audit', text('first'), options), {
    id: 'order-1',
    receivers: 1,
    dropped: 0,
  });
  assert.deepEqual(buses.bus.send(one, 'audit', text('again'), options), {
    id: 'order-1',
    receivers: 0,
    dropped: 0,
  });
  buses.bus.send(other, 'audit', text('other'), options);
  buses.bus.send(one, 'store', text('elsewhere'), options);
  audit.work();
  store.work();
  assert.deepEqual([...audit.heard, ...store.heard], ['first', 'other', 'elsewhere']);
});

test('the id of a message that was refused may be used again', () => {
  const buses = new Buses();
  const audit = buses.agent('audit', { mailbox: { capacity: 1, high: 1, low: 0 } });
  buses.bus.send(outside, 'audit', text('first'));
  assert.equal(tagOf(buses.bus.send(outside, 'audit', text('x'), { id: 'a' })), 'full');
  audit.work();
  const accepted = atOnce(buses.bus.send(outside, 'audit', text('x'), { id: 'a' }));
  assert.ok('receivers' in accepted && accepted.receivers === 1);
});

test('ids are remembered in a window, not for ever', () => {
  const buses = new Buses(1, { limits: { idsMax: 2 } });
  const sender = buses.agent('sender');
  buses.agent('audit');
  const receivers = ['a', 'b', 'c', 'd', 'e', 'a'].map((id) => {
    const accepted = atOnce(buses.bus.send(sender, 'audit', text('x'), { id }));
    return 'receivers' in accepted ? accepted.receivers : -1;
  });
  assert.deepEqual(receivers, [1, 1, 1, 1, 1, 1]);
});

test('an agent sends its burst at once and then as fast as its rate, by the clock', () => {
  const buses = new Buses();
  const sender = buses.agent('sender', { terms: { rate: { perSecond: 8, burst: 3 } } });
  buses.agent('audit');
  const send = (): unknown => atOnce(buses.bus.send(sender, 'audit', text('x')));
  for (let index = 0; index < 3; index++) assert.equal(tagOf(send()), undefined);
  assert.deepEqual(send(), { tag: 'rate-limited', val: 125 });
  buses.clock.ms += 125;
  assert.equal(tagOf(send()), undefined);
  assert.equal(tagOf(send()), 'rate-limited');
  buses.clock.ms += 10_000;
  for (let index = 0; index < 3; index++) assert.equal(tagOf(send()), undefined);
  assert.equal(tagOf(send()), 'rate-limited');
});

for (const [act, send] of [
  ['sends', (bus: Bus, from: Sender) => bus.send(from, 'audit', text('x'))],
  ['publishes', (bus: Bus, from: Sender) => bus.publish(from, 'news', text('x'))],
] as const)
  test(`an agent that ${act} faster than its rate is heard at once and waits until its rate has caught up`, async () => {
    const buses = new Buses(1, { limits: { backpressureMsMax: 20 } });
    const sender = buses.agent('sender', { terms: { rate: { perSecond: 100, burst: 1 } } });
    const audit = buses.agent('audit');
    buses.bus.subscribe(audit.id, 'news', undefined);
    atOnce(send(buses.bus, sender));
    const late = [send(buses.bus, sender), send(buses.bus, sender)];
    assert.ok(late.every((result) => result instanceof Promise));
    assert.equal(audit.work(), 3);
    // Beyond what it may wait nothing is taken.
    assert.deepEqual(send(buses.bus, sender), { tag: 'rate-limited', val: 30 });
    assert.equal(buses.bus.counts.waiting, 2);
    buses.pass(10);
    assert.equal(buses.bus.counts.waiting, 1);
    assert.equal(tagOf(await late[0]), undefined);
    buses.pass(10);
    assert.equal(tagOf(await late[1]), undefined);
    assert.equal(audit.work(), 0);
    buses.pass(10);
    atOnce(send(buses.bus, sender));
  });

test('what is no message counts as one too: it is done at once, its end waits, and beyond that it is not done', async () => {
  const buses = new Buses(1, { limits: { backpressureMsMax: 10 } });
  const sender = buses.agent('sender', { terms: { rate: { perSecond: 100, burst: 2 } } });
  buses.agent('audit');
  let acts = 0;
  const act = () => buses.bus.paced(sender.id, async () => ++acts);
  atOnce(buses.bus.send(sender, 'audit', text('x')));
  assert.equal(await act(), 1);
  const late = act();
  assert.deepEqual([acts, buses.bus.counts.waiting], [2, 1]);
  assert.deepEqual(act(), { tag: 'rate-limited', val: 20 });
  assert.equal(tagOf(atOnce(buses.bus.send(sender, 'audit', text('x')))), 'rate-limited');
  assert.equal(acts, 2);
  buses.pass(10);
  assert.equal(await late, 2);
  // Nobody of this thread has no rate here.
  assert.equal(await buses.bus.paced(0, async () => 'done'), 'done');
});

test('a request ahead of its rate is asked at once, and its answer waits', async () => {
  const buses = new Buses();
  const sender = buses.agent('sender', { terms: { rate: { perSecond: 100, burst: 1 } } });
  buses.agent('audit').handle = () => answer('yes');
  const ask = (): Promise<Reply> => buses.bus.request(sender, 'agent.audit', text('x'));
  assert.equal(replyText(await ask()), 'yes');
  const reply = ask();
  assert.equal(buses.bus.counts.delivered, 2);
  assert.equal(buses.bus.counts.waiting, 1);
  buses.pass(10);
  assert.equal(replyText(await reply), 'yes');
});

test('an agent that waits for its rate waits no longer when its invocation ends; what it sent stays sent', async () => {
  const buses = new Buses(1, { limits: { waitersMax: 1 } });
  const terms = { rate: { perSecond: 100, burst: 1 } };
  const [sender, other] = [buses.agent('sender', { terms }), buses.agent('other', { terms })];
  const audit = buses.agent('audit');
  for (const from of [sender, other]) atOnce(buses.bus.send(from, 'audit', text('first')));
  const late = buses.bus.send(sender, 'audit', text('late'));
  assert.ok(late instanceof Promise);
  // As many wait as may.
  assert.equal(tagOf(atOnce(buses.bus.send(other, 'audit', text('never')))), 'rate-limited');
  buses.bus.endOf(sender.id);
  assert.equal(tagOf(await late), undefined);
  audit.work();
  assert.deepEqual(audit.heard, ['first', 'first', 'late']);
});

test('headers and body together are bounded, header by header and byte by byte', () => {
  const buses = new Buses();
  const sender = buses.agent('sender', { terms: { messageBytesMax: 10 } });
  buses.agent('audit');
  const tags = [
    text('1234567890'),
    text('12345678901'),
    text('12345', [{ name: 'ab', value: 'cde' }]),
    text('12345', [{ name: 'ab', value: 'cdeé' }]),
    text('', new Array(65).fill({ name: '', value: '' })),
  ].map((payload) => tagOf(atOnce(buses.bus.send(sender, 'audit', payload))));
  assert.deepEqual(tags, [undefined, 'too-large', undefined, 'too-large', 'unsupported']);
});

test("of the host's own headers the one this host knows is obeyed, and the others are refused", () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  const send = (name: string, value: string): unknown =>
    atOnce(buses.bus.send(outside, 'audit', text('x', [{ name, value }])));
  assert.equal(tagOf(send('Mote-Delivery', 'at-most-once')), undefined);
  assert.equal(audit.take()?.guarantee, 'at-most-once');
  assert.deepEqual(audit.handled[0]?.message.headers, []);
  assert.deepEqual(send('mote-delivery', 'twice'), { tag: 'unsupported', val: 'mote-delivery: twice' });
  assert.equal(tagOf(send('MOTE-priorities', 'high')), 'unsupported');
  assert.equal(tagOf(send('motel', 'yes')), undefined);
});

test('an id is 1 to 128 bytes', () => {
  const buses = new Buses();
  buses.agent('audit');
  const tags = ['', 'a', 'é'.repeat(64), 'é'.repeat(65)].map((id) =>
    tagOf(atOnce(buses.bus.send(outside, 'audit', text('x'), { id }))),
  );
  assert.deepEqual(tags, ['unsupported', undefined, undefined, 'unsupported']);
});

test('a paused agent is neither woken nor given anything; resumed, it has everything in order', () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  buses.bus.pause(audit.id);
  for (const words of ['a', 'b']) buses.bus.send(outside, 'audit', text(words));
  assert.deepEqual([audit.woken, audit.take()], [[], undefined]);
  buses.bus.resume(audit.id);
  assert.equal(audit.woken.length, 1);
  audit.work();
  assert.deepEqual(audit.heard, ['a', 'b']);
});

test('what waited at an agent that moves to another thread follows it in order', () => {
  const buses = new Buses(2);
  const audit = buses.agent('audit');
  for (const words of ['a', 'b', 'c']) buses.bus.send(outside, 'audit', text(words));
  const waited = buses.bus.detach(audit.id);
  assert.equal(buses.directory.depthOf(audit.id), 0);
  audit.bus = buses.at(1);
  audit.bus.attach(audit.id, 'audit', audit, {
    mailbox: small,
    redelivery: { attemptsMax: 1, backoffMs: 0, backoffMsMax: 0 },
    rate: { perSecond: 1, burst: 1 },
    messageBytesMax: 1,
  });
  buses.directory.place(audit.id, 1);
  for (const delivery of waited) buses.bus.resend(delivery);
  audit.work();
  assert.deepEqual(audit.heard, ['a', 'b', 'c']);
  assert.equal(buses.directory.depthOf(audit.id), 0);
});

test('a message under way to an agent that moved meanwhile is sent on', () => {
  const buses = new Buses(3);
  buses.isDeferred = true;
  const audit = buses.agent('audit', { thread: 1 });
  buses.bus.send(outside, 'audit', text('x'));
  audit.bus.detach(audit.id);
  audit.bus = buses.at(2);
  audit.bus.attach(audit.id, 'audit', audit, {
    mailbox: small,
    redelivery: { attemptsMax: 1, backoffMs: 0, backoffMsMax: 0 },
    rate: { perSecond: 1, burst: 1 },
    messageBytesMax: 1,
  });
  buses.directory.place(audit.id, 2);
  buses.carry();
  audit.work();
  assert.deepEqual(audit.heard, ['x']);
});

test('a message does not overtake one that waits for room the receiver has already', async () => {
  const buses = new Buses(2);
  buses.isDeferred = true;
  const sender = buses.agent('sender');
  const audit = buses.agent('audit', { thread: 1, mailbox: small });
  for (let index = 0; index < 8; index++) atOnce(buses.bus.send(sender, 'audit', text(`${index}`)));
  const waiting = [buses.bus.send(sender, 'audit', text('8'))];
  for (const { to, frame, from } of buses.frames.splice(0)) buses.at(to).accept(frame, from);
  audit.work();
  waiting.push(buses.bus.send(sender, 'audit', text('9')));
  buses.carry();
  assert.deepEqual((await Promise.all(waiting)).map(tagOf), [undefined, undefined]);
  audit.work();
  assert.deepEqual(audit.heard.slice(8), ['8', '9']);
});

test('a request that ended while it waited for room is not delivered', async () => {
  const buses = new Buses();
  const sender = buses.agent('sender');
  const audit = buses.agent('audit', { mailbox: small });
  for (let index = 0; index < 8; index++) atOnce(buses.bus.send(sender, 'audit', text(`${index}`)));
  const abort = new AbortController();
  const reply = buses.bus.request(sender, 'agent.audit', text('late'), { signal: abort.signal });
  abort.abort();
  assert.deepEqual(await reply, { error: { tag: 'cancelled' } });
  audit.work();
  assert.equal(audit.handled.length, 8);
});

test('whoever waits for room at an agent that is removed is told, and an agent that is removed waits no more', async () => {
  const buses = new Buses();
  const [one, other] = ['one', 'other'].map((name) => buses.agent(name));
  const audit = buses.agent('audit', { mailbox: small });
  assert.ok(one && other);
  for (let index = 0; index < 8; index++) atOnce(buses.bus.send(one, 'audit', text(`${index}`)));
  const waiting = [one, other].map((sender) => buses.bus.send(sender, 'audit', text('x')));
  const reply = buses.bus.request(one, 'agent.other', text('x'));
  buses.bus.remove(one.id);
  assert.deepEqual(await waiting[0], { tag: 'cancelled' });
  assert.deepEqual(await reply, { error: { tag: 'cancelled' } });
  assert.equal(other.take(), undefined);
  buses.bus.remove(audit.id);
  assert.deepEqual(await waiting[1], { tag: 'unavailable' });
  assert.equal(buses.bus.counts.waiting, 0);
});
