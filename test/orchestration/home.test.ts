import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, done } from '../../host/orchestration/asked.ts';
import { Channels } from '../../host/orchestration/channels.ts';
import { Groups } from '../../host/orchestration/groups.ts';
import { Home } from '../../host/orchestration/home.ts';
import { Stage, settle } from './parts.ts';

const bytes = (size: number): Uint8Array => new Uint8Array(size);

function tagOf(answer: Answer): string {
  return answer.kind === 'error' ? answer.error.tag : answer.kind;
}

const noTies = { link: () => done, unlink: () => done, monitor: () => done, demonitor: () => done };

function homeOn({ clock, wheel }: Stage, ended: string[] = []): Home {
  const agents = new Set(['ada', 'bob']);
  return new Home({
    clock,
    wheel,
    nursery: {
      spawn: async () => done,
      endChild: async () => done,
      childrenOf: () => [],
    },
    ties: noTies,
    isAgent: (name) => agents.has(name),
    onLeaseEnd: ({ name }, end) => ended.push(`${name} ${end}`),
  });
}

test('channels have room for so many bytes, each and together, also of values that wait for room', async () => {
  const { waits } = new Stage();
  const channels = new Channels({ waits, bytesMax: 4000, channelBytesMax: 3000, valueBytesMax: 1500 });
  assert.equal(tagOf(await channels.put('ada', 'a', bytes(1501), 0)), 'too-large');
  channels.open('ada', 'a', 1);
  assert.equal(tagOf(await channels.put('ada', 'a', bytes(1000), 0)), 'done');
  void channels.put('ada', 'a', bytes(1000), 1000);
  assert.equal(tagOf(await channels.put('ada', 'a', bytes(1000), 1000)), 'full');
  assert.equal(tagOf(await channels.put('ada', 'b', bytes(1000), 0)), 'done');
  assert.equal(tagOf(await channels.put('ada', 'c', bytes(1000), 0)), 'full');
  for (const name of ['a', 'a', 'b']) assert.equal(tagOf(await channels.take('ada', name, 0)), 'value');
  assert.equal(channels.bytes, 0);
  assert.equal(tagOf(await channels.take('ada', 'a', 0)), 'timed-out');
});

test('a closed channel says so until it is opened anew, and not before it is empty', async () => {
  const channels = new Channels({ waits: new Stage().waits });
  await channels.put('ada', 'a', bytes(1), 0);
  channels.close('ada', 'a');
  assert.equal(tagOf(await channels.put('ada', 'a', bytes(1), 0)), 'closed');
  assert.equal(tagOf(channels.open('ada', 'a', 0)), 'closed');
  assert.equal(tagOf(await channels.take('ada', 'a', 0)), 'value');
  assert.equal(tagOf(await channels.take('ada', 'a', 0)), 'closed');
  assert.equal(tagOf(channels.open('ada', 'a', 0)), 'done');
  assert.equal(tagOf(await channels.put('ada', 'a', bytes(1), 0)), 'done');
});

test('of too many channels the empty ones go that nobody waits for', async () => {
  const channels = new Channels({ waits: new Stage().waits, channelsMax: 3 });
  await channels.put('ada', 'full', bytes(1), 0);
  void channels.take('ada', 'awaited', 1000);
  channels.open('ada', 'empty', 1);
  assert.equal(tagOf(channels.open('ada', 'next', 1)), 'done');
  await channels.put('ada', 'next', bytes(1), 0);
  assert.equal(tagOf(channels.open('ada', 'one more', 1)), 'full');
  assert.deepEqual([channels.size, channels.lengthOf('full')], [3, 1]);
});

test('groups and their members are bounded, and a group nobody is in is gone', () => {
  const groups = new Groups(1, 2);
  assert.deepEqual(
    ['a', 'b', 'a', 'c'].map((agent) => tagOf(groups.join('g', agent, 'ring'))),
    ['done', 'done', 'done', 'full'],
  );
  assert.equal(tagOf(groups.join('h', 'a', 'ring')), 'full');
  groups.endOf('a');
  groups.leave('g', 'b');
  assert.equal(groups.size, 0);
  assert.equal(tagOf(groups.join('h', 'a', 'star')), 'done');
});

test('what an agent has is free when it is removed, and whoever waits is told', async () => {
  const stage = new Stage();
  const ended: string[] = [];
  const home = homeOn(stage, ended);
  await home.ask('ada', { kind: 'acquire', name: 'door', ttlMs: 1000, waitMs: 0 });
  await home.ask('ada', { kind: 'join', name: 'g', topology: 'ring' });
  const waiting = home.ask('bob', { kind: 'acquire', name: 'door', ttlMs: 1000, waitMs: 1000 });
  const word = home.ask('ada', { kind: 'await', word: 'go', waitMs: 1000 });
  home.endOf('ada');
  assert.equal(tagOf(await waiting), 'lease');
  assert.equal(tagOf(await word), 'cancelled');
  assert.deepEqual(ended, ['door removed']);
  assert.equal(home.groups.size, 0);
  assert.equal(tagOf(await home.ask('bob', { kind: 'raise', agent: 'cyd', word: 'go' })), 'denied');
  await settle();
  assert.equal(home.waiting, 0);
});

test('a lease for no time is none; whoever is told when it ends is told the world’s time', async () => {
  const stage = new Stage();
  const home = homeOn(stage);
  assert.equal(
    tagOf(await home.ask('ada', { kind: 'acquire', name: 'door', ttlMs: 0, waitMs: 0 })),
    'invalid',
  );
  const answer = await home.ask('ada', { kind: 'acquire', name: 'door', ttlMs: 500, waitMs: 0 });
  assert.ok(answer.kind === 'lease');
  assert.equal(answer.lease.expiresAtNs - stage.clock.wallNs(), 500_000_000n);
});
