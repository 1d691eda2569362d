import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { chainLimits } from '../../host/audit/audit.ts';
import { readEvents } from '../../host/audit/chain-reader.ts';
import { headPath } from '../../host/audit/head.ts';
import { kinds } from '../../host/audit/kinds.ts';
import { segmentPath } from '../../host/audit/segment.ts';
import { verifyChain } from '../../host/audit/verify.ts';
import { type KeyPair, keep, newKey, temporary } from './audit-parts.ts';

const limits = { ...chainLimits, segmentBytesMax: 4_000 };

/** Some events in batches of 5, and a clean end. */
async function record(folder: string, key: KeyPair, events = 60): Promise<void> {
  const { keeper, pen } = keep(folder, key, { limits });
  for (let number = 0; number < events; number++) {
    pen.append(kinds.agentStarted, 'shop', '', `i${number}`);
    if (number % 5 === 4) await pen.flushed();
  }
  await pen.close();
  await keeper.close('test');
}

function lastSegment(folder: string): string {
  let number = 1;
  while (statSync(segmentPath(folder, number + 1), { throwIfNoEntry: false }) !== undefined) number += 1;
  return segmentPath(folder, number);
}

const corrupt = { code: 'HOST_ERR_AUDIT_CORRUPT' };

test('a chain goes on where it ended, run after run', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  for (let run = 0; run < 4; run++) await record(folder, key, 23);
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual([found.faults, found.notes], [[], []]);
  assert.equal(found.events, 4 * 25);
});

test('a torn tail is cut off wherever it is torn, and that is recorded', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key);
  const path = lastSegment(folder);
  const good = readFileSync(path);
  // Of the same chain, as if the write had stopped half way.
  for (const length of [1, 7, 30, 80]) {
    appendFileSync(path, good.subarray(200, 200 + length));
    const { keeper, pen } = keep(folder, key);
    await pen.close();
    await keeper.close('test');
    const found = await verifyChain(folder, [key.publicKey]);
    assert.deepEqual([found.faults, found.notes], [[], []]);
    const told = [...readEvents(folder)].filter(({ name }) => name === 'recovered').at(-1);
    assert.equal(told?.fields[2], length);
  }
});

test('an end that was promised and is missing stops the host; once accepted, the loss is on the chain', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key);
  const path = lastSegment(folder);
  truncateSync(path, statSync(path).size - 1);
  assert.throws(() => keep(folder, key), corrupt);
  const { keeper, pen } = keep(folder, key, { acceptLoss: true });
  await pen.close();
  await keeper.close('test');
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual([found.faults, found.notes], [[], []]);
  const told = [...readEvents(folder)].find(({ name }) => name === 'loss-accepted');
  assert.equal(told?.fields[1], 62);
});

test('a loss of many batches is accepted once, whatever the heads say', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key, 30);
  truncateSync(segmentPath(folder, 1), 1_300);
  const { keeper } = keep(folder, key, { acceptLoss: true });
  await keeper.flushed();
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
  await keeper.close('test');
  await record(folder, key, 5);
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
});

test('damage before good seals is no torn tail: the host stops rather than cut off what is good', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key, 20);
  rmSync(headPath(folder));
  const bytes = readFileSync(segmentPath(folder, 1));
  bytes[400] = (bytes[400] as number) ^ 1;
  writeFileSync(segmentPath(folder, 1), bytes);
  assert.throws(() => keep(folder, key), corrupt);
});

test('without its head the chain goes on from the last good seal', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key);
  rmSync(headPath(folder));
  await record(folder, key, 5);
  assert.deepEqual((await verifyChain(folder, [key.publicKey])).faults, []);
});

test('a head from before, as after a loss of power, is caught up with', async (t) => {
  const [folder, keys, key] = [temporary(t), temporary(t), newKey()];
  await record(folder, key, 7);
  copyFileSync(headPath(folder), `${keys}/head`);
  await record(folder, key, 90);
  copyFileSync(`${keys}/head`, headPath(folder));
  await record(folder, key, 5);
  const found = await verifyChain(folder, [key.publicKey]);
  assert.deepEqual([found.faults, found.notes], [[], []]);
});

test('a segment that was begun and never sealed is taken away', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key);
  const path = lastSegment(folder);
  const next = segmentPath(folder, Number(/(\d+)\.chain/.exec(path)?.[1]) + 1);
  for (const bytes of [new Uint8Array(), readFileSync(path).subarray(0, 90)]) {
    writeFileSync(next, bytes);
    await record(folder, key, 5);
    const found = await verifyChain(folder, [key.publicKey]);
    assert.deepEqual([found.faults, found.notes], [[], []]);
  }
});

test('a host ended at its very first write begins again; an emptied chain does not', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  writeFileSync(segmentPath(folder, 1), 'x');
  await record(folder, key, 5);
  assert.equal((await verifyChain(folder, [key.publicKey])).isIntact, true);
  rmSync(segmentPath(folder, 1));
  assert.throws(() => keep(folder, key), corrupt);
});

test('another host’s chain is not gone on with', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  await record(folder, key, 5);
  assert.throws(() => keep(folder, newKey()), corrupt);
});
