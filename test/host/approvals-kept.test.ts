import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { told } from '../support/chains.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { life, obedient, PolicyFolder } from '../support/policed.ts';

const component = await obedient();
const options = { timeout: 60_000 };
const grants = '[capabilities.bus]\npublish = [">"]\n';
const stepUp = `@id("big") @decision("step-up")
permit (principal == Motehost::Agent::"shop", action == Motehost::Action::"bus.publish", resource);`;

async function start(t: TestContext, state: string, folder: PolicyFolder, deadline = '30s'): Promise<Hosted> {
  const shop = localAgent('shop', component, `${grants}[limits]\ndeadline = "${deadline}"\n`);
  return Hosted.start(t, state, [shop], { trust: { policyFolder: folder.path } });
}

const kinds = ['approval-asked', 'approval-given', 'approval-timed-out'];

test('who asked, who approved, who refused and what nobody answered is on the chain', options, async (t) => {
  const state = temporaryState(t);
  const folder = new PolicyFolder(t, life + stepUp);
  const host = await start(t, state, folder, '1500ms');
  const first = host.ask('shop', 'pub orders.eu x');
  await host.lines.until(/approval a1 is asked/);
  host.serving.answerApproval('a1', true, { name: 'alice' }, 'it is fine');
  assert.equal(await first, 'sent');
  const second = host.ask('shop', 'pub orders.us x');
  await host.lines.until(/approval a2 is asked/);
  host.serving.answerApproval('a2', false, { name: 'bob' }, 'too big');
  assert.equal(await second, 'denied');
  assert.equal(await host.ask('shop', 'pub orders.de x'), 'denied', 'nobody answers');
  const fourth = host.ask('shop', 'pub orders.fr x');
  await host.lines.until(/approval a4 is asked/);
  folder.write(life);
  assert.equal(await fourth, 'denied');
  await host.close(1000);
  const events = await told(state, ...kinds);
  assert.deepEqual(
    events.map((one) => [one.name, one.agent, one.approval, one.resource ?? one.verdict, one.by, one.reason]),
    [
      ['approval-asked', 'shop', 'a1', 'subject:orders.eu', undefined, undefined],
      ['approval-given', 'shop', 'a1', 'approved', 'alice', 'it is fine'],
      ['approval-asked', 'shop', 'a2', 'subject:orders.us', undefined, undefined],
      ['approval-given', 'shop', 'a2', 'refused', 'bob', 'too big'],
      ['approval-asked', 'shop', 'a3', 'subject:orders.de', undefined, undefined],
      ['approval-timed-out', 'shop', 'a3', undefined, undefined, undefined],
      ['approval-asked', 'shop', 'a4', 'subject:orders.fr', undefined, undefined],
      ['approval-given', 'shop', 'a4', 'decided', '', 'deny: no policy permits it'],
    ],
  );
  const [asked] = events;
  assert.deepEqual(
    [asked?.kind, asked?.policies, asked?.action],
    ['step-up', ['a.cedar#big'], 'bus.publish'],
  );
});

test(
  'what waits when the host ends is lost: recorded, refused by name, and no other is called so',
  options,
  async (t) => {
    const state = temporaryState(t);
    const folder = new PolicyFolder(t, life + stepUp);
    const first = await start(t, state, folder);
    const asked = first.ask('shop', 'pub orders.eu x').catch(() => 'gone');
    await first.lines.until(/approval a1 is asked/);
    await first.close(0);
    assert.notEqual(await asked, 'sent');

    const second = await start(t, state, folder);
    assert.deepEqual(second.serving.approvals(), []);
    const late = (id: string) => () => second.serving.answerApproval(id, true, { name: 'alice' }, '');
    assert.throws(late('a1'), { code: 'HOST_ERR_POLICY_APPROVAL_LOST' });
    assert.throws(late('a7'), { code: 'HOST_ERR_POLICY_APPROVAL_UNKNOWN' });
    const again = second.ask('shop', 'pub orders.eu x');
    await second.lines.until(/approval a2 is asked/);
    assert.throws(late('a1'), { code: 'HOST_ERR_POLICY_APPROVAL_LOST' });
    second.serving.answerApproval('a2', true, { name: 'alice' }, '');
    assert.equal(await again, 'sent');
    await second.close(1000);
    const given = await told(state, 'approval-given');
    assert.deepEqual(
      given.map(({ approval, verdict }) => [approval, verdict]),
      [
        ['a1', 'lost'],
        ['a2', 'approved'],
      ],
    );
  },
);

test('what a host that was killed left waiting is recorded as lost by the next', options, async (t) => {
  const [state, copy] = [temporaryState(t), temporaryState(t)];
  const folder = new PolicyFolder(t, life + stepUp);
  const first = await start(t, state, folder);
  const asked = first.ask('shop', 'pub orders.eu x').catch(() => 'gone');
  await first.lines.until(/approval a1 is asked/);
  // On disk as a crash would leave it.
  await first.serving.record?.events({}, 1);
  cpSync(state, copy, { recursive: true });
  const second = await start(t, copy, folder);
  const answer = () => second.serving.answerApproval('a1', true, { name: 'alice' }, '');
  assert.throws(answer, { code: 'HOST_ERR_POLICY_APPROVAL_LOST' });
  await second.close(0);
  const events = await told(copy, ...kinds);
  assert.deepEqual(
    events.slice(0, 2).map(({ name, agent, approval, verdict }) => [name, agent, approval, verdict]),
    [
      ['approval-asked', 'shop', 'a1', undefined],
      ['approval-given', 'shop', 'a1', 'lost'],
    ],
  );
  await first.close(0);
  await asked;
});
