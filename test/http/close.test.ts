import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import type { Reply } from '../../host/host/serving.ts';
import { ask, EventReader, ended, open } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answered } from '../support/memory-serving.ts';

const request = (name: string): string =>
  `POST /v1/agents/${name}/invoke HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx`;

test('closing answers what runs, ends streams with a word and idle connections, and takes nothing new', async (t) => {
  const { front, serving } = await open(t);
  const { promise: finishing, resolve: finish } = Promise.withResolvers<void>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  serving.add('slow', async () => {
    start();
    await finishing;
    return answered(new Uint8Array(3_000_000));
  });
  const idle = net.connect(front.port, '127.0.0.1');
  await once(idle, 'connect');
  const reader = await EventReader.open(front, '/v1/subscribe/a');
  const running = ask(front, '/v1/agents/slow/invoke', { body: 'x' });
  await started;
  const closed = front.close(10_000);
  assert.match(String(await reader.next()), /^event: end\ndata: .*shutting down/);
  assert.equal(await reader.next(), undefined);
  assert.equal(await ended(idle), '');
  await assert.rejects(ask(front, '/healthz'), { code: 'ECONNREFUSED' });
  finish();
  const answer = await running;
  assert.deepEqual(
    [answer.status, answer.bytes.length, answer.headers.connection],
    [200, 3_000_000, 'close'],
  );
  await closed;
  assert.equal(serving.subscribers.size, 0);
});

test('what does not finish within the drain is told so, and ended', async (t) => {
  const clock = new HandClock();
  const { front, serving } = await open(t, { clock });
  const { promise: started, resolve: start } = Promise.withResolvers<AbortSignal | undefined>();
  serving.add('stuck', (_payload, { signal }) => {
    start(signal);
    return new Promise(() => undefined);
  });
  const socket = net.connect(front.port, '127.0.0.1');
  socket.write(request('stuck'));
  const signal = await started;
  const closed = front.close(5_000);
  clock.turn(4_999);
  assert.equal(signal?.aborted, false);
  clock.turn(1);
  const answer = await ended(socket);
  assert.match(answer, /^HTTP\/1.1 503 [\s\S]*\r\nconnection: close\r\n[\s\S]*"code":"closing"/i);
  await closed;
  assert.equal(signal?.aborted, true);
});

test('an invocation and a site that do not end are answered, and what an agent says later goes nowhere', async (t) => {
  const { front, serving } = await open(t);
  const { promise: finishing, resolve: finish } = Promise.withResolvers<void>();
  const { promise: bothStarted, resolve: start } = Promise.withResolvers<void>();
  let asked = 0;
  const late = async (): Promise<Reply> => {
    asked += 1;
    if (asked === 2) start();
    await finishing;
    return answered(new TextEncoder().encode('too late'));
  };
  serving.add('stuck', late);
  serving.sites.set('/site', async (_request, response) => {
    await late();
    response.end('too late');
  });
  const askedFor = (text: string): Promise<string> => {
    const socket = net.connect(front.port, '127.0.0.1');
    socket.write(text);
    return ended(socket);
  };
  const answers = [askedFor(request('stuck')), askedFor('GET /site HTTP/1.1\r\nhost: localhost\r\n\r\n')];
  await bothStarted;
  await front.close(0);
  finish();
  for (const answer of await Promise.all(answers)) {
    assert.match(answer, /^HTTP\/1.1 503 /);
    assert.doesNotMatch(answer, /too late/);
  }
});

test('closing twice is closing once', async (t) => {
  const { front } = await open(t);
  await front.close(0);
  await front.close(0);
});
