import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localAgent, principal } from '../support/hosted.ts';
import { obedient, policed } from '../support/policed.ts';

const component = await obedient();
const options = { timeout: 60_000 };
const all = '[capabilities.bus]\nsend = [">"]\npublish = [">"]\nsubscribe = [">"]\n';
const open = 'permit (principal, action, resource);';

test(
  'what is labelled comes only to agents that hold the label: sent, asked, published and answered',
  options,
  async (t) => {
    const labelled = `${all}[labels]\nholds = ["pii"]\n`;
    const agents = [
      localAgent('clinic', component, labelled),
      localAgent('doctor', component, `${labelled}[subscriptions]\n"cases" = {}\n`),
      localAgent(
        'press',
        component,
        `${all}[subscriptions]\n"cases" = {}\n[[triggers]]\nsubject = "cases"\n`,
      ),
    ];
    const { host, logged, log } = await policed(t, open, agents, { threads: 2 });
    assert.equal(await host.ask('clinic', 'send doctor one'), 'sent');
    await logged(/doctor: heard one/);
    assert.equal(await host.ask('clinic', 'send press two'), 'sent');
    await logged(
      /press: denied: a message to press: it carries pii, which press does not hold: \[labels\] holds = \["pii"\]/,
    );
    assert.match(await host.ask('clinic', 'ask agent.press three'), /denied/);
    assert.equal(await host.ask('clinic', 'ask agent.doctor three'), 're three');
    assert.match(await host.ask('press', 'ask agent.doctor four'), /denied/);
    await logged(/doctor: denied: its answer to press: it carries pii/);
    const outside: string[] = [];
    const end = host.serving.subscribe(
      'cases',
      undefined,
      ({ sender }) => void outside.push(sender ?? 'nobody'),
      {
        principal,
      },
    );
    assert.equal(await host.ask('clinic', 'pub cases five'), 'sent');
    await logged(/doctor: heard five/);
    await logged(/a message to press: it carries pii/, 3);
    assert.equal(await host.ask('press', 'pub cases six'), 'sent');
    await logged(/doctor: heard six/);
    await logged(/press: heard six/, 2);
    end();
    assert.deepEqual(outside, ['press']);
    assert.deepEqual(
      log.filter((line) => /press: heard (one|two|three|five)/.test(line)),
      [],
    );
  },
);

test('a message keeps the labels it was sent with, whatever becomes of its sender', options, async (t) => {
  const agents = [
    localAgent('clinic', component, `${all}[labels]\nholds = ["pii"]\n`),
    localAgent('press', component, `${all}[limits]\ndeadline = "2s"\n`),
  ];
  const { host, logged, log } = await policed(t, open, agents);
  const spinning = host.ask('press', 'spin');
  await logged(/press: heard spin/);
  assert.equal(await host.ask('clinic', 'send press secret'), 'sent');
  const bare = localAgent('clinic', component, all);
  await host.serving.upgrade(bare.manifestPath, bare.manifest, component);
  assert.equal(await spinning, 'limit');
  await logged(/a message to press: it carries pii/);
  assert.equal(await host.ask('clinic', 'ask agent.press now'), 're now');
  assert.deepEqual(
    log.filter((line) => line.includes('heard secret')),
    [],
  );
});
