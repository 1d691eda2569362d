import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { host } from '../../support/cli.ts';
import { exchange } from '../../support/exchange.ts';
import { memoryHost } from '../../support/run.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-templates-'));
const engine = memoryHost();
after(async () => {
  await engine.close();
  rmSync(home, { recursive: true });
});

async function make(name: string, template: string): Promise<void> {
  const { code, stderr } = await host(['new', name, '--template', template], { cwd: home });
  assert.deepEqual([code, stderr], [0, '']);
}

test('the template agent is told its beginning and its end', async () => {
  await make('diary', 'agent');
  const { code, stdout, stderr } = await host(['run', 'diary', '--input', 'Ada'], { cwd: home });
  assert.deepEqual([code, stdout], [0, 'Hello, Ada! You are number 1.']);
  assert.match(stderr, /\[info\] agent starts\n\[info\] stops \(requested\) after 1 greetings\n/);
});

test('the template async waits for several answers at once', async () => {
  await make('asker', 'async');
  const { code, stdout } = await host(['run', 'asker', '--input', 'one two'], { cwd: home });
  assert.deepEqual([code, stdout], [0, 'one: unavailable\ntwo: unavailable']);
  const nobody = await host(['run', 'asker'], { cwd: home });
  assert.match(nobody.stderr, /^host: failed: invalid: whom shall I ask\?/m);
});

test('the template http answers requests', async () => {
  await make('web', 'http');
  const { code, stderr } = await host(['build', 'web', '--release'], { cwd: home });
  assert.deepEqual([code, stderr], [0, '']);
  const artifact = await engine.prepare(new Uint8Array(readFileSync(join(home, 'web/build/web.wasm'))));
  const { status, text, result } = await exchange(engine, artifact, '/some/path?q');
  assert.deepEqual([status, text], [200, 'Hello from /some/path?q\n']);
  assert.equal(result.outcome.kind, 'ok');
});
