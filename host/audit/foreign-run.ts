import type { ChainFault } from './chain-fault.ts';
import { publicKeyText } from './signer.ts';
import { Trust } from './trust.ts';

/** Batches, one after the other, that a key sealed for which nobody vouched: one fault for all of them. */
export class ForeignRun {
  readonly #key: string;
  /** Those that this key leads to, if it is believed. */
  readonly #trust: Trust;
  readonly #place: Pick<ChainFault, 'sequence' | 'batch' | 'file' | 'offset'>;
  readonly #isBeginning: boolean;
  #batches = 0;
  #lastSequence: number;
  #handsOver = false;

  /** `isBeginning`: nothing on the chain is before it. */
  constructor(
    publicKey: Uint8Array,
    place: Pick<ChainFault, 'sequence' | 'batch' | 'file' | 'offset'>,
    isBeginning: boolean,
  ) {
    this.#key = publicKeyText(publicKey);
    this.#trust = new Trust([publicKey]);
    this.#place = place;
    this.#isBeginning = isBeginning;
    this.#lastSequence = place.sequence - 1;
  }

  /** Whether a seal of this key belongs to it. */
  takes(publicKey: Uint8Array): boolean {
    return this.#trust.holds(publicKey);
  }

  /** `keyEvents`: records about keys under that seal; none when more is wrong with it than whose it is. */
  add(lastSequence: number, keyEvents: readonly Uint8Array[]): void {
    this.#batches += 1;
    this.#lastSequence = lastSequence;
    for (const record of keyEvents) this.#trust.learn(record);
  }

  /** A key that is vouched for seals from here on. */
  end(publicKey: Uint8Array): void {
    this.#handsOver = this.#trust.holds(publicKey);
  }

  get fault(): ChainFault {
    const { sequence } = this.#place;
    const batches = this.#batches;
    const extent = batches > 1 ? ` (${batches} batches, events ${sequence} to ${this.#lastSequence})` : '';
    return { kind: 'key', ...this.#place, batches, detail: `${this.#words()}${extent}` };
  }

  #words(): string {
    if (!this.#isBeginning)
      return `the seal of its batch is signed by a key that nobody vouched for or that was revoked, ${this.#key}`;
    if (!this.#handsOver)
      return `the chain begins under a key that nobody vouched for, ${this.#key}; if it is an earlier one of this host, give that one with --key`;
    const after = `it handed over in event ${this.#lastSequence}, and a later key vouches only for what comes after`;
    return `the chain begins under an earlier key ${this.#key}; give that one with --key: ${after}`;
  }
}
