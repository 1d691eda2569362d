import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePublicKey } from '../../host/audit/signer.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { eventsOf, type Told, told } from '../support/chains.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

const component = await scribe();
const messages = { trust: { auditLevel: 'messages' } } as const;

const grants = '[capabilities.bus]\nsend = ["agent.second"]\n';
const two = [localAgent('first', component, grants), localAgent('second', component)];

/** Which of two agents is done first is their own affair. */
function byAgent(events: readonly Told[]): readonly Told[] {
  return events.toSorted((a, b) => String(a.agent).localeCompare(String(b.agent)));
}

test('at level messages each message is on the chain: who sent it, its digest, what its handling used', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, two, messages);
  assert.equal(await host.ask('first', 'to second hello'), '1');
  await host.lines.until(/second: seen hello/);
  await host.close(1000);

  // Of two threads: which is written first is their own affair.
  const [sent, asked] = byAgent(await told(state, 'message-sent'));
  assert.deepEqual([asked?.agent, asked?.principal, asked?.receiver], [null, 'test', 'first']);
  assert.deepEqual(
    [sent?.agent, sent?.principal, sent?.subject, sent?.receiver],
    ['first', 'first', 'agent.second', 'second'],
  );
  assert.deepEqual(Buffer.from(sent?.sha256 as Uint8Array).toString('hex'), hash('sha256', 'hello'));
  const [atFirst, atSecond] = byAgent(await told(state, 'message-delivered'));
  assert.deepEqual([atFirst?.agent, atFirst?.message], ['first', asked?.message]);
  assert.deepEqual(
    [atSecond?.agent, atSecond?.sender, atSecond?.message, atSecond?.bytes],
    ['second', 'first', sent?.message, 5],
  );
  const ended = byAgent(await told(state, 'invocation-ended'));
  assert.deepEqual(
    ended.map(({ agent, invocation, outcome }) => [agent, invocation, outcome]),
    [
      ['first', asked?.message, 'ok'],
      ['second', sent?.message, 'ok'],
    ],
  );
  for (const { fuel, memoryBytes, durationNs } of ended)
    for (const used of [fuel, memoryBytes, durationNs]) assert.ok(Number(used) > 0);
});

test('at level security a life is on the chain, and no message', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, two);
  await host.ask('first', 'hello');
  await host.close(1000);
  const names = (await eventsOf(state)).map(({ name, agent }) =>
    agent === null ? name : `${name} ${agent}`,
  );
  assert.deepEqual(names, [
    'host-started',
    'agent-installed first',
    'agent-installed second',
    'agent-started first',
    'host-stopped',
  ]);
});

test('with --audit off there is no chain, and no agent that asks for one', async (t) => {
  const state = temporaryState(t);
  const off = { trust: { auditLevel: 'off' } } as const;
  const host = await Hosted.start(t, state, two, off);
  assert.equal(await host.ask('second', 'hello'), '1');
  await host.close(0);
  assert.deepEqual(await eventsOf(state), []);
  const asking = localAgent('asking', component, '[audit]\nlevel = "messages"\n');
  await assert.rejects(
    Hosted.start(t, state, [asking], off),
    /asking.*asks for a record, and this host keeps none/,
  );
});

test('one agent may ask for more than the host does: its messages are on the chain, and no others', async (t) => {
  const state = temporaryState(t);
  const raised = localAgent('first', component, `${grants}[audit]\nlevel = "messages"\n`);
  const host = await Hosted.start(t, state, [raised, localAgent('second', component)]);
  await host.ask('first', 'to second hello');
  await host.lines.until(/second: seen hello/);
  await host.close(1000);
  const found = await told(state, 'message-sent', 'message-delivered', 'invocation-ended');
  assert.deepEqual(
    found.map(({ name, agent }) => [name, agent]),
    [
      ['message-delivered', 'first'],
      ['message-sent', 'first'],
      ['invocation-ended', 'first'],
    ],
  );
});

test('what an agent may not send is on the chain with the line that would allow it', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, two);
  await host.ask('first', 'to third hello');
  await host.close(1000);
  const [denied, ...more] = await told(state, 'message-denied');
  assert.deepEqual([denied?.agent, denied?.subject, more], ['first', 'agent.third', []]);
  assert.match(String(denied?.reason), /send: .*\[capabilities.bus\] send = .*"agent.third"\]/);
});

test('limits and dead letters are on the chain at every level', async (t) => {
  const state = temporaryState(t);
  const spinning = localAgent('first', component, '[limits]\nfuel = "10M"\n');
  const host = await Hosted.start(t, state, [spinning, localAgent('second', component)]);
  assert.equal(await host.ask('first', 'spin'), 'limit');
  await host.send('second', 'bad words', 'm-9');
  await host.lines.until(/dead letter/);
  await host.close(1000);
  const [limit] = await told(state, 'limit');
  assert.deepEqual([limit?.agent, limit?.limit, limit?.max], ['first', 'fuelMax', 10_000_000]);
  const [failed] = await told(state, 'agent-failed');
  assert.match(String(failed?.reason), /^limit fuelMax/);
  const [letter] = await told(state, 'message-dead-lettered');
  assert.deepEqual([letter?.agent, letter?.message, letter?.reason], ['second', 'm-9', 'invalid']);
});

test('at level all each call of a host function is on the chain, and how it ended', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, two, { trust: { auditLevel: 'all' } });
  await host.ask('first', 'to third hello');
  await host.close(1000);
  const calls = await told(state, 'host-call');
  assert.deepEqual(
    calls.map(({ agent, function: name, outcome, detail }) => [agent, name, outcome, detail]),
    [
      ['first', 'motehost:agent/log@0.1.0#write', 'ok', null],
      ['first', 'motehost:agent/bus@0.1.0#send', 'error', 'denied'],
    ],
  );
});

test('who installed, upgraded and removed an agent, and which component it is', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, []);
  const by = (name: string) => ({ principal: { name } });
  const manifest = 'name = "a"\nworld = "handler"\n';
  await host.serving.install({ manifest, component, ...by('ann') });
  await host.serving.install({ manifest: `${manifest}[limits]\nfuel = "1M"\n`, component, ...by('bob') });
  await host.serving.spawn('a', ['b']);
  await host.serving.remove('a', { name: 'cem' });
  await host.close(0);
  const digest = hash('sha256', component);
  const found = await told(state, 'agent-installed', 'agent-upgraded', 'agent-removed');
  assert.deepEqual(
    found.map(({ name, agent, principal, component, fromComponent, toComponent }) => [
      ...[name, agent, principal],
      component ?? [fromComponent, toComponent],
    ]),
    [
      ['agent-installed', 'a', 'ann', digest],
      ['agent-upgraded', 'a', 'bob', [digest, digest]],
      ['agent-installed', 'b', 'local', digest],
      ['agent-removed', 'a', 'cem', [undefined, undefined]],
    ],
  );
});

test('an agent that leaves memory and comes back is on the chain at level messages', async (t) => {
  const state = temporaryState(t);
  const sleepy = localAgent('first', component, '[hibernate]\nafter = "1ms"\n');
  const host = await Hosted.start(t, state, [sleepy], messages);
  await host.ask('first', 'one');
  const isOut = async (): Promise<boolean> => (await host.serving.agent('first')).state === 'hibernated';
  while (!(await isOut())) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await host.ask('first', 'two'), '2');
  await host.close(1000);
  const [out, back] = await told(state, 'agent-hibernated', 'agent-woken');
  assert.deepEqual([out?.name, back?.name], ['agent-hibernated', 'agent-woken']);
  assert.ok(Number(out?.stateBytes) > 0);
});

test('a thread that is lost is on the chain, which verifies with the public key alone', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, two, messages);
  await host.ask('first', 'one');
  await host.serving.endThread(1);
  await host.lines.until(/agents of the lost thread are there again/);
  assert.equal(await host.ask('first', 'two'), '1');
  await host.close(1000);
  const [lost] = await told(state, 'thread-lost');
  assert.deepEqual([lost?.place, typeof lost?.reason], [1, 'string']);
  const key = parsePublicKey(readFileSync(join(state, 'keys/host.pub'), 'utf8'));
  assert.ok(key !== undefined);
  const found = await verifyChain(join(state, 'audit'), [key]);
  assert.deepEqual([found.isIntact, found.faults], [true, []]);
});

test('that an agent is held, and who lets it go on, is on the chain', async (t) => {
  const state = temporaryState(t);
  const held = localAgent('first', component, '[limits]\nfuel = "10M"\n[errors]\nlimit = "manual"\n');
  const host = await Hosted.start(t, state, [held]);
  await host.send('first', 'spin', 'm-1');
  await host.lines.until(/first: held \(limit: fuelMax/);
  assert.equal(await host.serving.resume('first', true, { name: 'ann' }), true);
  await host.close(1000);
  const found = await told(state, 'agent-failed', 'agent-resumed');
  assert.deepEqual(
    found.map(({ name, principal, strategy, message }) => [name, principal, strategy ?? message]),
    [
      ['agent-failed', null, 'always'],
      ['agent-failed', null, 'held'],
      ['agent-resumed', 'ann', 'drop'],
    ],
  );
  const [letter] = await told(state, 'message-dead-lettered');
  assert.deepEqual([letter?.message, letter?.reason], ['m-1', 'dropped']);
});

test('that an agent is paused, by whom, goes on and is killed, is on the chain', async (t) => {
  const state = temporaryState(t);
  const host = await Hosted.start(t, state, [localAgent('first', component)]);
  const agent = host.serving.handle('first', { name: 'ann' });
  assert.equal(await host.ask('first', 'one'), '1');
  await agent.pause();
  assert.equal(await agent.resume(), true);
  await agent.kill();
  await agent.wait();
  await host.close(1000);
  const found = await told(state, 'agent-state');
  assert.deepEqual(
    found.map(({ from, to, reason }) => [from, to, reason]),
    [
      ['ready', 'suspended', 'paused by ann'],
      ['suspended', 'ready', ''],
      ['ready', 'terminated', 'killed by ann'],
    ],
  );
});

test('at the level of messages every transition in the life of an agent is on the chain', async (t) => {
  const state = temporaryState(t);
  const agents = [
    localAgent('first', component, '[audit]\nlevel = "messages"\n'),
    localAgent('second', component),
  ];
  const host = await Hosted.start(t, state, agents, { trust: { auditLevel: 'security' } });
  await host.ask('first', 'one');
  await host.ask('second', 'one');
  await host.close(1000);
  const found = await told(state, 'agent-state');
  assert.deepEqual(
    found.map(({ name, agent = name, from, to }) => `${String(agent)}: ${String(from)} > ${String(to)}`),
    [
      'first: created > initializing',
      'first: initializing > ready',
      'first: ready > running',
      'first: running > ready',
    ],
  );
});
