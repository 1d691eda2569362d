import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type BlockPacket, frameBytes, frameLength } from '../../host/audit/block.ts';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { namedFields } from '../../host/audit/event.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { AuditPen } from '../../host/audit/pen.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { systemClock } from '../../host/clock.ts';
import { type Kept, keep, newKey, temporary } from './audit-parts.ts';

interface Tampered {
  readonly pen: AuditPen;
  /** The keeper's and the pen's ends of the way between, which `change` stands on. */
  readonly ends: readonly MessagePort[];
  readonly count: SharedArrayBuffer;
}

/** A pen of thread 7 whose events `change` may drop or repeat on their way: true keeps the one of this number. */
function tampered({ keeper }: Kept, copies: (event: number) => number): Tampered {
  const [fromPen, toKeeper] = [new MessageChannel(), new MessageChannel()];
  const count = new SharedArrayBuffer(8);
  keeper.connect(toKeeper.port1, { thread: 7, count });
  let events = 0;
  fromPen.port1.on('message', (packet: BlockPacket | { readonly kind: 'hurry' }) => {
    if (packet.kind !== 'block') return toKeeper.port2.postMessage(packet);
    const bytes = Buffer.from(packet.buffer, 0, packet.length);
    const kept: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const next = at + frameBytes + frameLength(bytes, at);
      events += 1;
      for (let copy = 0; copy < copies(events); copy += 1) kept.push(bytes.subarray(at, next));
      at = next;
    }
    const whole = Buffer.concat(kept);
    const buffer = new ArrayBuffer(65_536);
    Buffer.from(buffer).set(whole);
    toKeeper.port2.postMessage({ ...packet, buffer, length: whole.length }, [buffer]);
  });
  toKeeper.port2.on('message', (packet) => fromPen.port1.postMessage(packet));
  for (const port of [fromPen.port1, toKeeper.port2]) port.on('close', () => toKeeper.port2.close());
  const end = { port: fromPen.port2, state: new SharedArrayBuffer(4), thread: 7, count };
  const pen = new AuditPen(end, { clock: systemClock });
  return { pen, ends: [toKeeper.port2, fromPen.port2], count };
}

async function write(pen: AuditPen, events: number): Promise<void> {
  for (let event = 1; event <= events; event += 1) pen.append(kinds.agentStarted, 'shop', '', event);
  await pen.flushed();
}

for (const [what, copies, says] of [
  [
    'never came',
    (event: number) => (event === 5 || event === 6 ? 0 : 1),
    /events 5 to 6 of thread 7 never came/,
  ],
  ['came twice', (event: number) => (event === 5 ? 2 : 1), /event 5 of thread 7 is here again/],
  [
    'was the first and never came',
    (event: number) => (event === 1 ? 0 : 1),
    /event 1 of thread 7 never came/,
  ],
] as const)
  test(`an event that a thread recorded and that ${what} is found, under a seal that is right`, async (t) => {
    const [folder, key] = [temporary(t), newKey()];
    const kept = keep(folder, key);
    kept.pen.append(kinds.agentStarted, 'other', '', 1);
    const { pen } = tampered(kept, copies);
    await write(pen, 20);
    await pen.close();
    await kept.pen.close();
    await kept.keeper.close('test');
    const { isIntact, faults } = await verifyChain(folder, [key.publicKey]);
    assert.deepEqual([isIntact, faults.length, faults[0]?.kind], [false, 1, 'skipped']);
    assert.match(faults[0]?.detail ?? '', says);
    const event = [...readEvents(folder)].find(({ sequence }) => sequence === faults[0]?.sequence);
    assert.equal(event?.thread, 7);
  });

test('counts begin anew with each run of the host, and where the beginning was deleted', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const limits = { segmentBytesMax: 2_000, segmentMsMax: 1e9, sealMsMax: 1, retryMs: 1, uncertaintyMs: null };
  const retention = { retentionMsMax: null, retentionBytesMax: 4_000 };
  for (let run = 0; run < 3; run += 1) {
    const { keeper, pen, newPen } = keep(folder, key, {
      limits: { ...limits, bufferBytesMax: 1e6 },
      retention,
    });
    const second = newPen();
    for (let round = 0; round < 20; round += 1) {
      await write(pen, 2);
      await write(second, 3);
    }
    await Promise.all([pen.close(), second.close()]);
    await keeper.prune();
    await keeper.close('test');
    const { faults, firstSequence } = await verifyChain(folder, [key.publicKey]);
    assert.deepEqual(faults, []);
    assert.ok((firstSequence ?? 0) > 1);
  }
});

test('what a lost thread had recorded and not handed over is counted on the chain', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const kept = keep(folder, key);
  const { pen, ends, count } = tampered(kept, () => 1);
  await write(pen, 3);
  // As a thread that is ended at once: four more were recorded, and nobody hears of them.
  new Float64Array(count)[0] = 7;
  for (const end of ends) end.close();
  await new Promise((resolve) => setImmediate(resolve));
  const found = async (): Promise<unknown> => {
    await kept.keeper.flushed();
    return [...readEvents(folder)].filter(({ name }) => name === 'events-lost').map(namedFields);
  };
  while (((await found()) as unknown[]).length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await found(), [{ count: 4, thread: 7 }]);
  await kept.pen.close();
  await kept.keeper.close('test');
  const { isIntact, notes } = await verifyChain(folder, [key.publicKey]);
  assert.equal(isIntact, true);
  assert.match(notes.join(), /4 events never came to the chain, as it says itself/);
});
