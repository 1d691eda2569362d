import type { BigIntStats, Stats } from 'node:fs';
import { FileError } from './file-error.ts';
import type { FileStat, FileType, NewTime } from './port.ts';

export function typeOf(stats: Stats | BigIntStats): FileType {
  if (stats.isFile()) return 'regular-file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symbolic-link';
  if (stats.isCharacterDevice()) return 'character-device';
  if (stats.isBlockDevice()) return 'block-device';
  if (stats.isFIFO()) return 'fifo';
  return stats.isSocket() ? 'socket' : 'unknown';
}

export function fileStatOf(stats: BigIntStats): FileStat {
  return {
    type: typeOf(stats),
    device: stats.dev,
    inode: stats.ino,
    linkCount: stats.nlink,
    size: stats.size,
    accessedNs: stats.atimeNs,
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
  };
}

const nsPerSecond = 1_000_000_000n;
/** The last second that `utimensat` takes on every 64-bit file system here. */
const secondsMax = 2n ** 34n;

/** Node hands both to the kernel as they are: an invalid date is `UTIME_OMIT`, infinity `UTIME_NOW` (libuv from 1.51). */
const omit = new Date(Number.NaN);
const now = 'Infinity';

/** A time as Node's `utimes` takes it: seconds are a double, so that today's times are kept to about 0.25 µs. */
export function utimeOf(time: NewTime): Date | string | number {
  if (time === 'keep') return omit;
  if (time === 'now') return now;
  if (time / nsPerSecond > secondsMax) throw new FileError('inval');
  return Number(time / nsPerSecond) + Number(time % nsPerSecond) / 1e9;
}
