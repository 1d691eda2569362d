import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-types-'));
after(() => rmSync(home, { recursive: true }));
before(async () => {
  assert.equal((await host(['new', 'agent'], { cwd: home })).code, 0);
});

test('what editors need is written and named, also where the source does not build', async () => {
  writeFileSync(join(home, 'agent/assembly/index.ts'), 'nonsense(');
  rmSync(join(home, 'agent/build'), { recursive: true });
  const { code, stdout, stderr } = await host(['types', 'agent'], { cwd: home });
  assert.equal(code, 0);
  const files = stdout.trimEnd().split('\n');
  assert.ok(files.length > 0);
  for (const file of files) assert.ok(existsSync(join(home, file)), file);
  assert.match(stderr, /^host: types of motehost:agent\/handler@0\.1\.0 for AssemblyScript\n$/);
});

test('a world that is not there names the nearest one', async () => {
  mkdirSync(join(home, 'own/wit'), { recursive: true });
  writeFileSync(
    join(home, 'own/wit/a.wit'),
    'package my:pack@1.0.0;\nworld watcher { include motehost:agent/handler@0.1.0; }\n',
  );
  const manifest = join(home, 'own/agent.toml');
  writeFileSync(manifest, 'name = "own"\nworld = "watchr"\n');
  const { code, stderr } = await host(['types', 'own'], { cwd: home });
  assert.equal(code, 65);
  assert.match(stderr, /has no world 'watchr', did you mean 'watcher'\?; it has: watcher/);
  writeFileSync(
    manifest,
    readFileSync(manifest, 'utf8').replace('watchr', 'handlr').concat('wit = "none"\n'),
  );
  assert.match(
    (await host(['types', 'own'], { cwd: home })).stderr,
    /world 'handlr' is none of handler, agent, async-handler, async-agent, watched-handler, watched-agent, command, did you mean 'handler'\?; so it must be in a WIT package, and there is no \.wit file in .*none; wit = /,
  );
});

test('an error in the WIT is shown with its place', async () => {
  writeFileSync(
    join(home, 'own/wit/a.wit'),
    'package my:pack@1.0.0;\nworld watcher {\n  import nothing;\n}\n',
  );
  writeFileSync(join(home, 'own/agent.toml'), 'name = "own"\nworld = "watcher"\n');
  const { code, stderr } = await host(['types', 'own'], { cwd: home });
  assert.equal(code, 65);
  assert.match(stderr, /a\.wit:3:\d+: .*nothing.*\n {2}3 \| {3}import nothing;\n *\^\n$/);
});

test('two folders and an unknown flag are refused', async () => {
  assert.match((await host(['types', 'a', 'b'])).stderr, /one folder at a time/);
  assert.equal((await host(['types', '--all'])).code, 64);
});
