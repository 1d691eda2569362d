import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Payload } from '../../host/bus/message.ts';
import { atOnce, Buses, done, failed, outside, tagOf } from '../support/buses.ts';

const kibibyte = 1024;
const small = { capacity: 100, high: 80, low: 20, bytesMax: 10 * kibibyte };

function heavy(kibibytes: number): Payload {
  return { contentType: undefined, headers: [], body: new Uint8Array(kibibytes * kibibyte) };
}

for (const thread of [0, 1])
  for (const guarantee of ['at-most-once', 'at-least-once'] as const) {
    const where = `${guarantee}, ${thread === 0 ? 'same thread' : 'other thread'}`;

    test(`bytes fill a mailbox as messages do, and small ones still fit (${where})`, () => {
      const buses = new Buses(2);
      const audit = buses.agent('audit', { thread, mailbox: small });
      const send = (kibibytes: number) =>
        tagOf(buses.bus.send(outside, 'audit', heavy(kibibytes), { guarantee }));
      assert.equal(send(4), undefined);
      assert.equal(send(7), 'full');
      assert.equal(buses.directory.depthOf(audit.id), 1);
      // Nothing that was refused is counted; what is taken leaves room.
      audit.work();
      assert.deepEqual([send(4), send(3), send(3)], [undefined, undefined, undefined]);
      assert.deepEqual([send(2), send(1)], ['full', 'full']);
      audit.work();
      assert.equal(send(1), undefined);
    });
  }

test('one message alone fits, whatever its size', () => {
  const buses = new Buses();
  buses.agent('audit', { mailbox: small });
  assert.equal(tagOf(buses.bus.send(outside, 'audit', heavy(50))), undefined);
  assert.equal(tagOf(buses.bus.send(outside, 'audit', heavy(2))), 'full');
});

test('an agent waits for room in bytes, and is let go when a fifth is left', async () => {
  const buses = new Buses();
  const sender = buses.agent('sender');
  const audit = buses.agent('audit', { mailbox: small });
  for (const size of [2, 2, 4]) atOnce(buses.bus.send(sender, 'audit', heavy(size)));
  const waiting = buses.bus.send(sender, 'audit', heavy(1));
  assert.ok(waiting instanceof Promise);
  let isDone = false;
  void waiting.then(() => {
    isDone = true;
  });
  const [first, second] = [audit.take(), undefined];
  assert.ok(first !== undefined && second === undefined);
  audit.bus.settle(first, done);
  await Promise.resolve();
  assert.equal(isDone, false);
  audit.work();
  assert.equal(tagOf(await waiting), undefined);
});

test('what is given up, cancelled, repeated or taken away gives its bytes back', async () => {
  const buses = new Buses();
  const audit = buses.agent('audit', { mailbox: small });
  const ending = new AbortController();
  const reply = buses.bus.request(outside, 'agent.audit', heavy(6), { signal: ending.signal });
  assert.equal(tagOf(buses.bus.send(outside, 'audit', heavy(6))), 'full');
  ending.abort();
  await reply;
  atOnce(buses.bus.send(outside, 'audit', heavy(6), { guarantee: 'at-least-once' }));
  audit.handle = () => failed({ tag: 'unavailable', val: 'later' });
  audit.work();
  // It waits to be repeated, with its bytes.
  assert.equal(tagOf(buses.bus.send(outside, 'audit', heavy(6))), 'full');
  audit.handle = () => done;
  buses.pass(2000);
  audit.work();
  atOnce(buses.bus.send(outside, 'audit', heavy(6)));
  for (const delivery of buses.bus.detach(audit.id)) buses.bus.drop(delivery);
  assert.ok(buses.directory.reserve(audit.id, 9));
});

test('what is published passes by who has no room for its bytes', () => {
  const buses = new Buses();
  const [full, free] = [buses.agent('full', { mailbox: small }), buses.agent('free', { mailbox: small })];
  for (const one of [full, free]) one.bus.subscribe(one.id, 'news', undefined);
  atOnce(buses.bus.send(outside, 'full', heavy(5)));
  const result = atOnce(buses.bus.publish(outside, 'news', heavy(6)));
  assert.deepEqual('receivers' in result && [result.receivers, result.dropped], [1, 1]);
});

test('dead letters are bounded in bytes: the oldest make room, the latest stays', () => {
  const buses = new Buses(1, { limits: { deadLetterBytesMax: 10 * kibibyte } });
  const audit = buses.agent('audit');
  audit.handle = () => failed({ tag: 'invalid', val: 'no' });
  const sizes = (): number[] => buses.bus.deadLetters(9).map(({ message }) => message.body.length / kibibyte);
  for (const size of [4, 5, 3]) {
    atOnce(buses.bus.send(outside, 'audit', heavy(size)));
    audit.work();
  }
  assert.deepEqual(sizes(), [3, 5]);
  atOnce(buses.bus.send(outside, 'audit', heavy(20)));
  audit.work();
  assert.deepEqual(sizes(), [20]);
  assert.ok(buses.bus.dropDeadLetter(buses.bus.deadLetters(1)[0]?.message.id ?? ''));
  for (const size of [4, 5]) {
    atOnce(buses.bus.send(outside, 'audit', heavy(size)));
    audit.work();
  }
  assert.deepEqual(sizes(), [5, 4]);
});

test('a caller that repeats its id is known, and another caller with the same id is not taken for it', () => {
  const buses = new Buses();
  const audit = buses.agent('audit');
  audit.bus.subscribe(audit.id, 'news', undefined);
  const receivers = (principal: string, how: 'send' | 'publish'): number => {
    const from = { ...outside, principal };
    const options = { id: 'order-1', guarantee: 'at-most-once' } as const;
    const target = how === 'send' ? 'audit' : 'news';
    const result = atOnce(buses.bus[how](from, target, heavy(0), options));
    return 'receivers' in result ? result.receivers : -1;
  };
  for (const how of ['send', 'publish'] as const) {
    assert.deepEqual([receivers('shop', how), receivers('shop', how)], [1, 0]);
    assert.deepEqual([receivers('till', how), receivers('till', how)], [1, 0]);
  }
});
