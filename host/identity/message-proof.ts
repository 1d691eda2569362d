import { BytesReader, BytesWriter } from './bytes.ts';
import { sha256, type Verify, verifySignature } from './curves.ts';
import type { EnvelopeHeader } from './header.ts';
import { hashBytes, leafHash, leavesMax, pathMax, rootFrom } from './merkle.ts';
import { messageStatement } from './message-signature.ts';
import { keyBytes, signatureBytes } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';
import { statement } from './statement.ts';

/** The root of a batch of messages and the signature over it. */
export interface SignedRoot {
  readonly root: Uint8Array;
  readonly count: number;
  readonly signedAtMs: number;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

/** That one message was in a signed batch; with the message, and nothing else, it proves who sent that. */
export interface MessageProof {
  readonly batch: SignedRoot;
  readonly index: number;
  /** Hashes from the leaf's neighbour up. */
  readonly path: readonly Uint8Array[];
}

export interface Proven {
  readonly kind: 'proven';
  /** Who signed; that it is the sender's key is for `TrustedKeys` to say. */
  readonly key: Uint8Array;
  readonly signedAtMs: number;
}

export function rootStatement(batch: Omit<SignedRoot, 'signature'>): Uint8Array {
  const body = statement('batch').raw(batch.root).u16(batch.count);
  return body.u64(batch.signedAtMs).raw(batch.key).take();
}

/** The leaf of a message in its batch. */
export function messageLeaf(header: EnvelopeHeader, payload: Uint8Array): Buffer {
  return leafHash(messageStatement(header, sha256(payload)));
}

/** Verifies one message alone, without the rest of its batch and without asking anybody. */
export function verifyProof(
  header: EnvelopeHeader,
  payload: Uint8Array,
  proof: MessageProof,
  verify: Verify = verifySignature,
): Proven | Refused {
  const { batch, index, path } = proof;
  const root = rootFrom(messageLeaf(header, payload), index, batch.count, path);
  if (root === undefined) return refused('malformed', 'the path has no place in a batch of this size');
  if (Buffer.compare(root, batch.root) !== 0)
    return refused('unauthentic', 'the message is not the one in the batch');
  if (!verify(batch.key, rootStatement(batch), batch.signature))
    return refused('unauthentic', 'the signature does not fit the batch');
  return { kind: 'proven', key: batch.key, signedAtMs: batch.signedAtMs };
}

export function encodeProof({ batch, index, path }: MessageProof): Uint8Array<ArrayBuffer> {
  const writer = new BytesWriter(512).u8(1).u16(index).u16(batch.count).u8(path.length);
  for (const hash of path) writer.raw(hash);
  return writer.raw(batch.root).u64(batch.signedAtMs).raw(batch.key).raw(batch.signature).take();
}

/** Undefined for anything `encodeProof` does not write. */
export function decodeProof(bytes: Uint8Array): MessageProof | undefined {
  const reader = new BytesReader(bytes);
  const version = reader.u8();
  const [index, count, steps] = [reader.u16(), reader.u16(), reader.u8()];
  if (version !== 1 || count > leavesMax || steps > pathMax) return undefined;
  const path: Uint8Array[] = [];
  for (let step = 0; step < steps; step++) path.push(reader.raw(hashBytes));
  const [root, signedAtMs] = [reader.raw(hashBytes), reader.u64()];
  const batch = { root, count, signedAtMs, key: reader.raw(keyBytes), signature: reader.raw(signatureBytes) };
  return reader.isDone ? { batch, index, path } : undefined;
}
