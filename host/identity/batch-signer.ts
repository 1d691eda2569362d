import type { Clock } from '../clock.ts';
import type { EnvelopeHeader } from './header.ts';
import { leavesMax, pathOf, treeLevels } from './merkle.ts';
import { type MessageProof, messageLeaf, rootStatement, type SignedRoot } from './message-proof.ts';
import type { Signer } from './signing-key.ts';

const delayMsMax = 2;

/** Takes the proof of a message once its batch is signed. */
export type OnProof = (proof: MessageProof) => void;

export interface BatchSignerOptions {
  readonly signer: Signer;
  readonly clock: Clock;
  /** Messages under one signature; at most and by default 256. */
  readonly batchMax?: number;
  /** How long the first message of a batch waits for others; default 2 ms. */
  readonly delayMsMax?: number;
}

/**
 * One signature for many messages: a Merkle tree over the batch, signed when it is full or its first message has waited
 * long enough. Each message gets a proof of its own.
 */
export class BatchSigner {
  readonly #options: BatchSignerOptions;
  readonly #batchMax: number;
  #leaves: Uint8Array[] = [];
  #waiting: OnProof[] = [];
  #timer: AbortController | undefined;

  constructor(options: BatchSignerOptions) {
    this.#options = options;
    this.#batchMax = Math.min(options.batchMax ?? leavesMax, leavesMax);
  }

  /** Messages that wait for their signature. */
  get pending(): number {
    return this.#leaves.length;
  }

  /** Header and payload are read at once; `onProof` is called later, or before this returns if the batch is full. */
  add(header: EnvelopeHeader, payload: Uint8Array, onProof: OnProof): void {
    this.#leaves.push(messageLeaf(header, payload));
    this.#waiting.push(onProof);
    if (this.#leaves.length >= this.#batchMax) this.flush();
    else if (this.#timer === undefined) this.#wait();
  }

  /** Signs what waits, now. */
  flush(): void {
    this.#timer?.abort();
    this.#timer = undefined;
    if (this.#leaves.length === 0) return;
    const [leaves, waiting] = [this.#leaves, this.#waiting];
    this.#leaves = [];
    this.#waiting = [];
    const levels = treeLevels(leaves);
    const batch = this.#sign(levels.at(-1)?.[0] ?? new Uint8Array(0), leaves.length);
    for (let index = 0; index < waiting.length; index++)
      waiting[index]?.({ batch, index, path: pathOf(levels, index) });
  }

  #sign(root: Uint8Array, count: number): SignedRoot {
    const { signer, clock } = this.#options;
    const signedAtMs = Number(clock.wallNs() / 1_000_000n);
    const content = { root, count, signedAtMs, key: signer.publicKey };
    return { ...content, signature: signer.sign(rootStatement(content)) };
  }

  #wait(): void {
    const timer = new AbortController();
    this.#timer = timer;
    this.#options.clock.sleep(this.#options.delayMsMax ?? delayMsMax, timer.signal).then(
      () => this.flush(),
      // Signed meanwhile, because it was full.
      () => {},
    );
  }
}
