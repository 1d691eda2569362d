import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

const options = { timeout: 60_000 };
const wants = (quota: number): string => `[resources]\ncpu-quota = ${quota}\n[limits]\nmemory = "1MiB"\n`;

test(
  'agents with a share of a processor go where one is left, the last one to nobody; who is removed makes room',
  options,
  async (t) => {
    const component = await scribe();
    const host = await Hosted.start(
      t,
      temporaryState(t),
      [
        localAgent('first', component, wants(0.5)),
        localAgent('second', component, wants(0.4)),
        localAgent('third', component, wants(0.6)),
        localAgent('free', component),
      ],
      { threads: 2, scheduler: { placement: 'first-fit' } },
    );
    const threadOf = async (name: string): Promise<number> => (await host.serving.agent(name)).thread;
    assert.deepEqual([await threadOf('first'), await threadOf('second'), await threadOf('third')], [1, 1, 2]);
    const spawned = host.serving.spawn('first', ['fourth']);
    await assert.rejects(spawned, {
      code: 'HOST_ERR_BUDGET_EXHAUSTED',
      message: /no thread has room for cpu-quota = 0\.5 and 1048576 bytes of memory; ask for less/,
    });
    await host.serving.spawn('free', ['fifth']);
    assert.equal(await host.ask('fifth', 'a'), '1');
    await assert.rejects(host.serving.agent('fourth'), { code: 'HOST_ERR_AGENT_UNKNOWN' });
  },
);

test('under best-fit the fullest thread with room is taken', options, async (t) => {
  const component = await scribe();
  const agents = [
    localAgent('first', component, wants(0.5)),
    localAgent('second', component, wants(0.6)),
    localAgent('third', component, wants(0.3)),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents, {
    threads: 2,
    scheduler: { placement: 'best-fit' },
  });
  const threads = [];
  for (const name of ['first', 'second', 'third']) threads.push((await host.serving.agent(name)).thread);
  assert.equal(threads[2], threads[1], 'beside the bigger one');
  assert.notEqual(threads[0], threads[1]);
});
