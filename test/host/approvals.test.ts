import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localAgent } from '../support/hosted.ts';
import { obedient, policed } from '../support/policed.ts';

const component = await obedient();
const options = { timeout: 60_000 };
const all = '[capabilities.bus]\nsend = [">"]\npublish = [">"]\nsubscribe = [">"]\n';
const stepUp = `@id("big") @decision("step-up") @reason("a person looks at it")
permit (principal == Motehost::Agent::"shop", action in Motehost::Action::"bus", resource in Motehost::Subject::"orders.>");
permit (principal == Motehost::Principal::"local", action == Motehost::Action::"bus.subscribe", resource in Motehost::Subject::"host.>");`;

test(
  'what a person has to approve waits: it goes on when approved, and is denied when not, or not in time',
  options,
  async (t) => {
    const shop = localAgent('shop', component, `${all}[limits]\ndeadline = "3s"\n`);
    const { host, logged, log } = await policed(t, stepUp, [shop]);
    const { serving } = host;
    const events: string[] = [];
    serving.subscribe('host.approval.>', undefined, ({ subject }) => void events.push(subject));
    const first = host.ask('shop', 'pub orders.eu x');
    await logged(
      /approval a1 is asked: agent:shop bus\.publish subject:orders\.eu \(a\.cedar#big: a person looks at it\)/,
    );
    const [waiting] = serving.approvals();
    assert.deepEqual(
      [waiting?.id, waiting?.principal, waiting?.resource],
      ['a1', 'agent:shop', 'subject:orders.eu'],
    );
    serving.answerApproval('a1', true, { name: 'alice' }, 'it is fine');
    assert.equal(await first, 'sent');
    const second = host.ask('shop', 'on orders.eu');
    await logged(/approval a2 is asked: agent:shop bus\.subscribe/);
    serving.answerApproval('a2', false, { name: 'alice' }, '');
    assert.equal(await second, 'denied');
    assert.throws(() => serving.answerApproval('a2', true, { name: 'alice' }, ''), {
      code: 'HOST_ERR_POLICY_APPROVAL_UNKNOWN',
    });
    assert.equal(await host.ask('shop', 'pub orders.eu x'), 'denied', 'nobody answers before its deadline');
    assert.deepEqual(serving.approvals(), []);
    assert.ok(log.some((line) => line.includes('approval a1 approved by alice: it is fine')));
    assert.deepEqual(events.slice(0, 2), ['host.approval.asked', 'host.approval.answered']);
  },
);

test('an approval is worth nothing when the policies forbid it meanwhile', options, async (t) => {
  const { host, change, logged } = await policed(t, stepUp, [localAgent('shop', component, all)]);
  const asked = host.ask('shop', 'pub orders.eu x');
  await logged(/approval a1 is asked/);
  await change('');
  assert.equal(await asked, 'denied');
  assert.deepEqual(host.serving.approvals(), []);
});

test('who installs does not approve it; another does, and only then it is there', options, async (t) => {
  const policies = `@id("unsigned") @decision("step-up") permit (principal == Motehost::Principal::"alice",
    action == Motehost::Action::"agent.install", resource) unless { resource.isSigned };
  @id("nobody-else") forbid (principal == Motehost::Principal::"mallory", action in Motehost::Action::"lifecycle", resource);`;
  const { host, logged } = await policed(t, policies, []);
  const { serving } = host;
  const install = (name: string) =>
    serving.install({ manifest: 'name = "late"\nworld = "handler"\n', component, principal: { name } });
  await assert.rejects(install('mallory'), { code: 'HOST_ERR_POLICY_DENIED' });
  await logged(/denied: principal:mallory agent\.install component:[0-9a-f]{64}: a\.cedar#nobody-else/);
  const installing = install('alice');
  await logged(/approval a1 is asked: principal:alice agent\.install/);
  assert.throws(() => serving.answerApproval('a1', true, { name: 'alice' }, ''), {
    code: 'HOST_ERR_CAPABILITY_DENIED',
  });
  serving.answerApproval('a1', true, { name: 'bob' }, '');
  assert.equal((await installing).kind, 'installed');
  assert.equal(await host.ask('late', 'x'), 're x');
});
