import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../host/clock.ts';
import { HostError } from '../../host/errors.ts';
import { Policies } from '../../host/policy/policies.ts';
import { PolicyWatch } from '../../host/policy/watch.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-policy-watch-'));
after(() => rmSync(home, { recursive: true }));

/** A watch of a new folder, and what waits for its next change. */
function watching(name: string) {
  const folder = join(home, name);
  mkdirSync(folder);
  let wake: () => void = () => {};
  let changes = 0;
  const watch = new PolicyWatch({
    folder,
    clock: systemClock,
    pollMs: 50,
    onChange: () => {
      changes += 1;
      wake();
    },
  });
  const next = async (count: number): Promise<void> => {
    while (changes < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { folder, next, changes: () => changes, [Symbol.dispose]: () => watch.close() };
}

test('several writes at once are one change', async () => {
  using it = watching('writes');
  for (let index = 0; index < 50; index += 1) writeFileSync(join(it.folder, 'a.cedar'), `// ${index}`);
  writeFileSync(join(it.folder, 'b.cedar'), '');
  await it.next(1);
  rmSync(join(it.folder, 'b.cedar'));
  await it.next(2);
  assert.equal(it.changes(), 2);
});

test('a folder that is replaced by another is watched on', async () => {
  using it = watching('replaced');
  const other = join(home, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'a.cedar'), '// new');
  renameSync(it.folder, join(home, 'old'));
  renameSync(other, it.folder);
  await it.next(1);
  const before = it.changes();
  writeFileSync(join(it.folder, 'a.cedar'), '// newer still');
  await it.next(before + 1);
  assert.ok(it.changes() > before);
});

test('each valid change of a folder is put in force, and one with a fault is told and not taken', async () => {
  const folder = join(home, 'policies');
  mkdirSync(folder);
  const file = join(folder, 'a.cedar');
  writeFileSync(file, 'permit (principal, action, resource);');
  const policies = new Policies(folder);
  const results: (number | HostError)[] = [];
  let wake: () => void = () => {};
  policies.watch(systemClock, (result) => {
    results.push(result);
    wake();
  });
  const next = async (count: number): Promise<number | HostError | undefined> => {
    while (results.length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return results[count - 1];
  };
  assert.equal(policies.board.version, 1);
  writeFileSync(file, 'permit (principal, actio');
  const fault = await next(1);
  assert.ok(fault instanceof HostError && fault.code === 'HOST_ERR_POLICY_INVALID');
  assert.equal(policies.board.version, 1);
  writeFileSync(file, 'forbid (principal, action, resource);');
  assert.equal(await next(2), 2);
  assert.equal(policies.board.rules.get('a.cedar#1')?.effect, 'forbid');
  assert.equal(policies.load(), 2);
  policies.close();
});
