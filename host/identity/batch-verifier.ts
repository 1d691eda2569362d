import { type Verify, verifySignature } from './curves.ts';
import type { EnvelopeHeader } from './header.ts';
import { nodeHash } from './merkle.ts';
import {
  type MessageProof,
  messageLeaf,
  type Proven,
  rootStatement,
  type SignedRoot,
  verifyProof,
} from './message-proof.ts';
import { type Refused, refused } from './refusal.ts';

const batchesMax = 64;

/** A batch whose signature was found good, and all its nodes that are known to lead to the root. */
interface KnownBatch {
  readonly batch: SignedRoot;
  readonly proven: Proven;
  /** Level by level, each of the tree's width. */
  readonly levels: (Uint8Array | undefined)[][];
}

/**
 * Verifies messages of the same batches faster than each alone: a signature once a batch, and of each path only what
 * no earlier one has proven. It accepts exactly what `verifyProof` accepts.
 */
export class BatchVerifier {
  readonly #verify: Verify;
  /** By the bytes that were signed and the signature; the oldest goes first. */
  readonly #known = new Map<string, KnownBatch>();
  #last: KnownBatch | undefined;

  constructor(verify: Verify = verifySignature) {
    this.#verify = verify;
  }

  verify(header: EnvelopeHeader, payload: Uint8Array, proof: MessageProof): Proven | Refused {
    const known = this.#find(proof.batch);
    if (known === undefined) return this.#first(header, payload, proof);
    return isProven(known, messageLeaf(header, payload), proof.index, proof.path)
      ? known.proven
      : refused('unauthentic', 'the message is not the one in the batch');
  }

  #first(header: EnvelopeHeader, payload: Uint8Array, proof: MessageProof): Proven | Refused {
    const proven = verifyProof(header, payload, proof, this.#verify);
    if (proven.kind === 'refused') return proven;
    const batch = copyOf(proof.batch);
    const known = { batch, proven: { ...proven, key: batch.key }, levels: emptyLevels(batch) };
    isProven(known, messageLeaf(header, payload), proof.index, proof.path);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < batchesMax) break;
      this.#known.delete(oldest);
    }
    this.#known.set(nameOf(batch), known);
    this.#last = known;
    return proven;
  }

  #find(batch: SignedRoot): KnownBatch | undefined {
    if (this.#last !== undefined && isSameBatch(this.#last.batch, batch)) return this.#last;
    const known = this.#known.get(nameOf(batch));
    if (known !== undefined) this.#last = known;
    return known;
  }
}

/** What is remembered must not be in memory that the next message is read into. */
function copyOf(batch: SignedRoot): SignedRoot {
  const { root, key, signature } = batch;
  return {
    ...batch,
    root: Uint8Array.from(root),
    key: Uint8Array.from(key),
    signature: Uint8Array.from(signature),
  };
}

function emptyLevels(batch: SignedRoot): (Uint8Array | undefined)[][] {
  const levels: (Uint8Array | undefined)[][] = [];
  for (let width = batch.count; width > 1; width = (width + 1) >>> 1) levels.push(new Array(width));
  levels.push([batch.root]);
  return levels;
}

function nameOf(batch: SignedRoot): string {
  const signed = Buffer.concat([rootStatement(batch), batch.signature]);
  return signed.toString('latin1');
}

function isSameBatch(one: SignedRoot, other: SignedRoot): boolean {
  if (one === other) return true;
  return (
    one.count === other.count &&
    one.signedAtMs === other.signedAtMs &&
    Buffer.compare(one.root, other.root) === 0 &&
    Buffer.compare(one.key, other.key) === 0 &&
    Buffer.compare(one.signature, other.signature) === 0
  );
}

/**
 * Climbs until it meets a node that is known, and compares. If they are equal, everything that went into it is proven
 * as well, the neighbours in the path among it: the next message's climb is shorter.
 */
function isProven(known: KnownBatch, leaf: Uint8Array, index: number, path: readonly Uint8Array[]): boolean {
  const { levels } = known;
  if (index >= known.batch.count) return false;
  const climbed: Uint8Array[] = [];
  let hash = leaf;
  let step = 0;
  let at = index;
  let level = 0;
  let met = levels[0]?.[at];
  while (met === undefined) {
    climbed.push(hash);
    const width = levels[level]?.length ?? 0;
    if ((at ^ 1) < width) {
      const neighbour = path[step++];
      if (neighbour === undefined) return false;
      hash = (at & 1) === 0 ? nodeHash(hash, neighbour) : nodeHash(neighbour, hash);
    }
    at >>>= 1;
    met = levels[++level]?.[at];
  }
  if (Buffer.compare(met, hash) !== 0 || !isRestKnown(known, at, level, path, step)) return false;
  keep(known, index, climbed, path);
  return true;
}

/** The rest of the path is what is known too: a proof with a wrong hash anywhere is no proof. */
function isRestKnown(
  known: KnownBatch,
  index: number,
  from: number,
  path: readonly Uint8Array[],
  steps: number,
): boolean {
  let step = steps;
  let at = index;
  for (let level = from; level < known.levels.length - 1; level++, at >>>= 1) {
    const row = known.levels[level] ?? [];
    if ((at ^ 1) >= row.length) continue;
    const [neighbour, given] = [row[at ^ 1], path[step++]];
    if (given === undefined || neighbour === undefined || Buffer.compare(neighbour, given) !== 0)
      return false;
  }
  return step === path.length;
}

function keep(
  known: KnownBatch,
  index: number,
  climbed: readonly Uint8Array[],
  path: readonly Uint8Array[],
): void {
  let step = 0;
  let at = index;
  for (let level = 0; level < climbed.length; level++, at >>>= 1) {
    const row = known.levels[level] ?? [];
    row[at] = climbed[level];
    if ((at ^ 1) < row.length) row[at ^ 1] = Uint8Array.from(path[step++] ?? []);
  }
}
