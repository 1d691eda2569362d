import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { createHost } from '../../host/host.ts';
import { defaultLimits, type Limits } from '../../host/limits.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';
import { type Exchanged, exchange } from '../support/exchange.ts';
import { httpGuest } from '../support/http-guest.ts';

const host = createHost({ cacheFolder: undefined, clock: systemClock, random: systemRandom });
after(() => host.close());
const artifact = await host.prepare(await httpGuest('hello'));

function ask(path: string, init: RequestInit = {}, limits: Partial<Limits> = {}): Promise<Exchanged> {
  return exchange(host, artifact, path, init, limits);
}

test('a request reaches an instance of its own, and its answer comes back', async () => {
  const get = await ask('/path?q');
  assert.deepEqual([get.status, get.text], [200, 'hello /path?q']);
  assert.equal(get.result.outcome.kind, 'ok');
  assert.ok(get.result.outcome.usage.fuel > 0n);
  const post = await ask('/post', { method: 'POST', body: 'x'.repeat(100_000) });
  assert.deepEqual([post.status, post.text], [200, 'hello /post']);
});

test('a guest that traps or reaches a limit before it answered answers 500, and the outcome says why', async () => {
  const trap = await ask('/trap');
  assert.deepEqual([trap.status, trap.result.outcome.kind], [500, 'trap']);
  const { status, result } = await ask('/spin', {}, { fuelMax: 1_000_000n });
  assert.equal(status, 500);
  assert.equal(result.outcome.kind === 'limit' && result.outcome.limit, 'fuelMax');
});

test('a program that answers HTTP requests is run by no message, and one that does not by no request', async () => {
  const call = { kind: 'main', message: { subject: 'a', body: new Uint8Array() } } as const;
  await assert.rejects(host.run({ artifact, call, grants: noGrants, limits: defaultLimits }), {
    code: 'HOST_ERR_WORLD_MISMATCH',
    message: /answers HTTP requests.*host dev serves it/,
  });
});
