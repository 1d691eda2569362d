import { setImmediate as nextTurn } from 'node:timers/promises';
import { readBytesMax, writeBytesMax } from '../files/bounds.ts';
import { readPaced, writePaced } from '../files/paced-file.ts';
import type { OpenFile, Soon } from '../files/port.ts';
import { after, type Call, type Context } from './context.ts';
import { Refusal } from './errno.ts';
import type { DirectoryEntry, FileEntry } from './fd-table.ts';
import { filetypes } from './filestat.ts';
import { encode } from './guest-memory.ts';
import { rights } from './rights.ts';
import type { Input } from './stdio.ts';

type Vectors = readonly Uint8Array<ArrayBuffer>[];

export const fd_read: Call = (context, fd: number, vectors: number, count: number, pointer: number) => {
  const entry = context.fds.get(fd);
  if (entry.kind === 'output') throw new Refusal('badf');
  const into = context.memory.vectors(vectors, count);
  context.memory.at(pointer, 4);
  const done = (length: number): void => context.memory.setU32(pointer, length);
  if (entry.kind === 'input') {
    context.fds.require(fd, rights.fdRead);
    return after(readInput(context, entry.stream, into), done);
  }
  const opened = context.fds.file(fd, rights.fdRead);
  return after(readFile(context, opened.file, into, opened.position), (length) => {
    opened.position += BigInt(length);
    done(length);
  });
};

export const fd_pread: Call = (
  context,
  fd: number,
  vectors: number,
  count: number,
  offset: bigint,
  pointer: number,
) => {
  const { file } = context.fds.file(fd, rights.fdRead | rights.fdSeek);
  const into = context.memory.vectors(vectors, count);
  context.memory.at(pointer, 4);
  if (offset < 0n) throw new Refusal('inval');
  return after(readFile(context, file, into, offset), (length) => context.memory.setU32(pointer, length));
};

function readInput(context: Context, input: Input, into: Vectors): Soon<number> {
  const wanted = lengthOf(into, readBytesMax);
  if (wanted === 0) return 0;
  if (input.ready !== undefined) return scatter(input.take(wanted), into);
  return input.fill().then(() => {
    context.budget.check();
    return scatter(input.take(wanted), into);
  });
}

function readFile(context: Context, file: OpenFile, into: Vectors, offset: bigint): Soon<number> {
  const [only] = into;
  if (only === undefined) return 0;
  const { budget, grants } = context;
  const pace = grants.flows?.disk;
  if (into.length === 1) return readPaced(file, pace, budget, only, offset);
  const buffer = new Uint8Array(lengthOf(into, readBytesMax));
  const spread = (length: number): number => scatter(buffer.subarray(0, length), into);
  const read = readPaced(file, pace, budget, buffer, offset);
  if (typeof read === 'number') return spread(read);
  return read.then((length) => {
    context.budget.check();
    return spread(length);
  });
}

export const fd_write: Call = (context, fd: number, vectors: number, count: number, pointer: number) => {
  const entry = context.fds.get(fd);
  if (entry.kind === 'input') throw new Refusal('badf');
  const bytes = gather(context.memory.vectors(vectors, count));
  context.memory.at(pointer, 4);
  const done = (length: number): void => context.memory.setU32(pointer, length);
  if (entry.kind === 'output') {
    context.fds.require(fd, rights.fdWrite);
    return after(entry.stream.write(bytes), done);
  }
  const opened = context.fds.file(fd, rights.fdWrite);
  return after(write(context, opened.file, bytes, opened.position), (length) => {
    done(length);
    return advance(opened, length);
  });
};

function write({ budget, grants }: Context, file: OpenFile, bytes: Uint8Array, offset: bigint): Soon<number> {
  return writePaced(file, grants.flows?.disk, budget, bytes, offset);
}

/** After an append the position is the file's end, wherever it was before. */
function advance(entry: FileEntry, length: number): void | Promise<void> {
  if (!entry.file.flags.append) {
    entry.position += BigInt(length);
    return;
  }
  return after(entry.file.stat(), ({ size }) => {
    entry.position = size;
  });
}

export const fd_pwrite: Call = (
  context,
  fd: number,
  vectors: number,
  count: number,
  offset: bigint,
  pointer: number,
) => {
  const { file } = context.fds.file(fd, rights.fdWrite | rights.fdSeek);
  const bytes = gather(context.memory.vectors(vectors, count));
  context.memory.at(pointer, 4);
  if (offset < 0n) throw new Refusal('inval');
  return after(write(context, file, bytes, offset), (length) => context.memory.setU32(pointer, length));
};

function lengthOf(vectors: Vectors, bytesMax: number): number {
  let length = 0;
  for (const vector of vectors) length += vector.length;
  return Math.min(length, bytesMax);
}

function scatter(bytes: Uint8Array, into: Vectors): number {
  let taken = 0;
  for (const vector of into) {
    if (taken === bytes.length) break;
    const part = bytes.subarray(taken, taken + vector.length);
    vector.set(part);
    taken += part.length;
  }
  return taken;
}

/** One write is one system call: what does not fit is left to the guest's next write. */
function gather(vectors: Vectors): Uint8Array {
  const [only] = vectors;
  if (vectors.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(lengthOf(vectors, writeBytesMax));
  let filled = 0;
  for (const vector of vectors) {
    const part = vector.subarray(0, bytes.length - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  return bytes;
}

const direntBytes = 24;
/** Pages of entries written before other agents get the thread. */
const pagesPerTurn = 8;

export const fd_readdir: Call = async (
  context,
  fd: number,
  pointer: number,
  length: number,
  cookie: bigint,
  usedPointer: number,
) => {
  const entry = context.fds.directory(fd, rights.fdReaddir);
  context.memory.slice(pointer, length);
  context.memory.at(usedPointer, 4);
  const used = await writeEntries(context, entry, pointer, length >>> 0, BigInt.asUintN(64, cookie));
  context.memory.setU32(usedPointer, used);
};

/** Fills the buffer with entries from `cookie` on, the last one cut off where the buffer ends. */
async function writeEntries(
  context: Context,
  { directory }: DirectoryEntry,
  pointer: number,
  length: number,
  cookie: bigint,
): Promise<number> {
  const self = (await directory.stat()).inode;
  let used = 0;
  let next = cookie;
  const put = (name: string, type: number, inode: bigint): void => {
    next += 1n;
    const dirent = encodeDirent(next, inode, type, name).subarray(0, length - used);
    context.memory.slice(pointer + used, dirent.length).set(dirent);
    used += dirent.length;
  };
  // Positions 0 and 1 are ours; the parent may be outside the sandbox, so it is told as the directory itself.
  if (next === 0n) put('.', filetypes.directory, self);
  if (next === 1n && used < length) put('..', filetypes.directory, self);
  for (let page = 1; used < length; page += 1) {
    const { entries, end } = await directory.list(next - 2n);
    for (const { name, type, inode } of entries) {
      if (used === length) return used;
      put(name, filetypes[type], inode);
    }
    if (end) break;
    if (page % pagesPerTurn === 0) await nextTurn();
  }
  return used;
}

function encodeDirent(next: bigint, inode: bigint, type: number, name: string): Uint8Array {
  const text = encode(name);
  const dirent = new Uint8Array(direntBytes + text.length);
  const view = new DataView(dirent.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, next), true);
  view.setBigUint64(8, inode, true);
  view.setUint32(16, text.length, true);
  view.setUint32(20, type, true);
  dirent.set(text, direntBytes);
  return dirent;
}

/** Sockets are not given to preview1 programs: every number names something else, or nothing. */
const notSocket: Call = (context, fd: number) => {
  context.fds.get(fd);
  throw new Refusal('notsock');
};

export const sock_accept: Call = notSocket;
export const sock_recv: Call = notSocket;
export const sock_send: Call = notSocket;
export const sock_shutdown: Call = notSocket;
