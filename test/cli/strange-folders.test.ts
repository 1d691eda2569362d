import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-strange-'));
after(() => rmSync(home, { recursive: true }));

let count = 0;

/** A project of a world of its own, with more files; names ending in `@` are links, in `|` pipes, in `/` folders. */
function project(files: Readonly<Record<string, string>> = {}): string {
  count += 1;
  const folder = join(home, `agent${count}`);
  const all = {
    'agent.toml': 'name = "x"\nworld = "w"\n',
    'assembly/index.ts': 'export function f(): u32 { return 1; }\n',
    'wit/w.wit': 'package a:b;\nworld w { export f: func() -> u32; }\n',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) put(join(folder, name), text);
  return folder;
}

function put(path: string, text: string): void {
  const plain = path.replace(/[@|/]$/, '');
  mkdirSync(dirname(plain), { recursive: true });
  rmSync(plain, { force: true });
  if (path.endsWith('@')) symlinkSync(text, plain);
  else if (path.endsWith('|')) execFileSync('mkfifo', [plain]);
  else if (path.endsWith('/')) mkdirSync(plain);
  else writeFileSync(plain, text);
}

async function built(files: Readonly<Record<string, string>>): Promise<void> {
  const { code, stderr } = await host(['build', project(files)]);
  assert.equal(stderr, '');
  assert.equal(code, 0);
}

async function refused(files: Readonly<Record<string, string>>, words: RegExp): Promise<void> {
  const { code, stderr }: CliResult = await host(['build', project(files)]);
  assert.match(stderr, words);
  assert.ok(code === 65 || code === 66, `exit code ${code}: ${stderr}`);
}

test("an editor's lock, a folder, a pipe beside the sources are none of them", () =>
  built({
    'wit/.#w.wit@': '/nowhere',
    'wit/more.wit@': '../empty',
    'empty/': '',
    'wit/pipe.wit|': '',
    'assembly/folder.ts/': '',
    'assembly/pipe.ts|': '',
  }));

test('WIT behind a link is read', () =>
  built({
    'wit/w.wit@': '../other/w.wit',
    'other/w.wit': 'package a:b; world w { export f: func() -> u32; }',
  }));

test('a byte order mark and carriage returns are as good as none', () =>
  built({
    'agent.toml': '\uFEFFname = "x"\r\nworld = "w"\r\n',
    'assembly/index.ts': '\uFEFFexport function f(): u32 {\r\n  return 1;\r\n}\r\n',
    'wit/w.wit': '\uFEFFpackage a:b;\r\nworld w {\r\n  export f: func() -> u32;\r\n}\r\n',
  }));

test('what a build needs is not read from a pipe', async () => {
  await refused({ 'agent.toml|': '' }, /cannot read .*agent\.toml/);
  const imports = { 'assembly/index.ts': 'import { n } from "./n";\nexport function f(): u32 { return n; }' };
  await refused({ ...imports, 'assembly/n.ts|': '' }, /File 'assembly\/n\.ts' not found|no module/);
});

test('a file in the way of a folder is named', async () => {
  await refused({ build: '' }, /^host: cannot write .*build\/editor/);
  await refused({ 'wit/deps': '' }, /^host: cannot read .*wit\/deps/);
});

test('a stamp that is no file makes a build, not a wait', async () => {
  const folder = project({ 'build/x.stamp.json|': '' });
  const { code, stdout } = await host(['run', folder, '--invoke', 'f()']);
  assert.equal(code, 0);
  assert.match(stdout, /^1\n/);
  assert.match(readFileSync(join(folder, 'build/x.stamp.json'), 'utf8'), /^\{"sources"/);
});

test('a control character in WIT has its place', () =>
  refused(
    { 'wit/w.wit': 'package a:b;\nworld w {\n  export \u0006f: func();\n}\n' },
    /w\.wit:3:10: Control code/,
  ));
