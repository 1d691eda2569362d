import assert from 'node:assert/strict';
import * as http from 'node:http';
import { test } from 'node:test';
import { listen } from '../../host/http/listen.ts';
import { ask } from '../support/front.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

test('/metrics counts each request once, in whichever thread it was answered, and the connections of clients', async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [localAgent('scribe', await scribe())], {
    threads: 2,
  });
  const front = await listen(host.serving, { port: 0 });
  t.after(() => front.close(0));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let count = 0; count < 20; count += 1) {
    assert.equal((await ask(front, '/v1/agents/scribe/invoke', { body: 'a', agent })).status, 200);
    assert.equal((await ask(front, '/v1/agents', { agent })).status, 200);
  }
  const lines = (await ask(front, '/metrics', { agent })).text.split('\n');
  const numberOf = (sample: string): string | undefined =>
    lines.find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1);
  const total = (route: string): string => `motehost_http_requests_total{route="${route}",status="200"}`;
  assert.equal(numberOf(total('/v1/agents/:name/invoke')), '20');
  assert.equal(numberOf(total('/v1/agents')), '20');
  assert.equal(
    numberOf('motehost_http_request_duration_seconds_count{route="/v1/agents/:name/invoke"}'),
    '20',
  );
  assert.equal(numberOf('motehost_http_connections'), '1');
  assert.deepEqual(
    lines.filter((line) => /passed on|route="none"/.test(line)),
    [],
  );
});
