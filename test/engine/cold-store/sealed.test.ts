import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BlockSeal } from '../../../host/block-seal.ts';
import { systemRandom } from '../../../host/clock.ts';
import { headBytes, recordsOf } from '../../../host/engine/cold-store/record.ts';
import { HostSecret } from '../../../host/identity/host-secret.ts';
import { StoreSeal } from '../../../host/identity/store-seal.ts';
import { folderOf, markOf, openStore, snapshotOf } from './snapshots.ts';

function sealOf(takesUnsealed = false, fill = 7): BlockSeal {
  const secret = new HostSecret(new Uint8Array(32).fill(fill));
  return new StoreSeal({ secret, random: systemRandom, store: 'cold', takesUnsealed });
}

function filesOf(folder: string): string[] {
  return readdirSync(folder).map((name) => join(folder, name));
}

const corrupt = { code: 'HOST_ERR_SNAPSHOT_CORRUPT' };
const program = 'a'.repeat(64);

async function filled(folder: string, seal?: BlockSeal): Promise<string> {
  const store = await openStore(folder, seal === undefined ? {} : { seal });
  for (let index = 0; index < 4; index++) await store.put(`agent-${index}`, snapshotOf(Math.max(1, index)));
  await store.close();
  return filesOf(folder).at(-1) ?? '';
}

test('states are sealed on the disk, and there again after a restart', async (t) => {
  const folder = folderOf(t);
  const file = await filled(folder, sealOf());
  assert.ok(!readFileSync(file).includes(program));
  const store = await openStore(folder, { seal: sealOf() });
  for (let index = 0; index < 4; index++)
    assert.equal(markOf((await store.get(`agent-${index}`))?.snapshot), Math.max(1, index));
  await store.close();
});

test('attack: a changed state, and the state of one agent under the name of another', async (t) => {
  const folder = folderOf(t);
  const file = await filled(folder, sealOf());
  const bytes = readFileSync(file);
  const records = [...recordsOf(bytes)];
  const [first, second] = records;
  assert.ok(first !== undefined && second !== undefined);
  const swapped = Buffer.from(bytes);
  // All but the heads and names, whose checksums are made anew by anybody who can write here.
  const { crc32 } = await import('node:zlib');
  const from = headBytes + first.head.nameBytes;
  const body = bytes.subarray(second.at + from, second.at + from + second.head.bodyBytes);
  assert.equal(first.head.bodyBytes, second.head.bodyBytes);
  body.copy(swapped, first.at + from);
  const content = swapped.subarray(first.at + headBytes, first.at + from + first.head.bodyBytes);
  swapped.writeUInt32LE(crc32(content), first.at + 28);
  const head = swapped.subarray(first.at + 8, first.at + 32);
  swapped.writeUInt32LE(crc32(head, crc32(swapped.subarray(first.at, first.at + 4))), first.at + 32);
  writeFileSync(file, swapped);
  const store = await openStore(folder, { seal: sealOf() });
  await assert.rejects(store.get('agent-0'), { ...corrupt, message: /seal does not fit/ });
  assert.equal(markOf((await store.get('agent-1'))?.snapshot), 1);
  await store.close();
});

test('another host key, or none, opens no state', async (t) => {
  const folder = folderOf(t);
  await filled(folder, sealOf());
  for (const options of [{ seal: sealOf(false, 8) }, {}]) {
    const store = await openStore(folder, options);
    await assert.rejects(store.get('agent-2'), corrupt);
    await store.close();
  }
});

test('states of a time before there were seals are sealed at the start; nothing of them stays', async (t) => {
  const folder = folderOf(t);
  const old = await filled(folder);
  assert.ok(readFileSync(old).includes(program));
  const store = await openStore(folder, { seal: sealOf(true) });
  for (const file of filesOf(folder)) assert.ok(!readFileSync(file).includes(program), file);
  assert.equal(markOf((await store.get('agent-3'))?.snapshot), 3);
  await store.close();
  const again = await openStore(folder, { seal: sealOf() });
  assert.equal(markOf((await again.get('agent-3'))?.snapshot), 3);
  await again.close();
});

test('attack: an unsealed state put there later is not used', async (t) => {
  const folder = folderOf(t);
  await filled(folder);
  const store = await openStore(folder, { seal: sealOf() });
  await assert.rejects(store.get('agent-3'), { ...corrupt, message: /not sealed/ });
  await store.close();
});
