import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { agentGuest } from '../support/agent-guest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { serviceGuest } from '../support/service-guest.ts';
import { tasksAgent } from '../support/tasks-agent.ts';

// Programs with tasks of WASI 0.3 on a host that serves, beside others on the same thread.

const toml = '[limits]\nfuel = "20M"\ndeadline = "1s"\n';

test('programs with tasks live beside other agents', { timeout: 60_000 }, async (t) => {
  const [tasks, plain, service] = await Promise.all([tasksAgent(), agentGuest('p'), serviceGuest()]);
  const host = await Hosted.start(t, temporaryState(t), [
    localAgent('ann', tasks),
    localAgent('bounded', tasks, toml),
    localAgent('spinner', tasks, '[limits]\nfuel = "1000T"\n'),
    localAgent('bob', plain, '', 'agent'),
    localAgent('web', service, '[http]\nroute = "/"\n', 'service'),
  ]);
  let asked = 0;
  const othersAnswer = async () => {
    asked += 1;
    assert.equal(await host.ask('bob', ''), `p${asked}`);
  };

  await t.test('one handles a message after the other and keeps its memory', async () => {
    const words = ['a', 'b', 'c'];
    assert.deepEqual(await Promise.all(words.map((word) => host.ask('ann', word))), ['1', '2', '3']);
    assert.equal(await host.ask('ann', 'l'), '4');
    assert.equal(await host.ask('ann', ''), '6', 'a message is over when nothing is left of it');
    await othersAnswer();
  });

  for (const [word, end] of [
    ['spin', 'limit'],
    ['never', 'limit'],
    ['trap', 'trap'],
  ] as const)
    await t.test(`one that would ${word} ends, and the next message has a new instance`, async () => {
      assert.equal(await host.ask('bounded', word), end);
      await othersAnswer();
      assert.equal(await host.ask('bounded', ''), '1');
    });

  await t.test('while one computes, others on its thread have their turns', async () => {
    const spinning = host.ask('spinner', 'spin');
    for (let count = 0; count < 3; count += 1) await othersAnswer();
    await host.serving.handle('spinner').kill();
    assert.notEqual(await spinning, 'ok');
  });

  await t.test(
    'one that serves HTTP answers each request by itself, and a fault in one is a 500',
    async (t) => {
      const front = createServer((request, response) => {
        void host.serving.exchange('web', request, response);
      });
      front.listen(0, '127.0.0.1');
      await once(front, 'listening');
      t.after(() => {
        front.closeAllConnections();
        front.close();
      });
      const { port } = front.address() as AddressInfo;
      const ask = async (path: string, body: string) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body });
        return `${answer.status} ${await answer.text()}`;
      };
      const paths = ['/echo', '/trap', '/fail', '/echo'];
      const answers = await Promise.all(paths.map((path, at) => ask(path, `body ${at}`)));
      assert.deepEqual(answers, ['201 body 0', '500 ', '500 ', '201 body 3']);
      const { handled, failed } = await host.serving.agent('web');
      assert.deepEqual([handled, failed], [4, 2]);
      await othersAnswer();
    },
  );

  await t.test('one that serves HTTP needs a route, and what streams is not recorded', async () => {
    const installed = (name: string, more: string, component: Uint8Array<ArrayBuffer>) =>
      host.serving.install({ manifest: `name = "${name}"\nworld = "x"\n${more}`, component });
    const invalid = { code: 'HOST_ERR_CONFIG_INVALID' };
    await assert.rejects(installed('other', '', service), { ...invalid, message: /needs a route/ });
    await assert.rejects(installed('told', '[history]\nrecord = true\n', tasks), {
      ...invalid,
      message: /history\.record/,
    });
  });
});
