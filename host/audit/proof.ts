import { HostError } from '../errors.ts';
import { ChainHash, recordBytesMax } from './chain-hash.ts';
import { readBatches } from './chain-reader.ts';
import { type AuditEvent, decodeEvent } from './event.ts';
import { merklePath, rootOf, type Step, sidesOf } from './merkle.ts';
import { isSigned, readSeal, type SignedSeal } from './seal.ts';
import { equal } from './segment-scan.ts';

/** That one event is on the chain: verified alone, with the public key. */
export interface InclusionProof {
  readonly sequence: number;
  readonly record: Uint8Array;
  readonly linkBefore: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly signed: SignedSeal;
}

/** @throws HostError `HOST_ERR_AUDIT_UNKNOWN` when the chain has no such event, or not any more */
export function makeProof(folder: string, sequence: number): InclusionProof {
  for (const { records, firstSequence, linkBefore, signed } of readBatches(folder, {
    fromSequence: sequence,
  })) {
    const index = sequence - firstSequence;
    if (index < 0) break;
    const record = records[index];
    if (record === undefined) continue;
    const links = linksOf(records, linkBefore);
    const path = merklePath(links, index).map(({ hash }) => hash);
    return { sequence, record, linkBefore: links[index - 1] ?? linkBefore, path, signed };
  }
  throw new HostError(
    'HOST_ERR_AUDIT_UNKNOWN',
    `the chain has no event ${sequence}; it was never recorded, is not sealed yet, or was deleted by retention`,
    { sequence },
  );
}

/** Proofs for many events in one pass; those that the chain does not have are left out. */
export function makeProofs(folder: string, sequences: ReadonlySet<number>): Map<number, InclusionProof> {
  const proofs = new Map<number, InclusionProof>();
  if (sequences.size === 0) return proofs;
  for (const { records, firstSequence, linkBefore, signed } of readBatches(folder)) {
    let links: Buffer[] | undefined;
    for (const [index, record] of records.entries()) {
      const sequence = firstSequence + index;
      if (!sequences.has(sequence)) continue;
      links ??= linksOf(records, linkBefore);
      const path = merklePath(links, index).map(({ hash }) => hash);
      proofs.set(sequence, { sequence, record, linkBefore: links[index - 1] ?? linkBefore, path, signed });
    }
    if (proofs.size === sequences.size) break;
  }
  return proofs;
}

function linksOf(records: readonly Buffer[], linkBefore: Uint8Array): Buffer[] {
  const hash = new ChainHash(linkBefore);
  return records.map((record) => Buffer.from(hash.add(record, 0, record.length)));
}

export type ProofVerdict =
  | { readonly isIncluded: true; readonly event: AuditEvent; readonly sealedMs: number }
  | { readonly isIncluded: false; readonly reason: string };

/** Needs nothing but the proof and the public keys that are trusted. */
export function verifyProof(proof: InclusionProof, publicKeys: readonly Uint8Array[]): ProofVerdict {
  const { sequence, record, linkBefore, path, signed } = proof;
  const { seal } = signed;
  if (!publicKeys.some((key) => equal(key, seal.publicKey)))
    return no('the seal is of a key that is not trusted');
  if (!isSigned(signed)) return no('the signature of the seal is wrong');
  const index = sequence - seal.firstSequence;
  if (index < 0 || index >= seal.count) return no(`the seal is not over event ${sequence}`);
  const sides = sidesOf(index, seal.count);
  if (sides.length !== path.length) return no('the path is not that of this event');
  const steps: Step[] = sides.map((isLeft, at) => ({ hash: path[at] as Uint8Array, isLeft }));
  const link = new ChainHash(linkBefore).peek(record, 0, record.length);
  if (!equal(rootOf(link, steps), seal.root)) return no('the event is not the one that was sealed');
  return { isIncluded: true, event: decodeEvent(sequence, record), sealedMs: seal.wallMs };
}

function no(reason: string): ProofVerdict {
  return { isIncluded: false, reason };
}

const proofKind = 'motehost-audit-proof';

/** A proof as JSON; bytes in base64url. */
export function proofText({ sequence, record, linkBefore, path, signed }: InclusionProof): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  return JSON.stringify({
    kind: proofKind,
    version: 1,
    sequence,
    record: text(record),
    linkBefore: text(linkBefore),
    path: path.map(text),
    seal: text(signed.payload),
    signature: text(signed.signature),
  });
}

/** @throws HostError `HOST_ERR_AUDIT_INVALID` when the text is no proof */
export function parseProof(text: string): InclusionProof {
  const read = readProof(text);
  if (read !== undefined) return read;
  throw new HostError('HOST_ERR_AUDIT_INVALID', 'this is no proof of an event; host audit prove makes one');
}

function readProof(text: string): InclusionProof | undefined {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (json?.kind !== proofKind || json.version !== 1 || !Array.isArray(json.path)) return undefined;
  const bytes = ['record', 'linkBefore', 'seal', 'signature'].map((name) => bytesOf(json[name]));
  const path = json.path.map(bytesOf);
  const [record, linkBefore, payload, signature] = bytes;
  const sequence = json.sequence;
  if (record === undefined || linkBefore === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const signed = readSeal(payload, signature);
  if (signed === undefined || !path.every((step) => step?.length === 32)) return undefined;
  if (linkBefore.length !== 32 || record.length > recordBytesMax) return undefined;
  return { sequence: sequence as number, record, linkBefore, path: path as Uint8Array[], signed };
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64url') : undefined;
}
