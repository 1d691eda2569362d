import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import { ask, ended, open, raw } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answered } from '../support/memory-serving.ts';

const post = 'POST /v1/agents/echo/invoke HTTP/1.1\r\nhost: localhost\r\n';

/** What could be read as two different requests, or as none; each is answered once, with 400, and closed. */
const attacks: Readonly<Record<string, string>> = {
  'both lengths': `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n`,
  'both lengths, the other way': `${post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
  'two lengths': `${post}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`,
  'a list of lengths': `${post}content-length: 1, 1\r\n\r\nx`,
  'a signed length': `${post}content-length: +1\r\n\r\nx`,
  'an encoding that is none': `${post}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'chunked that is not last': `${post}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
  'a space before the colon': `${post}content-length : 1\r\n\r\nx`,
  'a folded header': `${post}x-a: 1\r\n b\r\n\r\n`,
  'a bare line feed': 'POST /v1/agents/echo/invoke HTTP/1.1\nhost: localhost\n\n',
  'a nul in a header': `${post}x-a: \0\r\n\r\n`,
  'a chunk without a size': `${post}transfer-encoding: chunked\r\n\r\nzz\r\n`,
  'no HTTP': 'HELO there\r\n\r\n',
  'a TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01',
  'another version': 'GET / HTTP/3.0\r\nhost: localhost\r\n\r\n',
};

for (const [name, text] of Object.entries(attacks)) {
  test(`malformed: ${name} is answered with 400, once, and closed`, async (t) => {
    const { front, serving } = await open(t);
    let calls = 0;
    serving.add('echo', () => {
      calls += 1;
      return answered(undefined);
    });
    const answer = await raw(front, text);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /connection: close/i);
    assert.match(answer, /"code":"malformed-request"/);
    assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g)?.length, 1);
    assert.equal(calls, 0);
  });
}

for (const [name, text] of Object.entries(attacks)) {
  test(`malformed after a good request on the same connection: ${name} is 400 as well`, async (t) => {
    const { front } = await open(t);
    const socket = net.connect(front.port, '127.0.0.1');
    socket.write(`${post}content-length: 2\r\n\r\nhi`);
    await once(socket, 'readable');
    assert.match(String(socket.read()), /^HTTP\/1\.1 200 .*\r\n\r\nhi$/s);
    socket.write(text);
    const answer = await ended(socket);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g)?.length, 1);
  });
}

for (const [name, text, why] of [
  ['two lengths', attacks['two lengths'], 'two content-lengths'],
  ['a chunk without a size', attacks['a chunk without a size'], 'does not begin with its size'],
  ['a space before the colon', attacks['a space before the colon'], 'a character that none may have'],
] as const)
  test(`malformed: ${name} is told by what it is`, async (t) => {
    const { front } = await open(t);
    assert.match(await raw(front, text ?? ''), new RegExp(`this is no HTTP/1.1 request: .*${why}`));
  });

test('what is asked for in absolute form is what its path is, if Host says the same', async (t) => {
  const { front, serving } = await open(t);
  serving.add('echo', () => answered(Buffer.from('heard')));
  const to = (authority: string) =>
    `POST http://${authority}/v1/agents/echo/invoke HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx`;
  assert.match(await raw(front, to('localhost')), /^HTTP\/1\.1 200 .*heard$/s);
  assert.match(await raw(front, to('evil.example')), /^HTTP\/1\.1 400 .*its Host header names another/s);
  const health = 'GET http://localhost/healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';
  assert.match(await raw(front, health), /^HTTP\/1\.1 200 .*\r\n\r\nok/s);
});

test('CONNECT is answered with 405, and closed', async (t) => {
  const { front } = await open(t);
  const answer = await raw(front, 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 405 .*CONNECT is for proxies/s);
});

test('a request of HTTP/1.1 without Host is 400; one of HTTP/1.0 is answered', async (t) => {
  const { front } = await open(t);
  assert.match(await raw(front, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n'), /^HTTP\/1\.1 400/);
  assert.match(await raw(front, 'GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200/);
});

test('heads that are too large or too many are 431 and closed', async (t) => {
  const { front } = await open(t, { limits: { headerBytesMax: 4096, headersMax: 20 } });
  const large = await raw(front, `${post}x-a: ${'a'.repeat(5000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 .*header-fields-too-large/s);
  const many = await raw(front, `${post}${'x-a: 1\r\n'.repeat(25)}\r\n`);
  assert.match(many, /^HTTP\/1\.1 431 .*headersMax, 20/s);
});

test('a client that is too slow with its head or its body is answered 408 and closed', async (t) => {
  const limits = { headersTimeoutMs: 100, requestTimeoutMs: 200, sweepMs: 20 };
  const { front } = await open(t, { limits });
  assert.match(await raw(front, 'POST /v1/agents/echo/in'), /^HTTP\/1\.1 408 .*request-timeout/s);
  assert.match(await raw(front, `${post}content-length: 10\r\n\r\nx`), /^HTTP\/1\.1 408 /);
});

test('a client that takes nothing of its answer is cut off after stallsMax looks', async (t) => {
  const clock = new HandClock();
  const { front, serving } = await open(t, { clock, limits: { stallsMax: 2, sweepMs: 1000 } });
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  serving.add('large', (_payload, { signal }) => {
    signal?.addEventListener('abort', () => resolve());
    return answered(new Uint8Array(64 * 1024 * 1024));
  });
  const socket = net.connect(front.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('POST /v1/agents/large/invoke HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'readable');
  // Each turn wakes the sweep once; what the system still takes into its buffers shows as progress.
  const turning = setInterval(() => clock.turn(1000), 20);
  await gone;
  clearInterval(turning);
});

test('answers that a client asked for in a row come in their order', async (t) => {
  const { front, serving } = await open(t);
  const { promise: first, resolve: release } = Promise.withResolvers<void>();
  serving.add('one', async () => {
    await first;
    return answered(Buffer.from('one'));
  });
  serving.add('two', () => {
    release();
    return answered(Buffer.from('two'));
  });
  const of = (name: string, last = '') =>
    `POST /v1/agents/${name}/invoke HTTP/1.1\r\nhost: localhost\r\n${last}content-length: 1\r\n\r\nx`;
  const text = await raw(front, of('one') + of('two', 'connection: close\r\n'));
  assert.deepEqual(
    [...text.matchAll(/\r\n\r\n(one|two)/g)].map(([, name]) => name),
    ['one', 'two'],
  );
});

test('a thousand idle connections hinder nobody, and one over connectionsMax is told so and turned away', async (t) => {
  const { front } = await open(t, { limits: { connectionsMax: 1001 } });
  const sockets = Array.from({ length: 1000 }, () => net.connect(front.port, '127.0.0.1'));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  assert.equal((await ask(front, '/healthz')).status, 200);
  const held = net.connect(front.port, '127.0.0.1');
  await once(held, 'connect');
  held.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(held, 'readable');
  const over = net.connect(front.port, '127.0.0.1');
  assert.match(
    await ended(over),
    /^HTTP\/1\.1 503 .*retry-after: 1.*connectionsMax, 1001.*"code":"overloaded"/s,
  );
  held.destroy();
});

test('bodies that are announced and never come take no room from those that do', async (t) => {
  const { front } = await open(t, { limits: { bodiesBytesMax: 4 * 1024 * 1024 } });
  const silent: net.Socket[] = [];
  t.after(() => {
    for (const socket of silent) socket.destroy();
  });
  const head = 'POST /v1/agents/echo/invoke HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16000000\r\n';
  for (let count = 0; count < 8; count += 1) {
    const socket = net.connect(front.port, '127.0.0.1');
    silent.push(socket);
    socket.write(`${head}expect: 100-continue\r\n\r\n`);
    // It is being read once the host says to go on.
    await once(socket, 'data');
  }
  const body = new Uint8Array(2 * 1024 * 1024);
  assert.equal((await ask(front, '/v1/agents/echo/invoke', { body })).status, 200);
});

test('large answers to readers that take none wait up to a bound; beyond it the next is told to ask again', async (t) => {
  const { front, serving } = await open(t, { limits: { answersBytesMax: 50_000_000 } });
  serving.add('large', () => answered(new Uint8Array(30_000_000)));
  const slow = net.connect(front.port, '127.0.0.1');
  slow.write('POST /v1/agents/large/invoke HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx');
  await once(slow, 'readable');
  const next = await ask(front, '/v1/agents/large/invoke', { body: 'x' });
  assert.deepEqual([next.status, next.json.code, next.headers['retry-after']], [503, 'overloaded', '1']);
  assert.equal((await ask(front, '/v1/agents/echo/invoke', { body: 'x' })).status, 200);
  slow.destroy();
  const statusOf = async (): Promise<number> =>
    (await ask(front, '/v1/agents/large/invoke', { body: 'x' })).status;
  let status = await statusOf();
  for (let tries = 0; status === 503 && tries < 50; tries += 1) status = await statusOf();
  assert.equal(status, 200);
});
