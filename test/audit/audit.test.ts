import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import type { BlockPacket } from '../../host/audit/block.ts';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { AuditPen } from '../../host/audit/pen.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { systemClock } from '../../host/clock.ts';
import { newKey, startAudit, temporary } from './audit-parts.ts';

test('what was appended is on the chain, and a stranger with the public key finds it intact', async (t) => {
  const folder = temporary(t);
  const key = newKey();
  const audit = await startAudit(t, folder, key);
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

test('a host that cannot record does not start, and is told why', async (t) => {
  const key = newKey();
  await assert.rejects(startAudit(t, '/proc/audit', key), { code: 'HOST_ERR_AUDIT_UNWRITABLE' });
  const folder = temporary(t);
  const audit = await startAudit(t, folder, key);
  await audit.close();
  await assert.rejects(startAudit(t, folder, newKey()), { code: 'HOST_ERR_AUDIT_CORRUPT' });
});

test('many threads’ pens write one chain; each thread’s events keep their order', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const audit = await startAudit(t, folder, key);
  const pens = Array.from({ length: 5 }, () => audit.pen());
  for (let number = 0; number < 500; number++)
    for (const pen of pens) pen.append(kinds.agentStarted, 'shop', '', `i${number}`);
  await Promise.all(pens.map((pen) => pen.close()));
  await audit.close();
  const counts = new Map<number, number>();
  for (const { thread, threadSequence } of readEvents(folder)) {
    assert.equal(threadSequence, (counts.get(thread) ?? 0) + 1);
    counts.set(thread, threadSequence);
  }
  assert.deepEqual([...counts.values()].sort(), [2, 500, 500, 500, 500, 500]);
});

test('when the thread that keeps the chain is gone, every pen is full and who waits is told', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const lost = Promise.withResolvers<string>();
  const audit = await startAudit(t, folder, key, { onLost: lost.resolve });
  const pen = audit.pen();
  pen.append(kinds.agentStarted, 'shop', '', 'i1');
  await pen.flushed();
  pen.append(kinds.agentStarted, 'shop', '', 'i2');
  const waiting = assert.rejects(pen.flushed(), { code: 'HOST_ERR_AUDIT_UNWRITABLE' });
  await audit.terminate();
  await waiting;
  await lost.promise;
  assert.equal(pen.isFull, true);
  await assert.rejects(audit.head(), { code: 'HOST_ERR_THREAD_LOST' });
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
});

test('a chain is verified while it is written: what is sealed so far is intact', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const audit = await startAudit(t, folder, key, { limits: { segmentBytesMax: 200_000 } });
  const pen = audit.pen();
  let isDone = false;
  let [written, rounds] = [0, 0];
  const writing = (async () => {
    // Goes on until it was read twice meanwhile, however slowly.
    for (; written < 9_000 || (rounds < 2 && written < 300_000); written++) {
      pen.append(kinds.invocationEnded, 'shop', '', `i${written}`, 'ok', written, 65_536, 1_000);
      if (written % 300 === 0) await pen.flushed();
    }
    await pen.close();
    isDone = true;
  })();
  for (; !isDone; rounds++) assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
  await writing;
  await audit.close();
  assert.ok(rounds > 1);
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual([found.faults, found.notes, found.events], [[], [], written + 2]);
});

test('a disk that does not follow: first what can wait should, then nothing is begun, and the end of it is told', async () => {
  const { port1, port2 } = new MessageChannel();
  const blocks: BlockPacket[] = [];
  port1.on('message', (packet: BlockPacket) => void blocks.push(packet));
  const pen = new AuditPen(
    { port: port2, state: new SharedArrayBuffer(4), thread: 1 },
    { clock: systemClock, behindBytes: 200_000, pendingBytesMax: 500_000, reserveBytesMax: 100_000 },
  );
  const append = (): void => pen.append(kinds.agentStarted, 'shop', '', 'x'.repeat(1_000));
  const seen: string[] = [];
  const look = (): void => {
    const now = pen.isFull ? 'full' : pen.isBehind ? 'behind' : 'open';
    if (seen.at(-1) !== now) seen.push(now);
  };
  for (let event = 0; event < 560; event += 1, look()) append();
  assert.deepEqual(seen, ['open', 'behind', 'full']);
  assert.throws(() => {
    for (let event = 0; event < 200; event += 1) append();
  }, /HOST_ERR_AUDIT_FULL|nothing is begun that cannot be recorded/);
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  };
  await until(() => blocks.reduce((sum, { length }) => sum + length, 0) >= 500_000);
  port1.postMessage({ kind: 'done', blocks: blocks.length - 1, buffers: [] });
  await until(() => !pen.isBehind);
  port1.close();
});
