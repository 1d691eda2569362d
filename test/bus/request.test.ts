import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, Buses, failed, outside, replyText, text, wordsOf } from '../support/buses.ts';

for (const thread of [0, 1]) {
  const where = thread === 0 ? 'of the same thread' : 'of another thread';

  test(`an agent ${where} answers a request`, async () => {
    const buses = new Buses(2);
    const asker = buses.agent('asker');
    const billing = buses.agent('billing', { thread });
    billing.handle = ({ message }) => answer(`${wordsOf(message.body)}!`);
    const reply = await buses.bus.request(asker, 'agent.billing', text('pay'));
    assert.equal(replyText(reply), 'pay!');
    assert.equal(billing.handled[0]?.message.sender, 'asker');
    assert.equal(buses.directory.depthOf(billing.id), 0);
    assert.deepEqual([buses.bus.counts.asking, billing.bus.counts.asked, buses.wheels[0]?.armed], [0, 0, 0]);
  });

  test(`a request to an agent ${where} that does not answer ends at its deadline and leaves the mailbox`, async () => {
    const buses = new Buses(2);
    const billing = buses.agent('billing', { thread });
    const reply = buses.bus.request(outside, 'agent.billing', text('pay'), { timeoutMs: 50 });
    buses.pass(60);
    assert.equal(replyText(await reply), 'timed-out');
    assert.equal(billing.take(), undefined);
    assert.equal(buses.directory.depthOf(billing.id), 0);
  });

  test(`whoever handles a request ${where} is told that its asker gave up`, async () => {
    const buses = new Buses(2);
    const billing = buses.agent('billing', { thread });
    const abort = new AbortController();
    const reply = buses.bus.request(outside, 'agent.billing', text('pay'), { signal: abort.signal });
    const delivery = billing.take();
    assert.ok(delivery);
    abort.abort();
    assert.equal(replyText(await reply), 'cancelled');
    assert.deepEqual(billing.cancelled, [delivery]);
    billing.bus.settle(delivery, answer('too late'));
    assert.equal(billing.take(), undefined);
  });

  test(`an answer to a request ${where} that is cancelled at the same moment is nobody's`, async () => {
    const buses = new Buses(2);
    buses.isDeferred = true;
    const billing = buses.agent('billing', { thread });
    const abort = new AbortController();
    const reply = buses.bus.request(outside, 'agent.billing', text('pay'), { signal: abort.signal });
    buses.carry();
    const delivery = billing.take();
    assert.ok(delivery);
    abort.abort();
    billing.bus.settle(delivery, answer('paid'));
    buses.carry();
    assert.equal(replyText(await reply), 'cancelled');
    assert.equal(buses.bus.counts.asking, 0);
  });

  test(`an answer from an agent ${where} before the deadline counts, and the deadline then does nothing`, async () => {
    const buses = new Buses(2);
    buses.isDeferred = true;
    const billing = buses.agent('billing', { thread });
    const reply = buses.bus.request(outside, 'agent.billing', text('pay'), { timeoutMs: 50 });
    buses.carry();
    const delivery = billing.take();
    assert.ok(delivery);
    billing.bus.settle(delivery, answer('paid'));
    buses.carry();
    buses.pass(60);
    assert.equal(replyText(await reply), 'paid');
    assert.deepEqual(billing.cancelled, []);
  });

  test(`an agent ${where} that is removed leaves no asker waiting`, async () => {
    const buses = new Buses(2);
    const billing = buses.agent('billing', { thread });
    const replies = ['a', 'b'].map((words) => buses.bus.request(outside, 'agent.billing', text(words)));
    billing.bus.remove(billing.id);
    buses.directory.remove('billing');
    assert.deepEqual((await Promise.all(replies)).map(replyText), ['unavailable', 'unavailable']);
    assert.equal(buses.bus.counts.asking, 0);
  });
}

test("a failure is the asker's to read, in the receiver's own words", async () => {
  const buses = new Buses();
  const billing = buses.agent('billing');
  billing.handle = () => failed({ tag: 'denied', val: 'not you' });
  const reply = await buses.bus.request(outside, 'agent.billing', text('pay'));
  assert.ok('outcome' in reply && reply.outcome.kind === 'error');
  assert.deepEqual(reply.outcome.failure, { tag: 'denied', val: 'not you' });
});

test("an asker's own deadline bounds those it asks", async () => {
  const buses = new Buses();
  const first = buses.agent('first');
  const second = buses.agent('second');
  void buses.bus.request(outside, 'agent.first', text('go'), { timeoutMs: 100 });
  const { deadlineNs } = first.take()?.message ?? {};
  buses.pass(20);
  const reply = buses.bus.request(
    { ...first, id: first.id, name: 'first', deadlineNs },
    'agent.second',
    text('go'),
    {
      timeoutMs: 10_000,
    },
  );
  assert.equal(second.take()?.message.deadlineNs, deadlineNs);
  buses.pass(90);
  assert.equal(replyText(await reply), 'timed-out');
});

test('a request to a subject nobody subscribed to has no responders', async () => {
  const buses = new Buses();
  assert.equal(replyText(await buses.bus.request(outside, 'prices.eu', text('?'))), 'no-responders');
});

test('of several that are asked the first answer counts, and the others are told', async () => {
  const buses = new Buses(2);
  const here = buses.agent('here');
  const there = buses.agent('there', { thread: 1 });
  for (const one of [here, there]) one.bus.subscribe(one.id, 'prices.*', undefined);
  const reply = buses.bus.request(outside, 'prices.eu', text('?'));
  const [mine, theirs] = [here.take(), there.take()];
  assert.ok(mine && theirs);
  there.bus.settle(theirs, answer('12'));
  assert.equal(replyText(await reply), '12');
  assert.deepEqual(here.cancelled, [mine]);
});

test('of several that are asked a failure waits for an answer', async () => {
  const buses = new Buses(2);
  const here = buses.agent('here');
  const there = buses.agent('there', { thread: 1 });
  for (const one of [here, there]) one.bus.subscribe(one.id, 'prices.*', undefined);
  here.handle = () => failed({ tag: 'unsupported', val: 'no' });
  there.handle = () => answer('12');
  assert.equal(replyText(await buses.bus.request(outside, 'prices.eu', text('?'))), '12');
  there.handle = () => failed({ tag: 'unsupported', val: 'no' });
  assert.equal(replyText(await buses.bus.request(outside, 'prices.eu', text('?'))), 'error');
});

test('an agent answers by publishing to the inbox of the message it handles, once', async () => {
  const buses = new Buses(2);
  const billing = buses.agent('billing', { thread: 1 });
  const reply = buses.bus.request(outside, 'agent.billing', text('pay'));
  const delivery = billing.take();
  const inbox = delivery?.message.replyTo;
  assert.ok(delivery && inbox);
  const headers = [{ name: 'x-kind', value: 'early' }];
  assert.ok('id' in billing.bus.publish(billing, inbox, text('early', headers)));
  assert.deepEqual(billing.bus.publish(billing, inbox, text('again')), { tag: 'denied' });
  billing.bus.settle(delivery, answer('late'));
  const settled = await reply;
  assert.equal(replyText(settled), 'early');
  assert.ok('headers' in settled);
  assert.deepEqual(settled.headers, headers);
});

test("nobody else's inbox can be answered, known or guessed, and none afterwards", async () => {
  const buses = new Buses();
  const billing = buses.agent('billing');
  const spy = buses.agent('spy');
  const reply = buses.bus.request(outside, 'agent.billing', text('pay'));
  const delivery = billing.take();
  const inbox = delivery?.message.replyTo;
  assert.ok(delivery && inbox);
  for (const [who, subject] of [
    [spy, inbox],
    [outside, inbox],
    [billing, `${inbox}x`],
    [spy, '_inbox.1'],
  ] as const)
    assert.deepEqual(buses.bus.publish(who, subject, text('forged')), { tag: 'denied' });
  assert.ok('tag' in (spy.bus.subscribe(spy.id, '_inbox.>', undefined) as object));
  billing.bus.settle(delivery, answer('paid'));
  assert.deepEqual(buses.bus.publish(billing, inbox, text('again')), { tag: 'denied' });
  assert.equal(replyText(await reply), 'paid');
});

test('inboxes of two requests have nothing in common but their form', () => {
  const buses = new Buses();
  const billing = buses.agent('billing');
  for (const words of ['a', 'b']) void buses.bus.request(outside, 'agent.billing', text(words));
  const inboxes: (string | undefined)[] = [];
  billing.handle = ({ message }) => {
    inboxes.push(message.replyTo);
    return answer('');
  };
  billing.work();
  const [first = '', second = ''] = inboxes.map((inbox) => inbox?.replace(/^_inbox\.\w+-/, ''));
  assert.match(first, /^\w{8,}$/);
  assert.notEqual(first, second);
});

test('a thread that is lost answers its askers', async () => {
  const buses = new Buses(2);
  buses.agent('billing', { thread: 1 });
  const reply = buses.bus.request(outside, 'agent.billing', text('pay'));
  buses.bus.forgetThread(1);
  assert.equal(replyText(await reply), 'unavailable');
});

test('a request asks for no other guarantee', async () => {
  const buses = new Buses();
  buses.agent('billing');
  const headers = [{ name: 'Mote-Delivery', value: 'at-least-once' }];
  assert.equal(
    replyText(await buses.bus.request(outside, 'agent.billing', text('pay', headers))),
    'unsupported',
  );
});

test('a signal from outside ends the requests that still wait under it, and no others', async () => {
  const buses = new Buses(1);
  const billing = buses.agent('billing');
  const [abort, other] = [new AbortController(), new AbortController()];
  const ask = (signal: AbortSignal) =>
    buses.bus.request(outside, 'agent.billing', text('pay'), { signal, timeoutMs: 50 });
  const replies = [ask(abort.signal), ask(abort.signal), ask(other.signal), ask(abort.signal)];
  const delivery = billing.take();
  assert.ok(delivery);
  buses.bus.settle(delivery, answer('paid'));
  assert.equal(replyText(await (replies[0] as (typeof replies)[0])), 'paid');
  abort.abort();
  buses.pass(60);
  const texts = (await Promise.all(replies)).map(replyText);
  assert.deepEqual(texts, ['paid', 'cancelled', 'timed-out', 'cancelled']);
  assert.deepEqual([buses.bus.counts.asking, buses.bus.counts.cancelled], [0, 3]);
});
