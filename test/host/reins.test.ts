import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { AgentHandle, LifecycleState } from '../../host/host/serving.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { toiler } from '../support/toiler.ts';

// What a person does with agents that run, on a serving host.

const options = { timeout: 60_000 };
let worker = new Uint8Array(0);
before(async () => {
  worker = await toiler();
});

const limits = { fuelMax: 10n ** 12n, deadlineMs: 60_000 };

/** Transitions of one agent, as events on the bus tell of them. */
class Turns {
  readonly all: string[] = [];
  #look = (): void => {};

  constructor(host: Hosted, agent: string) {
    host.serving.subscribe(`host.agent.${agent}.state`, undefined, ({ body }) => {
      const { from, to } = JSON.parse(new TextDecoder().decode(body)) as { from?: string; to: string };
      this.all.push(`${from ?? '?'} > ${to}`);
      this.#look();
    });
  }

  /** Resolves with all so far, once the last is this one. */
  until(last: string): Promise<readonly string[]> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.all.at(-1) === last) resolve([...this.all]);
      };
      this.#look();
    });
  }
}

async function hosted(t: Parameters<typeof temporaryState>[0], toml = ''): Promise<Hosted> {
  return Hosted.start(t, temporaryState(t), [localAgent('ann', worker, toml)], { limits });
}

const reached = (agent: AgentHandle, ...states: LifecycleState[]) => agent.wait({ states });

test(
  'a message that comes first, and one after it: from created to ready by way of running',
  options,
  async (t) => {
    const host = await hosted(t);
    const ann = host.serving.handle('ann');
    assert.equal(await ann.state(), 'created');
    const turns = new Turns(host, 'ann');
    assert.equal(await host.ask('ann', ''), '1');
    assert.equal(await host.ask('ann', ''), '2');
    assert.deepEqual(await turns.until('running > ready'), [
      'created > initializing',
      'initializing > ready',
      'ready > running',
      'running > ready',
      'ready > running',
      'running > ready',
    ]);
    assert.equal((await host.serving.agent('ann')).lifecycle, 'ready');
    assert.equal((await host.serving.status()).lifecycle.ready, 1);
  },
);

test(
  'an agent that computes is paused in the middle, and goes on as if nothing had been',
  options,
  async (t) => {
    const agents = ['ann', 'bob', 'cid'].map((name) => localAgent(name, worker));
    const host = await Hosted.start(t, temporaryState(t), agents, { limits });
    const [ann, bob] = [host.serving.handle('ann'), host.serving.handle('bob')];
    await host.send('ann', 'work 200', 'm-1');
    await host.send('ann', 'more', 'm-2');
    await host.lines.until(/ann: seen more/);
    await reached(ann, 'ready');
    await host.send('bob', 'work 200', 'm-1');
    await host.lines.until(/bob: at work/);
    await bob.pause();
    assert.equal(await bob.state(), 'suspended');
    assert.equal((await host.serving.agent('bob')).state, 'paused');
    await host.send('bob', 'more', 'm-2');
    // Whoever is not paused has the thread.
    assert.equal(await host.ask('cid', ''), '1');
    await bob.pause();
    assert.equal(host.lines.all.filter((line) => /bob: (got|seen)/.test(line)).length, 0);
    const half = await bob.metrics();
    assert.equal(half.handled, 0);
    assert.ok(
      half.fuel > 0n && half.fuel < (await ann.metrics()).fuel,
      'what is used is shown while it is used',
    );
    assert.equal(await bob.resume(), true);
    await host.lines.until(/bob: seen more/);
    await reached(bob, 'ready');
    const results = host.lines.all.filter((line) => line.includes('got')).map((line) => line.slice(5));
    assert.equal(results.length, 2);
    assert.equal(results[0], results[1]);
    assert.equal((await bob.metrics()).fuel, (await ann.metrics()).fuel);
    assert.equal(await bob.resume(), false);
  },
);

test('the time of a call does not run while its agent is paused', options, async (t) => {
  const host = await hosted(t, '[limits]\ndeadline = "1s"\n');
  const ann = host.serving.handle('ann');
  const asked = host.serving.invoke('ann', payload('work 100000'), { principal, deadlineMs: 50_000 });
  await host.lines.until(/ann: at work/);
  await ann.pause();
  await wait(1_500);
  assert.equal(await ann.state(), 'suspended');
  await ann.resume();
  const reply = await asked;
  assert.ok(reply.kind === 'answered' && reply.outcome.kind === 'limit');
  assert.equal(reply.outcome.limit, 'deadlineMs');
  assert.ok(reply.outcome.usage.wallMs < 1_500, 'nor does it count');
  assert.equal(await reached(ann, 'failed'), 'failed');
});

test('a paused agent is killed, and one that computes', options, async (t) => {
  const host = await hosted(t);
  const ann = host.serving.handle('ann');
  const turns = new Turns(host, 'ann');
  const asked = host.ask('ann', 'work 100000');
  await host.lines.until(/ann: at work/);
  await ann.pause();
  const { fuel } = await ann.metrics();
  const waits = host.ask('ann', '');
  await ann.kill();
  assert.equal(await asked, 'cancelled');
  assert.ok((await ann.metrics()).fuel >= fuel, 'what was shown as used stays used');
  assert.equal(await waits, 'error');
  assert.equal(await ann.wait(), 'terminated');
  assert.deepEqual(await turns.until('suspended > terminated'), [
    'created > initializing',
    'initializing > ready',
    'ready > running',
    'running > suspended',
    'suspended > terminated',
  ]);
  const told = await host.serving.invoke('ann', payload(''), { principal });
  assert.ok(told.kind === 'answered' && told.outcome.kind === 'error');
  assert.deepEqual(told.outcome.failure, {
    tag: 'unavailable',
    val: 'the agent was killed by a person; host agents resume ann begins it anew',
  });
  const { hasEnded } = await host.serving.send('ann', payload(''), { principal });
  assert.equal(hasEnded, true);
  const ended = {
    code: 'HOST_ERR_LIFECYCLE_ILLEGAL',
    message: 'ann has ended already; host agents resume ann begins it anew',
  };
  await assert.rejects(ann.kill(), ended);
  await assert.rejects(ann.stop(), ended);
  await assert.rejects(ann.pause(), ended);
  assert.equal(await ann.resume(), true);
  assert.equal(await ann.state(), 'created');
  assert.equal(await host.ask('ann', ''), '1');
  const again = host.ask('ann', 'work 100000');
  await host.lines.until(/ann: at work/, 2);
  await ann.kill();
  assert.equal(await again, 'cancelled');
  assert.equal((await turns.until('running > terminated')).at(-1), 'running > terminated');
});

test('a paused agent that is stopped deals with its message first', options, async (t) => {
  const host = await hosted(t);
  const ann = host.serving.handle('ann');
  const turns = new Turns(host, 'ann');
  const asked = host.ask('ann', 'work 100');
  await host.lines.until(/ann: at work/);
  await ann.pause();
  const waits = host.send('ann', 'later');
  await waits;
  await ann.stop();
  assert.match(await asked, /^\d+$/);
  assert.equal(await ann.wait(), 'terminated');
  const all = await turns.until('terminating > terminated');
  assert.deepEqual(all.slice(3), [
    'running > suspended',
    'suspended > running',
    'running > ready',
    'ready > terminating',
    'terminating > terminated',
  ]);
  const [letter] = await host.serving.deadLetters(10);
  assert.equal(letter?.reason, 'terminated');
});

test('a paused agent stays so over the loss of its thread and a restart of the host', options, async (t) => {
  const folder = temporaryState(t);
  const agent = localAgent('ann', worker);
  const host = await Hosted.start(t, folder, [agent], { limits });
  const ann = host.serving.handle('ann');
  const turns = new Turns(host, 'ann');
  await ann.pause();
  await host.send('ann', 'work 1', 'm-1');
  const why = 'ann is paused; host agents resume ann lets it go on';
  const asked = { principal, deadlineMs: 20 };
  const late = await host.serving.invoke('ann', payload(''), asked);
  assert.ok(late.kind === 'refused' && late.reason === 'timed-out');
  assert.equal(late.why, why);
  await host.serving.endThread(1);
  await host.lines.until(/agents of the lost thread are there again/);
  assert.equal(await ann.state(), 'suspended');
  assert.deepEqual((await turns.until('unreachable > suspended')).slice(-2), [
    '? > unreachable',
    'unreachable > suspended',
  ]);
  await host.close(1_000);
  const second = await Hosted.start(t, folder, [agent], { limits });
  assert.equal((await second.serving.agent('ann')).state, 'paused');
  assert.equal((await second.serving.agent('ann')).mailboxDepth, 1);
  const again = await second.serving.invoke('ann', payload(''), asked);
  assert.ok(again.kind === 'refused' && again.why === why);
  assert.equal(second.lines.count('ann: at work'), 0);
  await second.serving.handle('ann').resume();
  await second.lines.until(/ann: got/);
});

test(
  'what is held after more restarts than it bears takes mail all the same, for later',
  options,
  async (t) => {
    const host = await hosted(t, '[restart]\nbackoff = "1ms"\nintensity = 0\n');
    const ann = host.serving.handle('ann');
    assert.equal(await host.ask('ann', 'trap'), 'trap');
    assert.equal(await ann.wait({ states: ['suspended'] }), 'suspended');
    await host.send('ann', 'for later');
    assert.equal(await ann.resume(), true);
    await host.lines.until(/ann: seen for later/);
  },
);

test(
  'a failure is over with the next message; what is not started again has failed for good',
  options,
  async (t) => {
    const host = await hosted(t, '[restart]\npolicy = "never"\n');
    const ann = host.serving.handle('ann');
    assert.equal(await host.ask('ann', 'trap'), 'trap');
    assert.equal(await ann.wait(), 'failed');
    assert.equal(await host.ask('ann', ''), 'error');
    await assert.rejects(host.send('ann', 'in vain'), {
      code: 'HOST_ERR_LIFECYCLE_ILLEGAL',
      message:
        /^ann is failed, and cannot be running from there: it ended \(trap .*\), and is not begun again, as its \[restart\] policy = "never" says; host agents resume ann begins it anew$/,
    });
    assert.equal(await ann.resume(), true);
    assert.equal(await ann.state(), 'created');
    await host.send('ann', 'again');
    await host.lines.until(/ann: seen again/);
    assert.equal(await ann.resume(), false);
    await assert.rejects(host.send('nobody', ''), { code: 'HOST_ERR_AGENT_UNKNOWN' });
    await assert.rejects(async () => host.serving.handle('nobody').pause(), {
      code: 'HOST_ERR_AGENT_UNKNOWN',
    });
  },
);
