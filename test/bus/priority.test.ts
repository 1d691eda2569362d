import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, plainLane } from '../../host/bus/delivery.ts';
import { Mailbox } from '../../host/bus/mailbox.ts';
import type { Message, Payload } from '../../host/bus/message.ts';
import { type Level, levels, rankOfLevel } from '../../host/manifest/scheduling.ts';
import { Buses, outside, replyText, type TestAgent, text, wordsOf } from '../support/buses.ts';
import { fc } from '../support/properties.ts';

const normal = rankOfLevel('normal');

function agentOf(buses: Buses, level = normal, thread = 0): TestAgent {
  return buses.agent('a', { thread, terms: { level } });
}

function at(level: Level, words: string = level): Payload {
  return text(words, [{ name: 'mote-priority', value: level }]);
}

test('a message that asks for a level before its receiver’s own overtakes those that ask for less', async () => {
  const buses = new Buses();
  const agent = agentOf(buses);
  for (const payload of [
    text('one'),
    at('low'),
    at('high'),
    at('critical'),
    at('high', 'high again'),
    text('two'),
  ])
    await buses.bus.send(outside, 'a', payload);
  agent.work();
  assert.deepEqual(agent.heard, ['critical', 'high', 'high again', 'one', 'low', 'two']);
});

test('a receiver of that level or one before it has its messages in the order in which they came', async () => {
  const buses = new Buses();
  const agent = agentOf(buses, rankOfLevel('critical'));
  for (const payload of [text('one'), at('critical'), at('high')])
    await buses.bus.send(outside, 'a', payload);
  agent.work();
  assert.deepEqual(agent.heard, ['one', 'critical', 'high']);
});

test('the level goes along to another thread, through a publication and with a question', async () => {
  const buses = new Buses(2);
  const agent = agentOf(buses, normal, 1);
  buses.at(1).subscribe(agent.id, 'news.*', undefined);
  await buses.bus.send(outside, 'a', text('plain'));
  await buses.bus.publish(outside, 'news.x', at('high', 'published'));
  const asked = buses.bus.request(outside, 'agent.a', text('asked'), { priority: 'critical' });
  agent.work();
  assert.deepEqual(agent.heard, ['asked', 'published', 'plain']);
  assert.equal(replyText(await asked), '');
});

test('its receiver is woken again, at the level it came to', async () => {
  const buses = new Buses();
  const woken: (number | undefined)[] = [];
  const agent = agentOf(buses);
  Object.assign(agent, { wake: (_id: number, level?: number) => woken.push(level) });
  await buses.bus.send(outside, 'a', text('one'));
  await buses.bus.send(outside, 'a', text('two'));
  await buses.bus.send(outside, 'a', at('low'));
  assert.deepEqual(woken, [undefined]);
  await buses.bus.send(outside, 'a', at('high'));
  await buses.bus.send(outside, 'a', at('high'));
  await buses.bus.send(outside, 'a', at('critical'));
  assert.deepEqual(woken, [undefined, rankOfLevel('high'), rankOfLevel('critical')]);
  const seen: (number | undefined)[] = [];
  for (let left = 6; left > 0; left -= 1) {
    seen.push(buses.bus.urgencyOf(agent.id));
    agent.bus.settle(agent.take() ?? assert.fail('nothing waits'), { kind: 'ok', value: undefined, usage });
  }
  assert.deepEqual(seen, [1, 2, 2, undefined, undefined, undefined]);
});

test('what an asker gives up is not waited for at its level either', async () => {
  const buses = new Buses();
  const agent = agentOf(buses);
  const ending = new AbortController();
  await buses.bus.send(outside, 'a', text('plain'));
  const asked = buses.bus.request(outside, 'agent.a', at('critical'), { signal: ending.signal });
  assert.equal(buses.bus.urgencyOf(agent.id), rankOfLevel('critical'));
  ending.abort();
  assert.equal(replyText(await asked), 'cancelled');
  assert.equal(buses.bus.urgencyOf(agent.id), undefined);
  agent.work();
  assert.deepEqual(agent.heard, ['plain']);
});

const usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

test('whoever is overtaken is not overtaken for ever', () => {
  const mailbox = new Mailbox();
  mailbox.push(deliveryOf('plain'));
  for (let each = 0; each < 1_000; each += 1) mailbox.push(deliveryOf('urgent'), 0);
  let before = 0;
  while (wordsOf(mailbox.shift()?.message.body) !== 'plain') before += 1;
  assert.equal(before, 32);
  assert.equal(mailbox.size, 968);
});

function deliveryOf(words: string): Delivery {
  const message: Message = {
    id: words,
    subject: 's',
    sender: undefined,
    replyTo: undefined,
    sentAtNs: 0n,
    deadlineNs: undefined,
    attempt: 1,
    ...text(words),
  };
  return new Delivery(message, 1, 0, 'at-most-once', 0, 0, 0, Number.POSITIVE_INFINITY);
}

/** What waits, as whoever thinks of nothing but the rules would keep it. */
interface Waiting {
  readonly delivery: Delivery;
  readonly lane: number;
}

test('a mailbox is what a list searched from its beginning is, whatever comes, goes and is taken back', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('push' as const), lane: fc.constantFrom(0, 1, 2, plainLane) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('shift' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(1000) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const mailbox = new Mailbox();
      let list: Waiting[] = [];
      let overtook = 0;
      let sent = 0;
      for (const one of steps) {
        if (one.do === 'push') {
          const delivery = deliveryOf(`${sent++}`);
          mailbox.push(delivery, one.lane);
          list.push({ delivery, lane: one.lane });
        } else if (one.do === 'cancel') {
          const gone = list[one.which % Math.max(1, list.length)];
          if (gone === undefined) continue;
          gone.delivery.isCancelled = true;
          mailbox.noteCancelled(gone.delivery);
          list = list.filter((other) => other !== gone);
        } else {
          const isPlainsTurn = overtook >= 32 && list.some(({ lane }) => lane === plainLane);
          const least = isPlainsTurn ? plainLane : Math.min(...list.map(({ lane }) => lane));
          const next = list.find(({ lane }) => lane === least);
          assert.equal(mailbox.shift(), next?.delivery);
          list = list.filter((other) => other !== next);
          if (least === plainLane || next === undefined) overtook = 0;
          else if (list.some(({ lane }) => lane === plainLane)) overtook += 1;
        }
        assert.equal(mailbox.size, list.length);
        const first = Math.min(...list.map(({ lane }) => lane));
        assert.equal(mailbox.level, first < plainLane ? first : undefined);
      }
    }),
  );
});

test('every level has its name, and no other word is one', async () => {
  const buses = new Buses();
  agentOf(buses);
  for (const level of levels) assert.ok('id' in (await buses.bus.send(outside, 'a', at(level))));
  const refused = await buses.bus.send(outside, 'a', text('x', [{ name: 'mote-priority', value: 'urgent' }]));
  assert.deepEqual(refused, { tag: 'unsupported', val: 'mote-priority: urgent' });
});

test('a request that will not end in time is refused with forecast and deadline; what has none, and a probe, is taken', async () => {
  for (const thread of [0, 1]) {
    const buses = new Buses(2);
    const agent = agentOf(buses, normal, thread);
    const ahead: number[] = [];
    Object.assign(agent, {
      lateness: (_id: number, { untilMs }: Delivery, before: number) => {
        ahead.push(before);
        return { forecastMs: 50, deadlineMs: untilMs - buses.clock.ms };
      },
    });
    await buses.bus.send(outside, 'a', at('high'));
    await buses.bus.send(outside, 'a', text('no deadline'));
    const reply = await buses.bus.request(outside, 'agent.a', text('asked'), { timeoutMs: 20 });
    assert.ok('error' in reply && reply.error.tag === 'too-late');
    assert.equal(reply.error.val.forecastMs, 50);
    assert.ok(Math.abs(reply.error.val.deadlineMs - 20) < 1);
    await buses.bus.request(outside, 'agent.a', at('high'), { timeoutMs: 20 });
    await buses.bus.request(outside, 'agent.a', at('critical'), { timeoutMs: 20 });
    assert.deepEqual(ahead, [2, 1, 0]);
    assert.equal(agent.work(), 2);
    assert.equal(buses.directory.depthOf(agent.id), 0);
  }
});
