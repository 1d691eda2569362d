import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import type { HttpFront } from '../../host/http/listen.ts';
import { plainHeadOf } from '../../host/http/plain-head.ts';
import { ended, open } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answered } from '../support/memory-serving.ts';

const headOf = (name: string, length: number, more = ''): string =>
  `POST /v1/agents/${name}/invoke HTTP/1.1\r\nhost: localhost\r\n${more}content-length: ${length}\r\n\r\n`;

/** A connection that is written to and read from as it comes. */
class Client {
  readonly socket: net.Socket;
  #text = '';
  #woken: () => void = () => undefined;

  constructor(t: TestContext, front: HttpFront) {
    this.socket = net.connect(front.port, '127.0.0.1');
    this.socket.setEncoding('latin1').on('error', () => undefined);
    this.socket.on('data', (text: string) => {
      this.#text += text;
      this.#woken();
    });
    t.after(() => this.socket.destroy());
  }

  /** The next answer: its head, and its body by the declared length. */
  async answer(): Promise<{ readonly head: string; readonly body: string }> {
    for (;;) {
      const end = this.#text.indexOf('\r\n\r\n') + 4;
      const head = this.#text.slice(0, end);
      const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
      if (end > 3 && this.#text.length >= end + length) {
        const body = this.#text.slice(end, end + length);
        this.#text = this.#text.slice(end + length);
        return { head, body };
      }
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }

  /** In two pieces, of which the second leaves when the first must have been read. */
  async writeApart(front: HttpFront, first: string, second: string): Promise<void> {
    this.socket.write(first);
    // Another connection's question is answered only after what was there before it was read.
    await fetch(`${front.url}/healthz`);
    this.socket.write(second);
  }
}

const fieldsOf = (head: string): string[] =>
  head
    .split('\r\n')
    .map((line) => line.replace(/^(date|x-request-id): .*/i, '$1'))
    .filter((line) => line !== '');

test('a request is answered alike, whether it came in one piece or in two', async (t) => {
  const { front } = await open(t);
  const whole = new Client(t, front);
  whole.socket.write(`${headOf('echo', 5, 'content-type: text/plain\r\n')}hello`);
  const apart = new Client(t, front);
  await apart.writeApart(front, headOf('echo', 5, 'content-type: text/plain\r\n'), 'hello');
  const [one, other] = [await whole.answer(), await apart.answer()];
  assert.deepEqual([one.body, other.body], ['hello', 'hello']);
  assert.deepEqual(fieldsOf(one.head), fieldsOf(other.head));
  assert.match(one.head, /\r\nDate: \w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT\r\n/);
});

test('a connection goes on after requests in one piece, one in two, and one for something else', async (t) => {
  const { front } = await open(t);
  const client = new Client(t, front);
  for (const body of ['one', 'two', '', '\xff\0\r\n']) {
    client.socket.write(Buffer.from(`${headOf('echo', body.length)}${body}`, 'latin1'));
    assert.equal((await client.answer()).body, body);
  }
  await client.writeApart(front, `${headOf('echo', 6)}thr`, 'ee!');
  assert.equal((await client.answer()).body, 'three!');
  client.socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  assert.match((await client.answer()).head, /^HTTP\/1\.1 200 /);
  client.socket.write(`${headOf('echo', 4)}four`);
  assert.equal((await client.answer()).body, 'four');
});

test('what comes while a request is under way is answered after it, whatever it is', async (t) => {
  const { front, serving } = await open(t);
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  serving.add('slow', async () => {
    take();
    await held;
    return answered(Buffer.from('slow'));
  });
  const client = new Client(t, front);
  client.socket.write(`${headOf('slow', 1)}x`);
  await taken;
  await client.writeApart(
    front,
    `${headOf('echo', 3)}oneGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n${headOf('ec', 3).slice(0, 9)}`,
    `${headOf('echo', 3).slice(9)}two`,
  );
  release();
  const bodies = [(await client.answer()).body, (await client.answer()).body];
  assert.deepEqual(bodies, ['slow', 'one']);
  assert.match((await client.answer()).body, /ok|ready|\{/);
  assert.equal((await client.answer()).body, 'two');
});

test('a refusal is a problem document, and the connection goes on unless it says otherwise', async (t) => {
  const { front, serving } = await open(t);
  serving.add('broken', () => {
    throw new Error('inside');
  });
  serving.add('liar', () => answered(Buffer.from('x'), 'text/plain\r\nx-a: b'));
  const client = new Client(t, front);
  client.socket.write(`${headOf('nobody', 1)}x`);
  const unknown = await client.answer();
  assert.match(unknown.head, /^HTTP\/1\.1 404 Not Found\r\n.*application\/problem\+json/s);
  assert.equal(JSON.parse(unknown.body).code, 'HOST_ERR_AGENT_UNKNOWN');
  client.socket.write(`${headOf('broken', 1)}x`);
  const broken = await client.answer();
  assert.match(broken.head, /^HTTP\/1\.1 500 /);
  assert.doesNotMatch(broken.body, /inside/);
  client.socket.write(`${headOf('liar', 1)}x`);
  assert.doesNotMatch((await client.answer()).head, /x-a|text\/plain/);
  client.socket.write(`${headOf('echo', 1).replace('localhost', 'other.example')}x`);
  const foreign = await client.answer();
  assert.match(foreign.head, /^HTTP\/1\.1 403 .*connection: close/is);
  if (!client.socket.closed) await once(client.socket, 'close');
});

test('a client that goes away ends its call', async (t) => {
  const { front, serving } = await open(t);
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  serving.add('slow', async (_payload, { signal }) => {
    signal?.addEventListener('abort', () => leave());
    take();
    await gone;
    return answered(undefined);
  });
  const client = new Client(t, front);
  client.socket.write(`${headOf('slow', 1)}x`);
  await taken;
  client.socket.destroy();
  await gone;
});

test('a connection is closed keepAliveMs after its last request', async (t) => {
  const clock = new HandClock();
  const { front } = await open(t, { clock, limits: { keepAliveMs: 10_000, sweepMs: 1000 } });
  const client = new Client(t, front);
  client.socket.write(`${headOf('echo', 1)}x`);
  assert.match((await client.answer()).head, /Keep-Alive: timeout=10\r\n/);
  const looks = setInterval(() => clock.turn(1000), 5);
  t.after(() => clearInterval(looks));
  const before = clock.monotonicMs();
  await once(client.socket, 'close');
  assert.ok(clock.monotonicMs() - before > 10_000);
});

test('a connection that says nothing at all is answered 408 in the end', async (t) => {
  const limits = { headersTimeoutMs: 100, requestTimeoutMs: 200, sweepMs: 20 };
  const { front } = await open(t, { limits });
  const socket = net.connect(front.port, '127.0.0.1');
  assert.match(await ended(socket), /^HTTP\/1\.1 408 /);
});

test('large answers arrive whole, one after the other', async (t) => {
  const { front, serving } = await open(t);
  for (const bytes of [9_000, 300_000, 3_000_000])
    serving.add(`large-${bytes}`, () => answered(new Uint8Array(bytes).fill(65)));
  const client = new Client(t, front);
  for (const bytes of [9_000, 300_000, 3_000_000, 300_000]) {
    client.socket.write(`${headOf(`large-${bytes}`, 1)}x`);
    assert.equal((await client.answer()).body.length, bytes);
  }
  client.socket.write(`${headOf('echo', 1)}x`);
  assert.equal((await client.answer()).body, 'x');
});

test('a request id that the client gave comes back; a fresh one is another each time', async (t) => {
  const { front } = await open(t);
  const client = new Client(t, front);
  const ids: (string | undefined)[] = [];
  for (const more of ['x-request-id: mine-1\r\n', '', '', 'x-request-id: mine-2\r\n']) {
    client.socket.write(`${headOf('echo', 1, more)}x`);
    ids.push(/x-request-id: (\S+)/.exec((await client.answer()).head)?.[1]);
  }
  assert.deepEqual([ids[0], ids[3]], ['mine-1', 'mine-2']);
  assert.equal(new Set(ids).size, 4);
});

/** What is left to Node's own parser, which knows what to make of it. */
const notPlain: Readonly<Record<string, string>> = {
  'a head without an end': headOf('echo', 1).slice(0, -2),
  'another method': headOf('echo', 1).replace('POST', 'PUT'),
  'another version': headOf('echo', 1).replace('HTTP/1.1', 'HTTP/1.0'),
  'a query': headOf('echo', 1).replace('/invoke', '/invoke?a=1'),
  'an escape': headOf('ec%68o', 1),
  'another path': headOf('echo', 1).replace('/invoke', '/send'),
  'no host': headOf('echo', 1).replace('host: localhost\r\n', ''),
  'two hosts': headOf('echo', 1, 'Host: localhost\r\n'),
  'two lengths': headOf('echo', 1, 'content-length: 1\r\n'),
  'a length with a sign': headOf('echo', 1).replace(': 1', ': +1'),
  'a length with a zero before it': headOf('echo', 1).replace(': 1', ': 01'),
  'a length that is a list': headOf('echo', 1).replace(': 1', ': 1, 1'),
  'a length of nothing': headOf('echo', 1).replace(': 1', ': '),
  'an encoding': headOf('echo', 1, 'Transfer-Encoding: chunked\r\n'),
  'a space before the colon': headOf('echo', 1, 'x-a : 1\r\n'),
  'a space before the name': headOf('echo', 1, ' x-a: 1\r\n'),
  'a folded line': headOf('echo', 1, 'x-a: 1\r\n\t2\r\n'),
  'a line without a colon': headOf('echo', 1, 'x-a\r\n'),
  'a bare line feed': headOf('echo', 1, 'x-a: 1\nx-b: 2\r\n'),
  'a bare carriage return': headOf('echo', 1, 'x-a: 1\rx-b: 2\r\n'),
  'a nul': headOf('echo', 1, 'x-a: \0\r\n'),
  'a byte above ASCII': headOf('echo', 1, 'x-a: \xe4\r\n'),
  'a wish to go on': headOf('echo', 1, 'expect: 100-continue\r\n'),
  'a wish to end': headOf('echo', 1, 'connection: close\r\n'),
  'a wish for another protocol': headOf('echo', 1, 'connection: upgrade\r\nupgrade: h2c\r\n'),
  'a page’s origin': headOf('echo', 1, 'origin: http://localhost\r\n'),
  'a name every object has': headOf('echo', 1, '__proto__: x\r\n'),
  'a long head': headOf('echo', 1, `x-a: ${'a'.repeat(5000)}\r\n`),
};

for (const [name, text] of Object.entries(notPlain))
  test(`${name} is not plain`, () => assert.equal(plainHeadOf(Buffer.from(`${text}x`, 'latin1')), undefined));

test('a plain head is read as it is', () => {
  const head = plainHeadOf(
    Buffer.from(`${headOf('a.b-c_1', 12, 'X-A:  b c \r\nConnection: Keep-Alive\r\n')}…`),
  );
  assert.equal(head?.agent, 'a.b-c_1');
  assert.equal(head?.bodyBytes, 12);
  assert.deepEqual(
    { ...head?.headers },
    { host: 'localhost', 'x-a': 'b c', connection: 'Keep-Alive', 'content-length': '12' },
  );
});
