import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { systemClock } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { WitError } from '../../../../host/engine/linker.ts';
import { Guest } from '../../../../host/engine/wasi/preview2/guest.ts';
import { http } from '../../../../host/engine/wasi/preview3/http/http.ts';
import { serve } from '../../../../host/engine/wasi/preview3/http/service.ts';
import { defaultLimits } from '../../../../host/limits.ts';
import { noGrants } from '../preview2/grants.ts';
import { readText, type Scene3, scene3, written } from './scene.ts';

const loopback = { net: [{ host: '127.0.0.1', port: undefined }] };
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const of = (it: Scene3, cls: string) => it.resource('wasi:http/types', cls);
const fields = (it: Scene3, ...lines: [string, string][]) =>
  of(it, 'Fields').fromList(lines.map(([name, value]) => [name, bytes(value)]));
const none = Promise.resolve({ tag: 'ok', val: undefined });
const ok = Promise.resolve({ tag: 'ok' });

/** A loopback server; gone with its connections at the end of the test. */
async function server(onRequest: RequestListener): Promise<Server & AsyncDisposable> {
  const it = createServer(onRequest);
  it.listen(0, '127.0.0.1');
  await once(it, 'listening');
  return Object.assign(it, {
    [Symbol.asyncDispose]: async () => {
      it.closeAllConnections();
      it.close();
    },
  });
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly lines?: [string, string][];
  readonly contents?: ReturnType<typeof written>;
  readonly trailers?: Promise<unknown>;
}

function request(it: Scene3, to: { address(): unknown } | number, asked: Asked = {}) {
  const port = typeof to === 'number' ? to : (to.address() as AddressInfo).port;
  const { path = '/', method = 'get', lines = [], contents, trailers = none } = asked;
  const [made, sent] = of(it, 'Request').new(fields(it, ...lines), contents, trailers, undefined);
  made.setMethod({ tag: method });
  made.setScheme({ tag: 'HTTP' });
  made.setAuthority(`127.0.0.1:${port}`);
  made.setPathWithQuery(path);
  return { made, sent };
}

const send = (it: Scene3, made: unknown) => it.call('wasi:http/client', 'send', made);
const consume = (it: Scene3, response: unknown) => of(it, 'Response').consumeBody(response, ok);

async function code(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (thrown) {
    assert.ok(thrown instanceof WitError, String(thrown));
    return (thrown.payload as { tag: string } | undefined)?.tag ?? 'none';
  }
  return 'ok';
}

test('a granted request goes out and its response comes in, header and body', async () => {
  await using echo = await server((message, response) => {
    response.writeHead(201, {
      'x-method': message.method,
      'x-path': message.url,
      'x-one': message.headers['x-one'],
    });
    response.end('hello');
  });
  await using it = await scene3(loopback);
  const { made, sent } = request(it, echo, { path: '/a?b=c', lines: [['x-one', '1']] });
  const response = await send(it, made);
  assert.ok(response instanceof of(it, 'Response'));
  assert.equal(response.getStatusCode(), 201);
  const header = (name: string) => Buffer.concat(response.getHeaders().get(name)).toString();
  assert.deepEqual([header('X-Method'), header('x-path'), header('x-one')], ['GET', '/a?b=c', '1']);
  assert.deepEqual(await sent, { tag: 'ok' });
  assert.deepEqual(await readText(consume(it, response)), {
    text: 'hello',
    end: { tag: 'ok', val: undefined },
  });
});

test('contents go out as the guest writes them, and trailers follow them both ways', async () => {
  const seen = Promise.withResolvers<[string, IncomingMessage['trailers']]>();
  await using echo = await server(async (message, response) => {
    const body = await text(message);
    seen.resolve([body, message.trailers]);
    response.writeHead(200, { trailer: 'x-sum' });
    response.write(body);
    response.addTrailers({ 'x-sum': '7' });
    response.end();
  });
  await using it = await scene3(loopback);
  const contents = written('some ', 'where');
  const trailers = Promise.resolve({ tag: 'ok', val: fields(it, ['x-check', 'yes']) });
  const { made, sent } = request(it, echo, { method: 'post', contents, trailers });
  const [stream, end] = consume(it, await send(it, made));
  let body = '';
  for await (const chunk of stream) body += Buffer.from(chunk).toString();
  assert.equal(body, 'some where');
  const { tag, val } = await end;
  assert.equal(tag, 'ok');
  assert.equal(Buffer.concat(val.get('x-sum')).toString(), '7');
  assert.deepEqual(await sent, { tag: 'ok' });
  const [received, { 'x-check': check }] = await seen.promise;
  assert.deepEqual([received, check], ['some where', 'yes']);
  assert.ok(contents.isDropped);
});

test('without a grant, and outside of it, a request is denied whatever is there', async () => {
  let requests = 0;
  await using there = await server((_message, response) => {
    requests += 1;
    response.end();
  });
  const { port } = there.address() as AddressInfo;
  for (const net of [[], [{ host: '127.0.0.1', port: port + 1 }], [{ host: '127.0.0.2', port }]]) {
    await using it = await scene3({ net });
    const contents = written('x');
    const { made, sent } = request(it, there, { method: 'post', contents });
    assert.equal(await code(() => send(it, made)), 'HTTP-request-denied');
    assert.deepEqual(await sent, { tag: 'err', val: { tag: 'connection-terminated' } });
    assert.ok(contents.isDropped);
    assert.equal(await code(() => send(it, request(it, 1).made)), 'HTTP-request-denied');
  }
  assert.equal(requests, 0);
});

test('a granted port where nobody listens is a refused connection', async () => {
  const gone = await server(() => {});
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  await using it = await scene3(loopback);
  assert.equal(await code(() => send(it, request(it, port).made)), 'connection-refused');
});

test('contents that are not as long as they promised fail on both sides', async () => {
  const failed = Promise.withResolvers<void>();
  await using there = await server((message) => {
    message.on('error', () => failed.resolve());
    message.resume();
  });
  await using it = await scene3(loopback);
  const asked = {
    method: 'post',
    contents: written('short'),
    lines: [['content-length', '10']] as [string, string][],
  };
  const { made, sent } = request(it, there, asked);
  assert.equal(await code(() => send(it, made)), 'HTTP-request-body-size');
  assert.deepEqual(await sent, { tag: 'err', val: { tag: 'HTTP-request-body-size', val: 5n } });
  await failed.promise;
});

test('trailers that fail instead end the request', async () => {
  await using there = await server((message) => void message.on('error', () => {}).resume());
  await using it = await scene3(loopback);
  const trailers = Promise.resolve({ tag: 'err', val: { tag: 'internal-error', val: 'mine' } });
  const { made, sent } = request(it, there, { method: 'post', contents: written('x'), trailers });
  assert.equal(await code(() => send(it, made)), 'internal-error');
  assert.deepEqual(await sent, await trailers);
});

test('a body that is cut short ends with that', async () => {
  await using there = await server((_message, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('half', () => response.destroy());
  });
  await using it = await scene3(loopback);
  const response = await send(it, request(it, there).made);
  const { text: body, end } = await readText(consume(it, response));
  assert.equal(body, 'half');
  assert.deepEqual(end, { tag: 'err', val: { tag: 'HTTP-response-incomplete' } });
});

test('a request that is dropped unsent tells so, and lets its contents go', async () => {
  await using it = await scene3(loopback);
  const contents = written('x');
  const { made, sent } = request(it, 9, { contents });
  made[Symbol.dispose]();
  assert.deepEqual(await sent, { tag: 'err', val: { tag: 'connection-terminated' } });
  assert.ok(contents.isDropped);
});

test('a message of its own is consumed by the guest itself, which says how it fared', async () => {
  await using it = await scene3();
  const [response, sent] = of(it, 'Response').new(fields(it), written('own ', 'words'), none);
  response.setStatusCode(404);
  assert.equal(response.getStatusCode(), 404);
  assert.equal(await code(() => response.setStatusCode(600)), 'none');
  const outcome = { tag: 'err', val: { tag: 'internal-error', val: 'dislike' } };
  const consumed = of(it, 'Response').consumeBody(response, Promise.resolve(outcome));
  assert.deepEqual(await readText(consumed), { text: 'own words', end: { tag: 'ok', val: undefined } });
  assert.deepEqual(await sent, outcome);
});

test('headers of a message and options of a request are not to be changed any more', async () => {
  await using it = await scene3();
  const options = new (of(it, 'RequestOptions'))();
  options.setConnectTimeout(5n);
  const [made] = of(it, 'Request').new(fields(it, ['a', 'b']), undefined, none, options);
  assert.equal(made.getOptions().getConnectTimeout(), 5n);
  assert.equal(await code(() => made.getOptions().setConnectTimeout(6n)), 'immutable');
  assert.equal(await code(() => made.getHeaders().append('a', bytes('c'))), 'immutable');
  const own = made.getOptions().clone();
  own.setConnectTimeout(undefined);
  assert.equal(own.getConnectTimeout(), undefined);
});

test('fields give values away once, and refuse what is no field', async () => {
  await using it = await scene3();
  const some = fields(it, ['a', '1'], ['A', '2'], ['b', '3']);
  assert.deepEqual(
    some.copyAll().map(([name]: [string]) => name),
    ['a', 'a', 'b'],
  );
  assert.deepEqual(some.getAndDelete('a').map(String), ['49', '50']);
  assert.deepEqual(some.getAndDelete('a'), []);
  assert.deepEqual(some.copyAll(), [['b', bytes('3')]]);
  assert.equal(await code(() => some.getAndDelete('no name')), 'invalid-syntax');
  assert.equal(await code(() => some.append('host', bytes('x'))), 'forbidden');
});

test('what a guest leaves open is closed with it', async () => {
  const closed = Promise.withResolvers<void>();
  await using there = await server((_message, response) => {
    response.on('close', () => closed.resolve());
    response.write('and so on');
  });
  {
    await using it = await scene3(loopback);
    const [stream] = consume(it, await send(it, request(it, there).made));
    await stream[Symbol.asyncIterator]().next();
  }
  await closed.promise;
});

test('a request keeps whatever is a path or an authority, and goes out only to what is a target', async () => {
  const paths: (string | undefined)[] = [];
  await using there = await server((message, response) => {
    paths.push(message.url);
    response.end();
  });
  await using it = await scene3(loopback);
  const { made } = request(it, there);
  for (const path of ['a/b', '../..', '?q', '/%41', '/\u00e4', ''])
    assert.equal(await code(() => made.setPathWithQuery(path)), 'ok', path);
  for (const path of ['/a b', '/a\r\nx: y', '/a#b', '/<', '/`'])
    assert.equal(await code(() => made.setPathWithQuery(path)), 'none', path);
  for (const authority of ['user@host', 'user:a%20b@1.2.3.4:80', '[::1]:80', 'host:'])
    assert.equal(await code(() => made.setAuthority(authority)), 'ok', authority);
  for (const authority of ['', '::', ':@', '@@', '@:', ' ', '#', 'host:what', 'host:99999', 'a@b@c', '['])
    assert.equal(await code(() => made.setAuthority(authority)), 'none', authority);
  for (const path of ['a/b', '..', '^'])
    assert.equal(
      await code(() => send(it, request(it, there, { path }).made)),
      'HTTP-request-URI-invalid',
      path,
    );
  const { made: named } = request(it, there);
  named.setAuthority(`user@127.0.0.1:${(there.address() as AddressInfo).port}`);
  assert.equal(await code(() => send(it, named)), 'HTTP-request-URI-invalid');
  for (const path of ['/\u00e4', '?q']) await send(it, request(it, there, { path }).made);
  assert.deepEqual(paths, ['/%C3%A4', '/?q']);
});

test('a request that came in goes on as it came, to where a grant reaches and nowhere else', async () => {
  const seen: unknown[] = [];
  await using there = await server(async (message, response) => {
    seen.push(message.method, message.url, message.headers['x-own'], await text(message));
    response.writeHead(202, { 'x-kind': 'there' });
    response.end('answer');
  });
  const { port } = there.address() as AddressInfo;
  /** A guest that passes every request on, with the grants it is given. */
  const gateway = async (net: readonly { host: string; port: number | undefined }[]) => {
    const guest = new Guest(new Budget({ limits: defaultLimits, clock: systemClock }));
    const linked = new Map(http(guest, { ...noGrants, net }));
    const client = linked.get('wasi:http/client@0.3.0')?.functions as { send(request: unknown): unknown };
    const call = async (_name: string, [request]: readonly unknown[]) => {
      try {
        return { tag: 'ok', val: await client.send(request) };
      } catch (thrown) {
        return { tag: 'err', val: (thrown as WitError).payload };
      }
    };
    const answers: unknown[] = [];
    const front = await server((message, response) => {
      const served = serve(guest, { call }, 'wasi:http/handler@0.3.0#handle', message, response);
      served.then((value) => answers.push(value));
    });
    const close = async () => {
      await front[Symbol.asyncDispose]();
      await guest.dispose();
    };
    return { front, answers, [Symbol.asyncDispose]: close };
  };
  const ask = async ({ front }: { front: Server }) => {
    const asked = httpRequest({ port: (front.address() as AddressInfo).port, method: 'PUT', path: '/a?b' });
    asked.setHeader('host', `127.0.0.1:${port}`);
    asked.setHeader('x-own', 'yes');
    asked.end('question');
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return [answer.statusCode, answer.headers['x-kind'], await text(answer)];
  };
  await using granted = await gateway([{ host: '127.0.0.1', port }]);
  assert.deepEqual(await ask(granted), [202, 'there', 'answer']);
  assert.deepEqual(seen.splice(0), ['PUT', '/a?b', 'yes', 'question']);
  for (const net of [[], [{ host: '127.0.0.2', port }], [{ host: '127.0.0.1', port: port + 1 }]]) {
    await using denied = await gateway(net);
    assert.deepEqual(await ask(denied), [500, undefined, '']);
    assert.deepEqual(denied.answers, [{ tag: 'err', val: { tag: 'HTTP-request-denied', val: undefined } }]);
  }
  assert.deepEqual(seen, []);
});

test('an answer of a promised length is out with its last byte, whatever its guest still does', async () => {
  const guest = new Guest(new Budget({ limits: defaultLimits, clock: systemClock }));
  // biome-ignore lint/suspicious/noExplicitAny: WIT functions have no static types on the host side
  const types: any = new Map(http(guest, noGrants)).get('wasi:http/types@0.3.0')?.functions;
  const left = Promise.withResolvers<void>();
  const parts = [bytes('hello')];
  const contents = {
    read: async () => {
      const value = parts.shift();
      if (value === undefined) await left.promise;
      return value === undefined ? { done: true } : { value };
    },
    [Symbol.dispose]: () => {},
  };
  const [made] = types.Response.new(types.Fields.fromList([['content-length', bytes('5')]]), contents, none);
  const finished = Promise.withResolvers<void>();
  let served: Promise<unknown> | undefined;
  await using front = await server((message, response) => {
    response.on('finish', () => finished.resolve());
    const call = async () => ({ tag: 'ok', val: made });
    served = serve(guest, { call }, 'wasi:http/handler@0.3.0#handle', message, response);
  });
  const answer = await fetch(`http://127.0.0.1:${(front.address() as AddressInfo).port}/`);
  assert.equal(await answer.text(), 'hello');
  await finished.promise;
  left.resolve();
  assert.equal(await served, undefined);
  await guest.dispose();
});
