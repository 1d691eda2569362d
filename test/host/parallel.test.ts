import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parseManifest } from '../../host/manifest.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { toiler } from '../support/toiler.ts';

// One agent with several instances, on the threads of a serving host.

const options = { timeout: 60_000 };
let worker = new Uint8Array(0);
before(async () => {
  worker = await toiler();
});

const limits = { fuelMax: 10n ** 12n, deadlineMs: 60_000 };
const mode = (instances: number, more = ''): string =>
  `${more}\n[execution]\nmode = "parallel"\nparallel = ${instances}\n`;
const times = <T>(count: number, act: () => T): T[] => Array.from({ length: count }, act);

test('four calls run at once on two threads; pause, resume and kill take all in hand', options, async (t) => {
  const ann = localAgent('ann', worker, mode(4));
  const host = await Hosted.start(t, temporaryState(t), [ann], { limits, threads: 2 });
  const handle = host.serving.handle('ann');
  assert.equal(await handle.state(), 'created');
  const asked = times(4, () => host.ask('ann', 'work 90000'));
  await host.lines.until(/ann: at work/, 4);
  const { threads } = await host.serving.status();
  assert.deepEqual(
    threads.map(({ active }) => active),
    [2, 2],
  );
  const listed = await host.serving.agents(undefined, 10);
  assert.deepEqual(
    listed.map(({ name, instances, threads: on, lifecycle }) => [name, instances, on, lifecycle]),
    [['ann', 4, [1, 2], 'running']],
  );
  await handle.pause();
  assert.equal(await handle.state(), 'suspended');
  assert.equal((await host.serving.status()).lifecycle.suspended, 4);
  const late = await host.serving.invoke('ann', payload(''), { principal, deadlineMs: 20 });
  assert.ok(late.kind === 'refused' && late.why?.startsWith('ann is paused'));
  assert.equal(await handle.resume(), true);
  assert.equal(await handle.wait({ states: ['running'] }), 'running');
  await handle.kill();
  assert.deepEqual(
    await Promise.all(asked),
    times(4, () => 'cancelled'),
  );
  assert.equal(await handle.wait(), 'terminated');
  assert.equal((await host.serving.status()).lifecycle.terminated, 4);
  await assert.rejects(handle.pause(), { code: 'HOST_ERR_LIFECYCLE_ILLEGAL' });
  assert.equal(await handle.resume(), true);
  assert.equal(await host.ask('ann', ''), '1');
});

test('whoever is busy is passed over, and idle ones have messages in turn', options, async (t) => {
  const ann = localAgent('ann', worker, mode(3));
  const host = await Hosted.start(t, temporaryState(t), [ann], { limits, threads: 2 });
  const long = host.ask('ann', 'work 90000');
  await host.lines.until(/ann: at work/);
  const answers: string[] = [];
  for (let count = 0; count < 6; count += 1) answers.push(await host.ask('ann', ''));
  assert.deepEqual(answers, ['1', '1', '2', '2', '3', '3']);
  assert.equal((await host.serving.agent('ann')).handled, 6);
  await host.serving.handle('ann').kill();
  assert.equal(await long, 'cancelled');
});

test('what the agent subscribes to comes to one of its instances', options, async (t) => {
  const toml = mode(3, '[subscriptions]\n"orders.*" = {}\n');
  const agents = [
    localAgent('ann', worker, toml),
    localAgent('bob', worker, '[subscriptions]\n"orders.*" = {}\n'),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents, { threads: 2 });
  for (let count = 0; count < 6; count += 1) {
    const { receivers } = await host.serving.publish('orders.new', payload(`order-${count}`), {
      principal,
      guarantee: 'at-least-once',
    });
    assert.equal(receivers, 2, 'the other agent has a copy of its own');
  }
  await host.lines.until(/: seen order/, 12);
  for (let count = 0; count < 6; count += 1)
    for (const name of ['ann', 'bob']) assert.equal(host.lines.count(`${name}: seen order-${count}`), 1);
  const [detail] = [await host.serving.agent('ann')];
  assert.deepEqual(detail.subscriptions, [{ pattern: 'orders.*', group: undefined }]);
});

test('an instance that is lost is begun again; the others keep what they have', options, async (t) => {
  const ann = localAgent('ann', worker, mode(2, '[restart]\nbackoff = "1ms"\n'));
  const host = await Hosted.start(t, temporaryState(t), [ann], { threads: 2 });
  assert.deepEqual([await host.ask('ann', ''), await host.ask('ann', '')], ['1', '1']);
  assert.equal(await host.ask('ann', 'trap'), 'trap');
  const after = [await host.ask('ann', ''), await host.ask('ann', '')];
  assert.deepEqual(after.sort(), ['1', '2']);
  const { losses, lifecycle } = await host.serving.agent('ann');
  assert.deepEqual([losses, lifecycle], [1, 'ready']);
});

test(
  'what is more than its [restart] bears holds all instances, and resume lets all go on',
  options,
  async (t) => {
    const ann = localAgent('ann', worker, mode(2, '[restart]\nbackoff = "1ms"\nintensity = 1\n'));
    const host = await Hosted.start(t, temporaryState(t), [ann], { threads: 2 });
    const handle = host.serving.handle('ann');
    while ((await host.serving.status()).lifecycle.suspended < 2) await host.ask('ann', 'trap');
    assert.equal(await handle.state(), 'suspended');
    assert.equal((await host.serving.agent('ann')).state, 'held');
    assert.equal(await handle.resume(), true);
    assert.equal(await host.ask('ann', ''), '1');
  },
);

test(
  'without one of its threads it has the other, and there are all again when that is replaced',
  options,
  async (t) => {
    const ann = localAgent('ann', worker, mode(2));
    const host = await Hosted.start(t, temporaryState(t), [ann], { threads: 2 });
    assert.deepEqual([await host.ask('ann', ''), await host.ask('ann', '')], ['1', '1']);
    const back = host.lines.until(/agents of the lost thread are there again/);
    await host.serving.endThread(1);
    await back;
    const after = [await host.ask('ann', ''), await host.ask('ann', '')];
    assert.deepEqual(after.sort(), ['1', '2']);
  },
);

test(
  'another version may have more instances or fewer, and the last one goes with the agent',
  options,
  async (t) => {
    const path = '/agents/ann/agent.toml';
    const host = await Hosted.start(t, temporaryState(t), [localAgent('ann', worker, mode(2))], {
      threads: 2,
    });
    const upgrade = async (instances: number): Promise<number> => {
      const manifest = parseManifest(`name = "ann"\nworld = "handler"\n${mode(instances)}`, path);
      await host.serving.upgrade(path, manifest, worker);
      const answers = new Set(await Promise.all(times(2 * instances, () => host.ask('ann', ''))));
      assert.ok(answers.has('1'));
      return Object.values((await host.serving.status()).lifecycle).reduce((sum, count) => sum + count, 0);
    };
    assert.deepEqual([await upgrade(5), await upgrade(2), await upgrade(3)], [5, 2, 3]);
    await host.serving.spawn('ann', ['eve']);
    assert.equal((await host.serving.agent('eve')).instances, 3);
    await host.serving.remove('eve');
    const { agents, lifecycle } = await host.serving.status();
    assert.equal(
      Object.values(lifecycle).reduce((sum, count) => sum + count, 0),
      3,
    );
    assert.equal(agents.failed, 0);
  },
);

test('a parallel agent says how many it is, and keeps nothing', () => {
  const parse = (toml: string) => parseManifest(`name = "ann"\nworld = "handler"\n${toml}`, 'agent.toml');
  assert.equal(parse(mode(4)).execution.instances, 4);
  assert.equal(parse('').execution.instances, 1);
  const wrong = (toml: string, message: RegExp): void =>
    assert.throws(() => parse(toml), { code: 'HOST_ERR_CONFIG_INVALID', message });
  wrong('[execution]\nmode = "parallel"\n', /has to say how many instances it has: parallel = 4/);
  wrong('[execution]\nparallel = 4\n', /parallel.* needs mode = "parallel"/);
  wrong(mode(4, '[errors]\nstate = "saved"\n'), /leave \[errors\] state = "saved" out/);
  wrong(mode(4, '[history]\nrecord = true\n'), /leave \[history\] record out/);
  wrong(
    mode(4, '[delivery]\nguarantee = "exactly-once"\n'),
    /leave \[delivery\] guarantee = "exactly-once" out/,
  );
  assert.throws(() => parse(mode(1)), /parallel/);
  assert.throws(() => parse(mode(257)), /parallel/);
});

test('an agent of several instances is in no tree of supervisors', options, async (t) => {
  const { parseSupervisors } = await import('../../host/manifest.ts');
  const supervisors = parseSupervisors(
    '[[supervisors]]\nname = "top"\nchildren = ["ann"]\n',
    'supervisors.toml',
  );
  const agents = [localAgent('ann', worker, mode(2))];
  await assert.rejects(Hosted.start(t, temporaryState(t), agents, { supervisors }), {
    code: 'HOST_ERR_CONFIG_INVALID',
    message: /whose instances are begun again one by one, as its own \[restart\] says: leave it out/,
  });
});
