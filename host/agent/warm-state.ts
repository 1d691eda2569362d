import { decodeSparse, encodeSparse } from '../engine/cold-store/sparse-codec.ts';
import { type Snapshot, snapshotBytes } from '../engine/hibernation/snapshot.ts';

/** Up to this, leaving out zeros and putting them back takes some microseconds. */
const sparseBytesMax = 32 * 1024;
/** What the objects around the bytes take. */
const objectBytes = 256;

/** An agent's state in the heap. A small one is kept with its zeros left out, so that many more find room there. */
export class WarmState {
  readonly kind = 'warm';
  /** Bytes it takes, roughly. */
  readonly bytes: number;
  readonly #kept: Snapshot | Buffer;

  constructor(snapshot: Snapshot) {
    const isSmall = snapshotBytes(snapshot) <= sparseBytesMax;
    this.#kept = isSmall ? encodeSparse(snapshot) : snapshot;
    this.bytes = objectBytes + (Buffer.isBuffer(this.#kept) ? this.#kept.length : snapshotBytes(snapshot));
  }

  get snapshot(): Snapshot {
    return Buffer.isBuffer(this.#kept) ? (decodeSparse(this.#kept) as Snapshot) : this.#kept;
  }
}
