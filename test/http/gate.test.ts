import assert from 'node:assert/strict';
import * as http from 'node:http';
import { test } from 'node:test';
import { ask, open } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';

const invoke = '/v1/agents/echo/invoke';

test('without tokens only names of this machine are served: a foreign one would be DNS rebinding', async (t) => {
  const { front } = await open(t, { hostNames: ['box.test'] });
  assert.equal(front.authOff, true);
  const statusOf = async (host: string, path = invoke): Promise<number> =>
    (await ask(front, path, { body: 'x', headers: { host } })).status;
  for (const host of [
    'localhost',
    `localhost:${front.port}`,
    '127.0.0.1',
    '[::1]:80',
    'LOCALHOST',
    'box.test',
  ])
    assert.equal(await statusOf(host), 200, host);
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]',
  ]) {
    assert.equal(await statusOf(host), 403, host);
    assert.equal(await statusOf(host, '/healthz'), 403, host);
  }
});

test('a second request of a connection is checked like the first', async (t) => {
  const { front } = await open(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal((await ask(front, invoke, { body: 'x', agent })).status, 200);
  assert.equal(
    (await ask(front, invoke, { body: 'x', agent, headers: { host: 'evil.example' } })).status,
    403,
  );
});

test('without tokens no page may call, by form, image or script: not of other sites, not of agents’ own', async (t) => {
  const { front } = await open(t);
  const own = `http://127.0.0.1:${front.port}`;
  const ask2 = async (headers: http.OutgoingHttpHeaders): Promise<unknown> =>
    (await ask(front, invoke, { body: 'x', headers })).json.code;
  assert.equal(await ask2({ 'sec-fetch-site': 'none' }), undefined);
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://localhost:${front.port}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: own, 'sec-fetch-site': 'same-origin' },
    { origin: own },
    { 'sec-fetch-site': 'same-origin' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'none' },
  ])
    assert.equal(await ask2(headers), 'origin-foreign');
  const get = await ask(front, '/v1/agents', { headers: { 'sec-fetch-site': 'cross-site' } });
  assert.equal(get.status, 403);
});

test('pages of agents’ sites may call once the host’s own origin is on the list', async (t) => {
  const { front } = await open(t, { corsOrigins: ['http://box.test'], hostNames: ['box.test'] });
  const statusOf = async (headers: http.OutgoingHttpHeaders): Promise<number> =>
    (await ask(front, '/v1/agents', { headers: { host: 'box.test', ...headers } })).status;
  assert.equal(await statusOf({ 'sec-fetch-site': 'same-origin' }), 200);
  assert.equal(await statusOf({ 'sec-fetch-site': 'same-origin', origin: 'http://box.test' }), 200);
  assert.equal(await statusOf({ 'sec-fetch-site': 'same-origin', host: 'localhost' }), 403);
  assert.equal(await statusOf({ 'sec-fetch-site': 'cross-site' }), 403);
});

test('an origin on the list may call and read; one that is not gets no leave', async (t) => {
  const { front } = await open(t, { corsOrigins: ['https://console.example'] });
  const preflight = (origin: string) =>
    ask(front, invoke, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  const listed = await preflight('https://console.example');
  assert.equal(listed.status, 204);
  assert.equal(listed.headers['access-control-allow-origin'], 'https://console.example');
  assert.match(String(listed.headers['access-control-allow-methods']), /POST/);
  const called = await ask(front, invoke, { body: 'x', headers: { origin: 'https://console.example' } });
  assert.equal(called.status, 200);
  assert.equal(called.headers['access-control-allow-origin'], 'https://console.example');
  const other = await preflight('https://evil.example');
  assert.equal(other.headers['access-control-allow-origin'], undefined);
  assert.equal(other.headers['access-control-allow-methods'], undefined);
});

test('a path spelt so that it passes by the gate gets nothing', async (t) => {
  const { front } = await open(t);
  for (const path of ['/%761/agents', '/%76%31/status', '/%6detrics'])
    assert.equal((await ask(front, path)).status, 401, path);
  for (const path of ['//v1/agents', '/V1/agents', '/v1//agents'])
    assert.equal((await ask(front, path)).status, 404, path);
});

test('who asks too often waits as long as it is told, then is served again', async (t) => {
  const clock = new HandClock();
  const { front } = await open(t, { clock, limits: { addressRate: { perSecond: 2, burst: 3 } } });
  const statusOf = async (): Promise<number> => (await ask(front, '/healthz')).status;
  assert.deepEqual([await statusOf(), await statusOf(), await statusOf()], [200, 200, 200]);
  const limited = await ask(front, '/healthz');
  assert.deepEqual(
    [limited.status, limited.json.code, limited.headers['retry-after']],
    [429, 'rate-limited', '1'],
  );
  clock.turn(500);
  assert.deepEqual([await statusOf(), await statusOf()], [200, 429]);
});

test('OPTIONS and HEAD say what there is without doing it; other methods are told which there are', async (t) => {
  const { front } = await open(t);
  const options = await ask(front, '/v1/agents', { method: 'OPTIONS' });
  assert.deepEqual([options.status, options.headers.allow], [204, 'GET, POST, HEAD, OPTIONS']);
  const head = await ask(front, '/v1/agents', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.ok(Number(head.headers['content-length']) > 10);
  const put = await ask(front, '/v1/agents', { method: 'PUT' });
  assert.deepEqual(
    [put.status, put.headers.allow, put.json.code],
    [405, 'GET, POST, HEAD, OPTIONS', 'method-not-allowed'],
  );
  assert.equal((await ask(front, '/v1/nothing', { method: 'OPTIONS' })).status, 404);
  assert.equal((await ask(front, '/nothing')).json.code, 'route-unknown');
});

test('only 100-continue can be expected: anything else is 417, and reaches neither an agent nor its site', async (t) => {
  const { front, serving } = await open(t);
  serving.add('never', () => assert.fail('was asked'));
  serving.sites.set('/shop', (_request, response) => response.end('shop'));
  for (const path of ['/healthz', '/v1/agents/never/invoke', '/v1/publish/a', '/shop']) {
    const body = path === '/healthz' ? '' : 'x';
    const answer = await ask(front, path, { body, headers: { expect: 'tea' } });
    assert.deepEqual([answer.status, answer.json.code], [417, 'expectation-failed'], path);
  }
  const met = await ask(front, '/shop', { body: 'x', headers: { expect: '100-Continue' } });
  assert.deepEqual([met.status, met.text], [200, 'shop']);
});
