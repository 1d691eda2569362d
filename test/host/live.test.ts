import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { createHost, type Live, type RunResult } from '../../host/host.ts';
import { defaultLimits, type Limits } from '../../host/limits.ts';
import { Kept, noGrants } from '../engine/wasi/preview2/grants.ts';
import { agentGuest } from '../support/agent-guest.ts';
import { httpGuest } from '../support/http-guest.ts';

const host = createHost({ cacheFolder: undefined, clock: systemClock, random: systemRandom });
after(() => host.close());
const artifact = await host.prepare(await agentGuest('a'));

interface Scene {
  readonly live: Live;
  readonly log: Kept;
  say(body: string, signal?: AbortSignal): Promise<RunResult>;
}

async function open(limits: Partial<Limits> = {}, resumed = false): Promise<Scene> {
  const log = new Kept();
  const live = await host.open({
    artifact,
    grants: { ...noGrants, stderr: log },
    limits: { ...defaultLimits, ...limits },
    name: 'a',
    resumed,
  });
  const say: Scene['say'] = (body, signal) =>
    live.handle({ subject: 'test', body: new TextEncoder().encode(body) }, signal);
  return { live, log, say };
}

const textOf = ({ result }: RunResult): string => Buffer.from(result ?? []).toString();

test('what an agent keeps in memory lasts from message to message', async () => {
  const { live, log, say } = await open();
  assert.equal(live.started.outcome.kind, 'ok');
  assert.equal(textOf(await say('x')), 'a1');
  assert.equal(textOf(await say('y')), 'a2');
  assert.equal(log.text, '[info] started\n', 'logged before the answer');
  assert.equal((await live.close('replaced')).outcome.kind, 'ok');
  assert.equal(log.text, '[info] started\n[info] ended by 2\n');
  assert.equal(live.isOpen, false);
  assert.equal(
    textOf(await (await open({}, true)).say('x')),
    'a1r',
    'another one is told that it is resumed',
  );
});

test('fuel, time and output are limits of each message', async () => {
  const { usage } = (await (await open()).say('x')).outcome;
  const { say } = await open({ fuelMax: usage.fuel });
  for (let count = 1; count <= 9; count += 1) {
    const { outcome } = await say('x');
    assert.deepEqual([outcome.kind, outcome.usage.fuel], ['ok', usage.fuel]);
  }
});

test('a failure leaves the instance as it is', async () => {
  const { live, say } = await open();
  const failed = await say('f');
  assert.deepEqual(failed.outcome.kind === 'error' && failed.outcome.failure, { tag: 'invalid', val: 'no' });
  assert.equal(live.isOpen, true);
  assert.equal(textOf(await say('x')), 'a2');
});

test('a trap, a limit and a cancellation end it, and it says so', async () => {
  const ends: readonly (readonly [body: string, limits: Partial<Limits>, kind: string])[] = [
    ['t', {}, 'trap'],
    ['s', { fuelMax: 1_000_000n }, 'limit'],
    ['s', { deadlineMs: 50 }, 'limit'],
  ];
  for (const [body, limits, kind] of ends) {
    const { live, say } = await open(limits);
    assert.equal((await say(body)).outcome.kind, kind);
    assert.equal(live.isOpen, false);
    await assert.rejects(say('x'), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  }
  const { live, say } = await open();
  const cancelled = await say('s', AbortSignal.abort('enough'));
  assert.equal(cancelled.outcome.kind === 'cancelled' && cancelled.outcome.reason, 'enough');
  assert.equal(live.isOpen, false);
});

test('what was refused for one message is no reason for the end of another', async () => {
  const { say } = await open();
  assert.equal((await say('g')).outcome.kind, 'ok', 'more memory was refused, and it went on');
  assert.equal((await say('t')).outcome.kind, 'trap', 'not the memory limit');
});

test('one message at a time', async () => {
  const { live, say } = await open({ deadlineMs: 200 });
  const busy = say('s');
  await assert.rejects(say('x'), { code: 'HOST_ERR_INSTANCE_BUSY' });
  assert.equal((await busy).outcome.kind, 'limit');
  assert.equal(live.isOpen, false);
});

test('a program that takes no messages cannot be opened', async () => {
  const served = await host.prepare(await httpGuest('x'));
  const request = { artifact: served, grants: noGrants, limits: defaultLimits, name: 'x', resumed: false };
  await assert.rejects(host.open(request), { code: 'HOST_ERR_WORLD_MISMATCH', message: /has no handle/ });
});
