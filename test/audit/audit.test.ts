import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from '../../host/audit/kinds.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { newKey, startAudit, temporary } from './audit-parts.ts';

test('what was appended is on the chain, and a stranger with the public key finds it intact', async (t) => {
  const folder = temporary(t);
  const key = newKey();
  const audit = await startAudit(folder, key);
  const pen = audit.pen();
  for (let index = 0; index < 3_000; index++)
    pen.append(kinds.invocationEnded, 'shop', 'alice', `i${index}`, 'ok', index, 65_536, 1_000);
  await pen.close();
  await audit.close();
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual(found.faults, []);
  assert.deepEqual(found.notes, []);
  assert.equal(found.events, 3_002);
});
