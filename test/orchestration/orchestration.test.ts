import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  handOver,
  Iso,
  Orchestration,
  type Reference,
  Shards,
  spread,
  Topology,
  Val,
} from '../../host/index.ts';
import { Stage, settle } from './parts.ts';

test('host code has all primitives from one place, on its own clock', async () => {
  const { clock, wheel } = new Stage();
  const orchestration = new Orchestration({ clock, wheel });
  const channel = orchestration.channel<Reference>(2, (value) => handOver(value, 'ada', 'bob'));
  const iso = new Iso(new Uint8Array([7]));
  assert.equal(channel.tryPut(iso), 'put');
  assert.equal(iso.isAlive, false);
  assert.equal(channel.tryPut(new Val({ n: 1 })), 'put');
  const lease = orchestration.leases().tryAcquire('door', 'ada', 1000);
  assert.ok(typeof lease !== 'string' && lease.token === 1);
  const future = orchestration.future<string>();
  future.resolve('here');
  assert.deepEqual(await future.await(0), { kind: 'ready', value: 'here' });
  assert.equal(orchestration.signals().raise('go', 'ada'), 'raised');
  const tally = orchestration.quorum<string>({
    voters: ['a', 'b', 'c'],
    threshold: 'majority',
    keyOf: (answer) => answer,
    timeoutMs: 100,
    ask: async (voter) => (voter === 'c' ? 'no' : 'yes'),
  });
  assert.equal((await tally).decision, 'yes');
  assert.equal(new Shards(['a']).of('key'), 'a');
  assert.deepEqual(new Topology('ring', ['a', 'b', 'c']).neighbours('a'), ['c', 'b']);
  const { reached } = await spread({
    kind: 'star',
    members: ['a', 'b'],
    origin: 'a',
    random: () => 0,
    tell: () => true,
  });
  assert.deepEqual(reached, ['b']);
});

test('a vote without answers ends with its time', async () => {
  const { clock, wheel } = new Stage();
  const voting = new Orchestration({ clock, wheel }).quorum<string>({
    voters: ['a'],
    threshold: 1,
    keyOf: (answer) => answer,
    timeoutMs: 100,
    ask: () => new Promise(() => {}),
  });
  await settle();
  clock.turn(100);
  assert.equal((await voting).state, 'failed');
});
