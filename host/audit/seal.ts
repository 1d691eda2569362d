import { decodeCbor, encodeCbor } from './cbor.ts';
import { hashBytes, sha256 } from './chain-hash.ts';
import { type Signer, verifySignature } from './signer.ts';

/** What the host's key vouches for: a batch of events and, by its links, everything before. */
export interface Seal {
  /** 16 random bytes, made with the chain. */
  readonly chain: Uint8Array;
  /** From 1. */
  readonly batch: number;
  /** Sequence number of its first event. */
  readonly firstSequence: number;
  readonly count: number;
  /** The link of its last event. */
  readonly lastLink: Uint8Array;
  /** RFC 6962, over the links of its events. */
  readonly root: Uint8Array;
  /** Hash of the seal before; zeros for the first. */
  readonly previousSeal: Uint8Array;
  /** SHA-256 of the header of the segment it is in. */
  readonly segmentHeader: Uint8Array;
  readonly wallMs: number;
  /** How far off the wall clock may be, as its owner says; null when nobody said. */
  readonly uncertaintyMs: number | null;
  readonly publicKey: Uint8Array;
}

/** A seal as it is stored. */
export interface SignedSeal {
  readonly seal: Seal;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

const version = 1;
const context: Buffer = Buffer.from('motehost/audit/seal/1\0');
export const noSeal: Uint8Array = new Uint8Array(hashBytes);
/** The CBOR head of `["seal", payload, signature]`, without the payload's own head. */
const entryHead: Buffer = Buffer.from([0x83, 0x64, ...Buffer.from('seal')]);

export function signSeal(seal: Seal, signer: Signer): SignedSeal {
  const payload = encodeCbor([
    version,
    seal.chain,
    seal.batch,
    seal.firstSequence,
    seal.count,
    seal.lastLink,
    seal.root,
    seal.previousSeal,
    seal.segmentHeader,
    seal.wallMs,
    seal.uncertaintyMs,
    seal.publicKey,
  ]);
  return { seal, payload, signature: signer.sign(signedBytes(payload)) };
}

function signedBytes(payload: Uint8Array): Buffer {
  return Buffer.concat([context, payload]);
}

export function sealHash({ payload }: SignedSeal): Buffer {
  return sha256(payload);
}

/** Whether it is signed by the key it names. */
export function isSigned({ seal, payload, signature }: SignedSeal): boolean {
  return verifySignature(seal.publicKey, signedBytes(payload), signature);
}

/** `["seal", payload, signature]`. */
export function encodeSeal({ payload, signature }: SignedSeal): Uint8Array {
  return encodeCbor(['seal', payload, signature]);
}

/** @returns undefined for what is no seal */
export function decodeSeal(entry: Uint8Array): SignedSeal | undefined {
  try {
    const value = decodeCbor(entry);
    if (!Array.isArray(value) || value.length !== 3 || value[0] !== 'seal') return undefined;
    return readSeal(value[1], value[2]);
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is no seal */
export function readSeal(payload: unknown, signature: unknown): SignedSeal | undefined {
  if (!isBytes(payload) || !isBytes(signature)) return undefined;
  let fields: unknown;
  try {
    fields = decodeCbor(payload);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 12 || fields[0] !== version) return undefined;
  const [, chain, batch, firstSequence, count, lastLink, root, previousSeal, segmentHeader] = fields;
  const [wallMs, uncertaintyMs, publicKey] = fields.slice(9);
  const counts: unknown[] = [batch, firstSequence, count, wallMs, uncertaintyMs ?? 0];
  if (!counts.every(Number.isSafeInteger)) return undefined;
  const hashes: unknown[] = [lastLink, root, previousSeal, segmentHeader, publicKey];
  if (!hashes.every((bytes) => isBytes(bytes) && bytes.length === hashBytes) || !isBytes(chain))
    return undefined;
  const seal = {
    chain,
    batch,
    firstSequence,
    count,
    lastLink,
    root,
    previousSeal,
    segmentHeader,
    wallMs,
    uncertaintyMs,
    publicKey,
  } as Seal;
  return { seal, payload, signature };
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** Whether an entry of a segment begins as a seal does. */
export function beginsSeal(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === entryHead[0] && bytes[at + 1] === entryHead[1];
}
