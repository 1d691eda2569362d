import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyChain } from '../../host/audit/verify.ts';
import { listen } from '../../host/http/listen.ts';
import { verifyMessageFile } from '../../host/identity/message-file.ts';
import { parseKey } from '../../host/identity/public-key.ts';
import { told } from '../support/chains.ts';
import { type Asked, ask } from '../support/front.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

// Keys of a host that serves, as its operator changes them over HTTP.

const signing = '[messages]\nsign = "each"\n[capabilities.bus]\nsend = ["agent.sink"]\n';

test('keys are shown, rotated and revoked while the host serves, and what agents sign from then on is of the new ones', async (t) => {
  const state = temporaryState(t);
  const agents = [localAgent('clerk', await scribe(), signing), localAgent('sink', await scribe())];
  const host = await Hosted.start(t, state, agents, { trust: { auditLevel: 'messages' } });
  const front = await listen(host.serving, { port: 0, stateFolder: state });
  t.after(() => front.close(0));
  const get = async (path: string): Promise<Asked['json']> => (await ask(front, path)).json;
  const post = (path: string, body = {}): Promise<Asked> =>
    ask(front, path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  /** Sends one message and has it proven with the key of the host. */
  const signedBy = async (words: string): Promise<string> => {
    await host.ask('clerk', `to sink ${words}`);
    const events = (await get('/v1/audit?agent=clerk&kind=message-sent&limit=100')).events as {
      message: string;
    }[];
    const proof = await ask(front, `/v1/messages/${events.at(-1)?.message}/proof`);
    const key = parseKey(readFileSync(join(state, 'keys/host.pub'), 'utf8').trim()) ?? assert.fail();
    const verified = verifyMessageFile(proof.text, key);
    assert.equal(verified.kind, 'verified');
    assert.equal(Buffer.from(verified.payload).toString(), words);
    return verified.key;
  };

  const [{ key: hostKey, party }, { key: first }] = [await get('/v1/keys/host'), await get('/v1/keys/clerk')];
  assert.equal(await signedBy('one'), first);
  const rotated = (await post('/v1/keys/clerk/rotate')).json;
  assert.deepEqual([rotated.party, rotated.generation], [`${party}/clerk`, 2]);
  assert.equal(await signedBy('two'), rotated.key);
  const revoked = (await post('/v1/keys/clerk/revoke', { reason: 'compromised' })).json;
  assert.deepEqual([revoked.revokedKey, revoked.generation], [rotated.key, 3]);
  assert.equal(await signedBy('three'), revoked.key);
  const nextHost = (await post('/v1/keys/host/rotate')).json;
  assert.equal(await signedBy('four'), revoked.key, 'vouched for by the new key of the host');
  assert.equal((await post('/v1/keys/revocations', { key: first, reason: 'retired' })).status, 204);

  const known = await get('/v1/keys');
  assert.deepEqual(
    (known.keys as { party: string; generation: number }[]).map((one) => [one.party, one.generation]),
    [
      [party, 2],
      [`${party}/clerk`, 3],
    ],
  );
  assert.deepEqual(
    (known.revoked as { key: string; reason: string }[]).map(({ key, reason }) => [key, reason]),
    [
      [rotated.key, 'compromised'],
      [first, 'retired'],
    ],
  );
  assert.equal((await post('/v1/keys/nobody/rotate')).json.code, 'HOST_ERR_AGENT_UNKNOWN');
  const late = await post('/v1/keys/clerk/revoke', { reason: 'retired', generation: 9 });
  assert.deepEqual([late.status, late.json.code], [400, 'HOST_ERR_VALUE_INVALID']);
  assert.equal((await post('/v1/keys/clerk/revoke', { reason: 'bored' })).status, 400);
  assert.equal((await post('/v1/keys/revocations', { key: 'x', reason: 'retired' })).status, 400);
  await host.close(1000);

  const changes = await told(state, 'key-rotated', 'key-revoked');
  assert.deepEqual(
    changes.map(({ name, principal, party: whose, reason }) => [name, principal, whose, reason]),
    [
      ['key-rotated', 'local', `${party}/clerk`, undefined],
      ['key-rotated', 'local', `${party}/clerk`, undefined],
      ['key-revoked', 'local', `${party}/clerk`, 'compromised'],
      ['key-rotated', null, 'host', undefined],
      ['key-revoked', 'local', '', 'retired'],
    ],
  );
  const before = parseKey(String(hostKey)) ?? assert.fail();
  assert.deepEqual(
    (await verifyChain(join(state, 'audit'), [before])).faults,
    [],
    'who knew the old key follows',
  );
  const again = await Hosted.start(t, state, []);
  assert.equal(again.serving.keys?.show('host').key, nextHost.key);
  assert.equal(again.serving.keys?.show('clerk').key, revoked.key);
});
