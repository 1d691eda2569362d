import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BusFunctions, busGuestApi } from '../../host/bus/guest-api.ts';
import type { BusError } from '../../host/bus/message.ts';
import { levels } from '../../host/manifest/scheduling.ts';
import { matches } from '../../host/subject.ts';
import { answer, Buses, failed, type TestAgent, text, wordsOf } from '../support/buses.ts';

/** As the engine's: what a call of the guest throws to return an error. */
class Refused {
  readonly payload: BusError;
  constructor(payload: BusError) {
    this.payload = payload;
  }
}

interface Guest {
  readonly functions: BusFunctions;
  readonly denials: string[];
  readonly abort: AbortController;
}

function guestOf(agent: TestAgent, granted: readonly string[]): Guest {
  const denials: string[] = [];
  const abort = new AbortController();
  const may = (subject: string): boolean => granted.some((pattern) => matches(pattern, subject));
  const { functions } = busGuestApi({
    bus: agent.bus,
    rights: {
      maySend: may,
      mayPublish: may,
      maySubscribe: may,
      cure: (kind, target) => `[capabilities.bus] ${kind} = ["${target}"]`,
    },
    mayUrge: (level) => levels.indexOf(level) >= levels.indexOf('high'),
    sender: () => ({ id: agent.id, name: agent.name }),
    signal: () => abort.signal,
    failure: (error) => new Refused(error),
    denied: (what, cure) => denials.push(`${what}: ${cure}`),
  });
  return { functions, denials, abort };
}

async function refusal(call: () => unknown): Promise<BusError> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof Refused);
    return error.payload;
  }
  assert.fail('it was not refused');
}

const denied = { tag: 'denied' };

test('an agent sends to whom it may; what it may not reach and what is not there look the same', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const audit = buses.agent('audit');
  buses.agent('secret');
  const { functions, denials } = guestOf(agent, ['agent.audit', 'agent.nobody']);
  assert.match(String(await functions.send('audit', undefined, text('x'))), /^.{18,}$/);
  assert.equal(await functions.send('audit', 'mine', text('y')), 'mine');
  audit.work();
  assert.deepEqual(audit.heard, ['x', 'y']);
  for (const name of ['nobody', 'secret', 'unknown', '', 'a b', '*'])
    assert.deepEqual(await refusal(() => functions.send(name, undefined, text('x'))), denied, name);
  assert.deepEqual(denials.slice(0, 2), [
    'send agent.secret: [capabilities.bus] send = ["agent.secret"]',
    'send agent.unknown: [capabilities.bus] send = ["agent.unknown"]',
  ]);
});

test('an agent has its messages handled at the levels it may; beyond it is denied, and there is no other', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const audit = buses.agent('audit', { terms: { level: levels.indexOf('normal') } });
  const { functions, denials } = guestOf(agent, ['agent.audit', 'news.>']);
  const at = (level: string) => text(level, [{ name: 'Mote-Priority', value: level }]);
  for (const level of ['normal', 'high']) await functions.send('audit', undefined, at(level));
  audit.work();
  assert.deepEqual(audit.heard, ['high', 'normal'], 'allowed');
  assert.deepEqual(audit.handled[0]?.message.headers, []);
  for (const call of [
    () => functions.send('audit', undefined, at('critical')),
    () => functions.publish('news.x', undefined, at('critical')),
    () => functions.request('agent.audit', at('critical'), 10),
  ])
    assert.deepEqual(await refusal(call), denied, 'forbidden');
  assert.equal(denials[0], 'priority critical: [capabilities.bus] priority = ["critical"]');
  assert.deepEqual(await refusal(() => functions.send('audit', undefined, at('urgent'))), {
    tag: 'unsupported',
    val: 'Mote-Priority: urgent',
  });
  const twice = text('x', [
    { name: 'mote-priority', value: 'low' },
    { name: 'mote-priority', value: 'low' },
  ]);
  assert.equal((await refusal(() => functions.send('audit', undefined, twice))).tag, 'unsupported');
});

test('an agent asks whom it may, and the answer has what the other gave it', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const billing = buses.agent('billing');
  buses.agent('secret');
  billing.handle = ({ message }) => answer(`${wordsOf(message.body)}!`);
  const { functions } = guestOf(agent, ['agent.billing', 'agent.nobody', 'prices.>']);
  const payload = await functions.request('agent.billing', text('pay'), 0);
  assert.deepEqual([wordsOf(payload.body), payload.contentType, payload.headers], ['pay!', 'text/plain', []]);
  for (const subject of ['agent.nobody', 'agent.secret', 'agent.unknown', 'orders.eu'])
    assert.deepEqual(await refusal(() => functions.request(subject, text('x'), 0)), denied, subject);
  assert.deepEqual(await refusal(() => functions.request('prices.eu', text('x'), 0)), {
    tag: 'no-responders',
  });
});

test('an agent that asks is told how the other failed, or that its own invocation ends', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const billing = buses.agent('billing');
  const { functions, abort } = guestOf(agent, ['>']);
  billing.handle = () => failed({ tag: 'custom', val: { code: 'broke', message: 'm', detail: undefined } });
  assert.deepEqual(await refusal(() => functions.request('agent.billing', text('x'), 0)), {
    tag: 'failed',
    val: { tag: 'custom', val: { code: 'broke', message: 'm', detail: undefined } },
  });
  billing.handle = undefined;
  const waiting = refusal(() => functions.request('agent.billing', text('x'), 0));
  abort.abort();
  assert.deepEqual(await waiting, { tag: 'cancelled' });
  assert.equal(billing.take(), undefined);
});

test('an agent publishes and subscribes to what it may and to nothing else', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const { functions, denials } = guestOf(agent, ['orders.>']);
  const subscription = await functions.subscribe('orders.*', undefined);
  assert.equal(typeof subscription, 'bigint');
  await functions.publish('orders.eu', undefined, text('x'));
  agent.work();
  assert.deepEqual(agent.heard, ['x']);
  assert.deepEqual(await refusal(() => functions.publish('prices.eu', undefined, text('x'))), denied);
  assert.deepEqual(await refusal(() => functions.subscribe('prices.*', undefined)), denied);
  assert.equal(denials.length, 2);
  functions.unsubscribe(subscription);
  functions.unsubscribe(2n ** 64n - 1n);
  await functions.publish('orders.eu', undefined, text('y'));
  assert.equal(agent.work(), 0);
});

test('what is no subject, pattern or group is said to be none, before any grant is asked', async () => {
  const { functions, denials } = guestOf(new Buses().agent('a'), []);
  for (const call of [
    () => functions.publish('a..b', undefined, text('x')),
    () => functions.request('a b', text('x'), 0),
    () => functions.subscribe('a.>.b', undefined),
    () => functions.subscribe('a', 'g.h'),
  ])
    assert.equal((await refusal(call)).tag, 'invalid-subject');
  assert.deepEqual(denials, []);
});

test('answering what one was asked takes no grant, answering anybody else is denied', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const { functions } = guestOf(agent, []);
  const reply = buses.bus.request({ id: 0, name: undefined }, 'agent.a', text('?'));
  const inbox = agent.take()?.message.replyTo ?? '';
  assert.deepEqual(await refusal(() => functions.publish('_inbox.guessed', undefined, text('x'))), denied);
  await functions.publish(inbox, undefined, text('here'));
  const settled = await reply;
  assert.ok('outcome' in settled && settled.outcome.kind === 'ok');
  assert.equal(wordsOf(settled.outcome.value), 'here');
});

test('a send that waits for room is a promise, refused when there is none', async () => {
  const buses = new Buses();
  const agent = buses.agent('a');
  const audit = buses.agent('audit', { mailbox: { capacity: 2, high: 1, low: 0 } });
  const { functions } = guestOf(agent, ['>']);
  functions.send('audit', undefined, text('1'));
  const second = functions.send('audit', undefined, text('2'));
  assert.ok(second instanceof Promise);
  audit.work();
  assert.equal(typeof (await second), 'string');
  audit.bus.pause(audit.id);
  functions.send('audit', undefined, text('3'));
  const waiting = refusal(() => functions.send('audit', undefined, text('4')));
  buses.pass(104);
  assert.equal((await waiting).tag, 'full');
});
