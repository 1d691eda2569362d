import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { LeaseFile } from '../../host/host/state/lease-file.ts';

test('leases and what was reserved are there again, for the host’s user alone; a disk that takes nothing is told', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-leases-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'leases.sqlite');
  const troubles: HostError[] = [];
  const open = (): LeaseFile => new LeaseFile(path, (error) => troubles.push(error));
  const before = open();
  assert.deepEqual([before.leases, before.reserved], [[], 0]);
  const door = { name: 'door', holder: 'ada', token: 7, expiresWallMs: 1.5 };
  before.reserve(1000);
  before.put(door);
  before.put({ ...door, name: 'desk' });
  before.put({ ...door, expiresWallMs: 2.5 });
  before.remove('desk');
  before.close();
  const after = open();
  assert.deepEqual([after.leases, after.reserved], [[{ ...door, expiresWallMs: 2.5 }], 1000]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  after.close();
  assert.throws(
    () => after.put(door),
    (error) => error instanceof HostError && error.code === 'HOST_ERR_STATE_UNWRITABLE',
  );
  assert.doesNotThrow(() => after.remove('door'));
  assert.equal(troubles.length, 1);
});

test('a file that is none of ours is refused', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-leases-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'leases.sqlite');
  writeFileSync(path, 'no database at all, but long enough to be read as one'.repeat(40));
  assert.throws(
    () => new LeaseFile(path, () => {}),
    /cannot keep leases in .*leases\.sqlite.*put the file back from a backup, or move it away/,
  );
});
