import type { FileStat, FileType, NewTime } from '../files/port.ts';
import type { Context } from './context.ts';
import { Refusal } from './errno.ts';

/** `filetype`; preview1 has no FIFO. */
export const filetypes: Readonly<Record<FileType, number>> = {
  unknown: 0,
  'block-device': 1,
  'character-device': 2,
  directory: 3,
  'regular-file': 4,
  fifo: 0,
  socket: 6,
  'symbolic-link': 7,
};

const filestatBytes = 64;
const unstableFilestatBytes = 56;

/** Writes a `filestat`; in `wasi_unstable` the link count is 32 bits and moves the rest up. */
export function writeFilestat(context: Context, pointer: number, stat: FileStat): void {
  const unstable = context.snapshot === 'wasi_unstable';
  const { memory } = context;
  const at = memory.at(pointer, unstable ? unstableFilestatBytes : filestatBytes);
  const { view } = memory;
  view.setBigUint64(at, stat.device, true);
  view.setBigUint64(at + 8, stat.inode, true);
  view.setBigUint64(at + 16, BigInt(filetypes[stat.type]), true);
  if (unstable) view.setUint32(at + 20, Number(BigInt.asUintN(32, stat.linkCount)), true);
  else view.setBigUint64(at + 24, stat.linkCount, true);
  const rest = at + (unstable ? 24 : 32);
  view.setBigUint64(rest, stat.size, true);
  view.setBigUint64(rest + 8, BigInt.asUintN(64, stat.accessedNs), true);
  view.setBigUint64(rest + 16, BigInt.asUintN(64, stat.modifiedNs), true);
  view.setBigUint64(rest + 24, BigInt.asUintN(64, stat.changedNs), true);
}

const fstflagsMax = 0b1111;

/** What `fstflags` say the two times become. @throws Refusal `inval` for unknown or contradicting flags */
export function newTimes(accessed: bigint, modified: bigint, flags: number): [NewTime, NewTime] {
  if (flags > fstflagsMax || flags < 0) throw new Refusal('inval');
  return [newTime(accessed, flags & 0b11), newTime(modified, flags >> 2)];
}

function newTime(time: bigint, flags: number): NewTime {
  if (flags === 0b11) throw new Refusal('inval');
  if (flags === 0b10) return 'now';
  return flags === 0b01 ? BigInt.asUintN(64, time) : 'keep';
}
