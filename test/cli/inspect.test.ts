import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { resolveTarget } from '../../guest-sdk/build/target.ts';
import { host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-inspect-'));
const router = join(home, 'router.wasm');
after(() => rmSync(home, { recursive: true }));
before(async () => {
  const target = await resolveTarget(resolve(import.meta.dirname, '../../examples/router'), 'router');
  assert.ok(target.kind === 'world');
  writeFileSync(router, await componentNew(target.dummy));
});

test('a resource is shown with its members, as WIT writes it', async () => {
  const { code, stdout } = await host(['inspect', router]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^ {4}resource router \{\n {6}constructor\(name: string\);\n {6}name: func\(\) -> string;\n/m,
  );
  assert.match(stdout, /^ {6}route: func\(request: request\) -> result<found, route-error>;$/m);
});

test('imported interfaces of WASI and the host are named; --full shows what is in them', async () => {
  const brief = await host(['inspect', router]);
  assert.match(brief.stdout, /^ {2}import motehost:agent\/bus@0\.1\.0;$/m);
  assert.match(brief.stdout, /^ {2}import wasi:random\/random@0\.2\.0;$/m);
  assert.ok(brief.stdout.split('\n').length < 70);
  const full = await host(['inspect', '--full', router]);
  assert.match(full.stdout, /^ {4}get-random-u64: func\(\) -> u64;$/m);
});

test('a folder is built first', async () => {
  assert.equal((await host(['new', 'agent'], { cwd: home })).code, 0);
  const { code, stdout } = await host(['inspect', 'agent'], { cwd: home });
  assert.equal(code, 0);
  assert.match(stdout, /^file {5}agent\/build\/agent\.wasm \(.* KiB, component\)\n/);
  assert.match(
    stdout,
    /^ {2}export handle: func\(message: message\) -> result<option<list<u8>>, failure>;$/m,
  );
});

test('--json gives one document', async () => {
  const { stdout } = await host(['inspect', '--json', router]);
  const document = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(document.kind, 'component');
  assert.match(String(document.interface), /resource router/);
});

test('an unknown flag names the nearest one', async () => {
  const { code, stderr } = await host(['inspect', '--jsn', router]);
  assert.equal(code, 64);
  assert.match(stderr, /unknown option --jsn, did you mean '--json'\?/);
});
