import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openState } from '../../host/host/state/state-folder.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

/** A state folder in which an agent is kept as an earlier run might have left it. */
async function keep(folder: string, name: string, toml: string): Promise<void> {
  const state = openState(folder);
  const digest = state.components.put(await scribe());
  const manifest = `name = "${name}"\nworld = "handler"\n${toml}`;
  const none = { earlier: [], accepted: undefined, parent: undefined };
  state.agents.put({ name, manifest, digest, ...none, installedAtMs: 1 });
  await state.agents.saved();
  state.close();
}

test('an agent that was installed is there again; one whose manifest names a path is told, and is not', async (t) => {
  const folder = temporaryState(t);
  await keep(folder, 'plain', '');
  await keep(folder, 'reader', '[[capabilities.files]]\npath = "data"\n');
  const host = await Hosted.start(t, folder, []);
  assert.equal(await host.ask('plain', 'a'), '1');
  await assert.rejects(host.ask('reader', 'a'), { code: 'HOST_ERR_AGENT_UNKNOWN' });
  assert.match(
    host.lines.all.join('\n'),
    /reader: cannot be installed again: .*capabilities\.files names a path/,
  );
});

test('an agent of the operator’s keeps its name before one of that name that was installed', async (t) => {
  const folder = temporaryState(t);
  await keep(folder, 'scribe', '[mailbox]\ncapacity = 7\n');
  const host = await Hosted.start(t, folder, [localAgent('scribe', await scribe())]);
  const { manifestPath } = await host.serving.agent('scribe');
  assert.equal(manifestPath, '/agents/scribe/agent.toml');
  assert.match(
    host.lines.all.join('\n'),
    /scribe: cannot be installed again: there is an agent 'scribe' already/,
  );
});

test('components that no agent has any more go at the next start, those in use stay', async (t) => {
  const folder = temporaryState(t);
  await keep(folder, 'plain', '');
  const before = openState(folder);
  const [used] = before.components.list();
  before.components.put(new Uint8Array([1, 2, 3]));
  before.close();
  await (await Hosted.start(t, folder, [])).close(0);
  const after = openState(folder);
  t.after(() => after.close());
  assert.deepEqual(after.components.list(), [used]);
});
