import type { Budget } from '../../budget.ts';
import { type Pace, paced } from '../pace.ts';
import { readBytesMax, writeBytesMax } from './bounds.ts';
import type { OpenFile, Soon } from './port.ts';

/**
 * Reads what may pass of what is wanted, and waits while that is nothing; without a pace all that is wanted. What
 * streams move goes by `PaceGate` instead: they know how to wait.
 */
export function readPaced(
  file: Pick<OpenFile, 'read'>,
  pace: Pace | undefined,
  budget: Budget,
  into: Uint8Array,
  offset: bigint,
): Soon<number> {
  if (pace === undefined || into.length === 0) return file.read(into, offset);
  const room = Math.min(into.length, readBytesMax, pace.room());
  if (room === 0) return paced(pace, budget).then(() => readPaced(file, pace, budget, into, offset));
  return spent(pace, room, file.read(into.subarray(0, room), offset));
}

/** As `readPaced`; the bytes are the guest's, who may change them while it waits, and so they are copied first. */
export function writePaced(
  file: Pick<OpenFile, 'write'>,
  pace: Pace | undefined,
  budget: Budget,
  bytes: Uint8Array,
  offset: bigint,
): Soon<number> {
  if (pace === undefined || bytes.length === 0) return file.write(bytes, offset);
  const room = Math.min(bytes.length, writeBytesMax, pace.room());
  if (room > 0) return spent(pace, room, file.write(bytes.subarray(0, room), offset));
  const copy = bytes.slice(0, writeBytesMax);
  return paced(pace, budget).then(() => writePaced(file, pace, budget, copy, offset));
}

/** Counted before, as another may be on its way at the same time; what did not come to pass is given back. */
function spent(pace: Pace, room: number, count: Soon<number>): Soon<number> {
  pace.spend(room);
  if (typeof count === 'number') {
    pace.spend(count - room);
    return count;
  }
  return count.then((moved) => {
    pace.spend(moved - room);
    return moved;
  });
}
