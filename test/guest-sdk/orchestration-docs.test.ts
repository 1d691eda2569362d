import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseManifest } from '../../host/manifest.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';
import { buildProject, newProject, skip } from './rust/rust-project.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/orchestration.md'), 'utf8');

function example(language: string): string {
  const text = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1];
  assert.ok(text !== undefined, language);
  return text;
}

const grants =
  '[capabilities.bus]\nsend = ["agent.*"]\n[capabilities.orchestration]\nchannels = ["jobs"]\nleases = ["leader"]\n';
const voterSource = `
import { Message, Reply, orchestration, reply, utf8 } from "motehost:agent";
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words.startsWith("put ")) orchestration.put("jobs", words.slice(4));
  return reply("agreed");
}`;

async function check(t: Parameters<typeof temporaryState>[0], bytes: Uint8Array): Promise<void> {
  const voter = new Uint8Array((await writtenAgent(voterSource)).bytes);
  const agents = [
    localAgent('leader', new Uint8Array(bytes), grants),
    ...['ada', 'bob', 'cyd'].map((name) => localAgent(name, voter, grants)),
  ];
  const host = await Hosted.start(t, temporaryState(t), agents);
  await host.ask('ada', 'put paint');
  assert.equal(await host.ask('leader', ''), 'paint: agreed');
  assert.equal(await host.ask('leader', ''), 'nothing to do');
  assert.equal(await host.ask('leader', ''), 'somebody else leads');
}

test('the page on orchestration: its AssemblyScript does what it says', async (t) => {
  await check(t, (await writtenAgent(example('ts'))).bytes);
});

test('the page on orchestration: its Rust does what it says', { skip }, async (t) => {
  const folder = newProject('handler', { 'src/lib.rs': example('rust') });
  await check(t, (await buildProject(folder, 'handler')).bytes);
});

test('the page on orchestration: its manifest is one', () => {
  const manifest = parseManifest(`name = "x"\nworld = "handler"\n${example('toml')}`, 'agent.toml');
  assert.equal(manifest.grants.orchestration.childrenMax, 8);
});
