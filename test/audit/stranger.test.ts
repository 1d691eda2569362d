import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kinds } from '../../host/audit/kinds.ts';
import { newKey, startAudit, temporary } from './audit-parts.ts';
import { readSimply } from './simple-cbor.ts';

// A verifier written from docs/audit-format.md alone: nothing of the host's own code reads the chain here.

function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function bytes(hex: unknown): Buffer {
  return Buffer.from(String(hex), 'hex');
}

/** RFC 6962 §2.1, as it is defined there: split at the largest power of two below the count. */
function treeHash(leaves: readonly string[]): string {
  if (leaves.length === 1) return leaves[0] as string;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(
    Buffer.from([1]),
    bytes(treeHash(leaves.slice(0, split))),
    bytes(treeHash(leaves.slice(split))),
  );
}

/** @returns how many events are on the chain; throws at the first thing that is wrong */
function verifyAsStranger(folder: string, publicKey: Uint8Array): number {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  let link = '';
  let lastSeal = '00'.repeat(32);
  let [sequence, batch, headerHash, chain] = [0, 0, '', ''];
  let leaves: string[] = [];
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.chain'))
    .sort()) {
    const file = readFileSync(join(folder, name));
    for (let at = 0; at < file.length; ) {
      const { value, end } = readSimply(file, at);
      const item = value as unknown[];
      if (item[0] === 'motehost-audit') {
        if (chain === '') link = sha256('motehost/audit/genesis\0', bytes(item[2]));
        chain = item[2] as string;
        assert.deepEqual(item.slice(3, 8).map(String), [
          name.slice(0, 8).replace(/^0+/, ''),
          `${sequence + 1}`,
          `${batch + 1}`,
          link,
          lastSeal,
        ]);
        headerHash = sha256(file.subarray(at, end));
      } else if (item[0] === 'seal') {
        const [, payload, signature] = item;
        assert.ok(
          verify(
            null,
            Buffer.concat([Buffer.from('motehost/audit/seal/1\0'), bytes(payload)]),
            key,
            bytes(signature),
          ),
        );
        batch += 1;
        const seal = readSimply(bytes(payload), 0).value as unknown[];
        const first = BigInt(sequence - leaves.length + 1);
        assert.deepEqual(seal.slice(0, 9), [
          1n,
          chain,
          BigInt(batch),
          first,
          BigInt(leaves.length),
          link,
          treeHash(leaves),
          lastSeal,
          headerHash,
        ]);
        lastSeal = sha256(bytes(payload));
        leaves = [];
      } else {
        const [check, record] = item;
        link = sha256(Buffer.from([0]), bytes(link), bytes(record));
        assert.equal(check, link.slice(0, 8));
        leaves.push(link);
        sequence += 1;
      }
      at = end;
    }
  }
  assert.equal(leaves.length, 0);
  return sequence;
}

test('a stranger with the description of the format and the public key verifies a chain', async (t) => {
  const [folder, key] = [temporary(t), newKey()];
  const audit = await startAudit(t, folder, key, { limits: { segmentBytesMax: 20_000 } });
  const pen = audit.pen();
  for (let number = 0; number < 3_000; number++) {
    pen.append(kinds.invocationEnded, 'shop', 'alice', `i${number}`, 'ok', 12_345, 65_536, 1_000);
    if (number % 97 === 0) await pen.flushed();
  }
  await pen.close();
  await audit.close();
  assert.equal(verifyAsStranger(folder, key.publicKey), 3_002);
  assert.throws(() => verifyAsStranger(folder, newKey().publicKey));
});
