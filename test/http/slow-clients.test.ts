import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import type { HttpFront } from '../../host/http/listen.ts';
import { ask, open } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answered } from '../support/memory-serving.ts';

// Five hundred clients that waste the host's time in five ways, beside one that does not.

const post = (name: string): string => `POST /v1/agents/${name}/invoke HTTP/1.1\r\nhost: localhost\r\n`;
const each = 122;
const notReading = 12;

/** What the clients of one kind say at first, and then byte by byte for as long as they are let. */
interface Slow {
  readonly first: string;
  readonly byte: string;
  /** What they are told in the end. */
  readonly end: RegExp;
}

const kinds: readonly Slow[] = [
  { first: 'P', byte: '', end: /^HTTP\/1\.1 408 .*request-timeout/s },
  { first: `${post('echo')}x-slow: `, byte: 'a', end: /^HTTP\/1\.1 408 .*request-timeout/s },
  {
    first: `${post('echo')}content-length: 100000\r\n\r\n`,
    byte: 'b',
    end: /^HTTP\/1\.1 408 .*request-timeout/s,
  },
  // Asked once, was answered, and says nothing more.
  { first: `${post('echo')}content-length: 1\r\n\r\nx`, byte: '', end: /^HTTP\/1\.1 200 .*\r\n\r\nx$/s },
];

function connected(t: TestContext, front: HttpFront, first: string): net.Socket {
  const socket = net.connect(front.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(first);
  return socket;
}

/** What it was told until it was closed, by a word or by force. */
function ended(socket: net.Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = (): void => resolve(Buffer.concat(chunks).toString('latin1'));
  if (socket.closed) end();
  else socket.once('close', end);
  return promise;
}

test('500 slow clients hinder nobody, and each is ended by the timeout that is meant for it', async (t) => {
  const { front, serving } = await open(t, {
    limits: { headersTimeoutMs: 1000, requestTimeoutMs: 1500, keepAliveMs: 2000, sweepMs: 100, stallsMax: 5 },
  });
  const large = new Uint8Array(24 * 1024 * 1024);
  serving.add('large', () => answered(large));
  let left = 0;
  const slow = kinds.flatMap((kind) =>
    Array.from({ length: each }, () => ({ kind, socket: connected(t, front, kind.first) })),
  );
  const dripping = setInterval(() => {
    for (const { kind, socket } of slow) if (kind.byte !== '' && socket.writable) socket.write(kind.byte);
  }, 20);
  t.after(() => clearInterval(dripping));
  const deaf = Array.from({ length: notReading }, () => {
    const socket = connected(t, front, `${post('large')}content-length: 1\r\n\r\nx`).pause();
    return socket;
  });
  const ends = slow.map(async ({ socket, kind }) => {
    left += 1;
    const told = await ended(socket);
    left -= 1;
    return { told, kind };
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  let besides = 0;
  const all = Promise.all(ends);
  for (let isOver = false; !isOver; ) {
    const answer = await ask(front, '/v1/agents/echo/invoke', { body: 'hi', agent });
    assert.deepEqual([answer.status, answer.text], [200, 'hi']);
    if (left > 0) besides += 1;
    isOver = left === 0;
  }
  for (const { told, kind } of await all) assert.match(told, kind.end);
  assert.ok(besides > 20, `${besides} calls were answered beside them`);
  // Those that read nothing are cut off within what they were sent.
  for (const socket of deaf) {
    const told = await ended(socket.resume());
    assert.ok(told.length < large.length, `${told.length} bytes`);
  }
});

test('beyond connectionsMax each client is told so until one leaves, also while it talks itself', async (t) => {
  const clock = new HandClock();
  const { front } = await open(t, { clock, limits: { connectionsMax: 100, sweepMs: 1000 } });
  const idle = Array.from({ length: 100 }, () => net.connect(front.port, '127.0.0.1'));
  t.after(() => {
    for (const socket of idle) socket.destroy();
  });
  await Promise.all(idle.map((socket) => once(socket, 'connect')));
  // The last of them has been let in once it is answered.
  idle[99]?.write(`${post('echo')}content-length: 1\r\n\r\nx`);
  await once(idle[99] ?? net.connect(0), 'data');
  const over = Array.from({ length: 50 }, () =>
    connected(t, front, `${post('echo')}content-length: 1\r\n\r\nx`),
  );
  for (const told of await Promise.all(over.map(ended)))
    assert.match(told, /^HTTP\/1\.1 503 .*retry-after: 1.*connectionsMax, 100\).*"code":"overloaded"/s);
  // Whoever stays although it was told to go is cut off at the next sweep.
  const staying = net.connect({ port: front.port, host: '127.0.0.1', allowHalfOpen: true });
  staying.on('error', () => undefined);
  const [told] = await once(staying, 'data');
  assert.match(String(told), /^HTTP\/1\.1 503 /);
  const cut = ended(staying);
  clock.turn(1000);
  // A socket that is not read learns by what it says that nobody is there.
  const talking = setInterval(() => staying.write('still here'), 10);
  t.after(() => clearInterval(talking));
  await cut;
  idle[0]?.destroy();
  let status = 503;
  for (let tries = 0; status === 503 && tries < 50; tries += 1)
    ({ status } = await ask(front, '/v1/agents/echo/invoke', { body: 'x' }));
  assert.equal(status, 200);
});
