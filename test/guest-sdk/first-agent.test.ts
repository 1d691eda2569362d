import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { scaffold } from '../../guest-sdk/assemblyscript/build/scaffold.ts';
import { type CliResult, host } from '../support/cli.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/first-agent-assemblyscript.md'), 'utf8');
const home = mkdtempSync(join(tmpdir(), 'motehost-first-agent-'));
after(() => rmSync(home, { recursive: true }));

const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

test('every command of the page works, in its order', async () => {
  const results = new Map<string, CliResult>();
  for (const command of commands) {
    const result = await runLine(command);
    assert.equal(result.code, 0, `${command}\n${result.stderr}`);
    results.set(command, result);
  }
  assert.equal(results.get('npx host run greeter --input Ada')?.stdout, 'Hello, Ada!');
  assert.match(results.get('npx host run shout < greeter/agent.toml')?.stdout ?? '', /^NAME = "GREETER"\n/);
});

function runLine(command: string): Promise<CliResult> {
  const match = /^npx host ([^<]+?)(?: < (\S+))?$/.exec(command);
  assert.ok(match?.[1], `the page's commands are plain: ${command}`);
  const input = match[2] === undefined ? '' : readFileSync(join(home, match[2]));
  return host(match[1].split(' '), { cwd: home, input });
}

const programs = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text);

test('the page shows the program that host new makes', () => {
  const made = scaffold('greeter', 'handler').get('assembly/index.ts');
  assert.equal(programs[0], made?.replace(/\/\*\*.*\*\/\n/, ''));
});

test('the other program of the page does what the page says', async () => {
  const entry = join(home, 'greeter/assembly/index.ts');
  writeFileSync(entry, programs[1] ?? '');
  const { code, stdout } = await host(['run', 'greeter', '--input', 'London'], { cwd: home });
  assert.deepEqual([code, stdout], [0, 'no weather: unavailable']);
});
