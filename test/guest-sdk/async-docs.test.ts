import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writtenAgent } from '../support/written-agent.ts';
import { AsyncAgent, SlowBus } from './async-agents.ts';
import { buildProject, newProject, skip } from './rust/rust-project.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/asynchronous-agents.md'), 'utf8');

function example(language: string): string {
  const text = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1];
  assert.ok(text !== undefined, language);
  return text;
}

async function check(bytes: Uint8Array): Promise<void> {
  const bus = new SlowBus();
  const agent = await AsyncAgent.of(bytes, {
    'motehost:agent/async-bus': bus.imports,
    'motehost:agent/log': { enabled: () => false, write: () => undefined },
  });
  const prices = agent.handle('prices', 'corner market denied');
  await bus.asks('market');
  bus.answer('market', '12');
  bus.answer('corner', '15');
  assert.match(String(await prices), /^15 12 .*denied/i);
}

test('the page on asynchronous agents: its AssemblyScript does what it says', async () => {
  await check((await writtenAgent(example('ts'), { world: 'async-handler' })).bytes);
});

test('the page on asynchronous agents: its Rust does what it says', { skip }, async () => {
  const folder = newProject('handler', { 'src/lib.rs': example('rust') });
  await check((await buildProject(folder, 'async-handler')).bytes);
});
