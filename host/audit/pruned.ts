import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { hashBytes } from './chain-hash.ts';
import { type Signer, verifySignature } from './signer.ts';

/** The host's signed word that it deleted the beginning of the chain, and where what is left begins. */
export interface Pruned {
  readonly chain: Uint8Array;
  /** The last segment that was deleted, and what came last in it. */
  readonly segment: number;
  readonly lastSequence: number;
  readonly lastBatch: number;
  readonly lastLink: Uint8Array;
  readonly lastSeal: Uint8Array;
  readonly wallMs: number;
  readonly publicKey: Uint8Array;
}

const context: Buffer = Buffer.from('motehost/audit/pruned/1\0');

export function prunedPath(folder: string): string {
  return join(folder, 'pruned');
}

/** The file's bytes: `[payload, signature]`. */
export function encodePruned(pruned: Pruned, signer: Signer): Uint8Array {
  const payload = encodeCbor([
    pruned.chain,
    pruned.segment,
    pruned.lastSequence,
    pruned.lastBatch,
    pruned.lastLink,
    pruned.lastSeal,
    pruned.wallMs,
    pruned.publicKey,
  ]);
  return encodeCbor([payload, signer.sign(Buffer.concat([context, payload]))]);
}

/** Undefined when there is none, or it is not signed by the key it names. */
export function readPruned(folder: string): Pruned | undefined {
  try {
    return decodePruned(readFileSync(prunedPath(folder)));
  } catch {
    return undefined;
  }
}

function decodePruned(bytes: Uint8Array): Pruned | undefined {
  const parts = decodeCbor(bytes);
  if (!Array.isArray(parts)) return undefined;
  const [payload, signature] = parts;
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined;
  const fields: unknown = decodeCbor(payload);
  if (!Array.isArray(fields) || fields.length !== 8) return undefined;
  const [chain, segment, lastSequence, lastBatch, lastLink, lastSeal, wallMs, publicKey] = fields;
  if (![segment, lastSequence, lastBatch, wallMs].every(Number.isSafeInteger)) return undefined;
  const hashes = [lastLink, lastSeal, publicKey];
  if (!hashes.every((hash) => hash instanceof Uint8Array && hash.length === hashBytes)) return undefined;
  if (!verifySignature(publicKey, Buffer.concat([context, payload]), signature)) return undefined;
  return { chain, segment, lastSequence, lastBatch, lastLink, lastSeal, wallMs, publicKey };
}
