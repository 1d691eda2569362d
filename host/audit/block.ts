/**
 * How events travel from a thread to the chain: in one buffer, each behind four bytes, little-endian: its length, in
 * the top bit whether fields of it are to be sealed, and in the next whether a digest is still to be put in. Then there
 * are behind the event where in it (2 bytes), how many bytes it is of (2 bytes), and these.
 */
export const frameBytes = 4;
export const personalBit = 0x8000_0000;
export const digestBit = 0x4000_0000;
export const digestHeadBytes = 4;
/** Bytes of a block; an event fits into one (`eventBytesMax`). */
export const blockBytes = 65_536;

/** From a pen to the chain. */
export interface BlockPacket {
  readonly kind: 'block';
  readonly buffer: ArrayBuffer;
  readonly length: number;
  /** Somebody waits until it is durable. */
  readonly isUrgent: boolean;
}

/** From the chain to a pen: so many of its blocks, in their order, are on the disk. */
export interface DonePacket {
  readonly kind: 'done';
  readonly blocks: number;
  /** To be used again. */
  readonly buffers: readonly ArrayBuffer[];
}

/** The disk does not take what was sent; who waits is told, the chain tries on. */
export interface FailedPacket {
  readonly kind: 'failed';
  readonly message: string;
}

/** The four bytes before an event. */
export function frameLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) & 0x3fff_ffff;
}

export function isPersonalFrame(bytes: Buffer, at: number): boolean {
  return (bytes[at + 3] as number) >= 0x80;
}

export function isDigestFrame(bytes: Buffer, at: number): boolean {
  return ((bytes[at + 3] as number) & 0x40) !== 0;
}

/** What all threads see of the chain at once: one Int32 of shared memory. */
export const states = { writing: 0, refusing: 1, ended: 2 } as const;
