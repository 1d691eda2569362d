import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { Hosted, localAgent, principal, temporaryState } from '../support/hosted.ts';
import { tiedAgent } from '../support/tied-agent.ts';

// Ties that real agents, and people for them, ask for while they run.

const options = { timeout: 60_000 };
let component = new Uint8Array(0);
before(async () => {
  component = await tiedAgent();
});

const rights = '[capabilities.orchestration]\nlinks = ["b", "c", "ghost"]\nmonitors = ["b", "ghost"]\n';
const traps = '[supervision]\ntrap-exits = true\n';
const agent = (name: string, toml = '') => localAgent(name, component, toml);

test('agents tie themselves to whom they may, and each tie is used up by one end', options, async (t) => {
  const host = await Hosted.start(
    t,
    temporaryState(t),
    [agent('a', rights), agent('trapper', rights + traps), agent('b'), agent('c')],
    { threads: 2 },
  );
  assert.equal(await host.ask('a', 'link b'), 'ok');
  assert.equal(await host.ask('a', 'link b'), 'ok', 'linked twice is linked once');
  assert.equal(await host.ask('trapper', 'link b'), 'ok');
  assert.equal(await host.ask('trapper', 'monitor b'), '1');
  assert.equal(await host.ask('trapper', 'monitor b'), '2');
  assert.equal(await host.ask('trapper', 'demonitor 2'), 'ok');
  assert.deepEqual(await host.serving.handle('trapper').ties(), [
    { kind: 'link', agent: 'b', monitor: undefined },
    { kind: 'monitor', agent: 'b', monitor: 1 },
  ]);
  assert.equal(await host.ask('a', 'hello'), '1');
  assert.equal(await host.ask('b', 'trap'), 'trap');
  await host.lines.until(/^a: ended: it is linked to b, which ended: trap/);
  await host.lines.until(/^trapper: told exit\.b \{"agent":"b","why":"trap/);
  await host.lines.until(/^trapper: told down\.b \{"agent":"b","why":"trap.*","monitor":1\}/);
  assert.equal(await host.ask('a', 'hello'), '1', 'it has begun anew');
  assert.deepEqual(await host.serving.handle('trapper').ties(), []);
  assert.equal(await host.ask('b', 'trap'), 'trap');
  assert.equal(await host.ask('a', 'hello'), '2', 'the link was used up');
  assert.equal(await host.ask('a', 'link c'), 'ok');
  assert.equal(await host.ask('a', 'unlink c'), 'ok');
  assert.equal(await host.ask('c', 'trap'), 'trap');
  assert.equal(await host.ask('a', 'hello'), '3');
  assert.equal(host.lines.all.filter((line) => line.startsWith('trapper: told')).length, 2);
});

test('one that is not there, or has ended for good, is told of at once', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [
    agent('a', rights),
    agent('trapper', rights + traps),
    agent('b'),
  ]);
  assert.equal(await host.ask('trapper', 'monitor ghost'), '1');
  await host.lines.until(
    /^trapper: told down\.ghost \{"agent":"ghost","why":"there is no such agent","monitor":1\}/,
  );
  assert.equal(await host.ask('trapper', 'link ghost'), 'ok');
  await host.lines.until(/^trapper: told exit\.ghost/);
  assert.equal(await host.ask('trapper', 'monitor b'), '2');
  await host.serving.handle('b', principal).stop();
  await host.lines.until(/^trapper: told down\.b \{"agent":"b","monitor":2\}/);
  assert.equal(await host.ask('a', 'hello'), '1');
  await host.ask('a', 'link b');
  await host.lines.until(/^a: ended: it is linked to b, which ended: there is no such agent/);
  assert.equal(await host.ask('a', 'hello'), '1');
});

test(
  'what was not granted is denied, as is what is not there; nobody ties itself to itself',
  options,
  async (t) => {
    const own = '[capabilities.orchestration]\nlinks = ["a"]\nmonitors = ["a"]\n';
    const host = await Hosted.start(t, temporaryState(t), [agent('a', own), agent('b')]);
    for (const words of ['link b', 'link ghost', 'unlink b', 'monitor b', 'monitor ghost'])
      assert.equal(await host.ask('a', words), 'denied', words);
    await host.lines.until(/^a: denied: monitor ghost/);
    assert.equal(await host.ask('a', 'link a'), 'invalid: an agent is not tied to itself');
    assert.equal(await host.ask('a', 'monitor a'), 'invalid: an agent is not tied to itself');
  },
);

test('people tie agents: a kill takes along who is linked, a removal is told', options, async (t) => {
  const host = await Hosted.start(t, temporaryState(t), [agent('a'), agent('b'), agent('w')]);
  const [a, w] = [host.serving.handle('a', principal), host.serving.handle('w', principal)];
  await a.link('b');
  const number = await w.monitor('b');
  assert.equal(await w.demonitor(number + 1), false);
  assert.equal(await host.ask('a', 'hello'), '1');
  await host.serving.handle('b', principal).kill();
  await host.lines.until(/^a: ended: it is linked to b, which ended: killed by test/);
  await host.lines.until(/^w: told down\.b \{"agent":"b","why":"killed by test"/);
  assert.equal(await host.ask('a', 'hello'), '1');
  await host.serving.install({ manifest: 'name = "x"\nworld = "handler"\n', component });
  await w.monitor('x');
  await host.serving.remove('x');
  await host.lines.until(/^w: told down\.x \{"agent":"x","monitor":2\}/);
  const code = (wanted: string) => (thrown: unknown) => thrown instanceof HostError && thrown.code === wanted;
  await assert.rejects(w.link('x'), code('HOST_ERR_AGENT_UNKNOWN'));
  await assert.rejects(w.monitor('nobody'), code('HOST_ERR_AGENT_UNKNOWN'));
  await assert.rejects(w.link('w'), code('HOST_ERR_CONFIG_INVALID'));
  assert.equal(await w.unlink('b'), false);
});
