import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSharing, type SharingLimits } from '../../host/manifest/sharing.ts';
import { type Answer, done } from '../../host/orchestration/asked.ts';
import { Channels } from '../../host/orchestration/channels.ts';
import { Home } from '../../host/orchestration/home.ts';
import { Shares } from '../../host/orchestration/shares.ts';
import { fc } from '../support/properties.ts';
import { Stage, settle } from './parts.ts';

const bytes = (size: number): Uint8Array => new Uint8Array(size);

function tagOf(answer: Answer): string {
  return answer.kind === 'error' ? answer.error.tag : answer.kind;
}

function homeOf(stage: Stage, limits: Partial<SharingLimits>, told: string[] = []): Home {
  return new Home({
    clock: stage.clock,
    wheel: stage.wheel,
    nursery: { spawn: async () => done, endChild: async () => done, childrenOf: () => [] },
    ties: { link: () => done, unlink: () => done, monitor: () => done, demonitor: () => done },
    isAgent: () => true,
    limitsOf: (agent) => (agent === 'ada' ? { ...defaultSharing, ...limits } : undefined),
    onFull: (agent, limit, max) => told.push(`${agent} ${limit} ${max}`),
    onLeaseEnd: () => {},
  });
}

const acquire = (name: string, waitMs = 0) => ({ kind: 'acquire', name, ttlMs: 100, waitMs }) as const;

test('a holder has no more leases than it may; one that is over, for whatever reason, counts no more', async () => {
  const stage = new Stage();
  const told: string[] = [];
  const home = homeOf(stage, { leasesMax: 2 }, told);
  const ask = async (name: string): Promise<string> => tagOf(await home.ask('ada', acquire(name)));
  const first = await home.ask('ada', acquire('a'));
  assert.ok(first.kind === 'lease');
  assert.deepEqual([await ask('b'), await ask('c')], ['lease', 'full']);
  assert.equal(tagOf(await home.ask('bob', acquire('c'))), 'lease');
  const token = Number(first.lease.token);
  assert.equal(tagOf(await home.ask('ada', { kind: 'renew', name: 'a', token, ttlMs: 100 })), 'lease');
  await home.ask('ada', { kind: 'release', name: 'a', token });
  assert.deepEqual([await ask('d'), await ask('e')], ['lease', 'full']);
  await stage.turn(200);
  assert.deepEqual([await ask('f'), await ask('g'), await ask('h')], ['lease', 'lease', 'full']);
  // Told once, and again of the next agent of that name.
  assert.deepEqual(told, ['ada leasesMax 2']);
  home.endOf('ada');
  assert.deepEqual([await ask('f'), await ask('g'), await ask('h')], ['lease', 'lease', 'full']);
  assert.equal(told.length, 2);
});

test('a lease that comes to one who has all it may goes to whoever waited next', async () => {
  const home = homeOf(new Stage(), { leasesMax: 1 });
  const held = await home.ask('bob', acquire('door'));
  assert.ok(held.kind === 'lease');
  const waiting = home.ask('ada', acquire('door', 50));
  const next = home.ask('cyd', acquire('door', 50));
  assert.equal(tagOf(await home.ask('ada', acquire('desk'))), 'lease');
  await home.ask('bob', { kind: 'release', name: 'door', token: Number(held.lease.token) });
  assert.equal(tagOf(await waiting), 'full');
  assert.equal(tagOf(await next), 'lease');
});

test('an agent belongs to so many groups, and so many words wait for it; both are free again', async () => {
  const told: string[] = [];
  const home = homeOf(new Stage(), { groupsMax: 1, signalsMax: 1 }, told);
  const join = (name: string) => home.ask('ada', { kind: 'join', name, topology: 'ring' }) as Answer;
  assert.deepEqual(['g', 'g', 'h'].map(join).map(tagOf), ['done', 'done', 'full']);
  assert.equal(home.groups.size, 1);
  await home.ask('ada', { kind: 'leave', name: 'g' });
  assert.equal(tagOf(join('h')), 'done');
  const raise = (word: string) => home.ask('bob', { kind: 'raise', agent: 'ada', word }) as Answer;
  assert.deepEqual(['go', 'go', 'stop'].map(raise).map(tagOf), ['done', 'done', 'full']);
  assert.equal(tagOf(await home.ask('ada', { kind: 'await', word: 'go', waitMs: 0 })), 'from');
  assert.equal(tagOf(raise('stop')), 'done');
  assert.deepEqual(told, ['ada groupsMax 1', 'ada signalsMax 1']);
});

test('bytes count with what waits for room, and are free again when it gives up', async () => {
  const home = homeOf(new Stage(), { channelBytesMax: 3000 });
  const put = (size: number, waitMs: number, signal?: AbortSignal) =>
    home.ask('ada', { kind: 'put', name: 'a', value: bytes(size), waitMs }, signal) as Promise<Answer>;
  await home.ask('ada', { kind: 'open', name: 'a', valuesMax: 1 });
  assert.equal(tagOf(await put(1000, 0)), 'done');
  const gone = new AbortController();
  const waiting = put(1000, 1000, gone.signal);
  assert.equal(tagOf(await put(1000, 1000)), 'full');
  assert.deepEqual(home.channels.of('ada').values, 2);
  gone.abort();
  assert.equal(tagOf(await waiting), 'cancelled');
  assert.deepEqual([home.channels.of('ada').values, home.channels.of('ada').bytes], [1, 1128]);
  assert.equal(tagOf(await home.ask('bob', { kind: 'take', name: 'a', waitMs: 0 })), 'value');
  assert.deepEqual([home.channels.of('ada').values, home.channels.of('ada').bytes], [0, 0]);
});

test('an agent’s own empty channels make way for its next one, others’ do not', async () => {
  const home = homeOf(new Stage(), { channelsMax: 2 });
  const open = (agent: string, name: string): Answer =>
    home.ask(agent, { kind: 'open', name, valuesMax: 1 }) as Answer;
  const put = (name: string) => home.ask('ada', { kind: 'put', name, value: bytes(1), waitMs: 0 });
  open('bob', 'empty');
  await put('a');
  void home.ask('ada', { kind: 'take', name: 'b', waitMs: 1000 });
  assert.equal(tagOf(open('ada', 'c')), 'full');
  assert.equal(tagOf(await put('c')), 'full');
  assert.equal(tagOf(await put('empty')), 'done');
  await home.ask('bob', { kind: 'take', name: 'a', waitMs: 0 });
  assert.equal(tagOf(open('ada', 'c')), 'done');
  assert.deepEqual([...home.channels.of('ada').channels], ['b', 'c']);
  await settle();
});

const limits: SharingLimits = {
  ...defaultSharing,
  channelsMax: 3,
  channelValuesMax: 4,
  channelBytesMax: 2000,
};
const agent = fc.constantFrom('ada', 'bob');
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), agent, name, size: fc.nat(900) }),
  fc.record({ kind: fc.constantFrom('take' as const, 'put back', 'open', 'close', 'wait'), agent, name }),
);

test('whatever agents put, take and close, what each has is what is there of it, and no more than it may', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const shares = new Shares({ limitsOf: () => limits });
      const stage = new Stage();
      const channels = new Channels({ waits: stage.waits, shares, channelsMax: 5 });
      const all = ['ada', 'bob'] as const;
      for (const each of steps) {
        const before = all.map((one) => channels.of(one).values);
        if (each.kind === 'put') {
          const end = tagOf(await channels.put(each.agent, each.name, bytes(each.size), 0));
          assert.ok(end === 'done' || end === 'full' || end === 'closed', end);
        } else if (each.kind === 'open') channels.open(each.agent, each.name, 2);
        else if (each.kind === 'close') channels.close(each.agent, each.name);
        else if (each.kind === 'wait') void channels.take(each.agent, each.name, 1000);
        else {
          const taken = await channels.take(each.agent, each.name, 0);
          // A value that is put back is not refused, whatever its taker has.
          const isBack = each.kind === 'put back' && taken.kind === 'value' && before.every((had) => had < 4);
          if (isBack) channels.putBack(each.agent, each.name, taken.value);
        }
        await settle();
        const [ada, bob] = [channels.of('ada'), channels.of('bob')];
        assert.equal(ada.bytes + bob.bytes, channels.bytes);
        const lengths = ['a', 'b', 'c', 'd', 'e'].map((one) => channels.lengthOf(one));
        assert.equal(
          ada.values + bob.values,
          lengths.reduce((sum, length) => sum + length, 0),
        );
        assert.equal(ada.channels.size + bob.channels.size, channels.size);
        for (const { values, bytes: held, channels: made } of [ada, bob]) {
          assert.ok(values <= limits.channelValuesMax && made.size <= limits.channelsMax);
          assert.ok(held <= limits.channelBytesMax + 1028);
        }
      }
    }),
  );
});
