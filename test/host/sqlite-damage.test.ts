import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AgentRecords } from '../../host/host/state/agent-records.ts';
import { LeaseFile } from '../../host/host/state/lease-file.ts';
import { openState } from '../../host/host/state/state-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'motehost-sqlite-damage-'));
after(() => rmSync(folder, { recursive: true }));

function damaged(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.alloc(8192, 0x5a));
  return path;
}

test('a damaged database is told as damaged, with what is forgotten if it is moved away', () => {
  const code = 'HOST_ERR_STATE_UNWRITABLE';
  assert.throws(() => new AgentRecords(damaged('agents.sqlite')), {
    code,
    message:
      /agents\.sqlite: file is not a database; put the file back from a backup, or move it away: agents/,
  });
  assert.throws(() => new LeaseFile(damaged('leases.sqlite'), () => assert.fail('told twice')), {
    code,
    message:
      /leases\.sqlite: file is not a database; put the file back .* move it away: leases then begin anew/,
  });
});

test('a damaged lock is told as one that holds nothing', () => {
  damaged('lock.sqlite');
  assert.throws(() => openState(folder), { message: /remove its lock\.sqlite, which holds nothing/ });
});
