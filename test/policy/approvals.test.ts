import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Approvals, type Waiting } from '../../host/policy/approvals.ts';
import { deciding, policySet, requestOf } from '../support/policies.ts';

const text = `@id("asked") @decision("step-up") @conditions("seal") @reason("a person decides")
permit (principal, action == Motehost::Action::"invoke", resource);
@id("later") @decision("defer") permit (principal, action == Motehost::Action::"agent.start", resource);`;
const request = requestOf('principal:alice', 'invoke', 'agent:b');

function approving(waitingMax = 10) {
  const { board, decider, clock } = deciding(text);
  const told: Waiting[] = [];
  const approvals = new Approvals({
    clock,
    decide: (one) => decider.decide(one),
    waitingMax,
    timeoutMs: 1000,
    onWaiting: (waiting) => told.push(waiting),
  });
  const end = (): void => {
    approvals.close();
    decider.close();
    board.close();
  };
  const ask = (one = request) => approvals.ask(one, decider.decide(one));
  return { board, decider, clock, approvals, told, ask, [Symbol.dispose]: end };
}

test('a person approves, and what was asked goes on, bound to its conditions', async () => {
  using it = approving();
  const answer = it.ask();
  const [waiting] = it.told;
  assert.deepEqual([waiting?.id, waiting?.kind, waiting?.reason], ['a1', 'step-up', 'a person decides']);
  it.approvals.approve('a1', 'bob');
  const { kind, reason, conditions, policies } = await answer;
  assert.deepEqual([kind, reason, policies], ['conditions', 'approved by bob', ['a.cedar#asked']]);
  assert.deepEqual(conditions, [{ kind: 'seal' }]);
  assert.deepEqual(it.approvals.waiting, []);
});

test('a person says no, or nobody says anything: denied', async () => {
  using it = approving();
  const refused = it.ask();
  it.approvals.deny('a1', 'bob', 'not today');
  assert.deepEqual([(await refused).kind, (await refused).reason], ['deny', 'denied by bob: not today']);
  const forgotten = it.ask();
  it.clock.turn(999);
  assert.equal(it.approvals.waiting.length, 1);
  it.clock.turn(1);
  assert.deepEqual(
    [(await forgotten).kind, (await forgotten).reason],
    ['deny', 'nobody answered within 1000 ms'],
  );
  assert.equal(it.clock.sleepers, 0);
});

test('escape: nobody approves what they ask for, themselves or through an agent', async () => {
  using it = approving();
  const own = it.ask();
  const through = it.ask({ ...requestOf('agent:a', 'invoke', 'agent:b'), context: { caller: 'alice' } });
  for (const id of ['a1', 'a2'])
    assert.throws(() => it.approvals.approve(id, 'alice'), { code: 'HOST_ERR_CAPABILITY_DENIED' });
  it.approvals.approve('a1', 'bob');
  it.approvals.approve('a2', 'bob');
  assert.deepEqual([(await own).kind, (await through).kind], ['conditions', 'conditions']);
});

test('escape: an answer counts once, and only for what waits', async () => {
  using it = approving();
  const answer = it.ask();
  it.approvals.deny('a1', 'bob');
  for (const id of ['a1', 'a2', 'constructor'])
    assert.throws(() => it.approvals.approve(id, 'carol'), { code: 'HOST_ERR_POLICY_APPROVAL_UNKNOWN' });
  assert.equal((await answer).kind, 'deny');
});

test('escape: an approval is worth nothing once the policies forbid it', async () => {
  using it = approving();
  const answer = it.ask();
  it.board.publish(policySet(`${text}\n@id("no") forbid (principal, action, resource);`));
  it.approvals.approve('a1', 'bob');
  assert.deepEqual([(await answer).kind, (await answer).policies], ['deny', ['a.cedar#no']]);
});

test('what was asked cannot be made another while it waits', async () => {
  using it = approving();
  const mine = { ...request, resource: { kind: 'Agent' as const, id: 'b' } };
  const answer = it.ask(mine);
  mine.resource.id = 'admin';
  assert.equal(it.approvals.waiting[0]?.request.resource.id, 'b');
  it.approvals.deny('a1', 'bob');
  await answer;
});

test('what was put off goes on when other policies decide it, and waits no longer when they deny it', async () => {
  using it = approving();
  const start = requestOf('principal:alice', 'agent.start', 'agent:b');
  const answer = it.ask(start);
  it.approvals.reconsider();
  assert.equal(it.approvals.waiting[0]?.kind, 'defer');
  it.board.publish(policySet('permit (principal, action == Motehost::Action::"agent.start", resource);'));
  it.approvals.reconsider();
  assert.equal((await answer).kind, 'allow');
});

test('more than may wait are denied, and all of them when the host ends', async () => {
  using it = approving(2);
  const waiting = [it.ask(), it.ask()];
  const third = await it.ask();
  assert.deepEqual([third.kind, third.reason], ['deny', '2 requests wait for an answer already']);
  it.approvals.close();
  for (const answer of await Promise.all(waiting))
    assert.deepEqual([answer.kind, answer.reason], ['deny', 'the host ends']);
  assert.equal((await it.ask()).reason, 'the host ends');
});

test('a decision that is an answer already waits for nobody', async () => {
  using it = approving();
  const denied = it.decider.decide(requestOf('agent:a', 'tool.call', 'tool:x'));
  assert.equal(await it.approvals.ask(request, denied), denied);
  assert.deepEqual(it.told, []);
});
