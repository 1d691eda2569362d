import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parseSupervisors } from '../../host/manifest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { mortalAgent } from '../support/mortal-agent.ts';

// Links and monitors between real agents on several threads.

const options = { timeout: 60_000 };
let component = new Uint8Array(0);
before(async () => {
  component = await mortalAgent();
});

const agent = (name: string, ties = '') =>
  localAgent(name, component, ties === '' ? '' : `[supervision]\n${ties}\n`, 'agent');

test(
  'who is linked ends too, who traps exits or monitors is told, and nobody else is concerned',
  options,
  async (t) => {
    const host = await Hosted.start(
      t,
      temporaryState(t),
      [
        agent('a'),
        agent('linked', 'links = ["a"]'),
        agent('far', 'links = ["linked"]'),
        agent('trapper', 'links = ["a"]\ntrap-exits = true'),
        agent('watcher', 'monitors = ["a"]'),
        agent('stranger'),
      ],
      { threads: 2 },
    );
    for (const name of ['linked', 'far', 'trapper', 'watcher', 'stranger'])
      assert.equal(await host.ask(name, ''), '1');
    for (const round of [1, 2]) {
      assert.equal(await host.ask('a', 'trap'), 'trap');
      await host.lines.until(/^trapper: told exit\.a/, round);
      await host.lines.until(/^watcher: told down\.a/, round);
      await host.lines.until(/^linked: ended: it is linked to a, which ended: trap/, round);
      await host.lines.until(/^far: ended: it is linked to a/, round);
      assert.deepEqual(
        [await host.ask('linked', ''), await host.ask('far', '')],
        ['1', '1'],
        'each has begun anew',
      );
      assert.equal(await host.ask('stranger', ''), String(round + 1));
    }
    assert.equal(host.lines.count('stranger: told down.a'), 0);
  },
);

test(
  'the end of one that is linked to a child of a supervisor is a failure of that child',
  options,
  async (t) => {
    const host = await Hosted.start(
      t,
      temporaryState(t),
      [agent('a'), agent('b', 'links = ["a"]'), agent('c')],
      {
        supervisors: parseSupervisors(
          '[[supervisors]]\nname = "top"\nstrategy = "rest-for-one"\nchildren = ["b", "c"]\n',
          'supervisors.toml',
        ),
      },
    );
    assert.equal(await host.ask('a', 'trap'), 'trap');
    await host.lines.until(/supervisor top: b was restarted/);
    await host.lines.until(/supervisor top: c was restarted/);
    assert.equal(await host.ask('c', ''), '1');
  },
);
