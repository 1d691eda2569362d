import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { HookEvent } from '../../host/host/host-hooks.ts';
import { parseManifest } from '../../host/manifest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { toiler } from '../support/toiler.ts';

// When agents have an instance, and who is told of their lives, on a serving host.

const options = { timeout: 60_000 };
let worker = new Uint8Array(0);
before(async () => {
  worker = await toiler();
});

test('persistent: it is there before a message comes, and again after it trapped', options, async (t) => {
  const agent = localAgent('ann', worker, '[execution]\nmode = "persistent"\n');
  const host = await Hosted.start(t, temporaryState(t), [agent]);
  const ann = host.serving.handle('ann');
  assert.equal(await ann.wait({ states: ['ready'] }), 'ready');
  assert.equal((await ann.metrics()).handled, 0);
  assert.equal((await host.serving.agent('ann')).state, 'idle');
  const turns: string[] = [];
  const isBack = new Promise<void>((resolve) => {
    host.serving.subscribe('host.agent.ann.state', undefined, ({ body }) => {
      const { from, to } = JSON.parse(new TextDecoder().decode(body)) as { from: string; to: string };
      turns.push(to);
      if (from === 'initializing' && to === 'ready') resolve();
    });
  });
  assert.equal(await host.ask('ann', 'trap'), 'trap');
  await isBack;
  assert.deepEqual(turns, ['running', 'failed', 'initializing', 'ready']);
  assert.equal(await host.ask('ann', ''), '1');
  await ann.stop();
  await ann.wait({ states: ['terminated'] });
  await ann.resume();
  assert.equal(await ann.wait({ states: ['ready'] }), 'ready');
});

test('ephemeral: every message has an instance of its own, and nothing is kept', options, async (t) => {
  const agents = [localAgent('ann', worker, '[execution]\nmode = "ephemeral"\n'), localAgent('bob', worker)];
  const host = await Hosted.start(t, temporaryState(t), agents);
  assert.deepEqual([await host.ask('ann', ''), await host.ask('ann', '')], ['1', '1']);
  assert.deepEqual([await host.ask('bob', ''), await host.ask('bob', '')], ['1', '2']);
  const { state, lifecycle, handled } = await host.serving.agent('ann');
  assert.deepEqual([state, lifecycle, handled], ['ready', 'completed', 2]);
  const timed = 'name = "cid"\nworld = "handler"\n[[triggers]]\ncron = "61 * * * *"\n';
  await assert.rejects(host.serving.install({ manifest: timed, component: worker }), {
    code: 'HOST_ERR_CONFIG_INVALID',
  });
});

const manifest = (toml: string) => parseManifest(`name = "ann"\ncomponent = "a.wasm"\n${toml}`, 'agent.toml');

test('scheduled: an agent that waits for times has to name some', () => {
  const wrong = { code: 'HOST_ERR_CONFIG_INVALID' };
  assert.throws(() => manifest('[execution]\nmode = "scheduled"\n'), wrong);
  assert.throws(() => manifest('[execution]\nmode = "scheduled"\n[[triggers]]\nsubject = "a.b"\n'), wrong);
  const timed = manifest(
    '[execution]\nmode = "scheduled"\n[[triggers]]\nat = "2030-01-31T08:00:00Z"\nmisfire = "skip"\n[[triggers]]\nevery = "1h"\njitter = "5m"\nmisfire = "all"\n',
  );
  assert.equal(timed.execution.mode, 'scheduled');
  assert.deepEqual(
    timed.triggers.map(({ occasion, misfire, jitterMs }) => [occasion.kind, misfire, jitterMs]),
    [
      ['at', 'skip', 0],
      ['every', 'all', 300_000],
    ],
  );
  assert.throws(() => manifest('[[triggers]]\nevery = "1m"\njitter = "2m"\n'), wrong);
  assert.throws(() => manifest('[[triggers]]\nsubject = "a.b"\nmisfire = "all"\n'), wrong);
  assert.throws(() => manifest('[[triggers]]\nat = "tomorrow"\n'), wrong);
});

test('an isolation that the host has is there; one that it has not, or none at all, is refused', () => {
  for (const isolation of ['limits', 'sandbox'])
    assert.equal(manifest(`[execution]\nisolation = "${isolation}"\n`).execution.isolation, isolation);
  for (const isolation of ['none', 'process', 'container'])
    assert.throws(() => manifest(`[execution]\nisolation = "${isolation}"\n`), {
      code: 'HOST_ERR_TIER_UNAVAILABLE',
      data: { path: 'agent.toml', isolation },
    });
  assert.throws(() => manifest('[execution]\nisolation = "magic"\n'), { code: 'HOST_ERR_CONFIG_INVALID' });
});

test(
  'hooks of a manifest are published under the agent’s own grants, and set no hook off themselves',
  options,
  async (t) => {
    const hooks = ['start', 'stop', 'error', 'pause', 'resume', 'message'].map(
      (name) => `${name} = "life.${name}"`,
    );
    const toml = `[capabilities.bus]\npublish = ["life.*"]\n[subscriptions]\n"life.message" = {}\n[hooks]\n${hooks.join('\n')}\n`;
    const host = await Hosted.start(t, temporaryState(t), [localAgent('ann', worker, toml)]);
    const told: Record<string, unknown>[] = [];
    let look = (): void => {};
    host.serving.subscribe('life.*', undefined, ({ body, sender }) => {
      told.push({ ...(JSON.parse(new TextDecoder().decode(body)) as object), sender });
      look();
    });
    const until = (count: number): Promise<void> =>
      new Promise((resolve) => {
        look = () => {
          if (told.length >= count) resolve();
        };
        look();
      });
    const ann = host.serving.handle('ann');
    await host.ask('ann', '');
    await host.lines.until(/ann: seen \{"agent":"ann","hook":"message"/);
    await ann.pause();
    await ann.resume();
    await host.ask('ann', 'trap');
    await until(6);
    await host.ask('ann', '');
    await ann.stop();
    await until(9);
    assert.deepEqual(
      told.map(({ hook }) => hook),
      ['start', 'message', 'pause', 'resume', 'error', 'message', 'start', 'message', 'stop'],
    );
    assert.ok(told.every(({ agent, sender }) => agent === 'ann' && sender === 'ann'));
    assert.equal(told[1]?.outcome, 'ok');
    assert.equal(told[2]?.why, 'paused by local');
  },
);

test('a hook on a subject that is not granted, or is nobody’s to publish to, is refused', () => {
  const wrong = { code: 'HOST_ERR_CONFIG_INVALID' };
  assert.throws(() => manifest('[hooks]\nerror = "alerts.ann"\n'), wrong);
  const grant = '[capabilities.bus]\npublish = [">"]\n';
  for (const subject of ['agent.bob', 'host.x', '_inbox.x', 'a.*', 'a..b'])
    assert.throws(() => manifest(`${grant}[hooks]\nerror = "${subject}"\n`), wrong, subject);
  assert.throws(() => manifest('[hooks]\nsleep = "a.b"\n'), wrong);
  assert.deepEqual(manifest(`${grant}[hooks]\nerror = "alerts.ann"\n`).hooks, { error: 'alerts.ann' });
});

test('hooks of the host’s own code are called; one that throws harms nobody', options, async (t) => {
  const events: HookEvent[] = [];
  let look = (): void => {};
  const note = (event: HookEvent): void => {
    events.push(event);
    look();
  };
  const hooks = {
    start: note,
    stop: note,
    error: (event: HookEvent) => {
      note(event);
      throw new Error('my own mistake');
    },
    pause: note,
    resume: note,
    message: async (event: HookEvent) => note(event),
  };
  const host = await Hosted.start(t, temporaryState(t), [localAgent('ann', worker)], { hooks });
  const until = (hook: string): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (events.at(-1)?.hook === hook) resolve();
      };
      look();
    });
  const ann = host.serving.handle('ann');
  await host.ask('ann', '');
  await until('message');
  await ann.pause();
  await ann.resume();
  await until('resume');
  await host.ask('ann', 'trap');
  await host.lines.until(/ann: the host's hook error failed: my own mistake/);
  await host.ask('ann', '');
  await ann.stop();
  await until('stop');
  assert.deepEqual(
    events.map(({ hook }) => hook),
    ['start', 'message', 'pause', 'resume', 'message', 'error', 'start', 'message', 'stop'],
  );
  assert.equal(events[2]?.why, 'paused by local');
  assert.match(events[5]?.why ?? '', /trap/);
});
