import type { Preopen } from '../grants.ts';

/** A value now, or a promise of it: local page-cache work is done at once, anything that may wait is not. */
export type Soon<T> = T | Promise<T>;

export type FileType =
  | 'unknown'
  | 'block-device'
  | 'character-device'
  | 'directory'
  | 'fifo'
  | 'symbolic-link'
  | 'regular-file'
  | 'socket';

/** What the host knows about one file; times in nanoseconds since the Unix epoch, sizes in bytes. */
export interface FileStat {
  readonly type: FileType;
  readonly device: bigint;
  readonly inode: bigint;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

/** What a timestamp becomes: left alone, the host's time now, or nanoseconds since the Unix epoch (kept to about
 * 0.25 µs on disk; this tree reads back the exact value it set). */
export type NewTime = 'keep' | 'now' | bigint;

/** How writes and reads of one open file behave; the sync flags are kept and honoured on writes. */
export interface FileFlags {
  readonly append: boolean;
  readonly dsync: boolean;
  readonly rsync: boolean;
  readonly sync: boolean;
  readonly nonblock: boolean;
}

/** What to open, and how; every field left out is false. */
export interface OpenRequest extends Partial<FileFlags> {
  readonly read?: boolean;
  /** Refused with `rofs` under a read-only preopen; a directory asked for writing fails with `isdir`. */
  readonly write?: boolean;
  /** Follow a symbolic link in the last component. Links before it are always followed, inside the base only. */
  readonly follow?: boolean;
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

export interface DirectoryEntry {
  /** `.` and `..` are not listed. */
  readonly name: string;
  readonly type: FileType;
  /** 0 when the entry vanished while it was listed. */
  readonly inode: bigint;
}

/** Reads one directory; each has a place of its own, so several can be under way. Counts as an open file. */
export interface DirectoryListing {
  /** Entries from a position; 0 starts afresh, the position after the last page goes on where it ended. */
  list(start: bigint): Promise<DirectoryPage>;
  close(): void;
}

/** A run of directory entries, never empty before the end. Entry `i` of it has position `start + i`; pass `start + entries.length` to go on. */
export interface DirectoryPage {
  readonly entries: readonly DirectoryEntry[];
  /** True when nothing follows this page. */
  readonly end: boolean;
}

/** What open files and open directories share. All methods throw (or reject with) `FileError`. */
interface OpenNode {
  readonly mode: Preopen['mode'];
  /** Never follows anything: it is the object itself. */
  stat(): Soon<FileStat>;
  setTimes(accessed: NewTime, modified: NewTime): Soon<void>;
  /** `fdatasync`. */
  syncData(): Promise<void>;
  /** `fsync`. */
  sync(): Promise<void>;
  /** Whether both are the same file system object. */
  isSameObject(other: Descriptor): Promise<boolean>;
  metadataHash(): Promise<MetadataHash>;
  /** Gives the handle back; twice is harmless; work under way ends first. Closing a preopen does nothing. */
  close(): void;
}

/** 128 bits that change when the object or its contents do; reveals no inode number. */
export interface MetadataHash {
  readonly lower: bigint;
  readonly upper: bigint;
}

/**
 * An open regular file: no position of its own, every read and write says where.
 * Offsets and lengths are bytes; an offset over 2^53 - 1 fails with `fbig` (write) or reads nothing.
 */
export interface OpenFile extends OpenNode {
  readonly kind: 'file';
  readonly readable: boolean;
  readonly writable: boolean;
  readonly flags: FileFlags;
  /** Reads into `into`, at most `readBytesMax` of it; 0 is the end of the file. `badf` when not readable. */
  read(into: Uint8Array, offset: bigint): Soon<number>;
  /** Writes from `bytes`, at most `writeBytesMax` of it, and says how many; at the end when `flags.append`. `badf` when not writable. */
  write(bytes: Uint8Array, offset: bigint): Soon<number>;
  /** As `write`, at the end, atomically. */
  append(bytes: Uint8Array): Soon<number>;
  setSize(size: bigint): Soon<void>;
  /** Makes the file at least `offset + length` long (sparse). */
  allocate(offset: bigint, length: bigint): Soon<void>;
  setFlags(flags: FileFlags): Promise<void>;
}

/**
 * An open directory, and the capability for what is below it. Paths are relative to it and never lead out:
 * `..` and links are resolved here, and what would leave fails with `notcapable`.
 */
export interface OpenDirectory extends OpenNode {
  readonly kind: 'directory';
  openAt(path: string, request: OpenRequest): Promise<Descriptor>;
  statAt(path: string, follow: boolean): Promise<FileStat>;
  setTimesAt(path: string, follow: boolean, accessed: NewTime, modified: NewTime): Promise<void>;
  metadataHashAt(path: string, follow: boolean): Promise<MetadataHash>;
  /** As `DirectoryListing.list`, with the one listing that belongs to this handle. */
  list(start: bigint): Promise<DirectoryPage>;
  /** Fails with `mfile` when too many are open. */
  openListing(): DirectoryListing;
  createDirectory(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  rename(path: string, to: OpenDirectory, toPath: string): Promise<void>;
  /** A hard link at `toPath` to what is at `path`; with `follow`, to what a link there names. */
  link(path: string, follow: boolean, to: OpenDirectory, toPath: string): Promise<void>;
  /** `target` is stored as it is; an absolute one is refused with `notcapable`. */
  createSymlink(target: string, path: string): Promise<void>;
  readSymlink(path: string): Promise<string>;
}

export type Descriptor = OpenFile | OpenDirectory;

export interface PreopenDirectory {
  readonly guestPath: string;
  readonly directory: OpenDirectory;
}

/** All the files of one agent: its preopened directories and whatever is open below them. */
export interface Files {
  /** In the order of the grants. The same objects may be handed out any number of times. */
  readonly preopens: readonly PreopenDirectory[];
  /**
   * How a directory is held: `descriptor` (Linux with /proc: every step is relative to an open handle, so that
   * no rename or link swapped in meanwhile leads out) or `checked-path` (elsewhere: checked before and after
   * each step, so a host program that swaps directories at the right moment can win,
   * and an open directory that is renamed is lost).
   */
  readonly anchoring: 'descriptor' | 'checked-path';
  /** Closes everything, preopens too, as soon as work under way has ended. */
  dispose(): void;
}
