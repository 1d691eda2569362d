import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, open } from '../support/front.ts';

test('two agents are tied, and a tie is taken back; agents that are not there, and ties, are told apart', async (t) => {
  const { front, serving } = await open(t);
  serving.add('a', () => ({ kind: 'refused', reason: 'full', retryAfterMs: undefined }));
  serving.add('b', () => ({ kind: 'refused', reason: 'full', retryAfterMs: undefined }));
  const post = { method: 'POST' };
  const end = { method: 'DELETE' };
  assert.equal((await ask(front, '/v1/agents/a/links/b', post)).status, 204);
  const watched = await ask(front, '/v1/agents/a/monitors/b', post);
  assert.deepEqual([watched.status, watched.json], [201, { kind: 'monitor', agent: 'b', monitor: 2 }]);
  assert.deepEqual((await ask(front, '/v1/agents/a/ties')).json.ties, [{ kind: 'link', agent: 'a' }]);
  assert.equal((await ask(front, '/v1/agents/a/links/b', end)).status, 204);
  assert.equal((await ask(front, '/v1/agents/a/monitors/2', end)).status, 204);
  for (const path of [
    '/v1/agents/a/links/nobody',
    '/v1/agents/nobody/links/a',
    '/v1/agents/a/monitors/nobody',
  ])
    assert.equal((await ask(front, path, post)).json.code, 'HOST_ERR_AGENT_UNKNOWN', path);
  assert.equal((await ask(front, '/v1/agents/b/links/a', end)).json.code, 'tie-unknown');
  assert.equal((await ask(front, '/v1/agents/a/monitors/9', end)).json.code, 'tie-unknown');
  assert.equal((await ask(front, '/v1/agents/a/monitors/x', end)).status, 400);
});
