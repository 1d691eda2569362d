import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { obedient, policed } from '../support/policed.ts';

const component = await obedient();
const options = { timeout: 60_000 };
const all = '[capabilities.bus]\nsend = [">"]\npublish = [">"]\nsubscribe = [">"]\n';

test('an agent has as much as the policies allow, and runs as long as they do', options, async (t) => {
  const greedy =
    '@id("greedy") forbid (principal, action == Motehost::Action::"resource.allocate", resource == Motehost::Agent::"big") when { context.memoryBytes > 1000000 };';
  const frugal =
    '@id("frugal") @conditions("deadline 300 ms") permit (principal, action == Motehost::Action::"resource.allocate", resource == Motehost::Agent::"quick");';
  const { host, change, logged } = await policed(t, greedy + frugal, [
    localAgent('quick', component, all),
    localAgent('slow', component, all),
  ]);
  const big = localAgent('big', component);
  await assert.rejects(host.serving.upgrade(big.manifestPath, big.manifest, component), {
    code: 'HOST_ERR_POLICY_DENIED',
  });
  await logged(/denied: principal:local resource\.allocate agent:big: a\.cedar#greedy/);
  assert.equal(await host.ask('quick', 'spin'), 'limit', 'its deadline is that of the policies');
  const spinning = host.ask('slow', 'spin');
  await logged(/slow: heard spin/);
  await change(
    `${frugal}@id("stopped") forbid (principal, action == Motehost::Action::"agent.start", resource == Motehost::Agent::"slow");`,
  );
  assert.equal(await spinning, 'cancelled');
  await logged(/slow: denied: its call under way was ended: a\.cedar#stopped/);
  assert.equal(await host.ask('slow', 'x'), 'denied');
  assert.equal(await host.ask('quick', 'x'), 're x');
  await change(frugal);
  assert.equal(await host.ask('slow', 'x'), 're x');
});

test('agents are spawned by whom and as whom the policies permit', options, async (t) => {
  const no =
    '@id("no-b") forbid (principal, action == Motehost::Action::"agent.spawn", resource == Motehost::Agent::"b");';
  const { host, logged } = await policed(t, no, [localAgent('worker', component)]);
  await host.serving.spawn('worker', ['a']);
  assert.equal(await host.ask('a', 'x'), 're x');
  await assert.rejects(host.serving.spawn('worker', ['b']), { code: 'HOST_ERR_POLICY_DENIED' });
  await logged(/denied: agent:worker agent\.spawn agent:b: a\.cedar#no-b/);
  await assert.rejects(host.serving.agent('b'), { code: 'HOST_ERR_AGENT_UNKNOWN' });
});

test('without policies an agent may what its manifest grants, labels or not', options, async (t) => {
  const agents = [
    localAgent('a', component, `${all}[labels]\nholds = ["pii"]\n`),
    localAgent('b', component),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents);
  assert.equal(await host.ask('a', 'ask agent.b x'), 're x');
  assert.deepEqual(host.serving.approvals(), []);
  assert.throws(() => host.serving.answerApproval('a1', true, { name: 'x' }, ''), {
    code: 'HOST_ERR_POLICY_APPROVAL_UNKNOWN',
  });
});
