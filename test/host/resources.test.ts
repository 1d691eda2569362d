import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

const long = '[limits]\nfuel = 1000000000000\ndeadline = "50s"\n';
const options = { timeout: 60_000 };

function violationsIn(metrics: Awaited<ReturnType<Hosted['serving']['metrics']>>, resource: string): number {
  const found = metrics.find(({ name }) => name === 'motehost_resource_violations_total');
  const samples = found?.samples.filter(({ labels }) => labels.resource === resource) ?? [];
  return samples.reduce((sum, { value }) => sum + value, 0);
}

test(
  'who computes too much is slowed down, suspended or ended as its manifest says; its neighbour notices nothing',
  options,
  async (t) => {
    const component = await scribe();
    const rule = (violation: string): string =>
      `${long}[resources]\nfuel-per-second = 1000000\nviolation = "${violation}"\nviolations = 1\n`;
    const host = await Hosted.start(t, temporaryState(t), [
      localAgent('logged', component, rule('log')),
      localAgent('slowed', component, rule('throttle')),
      localAgent('suspended', component, rule('suspend')),
      localAgent('killed', component, rule('kill')),
      localAgent('neighbour', component),
    ]);
    const events: string[] = [];
    const end = host.serving.subscribe('host.agent.*.violated', undefined, ({ body }) => {
      const { agent, resource, action } = JSON.parse(new TextDecoder().decode(body));
      events.push(`${agent} ${resource} ${action}`);
    });
    const spinning = ['logged', 'slowed', 'suspended'].map((name) => host.ask(name, 'spin'));
    assert.equal(await host.ask('killed', 'spin'), 'denied');
    await host.lines.until(
      /^logged: it wants more than \[resources\] fuel-per-second = 1000000 allows: nothing/,
    );
    await host.lines.until(/^slowed: .*: it is slowed down/);
    await host.lines.until(/^suspended: .*: it is suspended/);
    await host.lines.until(/^killed: .*: what it does is ended/);
    assert.equal(await host.ask('neighbour', 'a'), '1');
    assert.equal((await host.serving.agent('suspended')).lifecycle, 'suspended');
    assert.equal(await host.serving.resume('suspended', false), true);
    await host.lines.until(/^suspended: .*: it is suspended/, 2);
    const fuelOf = async (name: string): Promise<number> => Number((await host.serving.agent(name)).fuel);
    assert.ok((await fuelOf('slowed')) > 0, 'what its message used so far');
    assert.equal((await host.serving.agent('slowed')).handled, 0, 'its message is not done');
    assert.ok(((await host.serving.agent('slowed')).underWayMs ?? 0) >= 1000);
    assert.equal((await host.serving.agent('neighbour')).underWayMs, undefined);
    assert.ok(violationsIn(await host.serving.metrics(), 'fuel') >= 4);
    for (const name of ['logged', 'slowed', 'suspended']) await host.serving.handle(name).kill();
    await Promise.all(spinning);
    end();
    assert.ok(events.includes('killed fuel kill') && events.includes('suspended fuel suspend'));
  },
);

test('an agent whose messages are short waits between them, and none is lost', options, async (t) => {
  const component = await scribe();
  const probe = await Hosted.start(t, temporaryState(t), [localAgent('probe', component)]);
  await probe.ask('probe', 'a');
  const before = (await probe.serving.agent('probe')).fuel;
  await probe.ask('probe', 'a');
  const fuel = Number((await probe.serving.agent('probe')).fuel - before);
  await probe.close(0);
  const share = `[resources]\nfuel-per-second = ${Math.max(1000, fuel * 20)}\nfuel-burst = 1000\n`;
  const host = await Hosted.start(t, temporaryState(t), [localAgent('one', component, share)]);
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map((words) => host.ask('one', words)));
  assert.deepEqual(answers.sort(), ['1', '2', '3', '4']);
  await host.lines.until(/^one: it wants more than \[resources\] fuel-per-second.*: it is slowed down/);
});
