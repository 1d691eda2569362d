import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { assemblyscript } from '../../../guest-sdk/assemblyscript/build/assemblyscript.ts';
import { editorConfig } from '../../../guest-sdk/assemblyscript/build/editor.ts';
import type { Template } from '../../../guest-sdk/build/language.ts';
import { resolveTarget, type Target, worldTarget } from '../../../guest-sdk/build/target.ts';
import { readWit, witFolder } from '../../../guest-sdk/build/wit-text.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-editor-'));
after(() => rmSync(home, { recursive: true }));
const root = resolve(import.meta.dirname, '../../..');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

/** What an editor would complain of in a folder. */
function complaints(folder: string): string {
  try {
    return execFileSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  } catch (error) {
    return String((error as { readonly stdout: string }).stdout);
  }
}

async function writeTypes(folder: string, target: Target): Promise<void> {
  await assemblyscript.writeTypes({ folder, name: 'x', entry: 'assembly/index.ts', target, release: false });
}

const targets: Readonly<Partial<Record<Template, string>>> = {
  handler: 'handler',
  agent: 'agent',
  cli: 'command',
};

for (const [template, world] of Object.entries(targets)) {
  test(`an editor has nothing to say about the template ${template}`, async () => {
    const folder = join(home, template);
    for (const [name, text] of assemblyscript.scaffold(template, template as Template) ?? []) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    await writeTypes(folder, await resolveTarget(folder, world));
    assert.equal(complaints(folder), '');
  });
}

test('an editor knows the types of a world with exported interfaces and resources', async () => {
  const folder = join(home, 'router');
  cpSync(join(root, 'examples/router/assemblyscript/assembly'), join(folder, 'assembly'), {
    recursive: true,
  });
  writeFileSync(join(folder, 'tsconfig.json'), editorConfig('assembly/index.ts'));
  const wit = readWit(join(root, 'examples/router/wit'), [witFolder]);
  await writeTypes(folder, await worldTarget(wit, 'router'));
  assert.equal(complaints(folder), '');
  const declared = readFileSync(join(folder, 'build/editor/world.d.ts'), 'utf8');
  assert.match(
    declared,
    /\/\*\* Says what is wrong with a pattern\. \*\/\n {4}static badPattern\(value: string\)/,
  );
  assert.match(declared, /\/\*\* An agent that requests are handed to\. \*\/\n {2}export class Target/);
  const path = join(folder, 'assembly/index.ts');
  writeFileSync(path, readFileSync(path, 'utf8').replace('Action.deny()', 'Action.denny()'));
  assert.match(complaints(folder), /index\.ts\(\d+,\d+\): error TS2\d+: .*denny/);
});
