import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localAgent } from '../support/hosted.ts';
import { player } from '../support/player.ts';
import { policed } from '../support/policed.ts';

const options = { timeout: 60_000 };
const shared = `
[capabilities]
spawn = ["kid-*"]

[capabilities.bus]
send = ["agent.bob"]

[capabilities.orchestration]
channels = ["work", "plans"]
leases = ["leader"]
groups = ["swarm"]
spawn-from = ["bob"]
`;

const permits = `
permit (principal, action in [Motehost::Action::"bus.publish", Motehost::Action::"bus.subscribe"],
  resource in Motehost::Subject::"channel.work");
permit (principal, action == Motehost::Action::"bus.send", resource == Motehost::Agent::"cyd");
`;

test(
  'policies decide what goes through channels, who holds what, who is told, asked and made',
  options,
  async (t) => {
    const component = await player();
    const agents = ['ada', 'bob', 'cyd'].map((name) => localAgent(name, component, shared));
    const { host, logged } = await policed(t, permits, agents);
    assert.equal(await host.ask('ada', 'put work x 0'), 'ok');
    assert.equal(await host.ask('bob', 'take work 0'), 'x');
    assert.equal(await host.ask('ada', 'put plans x 0'), 'denied');
    assert.equal(await host.ask('ada', 'take plans 0'), 'denied');
    assert.equal(await host.ask('ada', 'acquire leader 1000 0'), 'denied');
    assert.equal(await host.ask('ada', 'signal bob go'), 'denied');
    for (const name of ['ada', 'bob', 'cyd']) assert.equal(await host.ask(name, 'join swarm'), 'ok');
    assert.equal(await host.ask('ada', 'broadcast swarm news'), '1 missed bob');
    assert.equal(await host.ask('ada', 'group swarm x 1'), 'decided played x 1/1 bob=failed cyd=played x');
    await logged(/ada: denied: publish channel\.plans /);
    await logged(/ada: denied: subscribe channel\.plans /);
  },
);

test('what carries labels goes into nothing that keeps none', options, async (t) => {
  const component = await player();
  const agents = [
    localAgent('ada', component, `${shared}\n[labels]\ncarries = ["secret"]\n`),
    localAgent('bob', component, shared),
  ];
  const { host } = await policed(t, 'permit (principal, action, resource);', agents);
  assert.equal(await host.ask('bob', 'put work x 0'), 'ok');
  assert.equal(await host.ask('ada', 'take work 0'), 'x');
  assert.equal(await host.ask('ada', 'put work x 0'), 'denied');
  assert.equal(await host.ask('ada', 'signal bob go'), 'denied');
});

test('who may not make an agent by the policies does not, and is told no more', options, async (t) => {
  const component = await player();
  const agents = ['ada', 'bob'].map((name) => localAgent(name, component, shared));
  const forbid =
    'permit (principal, action, resource);\nforbid (principal, action == Motehost::Action::"agent.spawn", resource == Motehost::Agent::"kid-b");';
  const { host, logged } = await policed(t, forbid, agents);
  assert.equal(await host.ask('ada', 'spawn bob kid-a'), 'ok');
  assert.equal(await host.ask('ada', 'spawn bob kid-b'), 'denied');
  await logged(/denied: Agent::"ada" agent\.spawn Agent::"kid-b"|ada agent\.spawn/);
  assert.equal(await host.ask('ada', 'children'), 'kid-a');
});

test(
  'what was permitted when the wait began, and is not any more, goes to somebody else',
  options,
  async (t) => {
    const component = await player();
    const limits = '[limits]\ndeadline = "20s"\n';
    const agents = ['ada', 'bob'].map((name) => localAgent(name, component, limits + shared));
    const { host, change } = await policed(t, 'permit (principal, action, resource);', agents);
    const waiting = host.ask('ada', 'take work 15000');
    await host.ask('bob', 'members swarm');
    await change(`permit (principal, action, resource);
forbid (principal == Motehost::Agent::"ada", action == Motehost::Action::"bus.subscribe", resource);`);
    assert.equal(await host.ask('bob', 'put work x 0'), 'ok');
    assert.equal(await waiting, 'denied');
    assert.equal(await host.ask('bob', 'take work 5000'), 'x');
  },
);
