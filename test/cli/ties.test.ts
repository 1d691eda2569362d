import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host } from '../support/cli.ts';
import { json, problem, type Route, RoutesServer } from '../support/routes-server.ts';

const none: Route = (_, response) => {
  response.writeHead(204);
  response.end();
};

test('host agents ties two agents, says the number of a monitor, and takes ties back', async () => {
  await using server = await RoutesServer.listen({
    'POST /v1/agents/a/links/b': none,
    'DELETE /v1/agents/a/links/b': none,
    'POST /v1/agents/a/monitors/b': (_, response) =>
      json(response, { kind: 'monitor', agent: 'b', monitor: 7 }, 201),
    'DELETE /v1/agents/a/monitors/7': none,
    'GET /v1/agents/a/ties': (_, response) =>
      json(response, { ties: [{ kind: 'monitor', agent: 'b', monitor: 7 }] }),
    'POST /v1/agents/a/links/nobody': (_, response) =>
      problem(response, 404, 'HOST_ERR_AGENT_UNKNOWN', "no agent 'nobody' here"),
  });
  const agents = (...words: string[]) =>
    host(['agents', ...words], { cwd: '/', env: { HOST_URL: server.url } });
  const linked = await agents('link', 'a', 'b');
  assert.deepEqual(
    [linked.code, linked.stdout, linked.stderr],
    [0, '', 'host: a and b are linked: who fails takes the other along\n'],
  );
  assert.equal((await agents('monitor', 'a', 'b')).stdout, '7\n');
  assert.match((await agents('ties', 'a')).stdout, /^TIE +AGENT +MONITOR\nmonitor +b +7\n$/);
  assert.equal((await agents('demonitor', 'a', '7')).code, 0);
  assert.equal((await agents('unlink', 'a', 'b')).stderr, 'host: a and b are linked no more\n');
  const unknown = await agents('link', 'a', 'nobody');
  assert.match(unknown.stderr, /no agent 'nobody' here/);
  assert.notEqual(unknown.code, 0);
  assert.match((await agents('link', 'a')).stderr, /host agents link takes two agents/);
});
