import { packSparse, unpackSparse } from '../engine/cold-store/sparse-codec.ts';
import { borrow, owned } from '../engine/hibernation/scratch.ts';
import { type Asleep, type Snapshot, snapshotBytes } from '../engine/hibernation/snapshot.ts';

/** Up to this, leaving out zeros and putting them back takes some microseconds. */
const sparseBytesMax = 32 * 1024;
/** What the objects around the bytes take. */
const objectBytes = 256;

/** An agent's state in the heap. A small one is kept with its zeros left out, so that many more find room there. */
export class WarmState implements Asleep {
  readonly kind = 'warm';
  /** Bytes it takes, roughly. */
  readonly bytes: number;
  readonly #kept: Snapshot | Buffer | string;

  /** What it needs of the arrays of the snapshot it copies. */
  constructor(snapshot: Snapshot) {
    const bytes = snapshotBytes(snapshot);
    const packed = bytes <= sparseBytesMax ? packSparse(snapshot) : undefined;
    this.#kept = packed ?? owned(snapshot);
    this.bytes = objectBytes + (packed?.length ?? bytes);
  }

  /** To be looked at at once, and not to be held on to. */
  get snapshot(): Snapshot {
    return isPacked(this.#kept) ? unpackSparse(this.#kept, borrow) : this.#kept;
  }

  /** With arrays that are nobody else's. */
  get own(): Snapshot {
    return isPacked(this.#kept) ? unpackSparse(this.#kept) : this.#kept;
  }
}

function isPacked(kept: Snapshot | Buffer | string): kept is Buffer | string {
  return typeof kept === 'string' || Buffer.isBuffer(kept);
}
