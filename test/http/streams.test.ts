import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import type { Payload } from '../../host/host/serving.ts';
import { isoTime } from '../../host/http/routes/message-json.ts';
import { ask, EventReader, open } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';

const principal = { name: 'test' };
const payload = (body: string | Uint8Array): Payload => ({
  contentType: 'text/plain',
  headers: [{ name: 'a', value: 'b' }],
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});

function dataOf(event: string | undefined): Record<string, unknown> {
  return JSON.parse(/^data: (.*)$/m.exec(event ?? '')?.[1] ?? 'null') as Record<string, unknown>;
}

test('a subscriber is sent the messages of its pattern, text as text and bytes as Base64', async (t) => {
  const { front, serving } = await open(t);
  const reader = await EventReader.open(front, '/v1/subscribe/orders.%3E?group=g');
  assert.equal(reader.answer.headers['content-type'], 'text/event-stream');
  assert.equal([...serving.subscribers][0]?.group, 'g');
  await serving.publish('prices.eu', payload('no'), { principal });
  await serving.publish('orders.eu', payload('line\nline'), { principal, messageId: 'o-1' });
  const event = await reader.next();
  assert.match(String(event), /^event: message\nid: o-1\ndata: \{/);
  assert.deepEqual(dataOf(event), {
    id: 'o-1',
    subject: 'orders.eu',
    sender: null,
    contentType: 'text/plain',
    headers: [{ name: 'a', value: 'b' }],
    sentAt: '2023-11-14T22:13:20.123456789Z',
    body: 'line\nline',
  });
  await serving.publish('orders.eu', payload(new Uint8Array([255, 0])), { principal });
  assert.equal(dataOf(await reader.next()).bodyBase64, '/wA=');
});

test('the time of a message keeps all nine digits of its second', () => {
  assert.equal(isoTime(1_700_000_000_000_000_007n), '2023-11-14T22:13:20.000000007Z');
});

test('an id that could end its line is left out', async (t) => {
  const { front, serving } = await open(t);
  const reader = await EventReader.open(front, '/v1/subscribe/a');
  await serving.publish('a', payload('x'), { principal, messageId: 'a\nevent: forged' });
  assert.match(String(await reader.next()), /^event: message\ndata: /);
});

test('a pattern that is none is a problem, not a stream; one stream too many is 503', async (t) => {
  const { front } = await open(t, { limits: { streamsMax: 1 } });
  assert.deepEqual((await ask(front, '/v1/subscribe/a..b')).json.code, 'HOST_ERR_SUBJECT_INVALID');
  await EventReader.open(front, '/v1/subscribe/a');
  const second = await ask(front, '/v1/subscribe/a');
  assert.deepEqual([second.status, second.json.code], [503, 'overloaded']);
});

test('HEAD of a stream has its head alone, and holds nothing open', async (t) => {
  const { front, serving } = await open(t);
  const { status, headers } = await ask(front, '/v1/subscribe/a', { method: 'HEAD' });
  assert.deepEqual([status, headers['content-type']], [200, 'text/event-stream']);
  assert.equal(serving.subscribers.size, 0);
});

test('a reader that goes away leaves nothing behind', async (t) => {
  const { front, serving } = await open(t, { limits: { streamsMax: 1 } });
  const reader = await EventReader.open(front, '/v1/subscribe/a');
  assert.equal(serving.subscribers.size, 1);
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const { delete: forget } = serving.subscribers;
  serving.subscribers.delete = (subscriber) => {
    resolve();
    return forget.call(serving.subscribers, subscriber);
  };
  reader.leave();
  await left;
  assert.equal(serving.subscribers.size, 0);
  const next = await EventReader.open(front, '/v1/subscribe/a');
  assert.equal(next.answer.statusCode, 200);
});

test('a reader that reads nothing loses what is beyond pendingBytesMax and is told how many', async (t) => {
  const clock = new HandClock();
  const limits = { pendingBytesMax: 100_000, stallsMax: 1_000_000 };
  const { front, serving } = await open(t, { clock, limits });
  const socket = net.connect(front.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.setEncoding('utf8');
  socket.write('GET /v1/subscribe/a HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'readable');
  socket.pause();
  // More than the system's buffers take.
  const sentMax = 400;
  for (let sent = 0; sent < sentMax; sent += 1) {
    await serving.publish('a', payload('x'.repeat(50_000)), { principal });
    // Nothing is told to one who does not read: neither that the connection lives, nor that something is lost.
    if (sent % 10 === 9) clock.turn(15_000);
  }
  let text = '';
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.resume();
  while (!/event: lost\ndata: /.test(text)) {
    await once(socket, 'data');
    clock.turn(15_000);
  }
  const arrived = text.match(/event: message/g)?.length ?? 0;
  const lost = Number(/event: lost\ndata: \{"count":(\d+)\}/.exec(text)?.[1]);
  assert.ok(lost > 0 && arrived < sentMax);
  assert.equal(arrived + lost, sentMax);
  assert.equal(text.match(/event: lost/g)?.length, 1);
  assert.ok((text.match(/^: $/gm)?.length ?? 0) < sentMax / 20);
});

test('a comment comes at every heartbeat', async (t) => {
  const clock = new HandClock();
  const { front } = await open(t, { clock });
  const reader = await EventReader.open(front, '/v1/subscribe/a');
  for (let beat = 0; beat < 2; beat += 1) {
    clock.turn(15_000);
    assert.equal(await reader.next(), ': ');
  }
});

test('events of the host are the subjects host.>', async (t) => {
  const { front, serving } = await open(t);
  const reader = await EventReader.open(front, '/v1/events');
  await serving.publish('host.agent.started', payload('{}'), { principal });
  assert.equal(dataOf(await reader.next()).subject, 'host.agent.started');
});

test('logs come as lines of JSON, or as a stream that goes on', async (t) => {
  const { front, serving } = await open(t);
  serving.log({ text: 'one' });
  serving.log({ text: 'other', agent: 'other' });
  serving.log({ text: 'two' });
  const lines = await ask(front, '/v1/logs?agent=echo&tail=10');
  assert.equal(lines.headers['content-type'], 'application/x-ndjson');
  const textsOf = lines.text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);
  assert.deepEqual(textsOf, ['one', 'two']);
  const reader = await EventReader.open(front, '/v1/logs?agent=echo&tail=1&follow=1', {
    accept: 'text/event-stream',
  });
  serving.log({ text: 'three' });
  const texts: unknown[] = [];
  while (texts.length < 2) {
    const event = await reader.next();
    assert.ok(event !== undefined, 'the stream ended');
    if (event.startsWith('event: log')) texts.push(dataOf(event).text);
  }
  assert.deepEqual(texts, ['two', 'three']);
  assert.equal((await ask(front, '/v1/logs?follow=1')).status, 406);
});
