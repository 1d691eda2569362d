import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { selfSigned } from './certificate.ts';
import { type Scene, scene, witError } from './grants.ts';

const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const text = (of: Uint8Array): string => new TextDecoder().decode(of);
const types = 'wasi:http/types';

async function server(listener: RequestListener): Promise<Server & AsyncDisposable & { port: number }> {
  const it = createServer(listener);
  it.listen(0, '127.0.0.1');
  await once(it, 'listening');
  return Object.assign(it, {
    port: (it.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      it.closeAllConnections();
      it.close();
    },
  });
}

// biome-ignore lint/suspicious/noExplicitAny: WIT resources have no static types on the host side
function make(it: Scene, name: string, ...args: unknown[]): any {
  const Resource = it.linker.get(`${types}@0.2.0`)?.functions[name];
  return Reflect.construct(Resource as () => void, args);
}

const fieldsFrom = (it: Scene, lines: [string, string][]) => {
  const Fields = it.linker.get(`${types}@0.2.0`)?.functions.Fields as unknown as {
    fromList(lines: [string, Uint8Array][]): unknown;
  };
  return Fields.fromList(lines.map(([name, value]) => [name, bytes(value)]));
};

interface Wanted {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: [string, string][];
  readonly host?: string;
}

function request(it: Scene, port: number, { path, method, headers = [], host = '127.0.0.1' }: Wanted = {}) {
  const made = make(it, 'OutgoingRequest', fieldsFrom(it, headers));
  made.setScheme({ tag: 'HTTP' });
  made.setAuthority(`${host}:${port}`);
  made.setPathWithQuery(path);
  if (method !== undefined) made.setMethod({ tag: method });
  return made;
}

async function answered(it: Scene, made: unknown, options?: unknown) {
  const future = it.call('wasi:http/outgoing-handler', 'handle', made, options);
  await future.subscribe().block();
  const answer = future.get();
  assert.equal(answer.tag, 'ok');
  assert.deepEqual(future.get(), { tag: 'err', val: undefined }, 'the response is given once');
  future[Symbol.dispose]();
  return answer.val;
}

async function bodyOf(response: { consume(): { stream(): unknown } }) {
  const body = response.consume();
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const stream = body.stream() as any;
  let all = '';
  let end: unknown;
  while (end === undefined) {
    try {
      all += text(await stream.blockingRead(65_536n));
    } catch (thrown) {
      end = (thrown as { payload: unknown }).payload;
    }
  }
  stream[Symbol.dispose]();
  return { body, all, end };
}

const granted = (port: number): Promise<Scene> => scene({ net: [{ host: '127.0.0.1', port }] });

test('a granted request brings status, headers and body', async () => {
  let seen: IncomingMessage | undefined;
  await using there = await server((incoming, outgoing) => {
    seen = incoming;
    outgoing.writeHead(201, [
      ['X-One', 'a'],
      ['x-one', 'b'],
    ] as never);
    outgoing.end('hello');
  });
  await using it = await granted(there.port);
  const made = request(it, there.port, { path: '/a?b=c', headers: [['X-Mine', 'yes']] });
  const answer = await answered(it, made);
  assert.equal(answer.tag, 'ok');
  assert.equal(answer.val.status(), 201);
  assert.deepEqual(answer.val.headers().get('X-ONE').map(text), ['a', 'b']);
  const { all, end } = await bodyOf(answer.val);
  assert.equal(all, 'hello');
  assert.deepEqual(end, { tag: 'closed' });
  assert.equal(seen?.url, '/a?b=c');
  assert.equal(seen?.headers['x-mine'], 'yes');
  assert.equal(seen?.headers.host, `127.0.0.1:${there.port}`);
});

test('outside of the grants a request is denied before anybody is asked', async () => {
  let requests = 0;
  await using there = await server((_, outgoing) => {
    requests += 1;
    outgoing.end();
  });
  const { port } = there;
  const outside = [
    { net: [], host: '127.0.0.1', what: 'no grant' },
    { net: [{ host: '127.0.0.1', port: port + 1 }], host: '127.0.0.1', what: 'another port' },
    { net: [{ host: 'example.org', port }], host: '127.0.0.1', what: 'another host' },
    { net: [{ host: '127.0.0.1', port }], host: 'localhost', what: 'a name of a granted address' },
    { net: [{ host: 'example.org', port }], host: '0x7f.1', what: 'an odd spelling of an address' },
  ];
  for (const { net, host, what } of outside) {
    await using it = await scene({ net });
    const made = request(it, port, { host });
    const denied = await witError(() => it.call('wasi:http/outgoing-handler', 'handle', made, undefined));
    assert.deepEqual(denied, { tag: 'HTTP-request-denied', val: undefined }, what);
  }
  assert.equal(requests, 0);
});

test('a granted name is looked up, and a granted name that does not exist is a DNS error', async () => {
  await using there = await server((_, outgoing) => outgoing.end('named'));
  await using it = await scene({
    net: [
      { host: 'localhost', port: there.port },
      { host: 'does-not-exist.invalid', port: undefined },
    ],
  });
  const answer = await answered(it, request(it, there.port, { host: 'LOCALHOST' }));
  assert.equal((await bodyOf(answer.val)).all, 'named');
  const none = await answered(it, request(it, 80, { host: 'does-not-exist.invalid' }));
  assert.equal(none.tag, 'err');
  assert.match(none.val.tag, /^DNS-/);
});

test('a body streams out while the response streams in', async () => {
  await using there = await server((incoming, outgoing) => {
    outgoing.flushHeaders();
    incoming.pipe(outgoing);
  });
  await using it = await granted(there.port);
  const made = request(it, there.port, { method: 'post' });
  const out = made.body();
  await witError(() => made.body());
  const sink = out.write();
  const future = it.call('wasi:http/outgoing-handler', 'handle', made, undefined);
  await future.subscribe().block();
  const response = future.get().val.val;
  const body = response.consume();
  const source = body.stream();
  for (const part of ['one', 'two']) {
    await sink.blockingWriteAndFlush(bytes(part));
    assert.equal(text(await source.blockingRead(100n)), part);
  }
  sink[Symbol.dispose]();
  it.call(types, 'OutgoingBody.finish', out);
  assert.deepEqual(await witError(() => source.blockingRead(1n)), { tag: 'closed' });
});

test('a body written before the request is sent waits, bounded, and then goes out', async () => {
  await using there = await server(async (incoming, outgoing) => {
    const parts: string[] = [];
    for await (const part of incoming) parts.push(String(part));
    outgoing.end(JSON.stringify([incoming.method, incoming.headers, parts.join('')]));
  });
  await using it = await granted(there.port);
  for (const method of ['put', 'delete']) {
    const made = request(it, there.port, { method, headers: [['Content-Length', '65536']] });
    const out = made.body();
    const sink = out.write();
    assert.equal(sink.checkWrite(), 65_536n);
    sink.write(new Uint8Array(65_536).fill(120));
    assert.equal(sink.checkWrite(), 0n);
    sink[Symbol.dispose]();
    it.call(types, 'OutgoingBody.finish', out);
    const { all } = await bodyOf((await answered(it, made)).val);
    const [seenMethod, headers, body] = JSON.parse(all);
    assert.equal(seenMethod, method.toUpperCase());
    assert.equal(headers['content-length'], '65536');
    assert.equal(body.length, 65_536);
  }
});

test('a GET whose body is opened and finished empty has no body, and one with bytes is framed', async () => {
  await using there = await server(async (incoming, outgoing) => {
    let all = '';
    for await (const part of incoming) all += String(part);
    outgoing.end(`${incoming.headers['transfer-encoding']} ${all}`);
  });
  await using it = await granted(there.port);
  for (const [content, expected] of [
    ['', 'undefined '],
    ['GET /smuggled HTTP/1.1\r\n\r\n', 'chunked GET /smuggled HTTP/1.1\r\n\r\n'],
  ] as const) {
    const made = request(it, there.port);
    const out = made.body();
    const future = it.call('wasi:http/outgoing-handler', 'handle', made, undefined);
    if (content !== '') {
      const sink = out.write();
      await sink.blockingWriteAndFlush(bytes(content));
      sink[Symbol.dispose]();
    }
    it.call(types, 'OutgoingBody.finish', out);
    await future.subscribe().block();
    assert.equal((await bodyOf(future.get().val.val)).all, expected);
  }
});

test('a body that is not as long as promised is an error', async () => {
  await using there = await server((_, outgoing) => outgoing.end());
  await using it = await granted(there.port);
  const short = request(it, there.port, { method: 'post', headers: [['Content-Length', '5']] });
  const out = short.body();
  const sink = out.write();
  it.call('wasi:http/outgoing-handler', 'handle', short, undefined);
  await sink.blockingWriteAndFlush(bytes('abc'));
  sink[Symbol.dispose]();
  const failed = await witError(() => it.call(types, 'OutgoingBody.finish', out));
  assert.deepEqual(failed, { tag: 'HTTP-request-body-size', val: 3n });
  const long = request(it, there.port, { method: 'post', headers: [['Content-Length', '2']] });
  const more = long.body().write();
  const error = (await witError(() => more.blockingWriteAndFlush(bytes('abc')))) as { val: unknown };
  assert.deepEqual(it.call(types, 'httpErrorCode', error.val), { tag: 'HTTP-request-body-size', val: 3n });
  const none = request(it, there.port, { method: 'post', headers: [['Content-Length', '2']] });
  const missing = await witError(() => it.call('wasi:http/outgoing-handler', 'handle', none, undefined));
  assert.deepEqual(missing, { tag: 'HTTP-request-body-size', val: undefined });
});

test('trailers go out and come in', async () => {
  let sent: unknown;
  await using there = await server((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      sent = incoming.trailers;
      outgoing.writeHead(200, { trailer: 'X-Sum' });
      outgoing.write('body');
      outgoing.addTrailers({ 'X-Sum': '42' });
      outgoing.end();
    });
  });
  await using it = await granted(there.port);
  const made = request(it, there.port, { method: 'post', headers: [['Trailer', 'X-Check']] });
  const out = made.body();
  it.call(types, 'OutgoingBody.finish', out, fieldsFrom(it, [['X-Check', '7']]));
  const answer = await answered(it, made);
  const { body } = await bodyOf(answer.val);
  assert.deepEqual(sent, { 'x-check': '7' });
  const trailers = it.call(types, 'IncomingBody.finish', body);
  await trailers.subscribe().block();
  const fields = trailers.get().val.val;
  assert.equal(text(fields.get('x-sum')[0]), '42');
  assert.deepEqual(await witError(() => fields.append('x', bytes('y'))), { tag: 'immutable' });
  assert.deepEqual(trailers.get(), { tag: 'err', val: undefined });
});

test('a response that breaks off is reported as incomplete', async () => {
  await using there = await server((_, outgoing) => {
    outgoing.writeHead(200, { 'content-length': '100' });
    outgoing.write('part', () => outgoing.destroy());
  });
  await using it = await granted(there.port);
  const { all, end } = await bodyOf((await answered(it, request(it, there.port))).val);
  assert.equal(all, 'part');
  const { tag, val } = end as { tag: string; val: unknown };
  assert.equal(tag, 'last-operation-failed');
  assert.deepEqual(it.call(types, 'httpErrorCode', val), { tag: 'HTTP-response-incomplete' });
});

test('what is no HTTP and what refuses the connection have their own errors', async () => {
  const babel = createTcpServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('not http at all\r\n\r\n'),
  );
  babel.listen(0, '127.0.0.1');
  await once(babel, 'listening');
  const { port } = babel.address() as AddressInfo;
  await using it = await granted(port);
  assert.deepEqual(await answered(it, request(it, port)), {
    tag: 'err',
    val: { tag: 'HTTP-protocol-error' },
  });
  const tls = request(it, port);
  tls.setScheme({ tag: 'HTTPS' });
  const failed = await answered(it, tls);
  assert.match(failed.val.tag, /^TLS-protocol-error|^connection-terminated/);
  babel.close();
  await once(babel, 'close');
  assert.deepEqual(await answered(it, request(it, port)), { tag: 'err', val: { tag: 'connection-refused' } });
});

test('HTTPS is verified: an unknown certificate is refused, a known one is not', async () => {
  const { cert, key } = selfSigned();
  const there = createTlsServer({ cert, key }, (_, outgoing) => outgoing.end('secret'));
  there.listen(0, '127.0.0.1');
  await once(there, 'listening');
  const { port } = there.address() as AddressInfo;
  await using it = await scene({ net: [{ host: 'localhost', port }] });
  const secure = () => {
    const made = request(it, port, { host: 'localhost' });
    made.setScheme(undefined);
    return made;
  };
  const unknown = await answered(it, secure());
  assert.deepEqual(unknown, { tag: 'err', val: { tag: 'TLS-certificate-error' } });
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, cert]);
  try {
    const known = await answered(it, secure());
    assert.equal(known.tag, 'ok', JSON.stringify(known));
    assert.equal((await bodyOf(known.val)).all, 'secret');
  } finally {
    setDefaultCACertificates(before);
    there.closeAllConnections();
    there.close();
  }
});

test('the three timeouts end an exchange that stalls', async () => {
  await using there = await server((incoming, outgoing) => {
    if (incoming.url === '/body') {
      outgoing.writeHead(200);
      outgoing.write('some');
    }
  });
  await using it = await granted(there.port);
  const options = make(it, 'RequestOptions');
  options.setConnectTimeout(10_000_000_000n);
  options.setFirstByteTimeout(20_000_000n);
  assert.equal(options.firstByteTimeout(), 20_000_000n);
  assert.deepEqual(await answered(it, request(it, there.port), options), {
    tag: 'err',
    val: { tag: 'connection-read-timeout' },
  });
  const between = make(it, 'RequestOptions');
  between.setBetweenBytesTimeout(20_000_000n);
  const answer = await answered(it, request(it, there.port, { path: '/body' }), between);
  const { all, end } = await bodyOf(answer.val);
  assert.equal(all, 'some');
  const code = it.call(types, 'httpErrorCode', (end as { val: unknown }).val);
  assert.deepEqual(code, { tag: 'connection-read-timeout' });
});

test('fields are checked, ordered, compared without case and bounded', async () => {
  await using it = await scene();
  const fields = make(it, 'Fields');
  fields.append('Accept', bytes('a'));
  fields.append('accept', bytes('b'));
  fields.set('X', [bytes('1'), bytes('2')]);
  assert.deepEqual(fields.get('ACCEPT').map(text), ['a', 'b']);
  assert.equal(fields.has('x'), true);
  const copy = fields.clone();
  copy.delete('Accept');
  assert.equal(copy.has('accept'), false);
  assert.deepEqual(
    fields.entries().map(([name, value]: [string, Uint8Array]) => `${name}: ${text(value)}`),
    ['Accept: a', 'accept: b', 'X: 1', 'X: 2'],
  );
  for (const name of ['', 'a b', 'a:', 'ä', 'a\r\nb'])
    assert.deepEqual(await witError(() => fields.append(name, bytes(''))), { tag: 'invalid-syntax' }, name);
  for (const value of ['a\r\nb', 'a\0', '\x7f'])
    assert.deepEqual(await witError(() => fields.set('x', [bytes(value)])), { tag: 'invalid-syntax' });
  for (const name of ['Host', 'connection', 'Transfer-Encoding', 'upgrade'])
    assert.deepEqual(await witError(() => fieldsFrom(it, [[name, 'x']])), { tag: 'forbidden' });
  assert.throws(() => fields.append('large', new Uint8Array(200_000).fill(97)), {
    kind: 'allocation-too-large',
  });
});

test('headers that were received can be passed on, but not what framed them', async () => {
  await using there = await server((incoming, outgoing) => {
    if (incoming.url === '/') outgoing.setHeader('x-kind', 'given').write('chunked');
    outgoing.end(JSON.stringify(incoming.headers));
  });
  await using it = await granted(there.port);
  const first = await answered(it, request(it, there.port));
  const received = first.val.headers();
  assert.equal(received.has('transfer-encoding'), false);
  assert.equal(received.has('connection'), false);
  const made = make(it, 'OutgoingRequest', received.clone());
  made.setScheme({ tag: 'HTTP' });
  made.setAuthority(`127.0.0.1:${there.port}`);
  made.setPathWithQuery('/again');
  const { all } = await bodyOf((await answered(it, made)).val);
  const seen = JSON.parse(all);
  assert.equal(seen['x-kind'], 'given');
  assert.equal(seen['transfer-encoding'], undefined);
});

test('a request takes only what can stand in its first line', async () => {
  await using it = await scene();
  const made = request(it, 80);
  assert.deepEqual(await witError(() => made.headers().append('x', bytes('y'))), { tag: 'immutable' });
  for (const path of ['a', '/a b', '/a\r\nX: y', '/a#b', '/ä'])
    assert.equal(await witError(() => made.setPathWithQuery(path)), undefined, path);
  for (const authority of ['', 'a b', 'user@host', 'host:99999', 'host/path', 'a:b:c'])
    assert.equal(await witError(() => made.setAuthority(authority)), undefined, authority);
  made.setAuthority('[::1]:8080');
  assert.equal(await witError(() => made.setMethod({ tag: 'other', val: 'GET /' })), undefined);
  made.setMethod({ tag: 'other', val: 'POST' });
  assert.deepEqual(made.method(), { tag: 'post' });
});

test('requests count as open files until their connection is closed', async () => {
  await using there = await server(() => {});
  await using it = await scene({ net: [{ host: '127.0.0.1', port: there.port }] }, { openFilesMax: 1 });
  const handle = 'wasi:http/outgoing-handler';
  const first = it.call(handle, 'handle', request(it, there.port), undefined);
  const refused = await witError(() => it.call(handle, 'handle', request(it, there.port), undefined));
  assert.deepEqual(refused, { tag: 'connection-limit-reached', val: undefined });
  const closed = once(there, 'connection').then(([socket]) => once(socket, 'close'));
  await Promise.race([once(there, 'request'), closed]);
  first[Symbol.dispose]();
  await closed;
});

test('an open exchange ends when the instance is disposed of', async () => {
  await using there = await server((incoming, outgoing) => {
    incoming.resume();
    outgoing.write('and then nothing');
  });
  const it = await granted(there.port);
  const made = request(it, there.port, { method: 'post' });
  const sink = made.body().write();
  const future = it.call('wasi:http/outgoing-handler', 'handle', made, undefined);
  sink.checkWrite();
  sink.write(bytes('x'));
  await future.subscribe().block();
  await it.wasi.dispose();
});
