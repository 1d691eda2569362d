import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listen } from '../../host/http/listen.ts';
import { ask } from '../support/front.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

test('a call that still runs when the host has waited long enough is answered, whichever thread its client reached', async (t) => {
  const agent = localAgent('scribe', await scribe(), '[limits]\nfuel = 1000000000000\ndeadline = "50s"\n');
  const host = await Hosted.start(t, temporaryState(t), [agent], { threads: 2 });
  const front = await listen(host.serving, { port: 0 });
  t.after(() => front.close(0));
  const path = '/v1/agents/scribe/invoke';
  const asked = Array.from({ length: 8 }, () => ask(front, path, { body: 'spin' }));
  await host.lines.until(/scribe: seen spin/);
  while ((await host.serving.agent('scribe')).mailboxDepth < asked.length - 1);
  const closed = front.close(20);
  await host.close(20);
  await closed;
  for (const { status, json, headers } of await Promise.all(asked)) {
    assert.ok(status === 503 || status === 499, String(status));
    assert.match(String(json.code), /^(closing|agent-cancelled|HOST_ERR_[A-Z_]+)$/);
    assert.equal(headers.connection, 'close');
  }
});
