import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { buildIfStale } from '../../host/cli/build.ts';
import { host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-build-'));
const agent = join(home, 'agent');
const source = join(agent, 'assembly/index.ts');
after(() => rmSync(home, { recursive: true }));
before(async () => {
  assert.equal((await host(['new', 'agent'], { cwd: home })).code, 0);
});

test('a build prints one line: file, size and time', async () => {
  const { code, stdout, stderr } = await host(['build', 'agent'], { cwd: home });
  assert.equal(code, 0);
  assert.match(stdout, /^agent\/build\/agent\.wasm {2}\d+\.\d KiB {2}\d+\.\d s\n$/);
  assert.equal(stderr, '');
});

test('without a folder, the one it is called in is built; -o says where to', async () => {
  const { code, stdout } = await host(['build', '--release', '-o', 'here.wasm'], { cwd: agent });
  assert.equal(code, 0);
  assert.match(stdout, /^here\.wasm {2}/);
  assert.ok(statSync(join(agent, 'here.wasm')).size < statSync(join(agent, 'build/agent.wasm')).size);
});

test('source errors are shown with their place; the exit code is that of bad input', async () => {
  const good = readFileSync(source, 'utf8');
  writeFileSync(source, good.replace('utf8.decode(', 'utf8.decode(('));
  const { code, stdout, stderr } = await host(['build', 'agent'], { cwd: home });
  writeFileSync(source, good);
  assert.equal(code, 65);
  assert.equal(stdout, '');
  assert.match(stderr, /^host: assembly\/index\.ts:5:\d+: .*\n {2}5 \| .*\n *\^\n$/);
});

test('an unknown flag names the nearest one', async () => {
  const { code, stderr } = await host(['build', '--relase'], { cwd: agent });
  assert.equal(code, 64);
  assert.match(stderr, /^host: unknown option --relase, did you mean '--release'\?/);
});

test('a folder without a manifest says how to get one', async () => {
  const { code, stderr } = await host(['build', home]);
  assert.equal(code, 66);
  assert.match(
    stderr,
    /^host: cannot read .*agent\.toml: it is not there \(ENOENT\); host new NAME makes a folder that has one\n$/,
  );
});

test('what is built is built again only when it would come out differently', async () => {
  const path = await buildIfStale(agent);
  const long = new Date('2020-01-01');
  const isKept = async (): Promise<boolean> => {
    utimesSync(path, long, long);
    await buildIfStale(agent);
    return statSync(path).mtime.getTime() === long.getTime();
  };
  assert.equal(await isKept(), true, 'nothing changed');

  const manifest = join(agent, 'agent.toml');
  writeFileSync(manifest, `${readFileSync(manifest, 'utf8')}fuel = "1G"\n`);
  assert.equal(await isKept(), true, 'a limit does not change the program');

  writeFileSync(source, readFileSync(source, 'utf8').replace('Hello', 'Good day'));
  assert.equal(await isKept(), false, 'the source changed');
  assert.equal(await isKept(), true, 'and now it did not');

  assert.equal((await host(['build', '--release'], { cwd: agent })).code, 0);
  const small = statSync(path).size;
  assert.equal(await isKept(), true, 'a release build that is current runs as well');
  assert.equal(statSync(path).size, small);

  writeFileSync(
    manifest,
    readFileSync(manifest, 'utf8').replace('world = "handler"', 'world = "motehost:agent/handler@0.1.0"'),
  );
  assert.equal(await isKept(), false, 'the world is called otherwise');

  writeFileSync(join(agent, 'build/agent.stamp.json'), '{"sources": 5}');
  assert.equal(await isKept(), false, 'a stamp that makes no sense');

  rmSync(path);
  assert.equal(await buildIfStale(agent), path);
  assert.ok(statSync(path).size > 0, 'the output was gone');
});

test('the same source gives the same bytes, wherever it lies', async () => {
  const [first, second] = [join(home, 'one/agent'), join(home, 'two/agent')];
  for (const folder of [first, second]) cpSync(agent, folder, { recursive: true });
  for (const folder of [first, second]) assert.equal((await host(['build', folder])).code, 0);
  const bytesOf = (folder: string): Buffer => readFileSync(join(folder, 'build/agent.wasm'));
  assert.equal(Buffer.compare(bytesOf(first), bytesOf(second)), 0);
});

test('a folder with a ready component is run as it is, and there is nothing to build', async () => {
  const folder = join(home, 'ready');
  mkdirSync(folder);
  cpSync(resolve(import.meta.dirname, '../fixtures/rust/hello.component.wasm'), join(folder, 'hello.wasm'));
  writeFileSync(join(folder, 'agent.toml'), 'name = "ready"\ncomponent = "hello.wasm"\n');
  const ran = await host(['run', 'ready'], { cwd: home });
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /hello/i);
  const built = await host(['build', 'ready'], { cwd: home });
  assert.equal(built.code, 64);
  assert.match(built.stderr, /component = "hello\.wasm" is ready as it is/);
});

test('a component that is not there is named, with the manifest that names it', async () => {
  const folder = join(home, 'gone');
  mkdirSync(folder);
  writeFileSync(join(folder, 'agent.toml'), 'name = "gone"\ncomponent = "gone.wasm"\n');
  const { code, stderr } = await host(['run', 'gone'], { cwd: home });
  assert.equal(code, 66);
  assert.match(stderr, /no such file: gone\/gone\.wasm, which gone\/agent\.toml names/);
});

test('a time that is none is said at every entrance: run, build, serve, install', async () => {
  cpSync(agent, join(home, 'timed'), { recursive: true });
  const manifest = join(home, 'timed/agent.toml');
  writeFileSync(manifest, `${readFileSync(manifest, 'utf8')}\n[[triggers]]\ncron = "0 0 31 2 *"\n`);
  for (const words of [['run'], ['build'], ['serve', '--listen', '127.0.0.1:0'], ['agents', 'install']]) {
    const { code, stderr } = await host([...words, 'timed'], { cwd: home });
    assert.match(
      stderr,
      /agent\.toml: trigger 'cron-1': cron = "0 0 31 2 \*": there is no such day/,
      words.join(' '),
    );
    assert.equal(code, 64, words.join(' '));
  }
});
