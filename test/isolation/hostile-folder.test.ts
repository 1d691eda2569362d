import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeOwnFile } from '../../guest-sdk/build/own-file.ts';
import { HostError } from '../../host/errors.ts';
import { parseManifest } from '../../host/manifest.ts';
import { host } from '../support/cli.ts';

// An agent's folder may come from anybody: building it writes nothing outside of it, and reads no source there.

const home = mkdtempSync(join(tmpdir(), 'motehost-folder-'));

function outside(name: string): string {
  const folder = join(home, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'precious'), 'mine');
  return folder;
}

const isRefused = (error: unknown): boolean =>
  error instanceof HostError &&
  error.code === 'HOST_ERR_FILE_UNREADABLE' &&
  /symbolic link/.test(error.message);

test('a build folder that is a link elsewhere is refused, and nothing is written there', async () => {
  const victim = outside('victim');
  await host(['new', 'linked'], { cwd: home });
  rmSync(join(home, 'linked/build'), { recursive: true });
  symlinkSync(victim, join(home, 'linked/build'));
  const { code, stderr } = await host(['build', 'linked'], { cwd: home });
  assert.equal(code, 66);
  assert.match(stderr, /symbolic link/);
  assert.deepEqual(readdirSync(victim), ['precious']);
});

test('a file that is a link elsewhere is replaced, and what it named is left alone', () => {
  const victim = outside('precious-file');
  const folder = outside('agent-a');
  mkdirSync(join(folder, 'build/editor'), { recursive: true });
  symlinkSync(join(victim, 'precious'), join(folder, 'build/editor/file.ts'));
  writeOwnFile(folder, 'build/editor/file.ts', 'new');
  assert.equal(readFileSync(join(victim, 'precious'), 'utf8'), 'mine');
  assert.equal(readFileSync(join(folder, 'build/editor/file.ts'), 'utf8'), 'new');
  assert.ok(lstatSync(join(folder, 'build/editor/file.ts')).isFile());
});

test('a link anywhere on the way is refused before a folder is made; without one the file is there', () => {
  const victim = outside('nested');
  const folder = outside('agent-b');
  mkdirSync(join(folder, 'build'));
  symlinkSync(victim, join(folder, 'build/editor'));
  assert.throws(() => writeOwnFile(folder, 'build/editor/sdk/a.ts', 'x'), isRefused);
  assert.deepEqual(readdirSync(victim), ['precious']);
  writeOwnFile(folder, 'build/other/sdk/a.ts', 'x');
  assert.equal(readFileSync(join(folder, 'build/other/sdk/a.ts'), 'utf8'), 'x');
});

test('a name for the unfinished file that is taken already is not followed', () => {
  const victim = outside('guessed');
  const folder = outside('agent-c');
  mkdirSync(join(folder, 'build'));
  symlinkSync(join(victim, 'precious'), join(folder, `build/a.wasm.${process.pid}.tmp`));
  writeOwnFile(folder, 'build/a.wasm', 'x');
  assert.equal(readFileSync(join(victim, 'precious'), 'utf8'), 'mine');
  assert.ok(!existsSync(join(folder, `build/a.wasm.${process.pid}.tmp`)));
});

test('a manifest cannot name a source, or an output, outside its folder', () => {
  const rest = 'name = "a"\nworld = "handler"\n';
  for (const entry of ['../x.ts', '/etc/x.ts', 'a/../../x.ts', '..\\\\x.ts', 'a/..'])
    assert.throws(() => parseManifest(`${rest}entry = "${entry}"`, 'agent.toml'), HostError, entry);
  for (const name of ['../x', 'a/b', '', '.', 'A', 'constructor.x', '__proto__'])
    assert.throws(
      () => parseManifest(`name = "${name}"\nworld = "handler"\n`, 'agent.toml'),
      HostError,
      name,
    );
  assert.equal(parseManifest(`${rest}entry = "a/x.ts"`, 'agent.toml').entry, 'a/x.ts');
});
