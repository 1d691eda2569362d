import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseManifest } from '../../host/manifest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { buildScript } from '../support/script-agent.ts';
import { writtenAgent } from '../support/written-agent.ts';
import { buildProject, newProject, skip } from './rust/rust-project.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/supervision.md'), 'utf8');

function example(language: string): string {
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, text]) => text,
  );
  const found = blocks.find((text) => text?.includes('monitor('));
  assert.ok(found !== undefined, language);
  return found;
}

const grants = '[capabilities.orchestration]\nmonitors = ["worker-*"]\n';

async function check(
  t: Parameters<typeof temporaryState>[0],
  bytes: Uint8Array,
  denied: string,
): Promise<void> {
  const component = new Uint8Array(bytes);
  const agents = [localAgent('boss', component, grants), localAgent('worker-1', component)];
  const host = await Hosted.start(t, temporaryState(t), agents);
  assert.deepEqual([await host.ask('boss', 'worker-1'), await host.ask('boss', 'worker-1')], ['1', '2']);
  assert.deepEqual(
    (await host.serving.handle('boss').ties()).map(({ monitor }) => monitor),
    [1, 2],
  );
  assert.equal(await host.ask('worker-1', 'boss'), denied);
}

test('the page on supervision: its AssemblyScript does what it says', async (t) => {
  await check(t, (await writtenAgent(example('ts'))).bytes, 'denied');
});

test('the page on supervision: its Rust does what it says', { skip }, async (t) => {
  const folder = newProject('handler', { 'src/lib.rs': example('rust') });
  await check(t, (await buildProject(folder, 'handler')).bytes, 'error');
});

test('an agent in JavaScript, which runs on the other lane, ties itself too', async (t) => {
  const { bytes } = await buildScript(`
import { reply, ties, utf8 } from 'motehost:agent';
export function handle(message) {
  try {
    return reply(String(ties.monitor(utf8.decode(message.body))));
  } catch (error) {
    return reply(error.tag ?? error.payload?.tag ?? String(error));
  }
}`);
  await check(t, bytes, 'denied');
});

test('the page on supervision: what it grants is a manifest', () => {
  const [block = ''] = page.split('```toml\n').filter((text) => text.startsWith('[capabilities'));
  const manifest = parseManifest(`name = "x"\nworld = "handler"\n${block.split('```')[0]}`, 'agent.toml');
  assert.deepEqual(manifest.grants.orchestration.links, ['worker-*']);
});
