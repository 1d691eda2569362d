import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { jsonEvent } from '../../host/audit/json.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { readPeople, subjectsUse } from '../../host/audit/people.ts';
import { systemRandom } from '../../host/clock.ts';
import { openHostSecret } from '../../host/identity/key-file.ts';
import { eventsOf, type Told, told } from '../support/chains.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { life, obedient, PolicyFolder } from '../support/policed.ts';

const component = await obedient();
const options = { timeout: 60_000 };
const grants = '[capabilities.bus]\nsend = [">"]\npublish = [">"]\n';

/** A host of level `security` under these policies does `words` one after the other; what is then on its chain. */
async function recorded(
  t: TestContext,
  policies: string,
  words: readonly string[],
  names: readonly string[],
  auditLevel: 'security' | 'messages' | 'off' = 'security',
): Promise<{ readonly answers: readonly string[]; readonly events: readonly Told[] }> {
  const state = temporaryState(t);
  const folder = new PolicyFolder(t, life + policies);
  const agents = [localAgent('shop', component, grants), localAgent('store', component, grants)];
  const host = await Hosted.start(t, state, agents, {
    trust: { policyFolder: folder.path, auditLevel },
  });
  const answers: string[] = [];
  for (const one of words) answers.push(await host.ask('shop', one));
  await host.close(1000);
  return { answers, events: auditLevel === 'off' ? [] : await told(state, ...names) };
}

const sending = (audit: string): string => `@id("sending") ${audit}
permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"bus.send", resource == Motehost::Agent::"store");
@id("plain") permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"bus.publish", resource);`;

const digest = (words: string): string => hash('sha256', words);

test(
  'a policy that wants messages recorded has them on the chain of a host that records none',
  options,
  async (t) => {
    const { answers, events } = await recorded(
      t,
      sending('@audit("messages")'),
      ['send store one', 'pub orders.eu two', 'send store three'],
      ['message-sent', 'decision'],
    );
    assert.deepEqual(answers, ['sent', 'sent', 'sent']);
    assert.deepEqual(
      events.map(({ name, agent, receiver, sha256, body }) => [
        ...[name, agent, receiver, body],
        Buffer.from(sha256 as Uint8Array).toString('hex'),
      ]),
      [
        ['message-sent', 'shop', 'store', null, digest('one')],
        ['message-sent', 'shop', 'store', null, digest('three')],
      ],
    );
  },
);

test('one that wants all has each decision too', options, async (t) => {
  const all = await recorded(t, sending('@audit("all")'), ['send store a', 'send store a'], ['decision']);
  assert.deepEqual(
    all.events.map(({ agent, action, decision, policies }) => [agent, action, decision, policies]),
    [1, 2].map(() => ['shop', 'bus.send', 'allow', ['a.cedar#sending']]),
  );
});

test(
  'one that says nothing, or digest, changes nothing; with none there is no digest either',
  options,
  async (t) => {
    for (const audit of ['', '@audit("digest")']) {
      const { answers, events } = await recorded(
        t,
        sending(audit),
        ['send store one'],
        ['message-sent', 'decision'],
      );
      assert.deepEqual([answers, events], [['sent'], []]);
    }
    const words = ['send store secret', 'pub orders.eu open'];
    const { events } = await recorded(t, sending('@audit("none")'), words, ['message-sent'], 'messages');
    assert.deepEqual(
      events.filter(({ agent }) => agent === 'shop').map(({ subject, sha256 }) => [subject, sha256 === null]),
      [
        ['agent.store', true],
        ['orders.eu', false],
      ],
    );
  },
);

test('what has to be recorded is denied where nothing is', options, async (t) => {
  const words = ['send store one', 'pub orders.eu two'];
  const { answers } = await recorded(t, sending('@audit("messages")'), words, [], 'off');
  assert.deepEqual(answers, ['denied', 'sent']);
});

test(
  'a policy about who may run has all recorded that they do, until another is in force',
  options,
  async (t) => {
    const state = temporaryState(t);
    const starting = (audit: string): string => `${life}
@id("watched") ${audit}
permit (principal, action == Motehost::Action::"agent.start", resource == Motehost::Agent::"shop");`;
    const folder = new PolicyFolder(t, starting('@audit("messages")'));
    const host = await Hosted.start(
      t,
      state,
      [localAgent('shop', component), localAgent('store', component)],
      {
        trust: { policyFolder: folder.path },
      },
    );
    await host.ask('shop', 'one');
    await host.ask('store', 'two');
    folder.write(starting(''));
    await host.lines.until(/policies of version \d+ are in force/);
    await host.ask('shop', 'three');
    await host.close(1000);
    const events = await told(state, 'message-delivered', 'invocation-ended');
    assert.deepEqual(
      events.map(({ name, agent, bytes }) => [name, agent, bytes]),
      [
        ['message-delivered', 'shop', 3],
        ['invocation-ended', 'shop', undefined],
      ],
    );
  },
);

test('what a caller outside says is recorded as the policy about calls wants it', options, async (t) => {
  const state = temporaryState(t);
  const own = life.replace(' Motehost::Action::"invoke",', '');
  assert.notEqual(own, life);
  const folder = new PolicyFolder(
    t,
    `${own}@id("calls") @audit("messages") permit (principal, action == Motehost::Action::"invoke", resource);`,
  );
  const host = await Hosted.start(t, state, [localAgent('shop', component)], {
    trust: { policyFolder: folder.path },
  });
  assert.equal(await host.ask('shop', 'hello'), 're hello');
  await host.close(1000);
  const [asked, ...more] = await told(state, 'message-sent');
  assert.deepEqual([asked?.principal, asked?.receiver, asked?.bytes, more], ['test', 'shop', 5, []]);
});

test(
  'what is kept whole is sealed for who sent it, and gone once that one is forgotten',
  options,
  async (t) => {
    const state = temporaryState(t);
    const folder = new PolicyFolder(t, life + sending('@audit("payload")'));
    const agents = [localAgent('shop', component, grants), localAgent('store', component)];
    const host = await Hosted.start(t, state, agents, { trust: { policyFolder: folder.path } });
    const { promise: isRecorded, resolve } = Promise.withResolvers<unknown>();
    const asked = { kinds: ['message-sent'] };
    const leave = host.serving.record?.follow(asked, resolve, resolve);
    assert.equal(await host.ask('shop', 'send store whole'), 'sent');
    await isRecorded;
    leave?.();
    const [first] = (await host.serving.record?.events(asked, 10)) ?? [];
    const shown: Told = { ...first };
    assert.deepEqual([shown.agent, shown.sha256, shown.body], ['shop', undefined, { sealed: 0 }]);
    const chain = join(state, 'audit');
    const key = openHostSecret({
      folder: join(state, 'keys'),
      random: systemRandom,
      passphrase: undefined,
    }).subkey(subjectsUse);
    const read = async (): Promise<unknown> => {
      const [event] = await eventsOf(state, { kinds: [kinds.messageSent] });
      return event && jsonEvent(event, readPeople(chain, key)).body;
    };
    assert.equal(await read(), Buffer.from('whole').toString('hex'));
    assert.equal(await host.serving.record?.forget('shop', 'asked for it', 'test'), true);
    assert.deepEqual(await read(), { erased: 0 });
    await host.close(1000);
  },
);
