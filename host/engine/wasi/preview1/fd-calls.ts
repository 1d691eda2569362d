import type { FileFlags, FileStat } from '../files/port.ts';
import { after, type Call, type Context } from './context.ts';
import { Refusal } from './errno.ts';
import type { FdEntry, FileEntry } from './fd-table.ts';
import { filetypes, newTimes, writeFilestat } from './filestat.ts';
import { encode } from './guest-memory.ts';
import { rights } from './rights.ts';

const adviceMax = 5;
const fdstatBytes = 24;
const offsetMax = 2n ** 63n - 1n;

export const fd_advise: Call = (context, fd: number, offset: bigint, length: bigint, advice: number) => {
  context.fds.file(fd, rights.fdAdvise);
  if (advice < 0 || advice > adviceMax || offset < 0n || length < 0n) throw new Refusal('inval');
};

export const fd_allocate: Call = (context, fd: number, offset: bigint, length: bigint) => {
  const { file } = context.fds.file(fd, rights.fdAllocate);
  if (offset < 0n || length <= 0n || offset + length > offsetMax) throw new Refusal('inval');
  return file.allocate(offset, length);
};

export const fd_close: Call = (context, fd: number) => context.fds.close(fd);

export const fd_datasync: Call = (context, fd: number) => opened(context, fd, rights.fdDatasync).syncData();

export const fd_sync: Call = (context, fd: number) => opened(context, fd, rights.fdSync).sync();

/** The file or directory behind a number. @throws Refusal `inval` for a stream: it has nothing to flush or stamp */
function opened(context: Context, fd: number, needed: bigint) {
  const entry = context.fds.get(fd);
  if (entry.kind === 'input' || entry.kind === 'output') throw new Refusal('inval');
  context.fds.require(fd, needed);
  return entry.kind === 'file' ? entry.file : entry.directory;
}

export const fd_fdstat_get: Call = (context, fd: number, pointer: number) => {
  const entry = context.fds.get(fd);
  const at = context.memory.at(pointer, fdstatBytes);
  const { view } = context.memory;
  view.setBigUint64(at, 0n, true);
  view.setUint8(at, filetypeOf(entry));
  view.setUint16(at + 2, entry.kind === 'file' ? fdflagsOf(entry.file.flags) : 0, true);
  view.setBigUint64(at + 8, entry.rightsBase, true);
  view.setBigUint64(at + 16, entry.rightsInheriting, true);
};

function filetypeOf(entry: FdEntry): number {
  if (entry.kind === 'file') return filetypes['regular-file'];
  if (entry.kind === 'directory') return filetypes.directory;
  return entry.stream.isTerminal ? filetypes['character-device'] : filetypes.unknown;
}

const fdflags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
const fdflagsMax = 0b11111;

export function readFdflags(flags: number): FileFlags {
  if (flags < 0 || flags > fdflagsMax) throw new Refusal('inval');
  return {
    append: (flags & fdflags.append) !== 0,
    dsync: (flags & fdflags.dsync) !== 0,
    nonblock: (flags & fdflags.nonblock) !== 0,
    rsync: (flags & fdflags.rsync) !== 0,
    sync: (flags & fdflags.sync) !== 0,
  };
}

function fdflagsOf(flags: FileFlags): number {
  let bits = 0;
  for (const [name, bit] of Object.entries(fdflags)) if (flags[name as keyof FileFlags]) bits |= bit;
  return bits;
}

export const fd_fdstat_set_flags: Call = (context, fd: number, flags: number) => {
  const wanted = readFdflags(flags);
  const entry = context.fds.require(fd, rights.fdFdstatSetFlags);
  if (entry.kind === 'file') return entry.file.setFlags(wanted);
  // A stream never blocks the thread and never seeks; a directory is not written.
  if (flags & ~fdflags.nonblock) throw new Refusal('inval');
};

export const fd_fdstat_set_rights: Call = (context, fd: number, base: bigint, inheriting: bigint) => {
  const entry = context.fds.get(fd);
  const [wanted, wantedInheriting] = [BigInt.asUintN(64, base), BigInt.asUintN(64, inheriting)];
  if (wanted & ~entry.rightsBase || wantedInheriting & ~entry.rightsInheriting)
    throw new Refusal('notcapable');
  entry.rightsBase = wanted;
  entry.rightsInheriting = wantedInheriting;
};

const streamStat: FileStat = {
  type: 'unknown',
  device: 0n,
  inode: 0n,
  linkCount: 1n,
  size: 0n,
  accessedNs: 0n,
  modifiedNs: 0n,
  changedNs: 0n,
};

export const fd_filestat_get: Call = (context, fd: number, pointer: number) => {
  const entry = context.fds.require(fd, rights.fdFilestatGet);
  return after(statOf(entry), (stat) => writeFilestat(context, pointer, stat));
};

function statOf(entry: FdEntry): FileStat | Promise<FileStat> {
  if (entry.kind === 'file') return entry.file.stat();
  if (entry.kind === 'directory') return entry.directory.stat();
  return entry.stream.isTerminal ? { ...streamStat, type: 'character-device' } : streamStat;
}

export const fd_filestat_set_size: Call = (context, fd: number, size: bigint) => {
  const { file } = context.fds.file(fd, rights.fdFilestatSetSize);
  if (size < 0n) throw new Refusal('inval');
  return file.setSize(size);
};

export const fd_filestat_set_times: Call = (
  context,
  fd: number,
  accessed: bigint,
  modified: bigint,
  flags: number,
) => {
  const times = newTimes(accessed, modified, flags);
  return opened(context, fd, rights.fdFilestatSetTimes).setTimes(...times);
};

export const fd_prestat_get: Call = (context, fd: number, pointer: number) => {
  const name = encode(preopenName(context, fd));
  const at = context.memory.at(pointer, 8);
  context.memory.view.setUint32(at, 0, true);
  context.memory.view.setUint32(at + 4, name.length, true);
};

export const fd_prestat_dir_name: Call = (context, fd: number, pointer: number, length: number) => {
  const name = encode(preopenName(context, fd));
  if (length >>> 0 < name.length) throw new Refusal('nametoolong');
  context.memory.slice(pointer, name.length).set(name);
};

function preopenName(context: Context, fd: number): string {
  const entry = context.fds.get(fd);
  if (entry.kind !== 'directory' || entry.preopenName === undefined) throw new Refusal('badf');
  return entry.preopenName;
}

export const fd_renumber: Call = (context, from: number, to: number) => context.fds.renumber(from, to);

export const fd_seek: Call = (context, fd: number, offset: bigint, whence: number, pointer: number) => {
  const from = whences[context.snapshot][whence];
  if (from === undefined) throw new Refusal('inval');
  const entry = context.fds.file(fd, from === 'current' && offset === 0n ? rights.fdTell : rights.fdSeek);
  context.memory.at(pointer, 8);
  return after(baseOf(entry, from), (base) => {
    const position = base + offset;
    if (position < 0n || position > offsetMax) throw new Refusal('inval');
    context.memory.setU64(pointer, position);
    entry.position = position;
  });
};

const whences = {
  wasi_snapshot_preview1: ['start', 'current', 'end'],
  wasi_unstable: ['current', 'end', 'start'],
} as const;

function baseOf(entry: FileEntry, from: 'start' | 'current' | 'end'): bigint | Promise<bigint> {
  if (from === 'start') return 0n;
  return from === 'current' ? entry.position : sizeOf(entry);
}

async function sizeOf(entry: FileEntry): Promise<bigint> {
  return (await entry.file.stat()).size;
}

export const fd_tell: Call = (context, fd: number, pointer: number) => {
  context.memory.setU64(pointer, context.fds.file(fd, rights.fdTell).position);
};
