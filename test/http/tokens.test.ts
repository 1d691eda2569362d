import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemRandom } from '../../host/clock.ts';
import type { Fault } from '../../host/http/front.ts';
import { listen } from '../../host/http/listen.ts';
import { parseRight } from '../../host/http/right.ts';
import { createToken, listTokens, revokeToken } from '../../host/http/tokens.ts';
import { ask, EventReader, type Opened, open } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';
import { MemoryServing } from '../support/memory-serving.ts';

interface Guarded extends Opened {
  readonly clock: HandClock;
  readonly stateFolder: string;
  /** Makes a token and sends its bearer header. */
  readonly faults: readonly Fault[];
  readonly bearer: (name: string, ...may: readonly string[]) => Record<string, string>;
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'mote-tokens-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

async function guarded(t: TestContext): Promise<Guarded> {
  const stateFolder = folder(t);
  const clock = new HandClock();
  const bearer = (name: string, ...may: readonly string[]): Record<string, string> => {
    const { token } = createToken(stateFolder, { name, may }, { clock, random: systemRandom });
    return { authorization: `Bearer ${token}` };
  };
  const faults: Fault[] = [];
  const report = (fault: Fault) => faults.push(fault);
  const opened = await open(t, { stateFolder, clock, report, auth: true });
  return { ...opened, faults, clock, stateFolder, bearer };
}

/** What each kind of request needs. */
const requests: readonly [method: string, path: string, allowed: string, forbidden: string][] = [
  ['POST', '/v1/agents/echo/invoke', 'invoke:echo', 'invoke:other'],
  ['POST', '/v1/agents/%65cho/invoke', 'invoke:e*', 'invoke:ech'],
  ['POST', '/v1/agents/echo/send', 'invoke:echo', 'publish'],
  ['POST', '/v1/publish/orders.eu.new', 'publish:orders.>', 'publish:orders.*'],
  ['POST', '/v1/request/orders.eu', 'publish:orders.*', 'publish:order.*'],
  ['GET', '/v1/subscribe/orders.eu', 'subscribe:orders.*', 'subscribe:prices.>'],
  ['GET', '/v1/subscribe/orders.%3E', 'subscribe:orders.>', 'subscribe:orders.*'],
  ['GET', '/v1/events', 'subscribe:host.>', 'subscribe:orders.>'],
  ['GET', '/v1/agents', 'read', 'invoke'],
  ['GET', '/v1/agents/echo', 'read', 'logs'],
  ['DELETE', '/v1/agents/echo', 'admin', 'read'],
  ['POST', '/v1/agents', 'admin', 'read'],
  ['GET', '/v1/logs?agent=echo', 'logs:e*', 'logs:other'],
  ['GET', '/v1/logs', 'logs', 'logs:echo'],
  ['GET', '/v1/status', 'read', 'metrics'],
  ['GET', '/v1/dead-letters', 'read', 'publish'],
  ['DELETE', '/v1/dead-letters/x', 'admin', 'read'],
  ['GET', '/metrics', 'metrics', 'read'],
  ['GET', '/v1/metrics', 'metrics', 'read'],
  ['GET', '/v1/audit', 'audit', 'read'],
  ['GET', '/v1/audit/head', 'audit', 'logs'],
  ['GET', '/v1/audit/stream', 'audit', 'metrics'],
  ['POST', '/v1/audit/forget', 'admin', 'read'],
  ['POST', '/v1/audit/timestamps', 'audit', 'publish'],
  ['GET', '/v1/keys', 'admin', 'read'],
  ['GET', '/v1/keys/host', 'admin', 'audit'],
  ['POST', '/v1/keys/host/rotate', 'admin', 'approve'],
  ['POST', '/v1/keys/host/revoke', 'admin', 'read'],
  ['POST', '/v1/keys/revocations', 'admin', 'audit'],
];

for (const [method, path, allowed, forbidden] of requests) {
  test(`${method} ${path}: '${allowed}' may, '${forbidden}' may not, an unknown token is nobody`, async (t) => {
    const { front, bearer } = await guarded(t);
    const statusOf = async (headers: Record<string, string>): Promise<number> => {
      if (!path.startsWith('/v1/subscribe') && path !== '/v1/events')
        return (await ask(front, path, { method, headers })).status;
      const reader = await EventReader.open(front, path, headers);
      reader.leave();
      return reader.answer.statusCode ?? 0;
    };
    assert.ok(![401, 403].includes(await statusOf(bearer('a', allowed))));
    assert.equal(await statusOf(bearer('b', forbidden)), 403);
    assert.equal(await statusOf({ authorization: `Bearer mote_${'x'.repeat(43)}` }), 401);
    assert.equal(await statusOf({}), 401);
  });
}

test('a token has messages handled at the levels it may; beyond it is forbidden, and no other word is a level', async (t) => {
  const { front, serving, bearer } = await guarded(t);
  const asked: unknown[] = [];
  serving.behaviours.set('hurry', async (_payload, { priority }) => {
    asked.push(priority);
    return { kind: 'refused', reason: 'full', retryAfterMs: 1 };
  });
  const may = bearer('a', 'invoke', 'publish', 'priority:high');
  const mayNot = bearer('b', 'invoke', 'publish');
  const mayAll = bearer('c', 'invoke', 'publish', 'priority');
  const post = async (path: string, headers: Record<string, string>, priority: string) =>
    ask(front, path, { body: 'x', headers: { ...headers, 'x-mote-priority': priority } });
  const invoke = '/v1/agents/hurry/invoke';
  for (const path of [invoke, '/v1/agents/hurry/send', '/v1/publish/news.x', '/v1/request/hurry']) {
    for (const [headers, level] of [
      [may, 'critical'],
      [mayNot, 'high'],
    ] as const) {
      const denied = await post(path, headers, level);
      assert.deepEqual([denied.status, denied.json.needs], [403, `priority:${level}`], path);
    }
    assert.equal((await post(path, mayAll, 'urgent')).json.field, 'x-mote-priority', 'unknown');
  }
  assert.deepEqual(asked, []);
  await post(invoke, may, 'high');
  await post(invoke, mayNot, 'low');
  await post('/v1/request/hurry', mayAll, 'realtime');
  assert.deepEqual(asked, ['high', 'low', 'realtime'], 'allowed');
});

test('health, the page and the document need no token; the denial says what would do', async (t) => {
  const { front, bearer } = await guarded(t);
  for (const path of ['/healthz', '/readyz', '/', '/openapi.json'])
    assert.equal((await ask(front, path)).status, 200);
  const nobody = await ask(front, '/v1/agents');
  assert.match(String(nobody.headers['www-authenticate']), /^Bearer/);
  const denied = await ask(front, '/v1/agents/echo/invoke', { body: 'x', headers: bearer('a', 'read') });
  assert.deepEqual([denied.json.code, denied.json.needs], ['forbidden', 'invoke:echo']);
  const all = await ask(front, '/v1/logs', { headers: bearer('b', 'logs:echo') });
  assert.deepEqual([all.status, all.json.needs], [403, 'logs']);
});

test('a token is kept as its hash alone, in a file for its owner alone', (t) => {
  const stateFolder = folder(t);
  const clock = new HandClock();
  const request = { name: 'ci', may: ['invoke:echo', 'read'] };
  const { token } = createToken(stateFolder, request, { clock, random: systemRandom });
  const path = join(stateFolder, 'tokens.json');
  assert.match(token, /^mote_[A-Za-z0-9_-]{43}$/);
  assert.doesNotMatch(readFileSync(path, 'utf8'), new RegExp(token.slice(5)));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(
    listTokens(stateFolder).map(({ name, may }) => ({ name, may })),
    [request],
  );
  assert.throws(() => createToken(stateFolder, request, { clock, random: systemRandom }), {
    code: 'HOST_ERR_TOKEN_INVALID',
  });
  revokeToken(stateFolder, 'ci');
  assert.deepEqual(listTokens(stateFolder), []);
  assert.throws(() => revokeToken(stateFolder, 'ci'), { code: 'HOST_ERR_TOKEN_UNKNOWN' });
});

test('a capability that is none is refused with the nearest that is', () => {
  for (const [text, cure] of [
    ['invok:a', /'invoke'/],
    ['read:x', /takes no pattern/],
    ['priority:urgent', /critical/],
    ['invoke:a*b', /start and/],
    [`invoke:${'a'.repeat(257)}`, /start and/],
    ['publish:a.>.b', /orders/],
  ] as const)
    assert.throws(() => parseRight(text), cure);
});

test('two writers do not lose each other: the second is told who holds the lock', (t) => {
  const stateFolder = folder(t);
  writeFileSync(join(stateFolder, 'tokens.json.lock'), '');
  const request = { name: 'a', may: ['read'] };
  assert.throws(() => createToken(stateFolder, request, { clock: new HandClock(), random: systemRandom }), {
    code: 'HOST_ERR_STATE_LOCKED',
  });
});

test('a file that others can read, a link, or a damaged file opens no door', async (t) => {
  const stateFolder = folder(t);
  const path = join(stateFolder, 'tokens.json');
  const opening = () => listen(new MemoryServing(), { port: 0, stateFolder });
  createToken(stateFolder, { name: 'a', may: ['read'] }, { clock: new HandClock(), random: systemRandom });
  chmodSync(path, 0o644);
  await assert.rejects(opening, /chmod 600/);
  writeFileSync(path, '{"version":1,"tokens":[{}]}');
  chmodSync(path, 0o600);
  await assert.rejects(opening, /damaged/);
  rmSync(path);
  writeFileSync(join(stateFolder, 'elsewhere'), '{"version":1,"tokens":[]}', { mode: 0o600 });
  symlinkSync(join(stateFolder, 'elsewhere'), path);
  await assert.rejects(opening, /regular file/);
});

test('a token made or revoked while the host runs holds a second later, on open connections too', async (t) => {
  const { front, serving, clock, stateFolder, bearer } = await guarded(t);
  const headers = bearer('late', 'subscribe');
  clock.turn(1001);
  const reader = await EventReader.open(front, '/v1/subscribe/a.b', headers);
  revokeToken(stateFolder, 'late');
  clock.turn(1001);
  assert.equal((await ask(front, '/v1/subscribe/a.b', { headers })).status, 401);
  await serving.publish(
    'a.b',
    { contentType: undefined, headers: [], body: new Uint8Array(1) },
    { principal: { name: 'x' } },
  );
  clock.turn(15_000);
  assert.match(String(await reader.next()), /^event: end\n.*no longer valid/);
});

test('a token that ran out is nobody, and a damaged file lets nobody in', async (t) => {
  const { front, clock, stateFolder, bearer, faults } = await guarded(t);
  const expiresAtMs = Number(clock.wallNs() / 1_000_000n) + 5_000;
  const { token } = createToken(
    stateFolder,
    { name: 'short', may: ['read'], expiresAtMs },
    { clock, random: systemRandom },
  );
  const keeps = bearer('keeps', 'read');
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await ask(front, '/v1/agents', { headers })).status;
  clock.turn(1001);
  assert.equal(await statusOf({ authorization: `bearer ${token}` }), 200);
  clock.turn(5_000);
  assert.equal(await statusOf({ authorization: `Bearer ${token}` }), 401);
  assert.equal(await statusOf(keeps), 200);
  writeFileSync(join(stateFolder, 'tokens.json'), 'damaged');
  clock.turn(1001);
  assert.equal(await statusOf(keeps), 401);
  assert.deepEqual(
    faults.map(({ route }) => route),
    ['tokens'],
  );
});

test('on loopback the first token closes the door, and revoking the last opens none', async (t) => {
  const stateFolder = folder(t);
  const clock = new HandClock();
  const { front } = await open(t, { stateFolder, clock });
  assert.equal(front.authOff, true);
  assert.equal((await ask(front, '/v1/agents')).status, 200);
  createToken(stateFolder, { name: 'a', may: ['read'] }, { clock, random: systemRandom });
  clock.turn(1001);
  assert.equal((await ask(front, '/v1/agents')).status, 401);
  revokeToken(stateFolder, 'a');
  clock.turn(1001);
  assert.equal((await ask(front, '/v1/agents')).status, 401);
});

test('who shows a token on loopback is never the local admin: none is known, one was just made, one is known', async (t) => {
  const stateFolder = folder(t);
  const clock = new HandClock();
  const { front } = await open(t, { stateFolder, clock });
  const without = await open(t, { clock });
  const statusOf = async (at: typeof front, path: string, headers: Record<string, string>) =>
    (await ask(at, path, { method: 'POST', body: '', headers })).status;
  const unknown = { authorization: `Bearer mote_${'x'.repeat(43)}` };
  // Both ways in: Node's parser, and that of an invocation that comes whole.
  for (const path of ['/v1/agents/echo/pause', '/v1/agents/echo/invoke']) {
    for (const authorization of [
      unknown.authorization,
      'Bearer',
      'Basic eDp4',
      `Bearer ${'x'.repeat(513)}`,
    ]) {
      assert.equal(await statusOf(front, path, { authorization }), 401, `${path} ${authorization}`);
      assert.equal(await statusOf(without.front, path, { authorization }), 401, `${path} ${authorization}`);
    }
    assert.notEqual(await statusOf(front, path, {}), 401);
  }
  const told = await ask(front, '/v1/agents', { headers: unknown });
  assert.match(String(told.json.detail), /where there are none yet: leave it out/);
  // The clock stands still: nothing but the token itself has the file looked at.
  const { token } = createToken(stateFolder, { name: 'ro', may: ['read'] }, { clock, random: systemRandom });
  const fresh = { authorization: `Bearer ${token}` };
  assert.equal(await statusOf(front, '/v1/agents/echo/pause', fresh), 403);
  assert.equal(await statusOf(front, '/v1/agents/echo/invoke', fresh), 403);
  assert.equal((await ask(front, '/v1/agents', { headers: fresh })).status, 200);
  assert.equal(await statusOf(front, '/v1/agents/echo/invoke', unknown), 401);
  assert.equal(await statusOf(front, '/v1/agents/echo/invoke', {}), 401);
});

test('tokens that are not known have the file looked at so often and no more', async (t) => {
  const stateFolder = folder(t);
  const clock = new HandClock();
  const { front } = await open(t, { stateFolder, clock, auth: true });
  const statusOf = async (token: string): Promise<number> =>
    (await ask(front, '/v1/agents', { headers: { authorization: `Bearer ${token}` } })).status;
  for (let asked = 0; asked < 100; asked++) assert.equal(await statusOf(`mote_${asked}`), 401);
  const { token } = createToken(stateFolder, { name: 'ro', may: ['read'] }, { clock, random: systemRandom });
  assert.equal(await statusOf(token), 401);
  clock.turn(10);
  assert.equal(await statusOf(token), 200);
});

test('beyond this machine nothing opens without a token, and the refusal says the cure', async (t) => {
  const stateFolder = folder(t);
  const opening = () => listen(new MemoryServing(), { host: '0.0.0.0', port: 0, stateFolder });
  await assert.rejects(opening, /host token create/);
  await assert.rejects(() => listen(new MemoryServing(), { host: '0.0.0.0', port: 0 }), {
    code: 'HOST_ERR_LISTEN_FAILED',
  });
  createToken(stateFolder, { name: 'a', may: ['read'] }, { clock: new HandClock(), random: systemRandom });
  const front = await opening();
  assert.equal(front.needsToken, true);
  assert.equal((await ask(front, '/v1/agents')).status, 401);
  await front.close(0);
});

test('what is installed with a token is somebody’s', async (t) => {
  const { front, serving, bearer } = await guarded(t);
  const headers = { ...bearer('boss', 'admin'), 'content-type': 'application/wasm' };
  assert.equal((await ask(front, '/v1/agents?name=x', { body: 'x', headers })).status, 201);
  assert.equal(serving.installs.at(-1)?.isAnybodys, false);
});
