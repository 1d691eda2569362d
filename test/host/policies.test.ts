import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localAgent } from '../support/hosted.ts';
import { obedient, policed } from '../support/policed.ts';

const component = await obedient();
const options = { timeout: 60_000 };
const all = '[capabilities.bus]\nsend = [">"]\npublish = [">"]\nsubscribe = [">"]\n';
const shop = localAgent('shop', component, all);
const billing = localAgent('billing', component);

const bus = (actions: string, resource: string, id = 'it') =>
  `@id("${id}")\npermit (principal == Motehost::Agent::"shop", action in [${actions
    .split(' ')
    .map((action) => `Motehost::Action::"${action}"`)
    .join(', ')}], ${resource});\n`;
const subject = (id: string): string => `resource in Motehost::Subject::"${id}"`;

test(
  'an agent sends, asks, publishes and subscribes as far as the policies permit, whatever it is granted',
  options,
  async (t) => {
    const policies = `${bus('bus.send', 'resource == Motehost::Agent::"billing"')}
${bus('bus.publish bus.subscribe', subject('orders.>'), 'orders')}
@id("no-drafts") @reason("drafts stay") forbid (principal, action, ${subject('orders.draft')});`;
    const { host, logged } = await policed(t, policies, [shop, billing], { threads: 2 });
    const words = [
      ['send billing x', 'sent'],
      ['ask agent.billing x', 're x'],
      ['pub orders.eu x', 'sent'],
      ['on orders.eu', 'on'],
      ['pub orders.draft x', 'denied'],
      ['on orders.*', 'denied'],
      ['on orders.draft', 'denied'],
      ['send nobody x', 'denied'],
      ['ask agent.nobody x', 'denied'],
      ['ask prices.eu x', 'denied'],
      ['pub prices.eu x', 'denied'],
      ['on prices.eu', 'denied'],
      ['on >', 'denied'],
    ] as const;
    for (const [asked, answer] of words) assert.equal(await host.ask('shop', asked), answer, asked);
    await logged(/shop: denied: publish orders\.draft allow=a\.cedar#no-drafts: drafts stay/);
    await logged(/shop: denied: subscribe orders\.\* allow=a\.cedar#no-drafts/);
    await logged(
      /denied: publish prices\.eu allow=no policy permits it: host policy explain \S+ -p agent:shop -a bus\.publish -r subject:prices\.eu -c '\{"bytes":1/,
    );
  },
);

test('what a policy permits and the manifest does not grant is denied', options, async (t) => {
  const poor = localAgent('shop', component);
  const { host, logged } = await policed(t, 'permit (principal, action, resource);', [poor, billing]);
  assert.equal(await host.ask('shop', 'pub orders.eu x'), 'denied');
  assert.equal(await host.ask('shop', 'send billing x'), 'denied');
  await logged(/denied: publish orders\.eu allow=.*agent\.toml: \[capabilities\.bus\] publish = /);
});

test(
  'callers from outside call, send, publish and listen as they may; who may not learns nothing',
  options,
  async (t) => {
    const policies = `permit (principal == Motehost::Principal::"test", action == Motehost::Action::"bus.publish", ${subject('news.>')});
permit (principal == Motehost::Principal::"test", action == Motehost::Action::"bus.subscribe", ${subject('news.>')});
@id("shut") forbid (principal, action == Motehost::Action::"invoke", resource == Motehost::Agent::"shop");`;
    const { host, logged } = await policed(t, policies, [shop, billing]);
    const { serving } = host;
    const payload = { contentType: undefined, headers: [], body: new Uint8Array(1) };
    const by = { principal: { name: 'test' } };
    const refused = { code: 'HOST_ERR_POLICY_DENIED' };
    assert.equal(await host.ask('billing', 'x'), 're x');
    await assert.rejects(serving.invoke('shop', payload, by), refused);
    await assert.rejects(serving.send('billing', payload, by), refused);
    await assert.rejects(serving.send('nobody', payload, by), refused);
    await assert.rejects(serving.request('prices', payload, by), refused);
    await serving.publish('news.eu', payload, by);
    await assert.rejects(serving.publish('prices', payload, by), refused);
    await assert.rejects(serving.publish('news.eu', payload, { principal: { name: 'other' } }), refused);
    serving.subscribe('news.>', undefined, () => {}, by)();
    assert.throws(() => serving.subscribe('>', undefined, () => {}, by), refused);
    await logged(/host: denied: principal:test invoke agent:shop: a\.cedar#shut/);
  },
);

test('a policy that could never apply keeps the host from starting', options, async (t) => {
  await assert.rejects(policed(t, 'permit (principal == Agent::"shop", action, resource);', []), {
    code: 'HOST_ERR_POLICY_INVALID',
  });
});

test(
  'what an agent was permitted ends with a change: the next message, its subscription, what it waits for',
  options,
  async (t) => {
    const policies = `${bus('bus.send bus.publish bus.subscribe', 'resource')}`;
    const { host, change, logged, log } = await policed(t, policies, [shop, billing], { threads: 2 });
    const { serving } = host;
    assert.equal(await host.ask('shop', 'on news.>'), 'on');
    assert.equal(await host.ask('shop', 'pub orders.eu x'), 'sent');
    const asking = host.ask('shop', 'ask agent.billing spin');
    await logged(/billing: heard spin/);
    await change('');
    assert.equal(await asking, 'denied');
    await logged(/shop: its subscription to news\.> ended: no policy permits it: host policy explain/);
    assert.deepEqual((await serving.agent('shop')).subscriptions, []);
    assert.equal(await host.ask('shop', 'pub orders.eu x'), 'denied');
    await change(policies);
    assert.equal(await host.ask('shop', 'pub orders.eu x'), 'sent');
    assert.deepEqual(
      log.filter((line) => line.includes('heard x')),
      [],
    );
  },
);

test('a bad change leaves what was in force, and says so', options, async (t) => {
  const { host, policies, logged } = await policed(t, bus('bus.publish', 'resource'), [shop]);
  policies.write('permit (principal, action');
  await logged(/a change of the policies was not taken: .*a\.cedar/);
  assert.equal(await host.ask('shop', 'pub orders.eu x'), 'sent');
});
