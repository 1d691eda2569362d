import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../../../host/clock.ts';
import { Budget } from '../../../../host/engine/budget.ts';
import { Guest } from '../../../../host/engine/wasi/preview2/guest.ts';
import { Fields } from '../../../../host/engine/wasi/preview2/http/fields.ts';
import { OutgoingBody } from '../../../../host/engine/wasi/preview2/http/outgoing-body.ts';
import { IncomingRequest } from '../../../../host/engine/wasi/preview2/http/requests.ts';
import { OutgoingResponse, ResponseOutparam } from '../../../../host/engine/wasi/preview2/http/responses.ts';
import { defaultLimits } from '../../../../host/limits.ts';
import { witError } from './grants.ts';

const text = (of: Uint8Array): string => new TextDecoder().decode(of);

/** Asks a server once whose requests reach `serve` as a guest's resources. */
async function exchange(
  serve: (guest: Guest, request: IncomingRequest, out: ResponseOutparam) => Promise<void>,
): Promise<Response> {
  const guest = new Guest(new Budget({ limits: defaultLimits, clock: systemClock }));
  const listener = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const abandon = (): void => void message.resume();
    const incoming = { message, betweenBytesMs: undefined, clock: systemClock, requestBytes: 0, abandon };
    const request = new IncomingRequest(guest, incoming, { tag: 'HTTP' });
    await serve(guest, request, new ResponseOutparam(guest, response));
  };
  const server = createServer((message, response) => void listener(message, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const response = await fetch(`http://127.0.0.1:${port}/path?q`, { method: 'POST', body: 'question' });
    return new Response(await response.text(), response);
  } finally {
    await guest.dispose();
    server.closeAllConnections();
    server.close();
  }
}

test('the types of a serving guest carry a request in and a response out', async () => {
  const answer = await exchange(async (guest, request, out) => {
    assert.deepEqual(request.method(), { tag: 'post' });
    assert.equal(request.pathWithQuery(), '/path?q');
    assert.match(request.authority() ?? '', /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(request.scheme(), { tag: 'HTTP' });
    assert.equal(request.headers().has('content-type'), true);
    const stream = request.consume().stream();
    const question = text(await stream.blockingRead(100n));
    const headers = new Fields(guest, [], true);
    headers.append('X-Kind', new TextEncoder().encode('echo'));
    const response = new OutgoingResponse(guest, headers);
    response.setStatusCode(201);
    assert.equal(await witError(() => response.setStatusCode(99)), undefined);
    const body = response.body();
    const sink = body.write();
    ResponseOutparam.set(out, { tag: 'ok', val: response });
    await sink.blockingWriteAndFlush(new TextEncoder().encode(`${question}!`));
    sink[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('x-kind'), 'echo');
  assert.equal(await answer.text(), 'question!');
});

test('a guest that gives no answer, or says it failed, answers 500', async () => {
  const silent = await exchange(async (_guest, _request, out) => out[Symbol.dispose]());
  assert.equal(silent.status, 500);
  const failed = await exchange(async (_guest, _request, out) =>
    ResponseOutparam.set(out, { tag: 'err', val: { tag: 'loop-detected' } }),
  );
  assert.equal(failed.status, 500);
});
