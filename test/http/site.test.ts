import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, open } from '../support/front.ts';

test('a request under an agent’s route is the agent’s, of whatever method, body and headers', async (t) => {
  const { front, serving } = await open(t);
  serving.sites.set('/shop', async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.writeHead(207, { 'x-own': String(request.headers['x-own']), 'content-type': 'text/plain' });
    response.end(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
  });
  const answer = await ask(front, '/shop/cart?x=1', {
    method: 'PATCH',
    body: 'a cart',
    headers: { 'x-own': 'yes' },
  });
  assert.deepEqual([answer.status, answer.text], [207, 'PATCH /shop/cart?x=1 a cart']);
  assert.equal(answer.headers['x-own'], 'yes');
  assert.ok(answer.headers['x-request-id']);
  assert.equal((await ask(front, '/shopping')).status, 404);
});

test('a site is public: it needs no token, and one it is sent is its own affair', async (t) => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'mote-site-'));
  t.after(() => rmSync(stateFolder, { recursive: true }));
  const { front, serving } = await open(t, { stateFolder, auth: true });
  serving.sites.set('/shop', (request, response) => response.end(request.headers.authorization ?? 'none'));
  assert.equal((await ask(front, '/shop')).text, 'none');
  assert.equal((await ask(front, '/shop', { headers: { authorization: 'Bearer own' } })).text, 'Bearer own');
  assert.equal((await ask(front, '/v1/agents')).status, 401);
});

test('no agent takes the host’s own paths, and one that fails leaves its client with an answer', async (t) => {
  const faults: unknown[] = [];
  const { front, serving } = await open(t, { report: (fault) => faults.push(fault) });
  for (const path of ['/healthz', '/metrics', '/openapi.json', '/v1/agents'])
    serving.sites.set(path, (_request, response) => response.end('stolen'));
  for (const path of serving.sites.keys()) assert.doesNotMatch((await ask(front, path)).text, /stolen/);
  serving.sites.set('/broken', () => {
    throw new Error('inside');
  });
  assert.equal((await ask(front, '/broken')).status, 500);
  assert.equal(faults.length, 1);
});
