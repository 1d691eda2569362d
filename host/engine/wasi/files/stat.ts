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

/** Seconds as Node's `utimes` takes them: a double, so that today's times are kept to about 0.25 µs. */
export function secondsOf(time: NewTime, keptNs: bigint): number {
  if (time === 'now') return Date.now() / 1000;
  const ns = time === 'keep' ? keptNs : time;
  if (ns / nsPerSecond > secondsMax) throw new FileError('inval');
  return Number(ns / nsPerSecond) + Number(ns % nsPerSecond) / 1e9;
}
