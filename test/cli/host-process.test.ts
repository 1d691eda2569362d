import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

// What the tests of processes lean on: one that fails ends at once, with its process, and shows what that said.

const home = mkdtempSync(join(tmpdir(), 'motehost-process-'));
after(() => rmSync(home, { recursive: true }));
const endless = join(home, 'endless.js');
writeFileSync(endless, 'console.log("I am", process.pid); setInterval(() => {}, 1000);');
const support = pathToFileURL(join(import.meta.dirname, '../support/process.ts'));

/** Runs a test of an endless process, whose body this is; what the runner says. */
function runTest(body: string): { readonly code: number | null; readonly said: string } {
  const file = join(home, 'failing.test.mjs');
  writeFileSync(
    file,
    `import { test } from 'node:test';
import { HostProcess } from ${JSON.stringify(support.href)};
test('fails', { timeout: 2000 }, async () => {
  await using run = new HostProcess([], ${JSON.stringify(home)}, ${JSON.stringify(endless)});
  await run.stdout.until(/I am/);
  ${body}
});`,
  );
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ['--test', file], {
    env,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, said: stdout };
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

for (const [title, body] of [
  ['waits in vain', 'await run.stdout.until(/never/);'],
  ['asserts what is not so', 'throw new Error("not so");'],
] as const) {
  test(`a test that ${title} ends with its process, and shows what that said`, { timeout: 60_000 }, () => {
    const { code, said } = runTest(body);
    assert.equal(code, 1);
    const pid = /said on stdout:\s*(?:ℹ )?I am (\d+)/.exec(said)?.[1];
    assert.ok(pid !== undefined, said);
    assert.equal(isRunning(Number(pid)), false);
  });
}
