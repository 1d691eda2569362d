import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { LocalAgent } from '../../host/host/serve.ts';
import { parseSupervisors } from '../../host/manifest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { mortalAgent } from '../support/mortal-agent.ts';

// Trees of supervisors over real agents on several threads.

const options = { timeout: 60_000 };
let component = new Uint8Array(0);
before(async () => {
  component = await mortalAgent();
});

const agents = (names: string, toml = ''): readonly LocalAgent[] =>
  Array.from(names, (name) => localAgent(name, component, toml, 'agent'));

const trees = (text: string) => parseSupervisors(text, 'supervisors.toml');

/** What agents logged of their starts and stops so far: `+a -b`. */
function lives(host: Hosted): string {
  const words: Readonly<Record<string, string>> = { begun: '+', 'begun again': '+', stopped: '-' };
  return host.lines.all
    .map((line) => /^(\w): (begun|begun again|stopped)$/.exec(line))
    .flatMap((found) => (found === null ? [] : [`${words[found[2] ?? '']}${found[1]}`]))
    .join(' ');
}

for (const [strategy, expected] of [
  ['one-for-one', '+a +b +c +b'],
  ['one-for-all', '+a +b +c -c -a +a +b +c'],
  ['rest-for-one', '+a +b +c -c +b +c'],
] as const)
  test(`${strategy}: agents on several threads start, stop and start again in order`, options, async (t) => {
    const host = await Hosted.start(t, temporaryState(t), agents('abc'), {
      threads: 2,
      supervisors: trees(
        `[[supervisors]]\nname = "top"\nstrategy = "${strategy}"\nchildren = ["a", "b", "c"]\n`,
      ),
    });
    assert.equal(await host.ask('b', ''), '1');
    assert.equal(await host.ask('b', 'trap'), 'trap');
    await host.lines.until(/supervisor top: b was restarted/);
    assert.equal(await host.ask('b', ''), '1', 'it begins with a clean state');
    await host.lines.until(/^b: begun/, 2);
    if (strategy !== 'one-for-one') await host.lines.until(/^c: begun/, 2);
    // Lines of two threads come when each of them flushes: in order only within a thread.
    assert.deepEqual(lives(host).split(' ').sort(), expected.split(' ').sort());
    const [top] = host.serving.supervisors();
    assert.deepEqual(
      [top?.state, top?.children.map(({ name, state, restarts }) => `${name} ${state} ${restarts}`)],
      [
        'up',
        expected === '+a +b +c +b'
          ? ['a up 0', 'b up 1', 'c up 0']
          : strategy === 'one-for-all'
            ? ['a up 1', 'b up 1', 'c up 1']
            : ['a up 0', 'b up 1', 'c up 1'],
      ],
    );
  });

test('siblings keep their state over a restart if their manifests say so', options, async (t) => {
  const toml = '[errors]\nstate = "saved"\n';
  const host = await Hosted.start(t, temporaryState(t), [...agents('a', toml), ...agents('b', toml)], {
    supervisors: trees('[[supervisors]]\nname = "top"\nstrategy = "one-for-all"\nchildren = ["a", "b"]\n'),
  });
  assert.deepEqual([await host.ask('a', ''), await host.ask('b', '')], ['1', '1']);
  assert.equal(await host.ask('b', 'trap'), 'trap');
  await host.lines.until(/supervisor top: b was restarted/);
  assert.deepEqual([await host.ask('a', ''), await host.ask('b', '')], ['2', '2']);
});

test('too many restarts: the tree stops, its mail waits, and a person starts it anew', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), agents('abx'), {
    supervisors: trees(
      '[[supervisors]]\nname = "top"\nstrategy = "one-for-one"\nintensity = 1\nperiod = "1h"\nchildren = ["a", "b"]\n',
    ),
  });
  assert.equal(await host.ask('a', 'trap'), 'trap');
  await host.lines.until(/supervisor top: a was restarted/);
  assert.equal(await host.ask('b', 'trap'), 'trap');
  await host.lines.until(/supervisor top: gave up/);
  assert.deepEqual(
    [(await host.serving.agent('a')).state, (await host.serving.agent('b')).state],
    ['stopped', 'stopped'],
  );
  assert.equal(host.serving.supervisors()[0]?.state, 'ended');
  await host.send('a', 'hello');
  assert.equal(await host.ask('x', ''), '1', 'nobody else is concerned');
  assert.equal((await host.serving.agent('a')).mailboxDepth, 1);
  await host.serving.restartSupervisor('top');
  assert.equal(await host.ask('a', ''), '2');
  await assert.rejects(host.serving.restartSupervisor('x'), { code: 'HOST_ERR_SUPERVISOR_UNKNOWN' });
});

test('a subtree that gives up is started again by its parent', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), agents('abc'), {
    supervisors: trees(
      `[[supervisors]]
name = "top"
strategy = "rest-for-one"
children = ["a", "supervisor:inner", "c"]
[[supervisors]]
name = "inner"
intensity = 0
backoff = "1ms"
children = ["b"]
`,
    ),
  });
  assert.equal(await host.ask('b', 'trap'), 'trap');
  await host.lines.until(/supervisor top: inner was restarted/);
  assert.equal(await host.ask('b', ''), '1');
  assert.equal(await host.ask('c', ''), '1');
  await host.lines.until(/^c: begun/, 2);
  assert.deepEqual(
    host.serving.supervisors().map(({ name, parent, state }) => [name, parent, state]),
    [
      ['top', undefined, 'up'],
      ['inner', 'top', 'up'],
    ],
  );
});

test('a tree whose first agent does not start is told of, and the host serves', options, async (t) => {
  const unwilling = localAgent('a', component, '[settings]\nmood = "unwilling"\n', 'agent');
  const host = await Hosted.start(t, temporaryState(t), [unwilling, ...agents('bx')], {
    supervisors: trees('[[supervisors]]\nname = "top"\nchildren = ["b", "a"]\n'),
  });
  assert.equal(await host.ask('x', ''), '1');
  await host.lines.until(/supervisor top: gave up.*could not start 'a'.*not today/);
  assert.equal((await host.serving.agent('b')).state, 'stopped');
});

test('a tree with a child that nobody knows is no tree', options, async (t) => {
  await assert.rejects(
    Hosted.start(t, temporaryState(t), agents('a'), {
      supervisors: trees('[[supervisors]]\nname = "top"\nchildren = ["a", "nobody"]\n'),
    }),
    { code: 'HOST_ERR_CONFIG_INVALID', message: /'nobody', and there is no such agent here/ },
  );
});

test(
  'the agents of a lost thread are restarted by their supervisors, with what waits for them',
  options,
  async (t) => {
    const host = await Hosted.start(t, temporaryState(t), agents('abc'), {
      threads: 2,
      supervisors: trees(
        '[[supervisors]]\nname = "top"\nstrategy = "rest-for-one"\nchildren = ["a", "b", "c"]\n',
      ),
    });
    const { thread } = await host.serving.agent('b');
    await host.serving.endThread(thread);
    await host.lines.until(/supervisor top: b was restarted/);
    for (const name of 'abc') assert.match(await host.ask(name, ''), /^\d$/);
    assert.equal(host.serving.supervisors()[0]?.state, 'up');
  },
);

test(
  'restarts beyond the intensity of an agent of its own hold it until a person lets it go on',
  options,
  async (t) => {
    const toml = '[restart]\nintensity = 1\nperiod = "1h"\n';
    const host = await Hosted.start(t, temporaryState(t), agents('a', toml));
    assert.equal(await host.ask('a', 'trap'), 'trap');
    await host.send('a', 'trap');
    await host.lines.until(/^a: held \(more than 1 restarts in 3600000 ms/);
    assert.equal((await host.serving.agent('a')).state, 'held');
    assert.equal(await host.serving.resume('a', true), true);
    assert.equal(await host.ask('a', ''), '1');
  },
);

test(
  'who asks what is then held is told how it ended; who waits behind and who comes later, that it is held',
  options,
  async (t) => {
    const toml = '[restart]\nintensity = 0\nperiod = "1h"\n';
    const host = await Hosted.start(t, temporaryState(t), agents('a', toml));
    const asked = host.ask('a', 'trap');
    const waits = host.ask('a', '');
    assert.deepEqual([await asked, await waits, await host.ask('a', '')], ['trap', 'error', 'error']);
    assert.equal((await host.serving.agent('a')).state, 'held');
    assert.equal(await host.serving.resume('a', false), true);
    assert.equal(await host.ask('a', ''), '1');
  },
);

test(
  'other trees count at once: agents go on with what they had, and bad ones change nothing',
  options,
  async (t) => {
    const tree = (name: string, children: string) =>
      `[[supervisors]]\nname = "${name}"\nstrategy = "one-for-all"\nchildren = [${children}]\n`;
    const host = await Hosted.start(t, temporaryState(t), agents('abcd'), {
      threads: 2,
      supervisors: trees(tree('one', '"a"') + tree('two', '"b", "c"')),
    });
    for (const name of 'abcd') assert.equal(await host.ask(name, ''), '1');
    const twice = [...trees(tree('one', '"a"')), ...trees(tree('three', '"a", "d"'))];
    for (const bad of [trees(tree('one', '"a", "nobody"')), twice])
      await assert.rejects(host.serving.renewSupervisors(bad), /has the child/);
    assert.deepEqual(
      host.serving.supervisors().map(({ name, state }) => `${name} ${state}`),
      ['one up', 'two up'],
    );
    const changed = await host.serving.renewSupervisors(trees(tree('one', '"a"') + tree('new', '"c", "d"')));
    assert.deepEqual(changed, { began: ['new'], ended: ['two'] });
    for (const name of 'abcd') assert.equal(await host.ask(name, ''), '2', name);
    assert.equal(await host.ask('d', 'trap'), 'trap');
    await host.lines.until(/supervisor new: c was restarted/);
    assert.equal(await host.ask('c', ''), '1');
    assert.equal(await host.ask('b', 'trap'), 'trap');
    assert.equal(await host.ask('b', ''), '1', 'it is its own again');
    const [, own] = host.serving.supervisors();
    assert.deepEqual([own?.name, own?.restartsNow, own?.children[0]?.restarts], ['new', 1, 1]);
  },
);
