import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { newKey, startAudit, temporary } from './audit-parts.ts';

const child = join(import.meta.dirname, 'kill-child.ts');

/** Runs the child until it has said so many lines, and kills it where it then is. @returns the last event it was promised */
async function killAfter(t: TestContext, args: readonly string[], lines: number): Promise<string> {
  const running = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => running.kill('SIGKILL'));
  let count = 0;
  let last = '';
  for await (const line of createInterface(running.stdout)) {
    last = line.split(' ')[1] ?? '';
    count += 1;
    if (count === lines) running.kill('SIGKILL');
  }
  if (running.signalCode === null) await once(running, 'exit');
  assert.equal(running.signalCode, 'SIGKILL');
  return last;
}

test('kill -9 while it writes: all that was promised is there, the chain is intact and goes on', async (t) => {
  const [folder, keys] = [temporary(t), temporary(t)];
  const key = newKey();
  const keyFile = join(keys, 'key.pem');
  writeFileSync(keyFile, key.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const promised: string[] = [];
  for (const [run, lines] of [1, 5, 40, 133, 300].entries())
    promised.push(await killAfter(t, [folder, keyFile, String(run)], lines));
  const left = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual(left.faults, []);
  const audit = await startAudit(t, folder, key);
  await audit.close();
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual(found.faults, []);
  assert.equal(found.tailBytes, 0);
  const events = [...readEvents(folder)];
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, index) => index + 1),
  );
  const calls = new Set(events.filter(({ name }) => name === 'host-call').map(({ fields }) => fields[0]));
  for (const [run, last] of promised.entries())
    for (let number = 0; number <= Number(last.split('-')[1]); number++)
      assert.ok(calls.has(`${run}-${number}`), `${run}-${number} was promised and is missing`);
  assert.equal(events.filter(({ name }) => name === 'host-started').length, 6);
});
