import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchSigner } from '../../host/identity/batch-signer.ts';
import { BatchVerifier } from '../../host/identity/batch-verifier.ts';
import type { EnvelopeHeader } from '../../host/identity/header.ts';
import {
  decodeProof,
  encodeProof,
  type MessageProof,
  type SignedRoot,
  verifyProof,
} from '../../host/identity/message-proof.ts';
import {
  decodeSigned,
  encodeSigned,
  isSignedMessage,
  signMessage,
} from '../../host/identity/message-signature.ts';
import { portableCurves } from '../../host/identity/portable-curves.ts';
import { HandClock } from '../support/hand-clock.ts';
import { flipped, headerOf, nowMs, party, payload } from './parties.ts';

const alpha = party('alpha', { secretByte: 4 });
const signer = alpha.keyring.key('agent/billing');
const header = headerOf(alpha.clock);

const changes: Partial<EnvelopeHeader>[] = [
  { id: 'message-2' },
  { sender: 'alpha/refunds' },
  { recipient: 'beta/vault' },
  { subject: 'agent.vault' },
  { kind: 'publish' },
  { contentType: '' },
  { replyTo: '' },
  { sentAtMs: header.sentAtMs + 1 },
  { ttlMs: 1 },
  { sequence: 2 },
  { trace: '' },
  { keyGeneration: 2 },
  // What one field loses the next one gains.
  { subject: 'agent.auditapplication', contentType: '/json' },
];

test('one signature is for one message: any other header, payload or key breaks it', () => {
  const signature = signMessage(header, payload, signer);
  assert.equal(isSignedMessage(header, payload, signature, signer.publicKey), true);
  assert.equal(isSignedMessage(header, payload, signature, signer.publicKey, portableCurves.verify), true);
  for (const change of changes)
    assert.equal(isSignedMessage({ ...header, ...change }, payload, signature, signer.publicKey), false);
  assert.equal(isSignedMessage(header, flipped(payload, 0), signature, signer.publicKey), false);
  assert.equal(isSignedMessage(header, payload, signature, alpha.keyring.host.publicKey), false);
});

test('a signed message travels in one piece, and every bit and byte of it counts', () => {
  const bytes = encodeSigned(header, payload, signer);
  const message = decodeSigned(bytes);
  assert.ok(message.kind === 'message');
  assert.deepEqual(message.header, header);
  assert.deepEqual(Buffer.from(message.payload), payload);
  assert.deepEqual(Buffer.from(message.key), Buffer.from(signer.publicKey));
  for (let bit = 0; bit < bytes.length * 8; bit++)
    assert.equal(decodeSigned(flipped(bytes, bit)).kind, 'refused', `bit ${bit}`);
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeSigned(bytes.subarray(0, length)).kind, 'refused');
  assert.equal(decodeSigned(Buffer.concat([bytes, Buffer.alloc(1)])).kind, 'refused');
});

/** Messages and their proofs, in one batch. */
function batchOf(count: number): { headers: EnvelopeHeader[]; proofs: MessageProof[] } {
  const batch = new BatchSigner({ signer, clock: alpha.clock });
  const headers = Array.from({ length: count }, (_, at) => ({ ...header, id: `m${at}`, sequence: at + 1 }));
  const proofs: MessageProof[] = [];
  for (const one of headers) batch.add(one, payload, (proof) => proofs.push(proof));
  batch.flush();
  return { headers, proofs };
}

const sizes = [1, 2, 3, 5, 8, 31, 64, 200, 255, 256];

test('each message of a batch is verified alone, from bytes, offline, in batches of any size', () => {
  for (const size of sizes) {
    const { headers, proofs } = batchOf(size);
    assert.equal(proofs.length, size);
    assert.equal(new Set(proofs.map((proof) => proof.batch)).size, 1);
    for (const [at, proof] of proofs.entries()) {
      const read = decodeProof(encodeProof(proof));
      assert.ok(read !== undefined);
      const verify = at === 0 ? portableCurves.verify : undefined;
      const proven = verifyProof(headers[at] ?? header, payload, read, verify);
      assert.ok(proven.kind === 'proven', `${at} of ${size}`);
      assert.deepEqual(Buffer.from(proven.key), Buffer.from(signer.publicKey));
    }
  }
});

test('attack, a proof for another message, place or batch proves nothing', () => {
  const { headers, proofs } = batchOf(11);
  const [proof] = [proofs[5]];
  const own = headers[5];
  assert.ok(proof !== undefined && own !== undefined);
  for (const change of changes)
    assert.equal(verifyProof({ ...own, ...change }, payload, proof).kind, 'refused');
  assert.equal(verifyProof(own, flipped(payload, 9), proof).kind, 'refused');
  for (let index = -1; index < 12; index++)
    assert.equal(verifyProof(own, payload, { ...proof, index }).kind, index === 5 ? 'proven' : 'refused');
  for (const count of [0, 6, 10, 12, 16, 256]) {
    const batch: SignedRoot = { ...proof.batch, count };
    assert.equal(verifyProof(own, payload, { ...proof, batch }).kind, 'refused', `${count}`);
  }
  assert.equal(verifyProof(own, payload, { ...proof, path: proof.path.slice(1) }).kind, 'refused');
  assert.equal(
    verifyProof(own, payload, { ...proof, path: [...proof.path, Buffer.alloc(32)] }).kind,
    'refused',
  );
  const other = batchOf(3).proofs[0]?.batch ?? proof.batch;
  assert.equal(verifyProof(own, payload, { ...proof, batch: other }).kind, 'refused');
  const forged = { ...proof.batch, key: alpha.keyring.host.publicKey };
  assert.equal(verifyProof(own, payload, { ...proof, batch: forged }).kind, 'refused');
});

test('attack, flipped and truncated proofs: every bit and every byte counts, to both verifiers', () => {
  const { headers, proofs } = batchOf(11);
  const [first, own, proof] = [headers[0] ?? header, headers[10] ?? header, proofs[10]];
  assert.ok(proof !== undefined && proofs[0] !== undefined);
  const bytes = encodeProof(proof);
  const warm = new BatchVerifier();
  assert.equal(warm.verify(first, payload, proofs[0]).kind, 'proven');
  assert.equal(warm.verify(own, payload, proof).kind, 'proven');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const read = decodeProof(flipped(bytes, bit));
    if (read === undefined) continue;
    assert.equal(verifyProof(own, payload, read).kind, 'refused', `bit ${bit}`);
    assert.equal(warm.verify(own, payload, read).kind, 'refused', `bit ${bit}, warm`);
  }
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeProof(bytes.subarray(0, length)), undefined);
  assert.equal(decodeProof(Buffer.concat([bytes, Buffer.alloc(1)])), undefined);
});

test('the verifier that remembers accepts in any order what the other accepts', () => {
  for (const size of sizes) {
    const { headers, proofs } = batchOf(size);
    const verifier = new BatchVerifier();
    for (let turn = 0; turn < size; turn++) {
      const at = (turn * 97) % size;
      const proof = decodeProof(encodeProof(proofs[at] ?? assert.fail())) ?? assert.fail();
      const wrong = verifier.verify(header, payload, proof);
      assert.equal(wrong.kind, 'refused');
      const proven = verifier.verify(headers[at] ?? header, payload, proof);
      assert.equal(proven.kind, 'proven', `${at} of ${size}`);
    }
  }
});

test('attack, memory used again: what the verifier remembers is not in the bytes it was shown', () => {
  const { headers, proofs } = batchOf(4);
  const verifier = new BatchVerifier();
  const bytes = encodeProof(proofs[0] ?? assert.fail());
  assert.equal(
    verifier.verify(headers[0] ?? header, payload, decodeProof(bytes) ?? assert.fail()).kind,
    'proven',
  );
  bytes.fill(0);
  for (const [at, proof] of proofs.entries())
    assert.equal(verifier.verify(headers[at] ?? header, payload, proof).kind, 'proven');
});

test('a batch is signed when it is full, or when its first message has waited two milliseconds', async () => {
  const clock = new HandClock();
  let signatures = 0;
  const counting = {
    publicKey: signer.publicKey,
    keyId: signer.keyId,
    sign: (bytes: Uint8Array) => {
      signatures += 1;
      return signer.sign(bytes);
    },
  };
  const batch = new BatchSigner({ signer: counting, clock });
  let proven = 0;
  const add = (): void => batch.add(header, payload, () => (proven += 1));
  for (let at = 0; at < 255; at++) add();
  assert.deepEqual([proven, signatures, batch.pending], [0, 0, 255]);
  add();
  assert.deepEqual([proven, signatures, batch.pending], [256, 1, 0]);
  assert.equal(clock.sleepers, 0);
  const late = new Promise<MessageProof>((resolve) => batch.add(header, payload, resolve));
  clock.turn(1);
  assert.equal(batch.pending, 1);
  clock.turn(1);
  const proof = await late;
  assert.deepEqual([signatures, proof.batch.count, proof.batch.signedAtMs], [2, 1, nowMs(clock)]);
});
