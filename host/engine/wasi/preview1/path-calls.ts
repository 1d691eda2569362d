import { pathBytesMax } from '../files/bounds.ts';
import type { Descriptor, OpenRequest } from '../files/port.ts';
import type { Call, Context } from './context.ts';
import { Refusal } from './errno.ts';
import { readFdflags } from './fd-calls.ts';
import type { DirectoryEntry, FdEntry } from './fd-table.ts';
import { newTimes, writeFilestat } from './filestat.ts';
import { encode } from './guest-memory.ts';
import { directoryRights, fileRights, rights } from './rights.ts';

const lookupflagsMax = 1;
const oflags = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
const oflagsMax = 0b1111;
/** What only a file opened for writing can be asked. Go asks for the last with every file it only reads. */
const writingRights = rights.fdWrite | rights.fdAllocate | rights.fdFilestatSetSize;

export const path_create_directory: Call = (context, fd: number, path: number, length: number) =>
  context.fds
    .directory(fd, rights.pathCreateDirectory)
    .directory.createDirectory(text(context, path, length));

export const path_remove_directory: Call = (context, fd: number, path: number, length: number) =>
  context.fds
    .directory(fd, rights.pathRemoveDirectory)
    .directory.removeDirectory(text(context, path, length));

export const path_unlink_file: Call = (context, fd: number, path: number, length: number) =>
  context.fds.directory(fd, rights.pathUnlinkFile).directory.removeFile(text(context, path, length));

export const path_filestat_get: Call = async (
  context,
  fd: number,
  lookup: number,
  path: number,
  length: number,
  pointer: number,
) => {
  const { directory } = context.fds.directory(fd, rights.pathFilestatGet);
  const stat = await directory.statAt(text(context, path, length), follows(lookup));
  writeFilestat(context, pointer, stat);
};

export const path_filestat_set_times: Call = (
  context,
  fd: number,
  lookup: number,
  path: number,
  length: number,
  accessed: bigint,
  modified: bigint,
  flags: number,
) => {
  const { directory } = context.fds.directory(fd, rights.pathFilestatSetTimes);
  const times = newTimes(accessed, modified, flags);
  return directory.setTimesAt(text(context, path, length), follows(lookup), ...times);
};

export const path_link: Call = (
  context,
  fd: number,
  lookup: number,
  path: number,
  length: number,
  toFd: number,
  toPath: number,
  toLength: number,
) => {
  const from = context.fds.directory(fd, rights.pathLinkSource);
  const to = context.fds.directory(toFd, rights.pathLinkTarget);
  const paths = [text(context, path, length), text(context, toPath, toLength)] as const;
  return from.directory.link(paths[0], follows(lookup), to.directory, paths[1]);
};

export const path_rename: Call = (
  context,
  fd: number,
  path: number,
  length: number,
  toFd: number,
  toPath: number,
  toLength: number,
) => {
  const from = context.fds.directory(fd, rights.pathRenameSource);
  const to = context.fds.directory(toFd, rights.pathRenameTarget);
  const paths = [text(context, path, length), text(context, toPath, toLength)] as const;
  return from.directory.rename(paths[0], to.directory, paths[1]);
};

export const path_symlink: Call = (
  context,
  target: number,
  targetLength: number,
  fd: number,
  path: number,
  length: number,
) => {
  const { directory } = context.fds.directory(fd, rights.pathSymlink);
  return directory.createSymlink(text(context, target, targetLength), text(context, path, length));
};

export const path_readlink: Call = async (
  context,
  fd: number,
  path: number,
  length: number,
  buffer: number,
  bufferLength: number,
  usedPointer: number,
) => {
  const { directory } = context.fds.directory(fd, rights.pathReadlink);
  context.memory.slice(buffer, bufferLength);
  context.memory.at(usedPointer, 4);
  const target = encode(await directory.readSymlink(text(context, path, length)));
  const written = target.subarray(0, bufferLength >>> 0);
  context.memory.slice(buffer, written.length).set(written);
  context.memory.setU32(usedPointer, written.length);
};

export const path_open: Call = async (
  context,
  fd: number,
  lookup: number,
  path: number,
  length: number,
  open: number,
  base: bigint,
  inheriting: bigint,
  flags: number,
  pointer: number,
) => {
  const parent = context.fds.directory(fd, rights.pathOpen);
  context.memory.at(pointer, 4);
  const wanted = BigInt.asUintN(64, base);
  const request = { ...openRequest(parent, open, wanted), ...readFdflags(flags), follow: follows(lookup) };
  const descriptor = await parent.directory.openAt(text(context, path, length), request);
  const inherited = BigInt.asUintN(64, inheriting) & parent.rightsInheriting;
  const usable = request.write ? wanted : wanted & ~writingRights;
  const entry = entryOf(descriptor, usable & parent.rightsInheriting, inherited);
  context.memory.setU32(pointer, context.fds.add(entry));
};

/** @throws Refusal `inval`, `rofs`, `notcapable` */
function openRequest(parent: DirectoryEntry, open: number, wanted: bigint): OpenRequest {
  if (open < 0 || open > oflagsMax) throw new Refusal('inval');
  const create = (open & oflags.create) !== 0;
  const truncate = (open & oflags.truncate) !== 0;
  const write = (wanted & rights.fdWrite) !== 0n;
  const readOnly = parent.directory.mode === 'read-only';
  if (readOnly && (write || truncate)) throw new Refusal('rofs');
  if (write && (parent.rightsInheriting & rights.fdWrite) === 0n) throw new Refusal('notcapable');
  if (truncate && (parent.rightsBase & rights.pathFilestatSetSize) === 0n) throw new Refusal('notcapable');
  if (create && !readOnly && (parent.rightsBase & rights.pathCreateFile) === 0n)
    throw new Refusal('notcapable');
  return {
    read: (wanted & rights.fdRead) !== 0n,
    write,
    create,
    truncate,
    directory: (open & oflags.directory) !== 0,
    exclusive: (open & oflags.exclusive) !== 0,
  };
}

/** A file that was not opened for reading has no right to, whatever the guest asked for. */
function entryOf(descriptor: Descriptor, wanted: bigint, rightsInheriting: bigint): FdEntry {
  if (descriptor.kind === 'directory') {
    const rightsBase = wanted & directoryRights(descriptor.mode);
    return { kind: 'directory', directory: descriptor, rightsBase, rightsInheriting };
  }
  const rightsBase = wanted & fileRights(descriptor.mode);
  return { kind: 'file', file: descriptor, position: 0n, rightsBase, rightsInheriting };
}

function text(context: Context, pointer: number, length: number): string {
  return context.memory.text(pointer, length, pathBytesMax);
}

function follows(lookup: number): boolean {
  if (lookup < 0 || lookup > lookupflagsMax) throw new Refusal('inval');
  return lookup === 1;
}
