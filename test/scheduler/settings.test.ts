import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { requireUnderCeiling } from '../../host/agent/priority-ceiling.ts';
import { policyNamed, policyNames, requireCustom } from '../../host/config/scheduler-settings.ts';
import { loadConfig } from '../../host/config.ts';
import { parseManifest } from '../../host/manifest.ts';
import { levels, termsOfManifest } from '../../host/scheduler/level.ts';
import { loadRank } from '../../host/scheduler/rank-module.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'motehost-scheduler-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function levelIn(scheduling: string): string | undefined {
  const { scheduling: found } = parseManifest(
    `name = "ann"\nworld = "handler"\n[scheduling]\n${scheduling}`,
    'agent.toml',
  );
  return levels[termsOfManifest(found).level ?? 0];
}

test('a manifest says the level of its agent by priority or class', () => {
  assert.equal(levelIn(''), 'normal');
  assert.equal(levelIn('priority = "critical"'), 'critical');
  assert.equal(levelIn('priority = "low"'), 'low');
  assert.equal(levelIn('class = "real-time"'), 'realtime');
  assert.equal(levelIn('class = "batch"'), 'batch');
  assert.throws(() => levelIn('priority = "urgent"'), /priority.*"critical"/);
  assert.throws(() => levelIn('class = "batch"\npriority = "high"'), /left out beside class/);
});

test('the settings say which level manifests may have and ask for at most', async (t) => {
  const file = join(folder(t), 'config.toml');
  writeFileSync(file, '[scheduler]\npriority-max = "high"\n');
  assert.equal((await loadConfig(file, {})).scheduler?.priorityMax, 'high');
  writeFileSync(file, '[scheduler]\npriority-max = "urgent"\n');
  await assert.rejects(loadConfig(file, {}), /scheduler\.priority-max must be one of realtime, critical/);
  const check = (text: string): void =>
    requireUnderCeiling(parseManifest(`name = "a"\nworld = "handler"\n${text}`, 'a.toml'), 'a.toml', 'high');
  check('[scheduling]\npriority = "high"\n[capabilities.bus]\npriority = "high"');
  check('[scheduling]\nclass = "batch"');
  for (const [text, key] of [
    ['[scheduling]\npriority = "critical"', 'scheduling.priority'],
    ['[scheduling]\nclass = "real-time"', 'scheduling.class'],
    ['[capabilities.bus]\npriority = "critical"', 'capabilities.bus.priority'],
  ] as const)
    assert.throws(() => check(text), {
      code: 'HOST_ERR_LIMIT_INVALID',
      data: { path: 'a.toml', key, level: key === 'scheduling.class' ? 'realtime' : 'critical', max: 'high' },
    });
});

test('a component has its settings, and they have it', async (t) => {
  const place = folder(t);
  const read = async (text: string): Promise<unknown> => {
    writeFileSync(join(place, 'config.toml'), `[scheduler]\n${text}\n`);
    const { scheduler = {} } = await loadConfig(join(place, 'config.toml'), {});
    requireCustom(scheduler, 'config.toml');
    return scheduler;
  };
  const whole =
    'policy = "custom"\ncomponent = "p.wasm"\nfallback = "priority"\nscore-fuel = 5000\nscore-turns = 2';
  assert.deepEqual(await read(whole), {
    policy: 'custom',
    component: join(place, 'p.wasm'),
    fallback: 'priority',
    scoreFuelMax: 5000n,
    scoreTurns: 2,
  });
  await assert.rejects(read('component = "p.wasm"'), /component has no effect without policy = "custom"/);
  await assert.rejects(read('policy = "custom"\ncomponent = "p"\nmodule = "m"'), /are two policies/);
  await assert.rejects(
    read('policy = "custom"\nmodule = "m"\nscore-turns = 2'),
    /score-turns is for a component/,
  );
  await assert.rejects(read(`${whole}\n`.replace('"priority"', '"custom"')), /fallback must be one of/);
  await assert.rejects(read(whole.replace('5000', '1')), /score-fuel must be a whole number/);
  await assert.rejects(read(whole.replace('turns = 2', 'turns = 0')), /score-turns must be a whole number/);
});

test('the settings file says the policy, or what is wrong with it', async (t) => {
  const file = join(folder(t), 'config.toml');
  const read = async (text: string): Promise<unknown> => {
    writeFileSync(file, `[scheduler]\n${text}\n`);
    return (await loadConfig(file, {})).scheduler;
  };
  assert.deepEqual(await read('policy = "round-robin"\naging = "25ms"'), {
    policy: 'round-robin',
    agingMs: 25,
  });
  await assert.rejects(read('policy = "fare-share"'), /no policy 'fare-share'.*fair-share/);
  await assert.rejects(read('polcy = "priority"'), /unknown key 'scheduler.polcy'/);
  await assert.rejects(read('aging = "2h"'), /from 1ms to 60s/);
  assert.deepEqual(await read('stealing = false\nsteal-rest = "5s"'), {
    stealing: false,
    stealRestMs: 5_000,
  });
  await assert.rejects(read('stealing = "no"'), /scheduler.stealing must be true or false/);
  await assert.rejects(read('steal-rest = 5'), /scheduler.steal-rest must be a time/);
  await assert.rejects(read('steal-rest = "2h"'), /scheduler.steal-rest must be from 1ms to 1h/);
  assert.deepEqual(await read('admission = "predictive"'), { admission: 'predictive' });
  await assert.rejects(read('admission = "guess"'), /admission must be one of queue, predictive/);
  assert.deepEqual(await read('spin-max-us = 0'), { spinUsMax: 0 });
  for (const wrong of ['-1', '1001', '1.5', '"50us"'])
    await assert.rejects(read(`spin-max-us = ${wrong}`), /scheduler.spin-max-us must be .* 0 to 1000/);
  assert.deepEqual(await read('placement = "best-fit"'), { placement: 'best-fit' });
  await assert.rejects(read('placement = "first-fits"'), /no placement 'first-fits'.*first-fit/);
  await assert.rejects(read('placement = "least-loaded"'), /it is called 'balanced' here/);
  await assert.rejects(
    read('allocation = "best-fit"'),
    /unknown key 'scheduler.allocation'; it is placement/,
  );
  for (const name of policyNames) assert.equal(policyNamed(name, 'here'), name);
});

test('a custom policy is the function that a module beside the settings file exports', async (t) => {
  const place = folder(t);
  writeFileSync(join(place, 'rank.mjs'), 'export const rank = ({ key }) => -key;\n');
  writeFileSync(join(place, 'none.mjs'), 'export const other = 1;\n');
  writeFileSync(join(place, 'broken.mjs'), 'throw new Error("at once");\n');
  writeFileSync(join(place, 'config.toml'), '[scheduler]\npolicy = "custom"\nmodule = "rank.mjs"\n');
  const { scheduler = {} } = await loadConfig(join(place, 'config.toml'), {});
  const rank = await loadRank(scheduler);
  const queue = new RunQueue({ ...scheduler, rank, nowMs: () => 1 });
  for (const key of [1, 3, 2]) queue.push(key);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], [3, 2, 1]);
  const load = (module?: string): Promise<unknown> =>
    loadRank({ policy: 'custom', ...(module === undefined ? {} : { module: join(place, module) }) });
  await assert.rejects(load('none.mjs'), /exports no function named rank/);
  await assert.rejects(load('broken.mjs'), /does not load: Error: at once/);
  await assert.rejects(load(), /needs a function or a component/);
  assert.equal(await loadRank({ policy: 'round-robin' }), undefined);
});
