import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { PolicyBoard } from '../../host/policy/board.ts';
import { Decider } from '../../host/policy/decider.ts';
import { type PolicyChange, PolicyInbox } from '../../host/policy/source.ts';
import { HandClock } from '../support/hand-clock.ts';
import { agent, deciding, policySet, requestOf } from '../support/policies.ts';
import type { PolicyThreadData } from '../support/policy-thread.ts';

const permit = 'permit (principal, action == Motehost::Action::"invoke", resource);';
const request = requestOf('agent:a', 'invoke', 'agent:b');
const clock = new HandClock();

test('a thread whose event loop stands still decides by the new policies', async () => {
  const board = new PolicyBoard();
  board.publish(policySet(permit));
  const line = board.open();
  const seen = new Int32Array(new SharedArrayBuffer(16));
  const data: PolicyThreadData = { line, request, seen };
  const worker = new Worker(new URL('../support/policy-thread.ts', import.meta.url), {
    workerData: data,
    transferList: [line.port],
  });
  const saw = async (count: number): Promise<void> => {
    while (Atomics.load(seen, 0) < count) await Atomics.waitAsync(seen, 0, count - 1).value;
  };
  await saw(1);
  assert.deepEqual([seen[1], seen[2]], [1, 1]);
  board.publish(policySet(''));
  await saw(2);
  assert.deepEqual([seen[1], seen[2]], [2, 0]);
  board.publish(policySet(permit));
  await saw(3);
  assert.deepEqual([seen[1], seen[2]], [3, 1]);
  Atomics.store(seen, 3, 1);
  await once(worker, 'exit');
  board.close();
});

/** A thread's end whose other end a test holds. */
function heldInbox() {
  const { port1, port2 } = new MessageChannel();
  const version = new SharedArrayBuffer(4);
  const inbox = new PolicyInbox({ version, port: port2 });
  const decider = new Decider({ source: inbox, clock });
  const send = (change: Partial<PolicyChange>): void =>
    port1.postMessage({
      version: 0,
      isWhole: false,
      rules: [],
      gone: [],
      entities: [],
      forgotten: [],
      ...change,
    });
  const end = (): void => {
    decider.close();
    port1.close();
  };
  const raise = (to: number): number => Atomics.store(new Int32Array(version), 0, to);
  return { decider, send, raise, [Symbol.dispose]: end };
}

test('escape: by policies that were replaced nothing is decided, even before the new ones are here', () => {
  using it = heldInbox();
  const { rules } = policySet(permit);
  it.send({ version: 1, rules });
  it.raise(1);
  assert.equal(it.decider.decide(request).kind, 'allow');
  const grant = it.decider.grant(request);
  it.raise(2);
  const stale = it.decider.decide(request);
  assert.deepEqual([stale.kind, stale.isFailure], ['deny', true]);
  assert.match(stale.reason, /have not arrived/);
  assert.ok(!grant.isLive());
  it.send({ version: 2 });
  assert.equal(it.decider.decide(request).kind, 'allow');
});

test('escape: an older set that comes late, or one with a gap before it, is not taken', () => {
  using it = heldInbox();
  const { rules } = policySet(permit);
  it.send({ version: 1, rules });
  it.send({ version: 2, gone: ['a.cedar#1'] });
  it.raise(2);
  assert.equal(it.decider.decide(request).kind, 'deny');
  it.send({ version: 1, rules });
  it.send({ version: 1, rules, isWhole: true });
  it.send({ version: 4, rules });
  it.raise(4);
  const gap = it.decider.decide(request);
  assert.deepEqual([gap.kind, gap.isFailure], ['deny', true]);
  it.send({ version: 4, rules, isWhole: true });
  assert.equal(it.decider.decide(request).kind, 'allow');
});

test('a grant ends with the policies that gave it, and who holds grants is told', () => {
  using it = deciding(permit);
  const grant = it.decider.grant(request);
  assert.ok(grant.isLive());
  let told = 0;
  const end = it.decider.onRevoked(() => {
    told += 1;
  });
  it.board.publish(policySet(''));
  assert.ok(!grant.isLive());
  assert.equal(told, 0);
  assert.ok(it.decider.refresh());
  assert.equal(told, 1);
  assert.ok(!it.decider.grant(request).isLive());
  end();
  it.board.publish(policySet(permit));
  assert.ok(it.decider.refresh());
  assert.equal(told, 1);
});

test('a thread that decides nothing is told of a change by its event loop', async () => {
  const board = new PolicyBoard();
  const inbox = new PolicyInbox(board.open());
  const arrived = new Promise<void>((resolve) => inbox.onArrival(resolve));
  board.publish(policySet(permit));
  await arrived;
  assert.equal(inbox.version, 1);
  assert.deepEqual([...inbox.rules.keys()], ['a.cedar#1']);
  board.close();
});

test('what an agent says of itself stays known when policies change, and the folder goes before it', () => {
  const text = `permit (principal, action == Motehost::Action::"bus.send", resource)
when { resource in Motehost::Group::"g" && resource.holds.contains("pii") };`;
  using it = deciding(text, [agent('b', ['g'], [])]);
  const send = requestOf('agent:a', 'bus.send', 'agent:b');
  const kind = (): string => it.decider.decide(send).kind;
  assert.equal(kind(), 'deny');
  it.board.putEntities([agent('b', [], ['pii'])]);
  assert.equal(kind(), 'deny');
  const { rules } = policySet(text);
  it.board.publish({ rules, entities: [{ kind: 'Agent', id: 'b', groups: ['g'], attributes: {} }] });
  assert.equal(kind(), 'allow');
  it.board.removeEntities([{ kind: 'Agent', id: 'b' }]);
  assert.equal(kind(), 'deny');
  it.board.putEntities([agent('b', ['g'], ['pii'])]);
  it.board.publish({ rules, entities: [] });
  assert.equal(kind(), 'allow');
});

test('a line opened late has all that is in force', () => {
  const board = new PolicyBoard();
  board.publish(policySet(permit));
  board.putEntities([agent('a', ['g'])]);
  const inbox = new PolicyInbox(board.open());
  const decider = new Decider({ source: inbox, clock });
  assert.equal(decider.decide(request).kind, 'allow');
  assert.equal(decider.decide(request).version, 2);
  decider.close();
  board.close();
});
