import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { test } from 'node:test';
import type { InvokeOptions, Payload, Reply } from '../../host/host/serving.ts';
import type { Outcome } from '../../host/outcome.ts';
import { ask, open } from '../support/front.ts';
import { answered, usage } from '../support/memory-serving.ts';

test('an agent is sent the bytes and the type as they are, and its answer comes back so', async (t) => {
  const { front } = await open(t);
  const body = Uint8Array.from({ length: 256 }, (_, at) => at);
  const headers = { 'content-type': 'application/x-own; a=1' };
  const answer = await ask(front, '/v1/agents/echo/invoke', { body, headers });
  assert.equal(answer.status, 200);
  assert.deepEqual(new Uint8Array(answer.bytes), body);
  assert.equal(answer.headers['content-type'], 'application/x-own; a=1');
  assert.equal(answer.headers['x-mote-outcome'], 'ok');
  assert.equal(answer.headers['x-mote-fuel'], '12');
  assert.equal(answer.headers['x-mote-wall-ms'], '0.250');
  assert.equal(answer.headers['x-mote-message-id'], 'm-1');
});

test('an answer of its own type keeps it, and one without a body is 204', async (t) => {
  const { front, serving } = await open(t);
  serving.add('json', () => answered(new TextEncoder().encode('{}'), 'application/json'));
  serving.add('silent', () => answered(undefined));
  assert.equal(
    (await ask(front, '/v1/agents/json/invoke', { body: 'x' })).headers['content-type'],
    'application/json',
  );
  assert.equal((await ask(front, '/v1/agents/silent/invoke', { body: 'x' })).status, 204);
});

test('bodies and answers of megabytes arrive whole, declared or in chunks', async (t) => {
  const { front } = await open(t);
  const body = new Uint8Array(5_000_001).map((_, at) => at % 251);
  const declared = await ask(front, '/v1/agents/echo/invoke', { body });
  assert.deepEqual(new Uint8Array(declared.bytes), body);
  const chunked = await ask(front, '/v1/agents/echo/invoke', {
    body,
    headers: { 'transfer-encoding': 'chunked' },
  });
  assert.deepEqual(new Uint8Array(chunked.bytes), body);
});

test('a body larger than bodyBytesMax is refused, declared or in chunks', async (t) => {
  const { front } = await open(t, { limits: { bodyBytesMax: 1000 } });
  const body = new Uint8Array(1001);
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const answer = await ask(front, '/v1/agents/echo/invoke', { body, headers });
    assert.equal(answer.status, 413);
    assert.equal(answer.json.code, 'body-too-large');
    assert.equal(answer.headers.connection, 'close');
  }
  assert.equal((await ask(front, '/v1/agents/echo/invoke', { body: body.subarray(1) })).status, 200);
});

test('a client that asks first is told to go on only when its body is taken', async (t) => {
  const { front } = await open(t, { limits: { bodyBytesMax: 1000 } });
  const asking = async (bytes: number): Promise<[boolean, number | undefined]> => {
    const headers = { expect: '100-continue', 'content-length': bytes };
    const path = '/v1/agents/echo/invoke';
    const request = http.request({ port: front.port, method: 'POST', path, headers, agent: false });
    let isTold = false;
    request.on('continue', () => {
      isTold = true;
      request.end(new Uint8Array(bytes));
    });
    request.flushHeaders();
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    request.on('error', () => undefined);
    request.destroy();
    return [isTold, answer.statusCode];
  };
  assert.deepEqual(await asking(1000), [true, 200]);
  assert.deepEqual(await asking(1001), [false, 413]);
});

test('a body lies in memory of its own: no byte of another request comes along', async (t) => {
  const { front, serving } = await open(t);
  const bodies: Uint8Array[] = [];
  serving.add('keep', (payload) => {
    bodies.push(payload.body);
    return answered(undefined);
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const asking = ['one', 'two-two', 'x'.repeat(70_000)];
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }])
    for (const body of asking) await ask(front, '/v1/agents/keep/invoke', { body, agent, headers });
  assert.deepEqual(
    bodies.map((body) => [body.constructor.name, body.byteOffset, body.buffer.byteLength]),
    [...asking, ...asking].map((body) => ['Uint8Array', 0, body.length]),
  );
});

test('what ended badly says so by status and code', async (t) => {
  const { front, serving } = await open(t);
  const error = (tag: string, val: unknown = 'no'): Outcome<Uint8Array | undefined> => ({
    kind: 'error',
    exitCode: 1,
    failure: { tag, val },
    usage,
  });
  const custom = { code: 'E7', message: 'seven', detail: new Uint8Array([1, 2]) };
  const limit = (name: 'fuelMax' | 'deadlineMs'): Outcome<Uint8Array | undefined> => ({
    kind: 'limit',
    limit: name,
    max: 2n ** 60n,
    used: 5n,
    usage,
  });
  const ends: readonly [Outcome<Uint8Array | undefined>, number, string][] = [
    [error('invalid'), 422, 'agent-error'],
    [error('denied'), 403, 'agent-error'],
    [error('unsupported'), 501, 'agent-error'],
    [error('unavailable'), 503, 'agent-error'],
    [error('timed-out'), 504, 'agent-error'],
    [error('other'), 422, 'agent-error'],
    [error('custom', custom), 422, 'agent-error'],
    [{ kind: 'trap', trap: 'unreachable', message: 'unreachable', usage }, 502, 'agent-trap'],
    [limit('fuelMax'), 429, 'agent-limit'],
    [limit('deadlineMs'), 504, 'agent-limit'],
    [{ kind: 'cancelled', reason: 'gone', usage }, 499, 'agent-cancelled'],
    [{ kind: 'denied', reason: 'no grant', usage }, 403, 'agent-denied'],
  ];
  for (const [outcome, status, code] of ends) {
    serving.add('ends', () => ({ kind: 'answered', id: 'm-9', outcome, contentType: undefined }));
    const answer = await ask(front, '/v1/agents/ends/invoke', { body: 'x' });
    assert.deepEqual([answer.status, answer.json.code], [status, code], outcome.kind);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.headers['x-mote-outcome'], outcome.kind);
    assert.equal(answer.json.requestId, answer.headers['x-request-id']);
  }
  serving.add('ends', () => ({
    kind: 'answered',
    id: 'm-9',
    outcome: error('custom', custom),
    contentType: undefined,
  }));
  const { json } = await ask(front, '/v1/agents/ends/invoke', { body: 'x' });
  assert.equal(json.detail, 'seven');
  assert.deepEqual(json.failure, {
    tag: 'custom',
    val: { code: 'E7', message: 'seven', detailBase64: 'AQI=' },
  });
});

test('a deadline is told in the same words, whoever noticed it first', async (t) => {
  const { front, serving } = await open(t);
  const late: Outcome<undefined> = { kind: 'limit', limit: 'deadlineMs', max: 300, used: 300, usage };
  const replies: readonly Reply[] = [
    { kind: 'answered', id: 'm-9', outcome: late, contentType: undefined },
    { kind: 'refused', reason: 'timed-out', retryAfterMs: undefined, deadlineMs: 300 },
  ];
  for (const reply of replies) {
    serving.add('slow', () => reply);
    const { status, headers, json } = await ask(front, '/v1/agents/slow/invoke', { body: 'x' });
    assert.deepEqual([status, headers['x-mote-outcome'], json.code], [504, 'limit', 'agent-limit']);
    assert.equal(json.detail, 'the deadline of 300 ms passed before there was an answer');
    assert.deepEqual([json.limit, json.max, json.used], ['deadlineMs', 300, 300]);
  }
});

test('a message that nobody took says why, and when to ask again', async (t) => {
  const { front, serving } = await open(t);
  const refused = (reason: Extract<Reply, { kind: 'refused' }>['reason'], retryAfterMs?: number): Reply => ({
    kind: 'refused',
    reason,
    retryAfterMs,
  });
  const refusals: readonly [Reply, number, string | undefined][] = [
    [refused('full', 2500), 503, '3'],
    [refused('no-responders'), 503, '1'],
    [refused('too-large'), 413, undefined],
    [refused('timed-out'), 504, undefined],
    [refused('cancelled'), 499, undefined],
    [refused('unavailable'), 503, '1'],
    [refused('rate-limited', 10), 429, '1'],
  ];
  for (const [reply, status, retryAfter] of refusals) {
    serving.add('busy', () => reply);
    const answer = await ask(front, '/v1/agents/busy/invoke', { body: 'x' });
    assert.deepEqual([answer.status, answer.headers['retry-after']], [status, retryAfter]);
  }
  serving.add('busy', () => ({
    kind: 'refused',
    reason: 'timed-out',
    retryAfterMs: undefined,
    why: 'busy is paused',
  }));
  const { json } = await ask(front, '/v1/agents/busy/invoke', { body: 'x' });
  assert.equal(json.detail, 'the deadline passed before there was an answer: busy is paused');
});

test('a call that would not end in time is told what was forecast, and what it had', async (t) => {
  const { front, serving } = await open(t);
  const late = { kind: 'refused', reason: 'too-late', retryAfterMs: undefined } as const;
  serving.add('late', () => ({ ...late, forecastMs: 120.2, deadlineMs: 49.9 }));
  const { status, headers, json } = await ask(front, '/v1/agents/late/invoke', { body: 'x' });
  assert.deepEqual([status, headers['retry-after']], [503, '1']);
  const { code, forecastMs, deadlineMs, detail } = json;
  assert.deepEqual([code, forecastMs, deadlineMs], ['HOST_ERR_DEADLINE_TOO_SOON', 121, 49]);
  assert.match(String(detail), /would take 121 ms and has 49 ms/);
});

test('deadline, subject, id and trace reach the agent; what is none is refused', async (t) => {
  const { front, serving } = await open(t);
  let seen: { readonly payload: Payload; readonly options: InvokeOptions } | undefined;
  serving.add('see', (payload, options) => {
    seen = { payload, options };
    return answered(undefined);
  });
  const headers = {
    'x-mote-deadline-ms': '250',
    'x-mote-subject': 'orders.new',
    'x-mote-message-id': 'o-1',
    traceparent: '00-1-2-00',
  };
  await ask(front, '/v1/agents/see/invoke', { body: 'x', headers });
  assert.equal(seen?.options.deadlineMs, 250);
  assert.equal(seen?.options.subject, 'orders.new');
  assert.equal(seen?.options.messageId, 'o-1');
  assert.deepEqual(seen?.payload.headers, [{ name: 'traceparent', value: '00-1-2-00' }]);
  assert.deepEqual(seen?.options.principal, { name: 'local' });
  for (const bad of [
    { 'x-mote-deadline-ms': '0' },
    { 'x-mote-deadline-ms': '1e99' },
    { 'x-mote-deadline-ms': '86400001' },
    { 'x-mote-message-id': 'x'.repeat(129) },
    { 'x-mote-subject': 'a..b' },
    { 'x-mote-subject': 'host.stopped' },
    { 'x-mote-subject': 'agent.other' },
    { 'x-mote-message-id': 'a b' },
  ]) {
    const answer = await ask(front, '/v1/agents/see/invoke', { body: 'x', headers: bad });
    assert.deepEqual([answer.status, answer.json.field], [400, Object.keys(bad)[0]]);
  }
});

test('a client that goes away cancels the call', async (t) => {
  const { front, serving } = await open(t);
  const { promise: started, resolve: start } = Promise.withResolvers<AbortSignal>();
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  serving.add('slow', async (_payload, { signal }) => {
    assert.ok(signal);
    start(signal);
    await once(signal, 'abort');
    cancel();
    return { kind: 'refused', reason: 'cancelled', retryAfterMs: undefined };
  });
  const socket = net.connect(front.port, '127.0.0.1');
  socket.write('POST /v1/agents/slow/invoke HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx');
  assert.equal((await started).aborted, false);
  socket.destroy();
  await cancelled;
});

test('a name spelt with escapes and a path with a query come to the same agent by the same checks', async (t) => {
  const { front } = await open(t);
  for (const path of ['/v1/agents/%65cho/invoke', '/v1/agents/echo/invoke?x=1'])
    assert.equal((await ask(front, path, { body: 'hi' })).text, 'hi');
  const tooMuch = { body: 'x', headers: { 'x-mote-deadline-ms': '0' } };
  assert.equal((await ask(front, '/v1/agents/%65cho/invoke', tooMuch)).status, 400);
});

test('an unknown agent is 404 with a code, and a fault of ours is 500 without its inside', async (t) => {
  const faults: unknown[] = [];
  const { front, serving } = await open(t, { report: (fault) => faults.push(fault) });
  const unknown = await ask(front, '/v1/agents/nobody/invoke', { body: 'x' });
  assert.deepEqual([unknown.status, unknown.json.code], [404, 'HOST_ERR_AGENT_UNKNOWN']);
  serving.add('broken', () => {
    throw new Error('secret inside');
  });
  const broken = await ask(front, '/v1/agents/broken/invoke', { body: 'x' });
  assert.deepEqual([broken.status, broken.json.code], [500, 'internal']);
  assert.doesNotMatch(broken.text, /secret/);
  assert.equal(faults.length, 1);
});

test('a request keeps the id it came with, unless it is none', async (t) => {
  const { front } = await open(t);
  const idOf = async (id: string): Promise<unknown> =>
    (await ask(front, '/v1/agents/echo/invoke', { body: 'x', headers: { 'x-request-id': id } })).headers[
      'x-request-id'
    ];
  assert.equal(await idOf('mine-1'), 'mine-1');
  assert.notEqual(await idOf('not one'), 'not one');
  assert.notEqual(await idOf('x'.repeat(129)), 'x'.repeat(129));
});

test('whose circuit is open says so: since when, why, and when it is tried again', async (t) => {
  const { front, serving } = await open(t);
  const circuit = {
    agent: 'ill',
    state: 'open',
    openedAtMs: Date.UTC(2026, 0, 2),
    retryAfterMs: 2_500,
    failuresMax: 5,
    cause: 'trap unreachable',
  } as const;
  serving.add('ill', () => ({
    kind: 'refused',
    reason: 'circuit-open',
    retryAfterMs: circuit.retryAfterMs,
    why: 'its circuit is open',
    circuit,
  }));
  const { status, headers, json } = await ask(front, '/v1/agents/ill/invoke', { body: 'x' });
  assert.deepEqual([status, headers['retry-after']], [503, '3']);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.equal(json.code, 'HOST_ERR_CIRCUIT_OPEN');
  assert.equal(json.detail, 'its circuit is open');
  assert.deepEqual(json.circuit, { ...circuit, openedAt: '2026-01-02T00:00:00.000Z' });
});
