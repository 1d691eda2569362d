import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { createHost, type RunResult } from '../../host/host.ts';
import { defaultLimits, type Limits } from '../../host/limits.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';
import { exchange } from '../support/exchange.ts';
import { serviceGuest } from '../support/service-guest.ts';

const host = createHost({ cacheFolder: undefined, clock: systemClock, random: systemRandom });
after(() => host.close());
const artifact = await host.prepare(await serviceGuest());
const ask = (path: string, init?: RequestInit, limits?: Partial<Limits>) =>
  exchange(host, artifact, path, init, limits);

/** A server that hands each request to a guest, and how those ended. */
async function open(limits: Partial<Limits> = {}) {
  const results: Promise<RunResult>[] = [];
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort('the client went away');
    });
    const call = { kind: 'http', request, response } as const;
    const settled = { ...defaultLimits, ...limits };
    results.push(host.run({ artifact, call, grants: noGrants, limits: settled, signal: gone.signal }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    results,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a program that serves by wasi:http/handler@0.3 answers, with the body and the trailers it was sent', async () => {
  assert.deepEqual(artifact.facts.main, { kind: 'http', export: 'wasi:http/handler@0.3.0#handle' });
  const body = 'some text '.repeat(20_000);
  const { status, text: answer, result } = await ask('/echo', { method: 'POST', body });
  assert.equal(status, 201);
  assert.equal(answer, body);
  assert.equal(result.outcome.kind, 'ok');
  assert.ok(result.outcome.usage.fuel > 0n);
  await using there = await open();
  const sent = httpRequest({ port: there.port, path: '/echo', method: 'POST', agent: false });
  sent.setHeader('trailer', 'x-sum');
  sent.write('a');
  sent.addTrailers({ 'x-sum': '7' });
  sent.end('b');
  const [got] = (await once(sent, 'response')) as [IncomingMessage];
  assert.equal(await text(got), 'ab');
  assert.equal(got.trailers['x-sum'], '7');
});

test('bytes go on as they come: an answer begins before its request has ended', async () => {
  await using there = await open();
  const sent = httpRequest({ port: there.port, path: '/echo', method: 'POST', agent: false });
  sent.write('first');
  const [got] = (await once(sent, 'response')) as [IncomingMessage];
  const [first] = await once(got, 'data');
  assert.equal(String(first), 'first');
  sent.end('second');
  const [second] = await once(got, 'data');
  assert.equal(String(second), 'second');
  await once(got, 'end');
});

test('a guest that traps, fails or reaches a limit before its answer answers 500, and the outcome says why', async () => {
  const trap = await ask('/trap');
  assert.deepEqual([trap.status, trap.result.outcome.kind], [500, 'trap']);
  const fail = await ask('/fail');
  assert.deepEqual([fail.status, fail.result.outcome.kind], [500, 'error']);
  const deadlock = await ask('/never');
  assert.deepEqual([deadlock.status, deadlock.result.outcome.kind], [500, 'trap']);
  const { status, result } = await ask('/spin', {}, { fuelMax: 1_000_000n });
  assert.equal(status, 500);
  assert.equal(result.outcome.kind === 'limit' && result.outcome.limit, 'fuelMax');
});

test('a client that goes away ends the guest, which waited for nothing any more', async () => {
  await using there = await open();
  for (const [at, path] of ['/hang', '/echo'].entries()) {
    const sent = httpRequest({ port: there.port, path, method: 'POST', agent: false });
    sent.on('error', () => {});
    sent.write('x');
    await once(sent, 'response');
    sent.destroy();
    assert.equal((await there.results[at])?.outcome.kind, 'cancelled', path);
  }
});

test('a body that never comes ends with the deadline, and the client sees that it is cut off', async () => {
  await using there = await open({ deadlineMs: 100 });
  const sent = httpRequest({ port: there.port, path: '/hang', agent: false }).end();
  const [got] = (await once(sent, 'response')) as [IncomingMessage];
  await assert.rejects(text(got));
  const { outcome } = await (there.results[0] as Promise<RunResult>);
  assert.equal(outcome.kind === 'limit' && outcome.limit, 'deadlineMs');
});

test('what a guest does after its answer is metered and ends; a trap there is told', async () => {
  const long = await ask('/long', {}, { fuelMax: 1_000_000n });
  assert.equal(long.status, 201);
  assert.equal(long.result.outcome.kind === 'limit' && long.result.outcome.limit, 'fuelMax');
  const trap = await ask('/oops');
  assert.deepEqual([trap.status, trap.result.outcome.kind], [201, 'trap']);
});
