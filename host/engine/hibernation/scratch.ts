import { blockBytes, type SavedMemory, type Snapshot } from './snapshot.ts';

/*
 * Where the blocks of a small state lie on their way between a memory and what keeps it: one place for the thread, so
 * that putting an agent to sleep and waking it makes no buffer that is garbage a moment later.
 */
const room: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(16 * blockBytes);

/** Room for so many bytes, with anything in it and only until the next is borrowed; undefined: it is too much. */
export function borrow(bytes: number): Buffer<ArrayBuffer> | undefined {
  return bytes > room.length ? undefined : room.subarray(0, bytes);
}

function isBorrowed({ bytes }: SavedMemory): boolean {
  return bytes.buffer === room.buffer;
}

/** The same snapshot with arrays that are nobody else's. */
export function owned(snapshot: Snapshot): Snapshot {
  if (!snapshot.memories.some(isBorrowed)) return snapshot;
  const memories = snapshot.memories.map((one) =>
    isBorrowed(one) ? { ...one, bytes: Uint8Array.from(one.bytes) } : one,
  );
  return { ...snapshot, memories };
}
