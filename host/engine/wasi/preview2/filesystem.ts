import type { HostInterface } from '../../linker.ts';
import { directoryEntriesMax } from '../files/bounds.ts';
import { FileError } from '../files/file-error.ts';
import { readPaced, writePaced } from '../files/paced-file.ts';
import type {
  DirectoryListing,
  DirectoryPage,
  FileStat,
  Files,
  FileType,
  MetadataHash,
  NewTime,
  Descriptor as OpenDescriptor,
  OpenDirectory,
  OpenRequest,
} from '../files/port.ts';
import { type Datetime, datetime, epochNs } from './clocks.ts';
import { IoError } from './error.ts';
import { fileWitError } from './file-codes.ts';
import { fileSink, fileSource, SharedFile } from './file-streams.ts';
import { type Guest, Resource } from './guest.ts';
import type { Holding } from './held-bytes.ts';
import { offer } from './offer.ts';
import { pacedSink, pacedSource } from './paced-streams.ts';
import type { Soon } from './source.ts';
import { InputStream, OutputStream } from './streams.ts';

const readBytesMax = 1_048_576;

/** Flags `path-flags`. */
export interface PathFlags {
  readonly symlinkFollow?: boolean;
}

/** Flags `open-flags`. */
export interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

/** Flags `descriptor-flags`. */
export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}

/** Variant `new-timestamp`. */
export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: Datetime };

/** Record `descriptor-stat`. */
export interface DescriptorStat {
  readonly type: FileType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime | undefined;
  readonly dataModificationTimestamp: Datetime | undefined;
  readonly statusChangeTimestamp: Datetime | undefined;
}

/** Record `directory-entry`. */
export interface DirectoryEntry {
  readonly type: FileType;
  readonly name: string;
}

/**
 * Resource `wasi:filesystem/types.descriptor`: an open file, or an open directory, which is the capability for
 * what lies below it. Paths never lead out of it. Failures are `error-code`s.
 */
export class Descriptor extends Resource {
  readonly #guest: Guest;
  readonly #node: OpenDescriptor;
  readonly #shared: SharedFile | undefined;

  constructor(guest: Guest, node: OpenDescriptor) {
    const shared = node.kind === 'file' ? new SharedFile(node) : undefined;
    super(guest, () => (shared === undefined ? node.close() : shared.release()));
    this.#guest = guest;
    this.#node = node;
    this.#shared = shared;
  }

  readViaStream(offset: bigint): InputStream {
    const shared = this.#file('readable');
    const { disk } = this.#guest;
    const held = this.#guest.held.open();
    return new InputStream(this.#guest, pacedSource(fileSource(shared, offset, held), disk));
  }

  writeViaStream(offset: bigint): OutputStream {
    const shared = this.#file('writable');
    const { disk } = this.#guest;
    const held = this.#guest.held.open();
    return new OutputStream(this.#guest, pacedSink(fileSink(shared, offset, held), disk));
  }

  appendViaStream(): OutputStream {
    const shared = this.#file('writable');
    const { disk } = this.#guest;
    const held = this.#guest.held.open();
    return new OutputStream(this.#guest, pacedSink(fileSink(shared, undefined, held), disk));
  }

  /** The host's page cache needs no advice; the answer is only whether it could be given. */
  advise(_offset: bigint, _length: bigint, _advice: string): void {
    this.#file();
  }

  syncData(): Soon<void> {
    return this.#do(() => (this.#isReadOnlyFile() ? undefined : this.#node.syncData()));
  }

  sync(): Soon<void> {
    return this.#do(() => (this.#isReadOnlyFile() ? undefined : this.#node.sync()));
  }

  getFlags(): DescriptorFlags {
    this.#guest.budget.check();
    const node = this.#node;
    const isFile = node.kind === 'file';
    return {
      read: isFile ? node.readable : true,
      write: isFile && node.writable,
      fileIntegritySync: isFile && node.flags.sync,
      dataIntegritySync: isFile && node.flags.dsync,
      requestedWriteSync: isFile && node.flags.rsync,
      mutateDirectory: !isFile && node.mode === 'read-write',
    };
  }

  getType(): FileType {
    return this.#node.kind === 'file' ? 'regular-file' : 'directory';
  }

  setSize(size: bigint): Soon<void> {
    return this.#do(() => this.#file().file.setSize(size));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): Soon<void> {
    return this.#do(() => this.#node.setTimes(newTime(accessed), newTime(modified)));
  }

  /** At most 1 MiB at once; the second value tells the end of the file. */
  read(length: bigint, offset: bigint): Soon<[bytes: Uint8Array, end: boolean]> {
    return this.#do(() => {
      const { file } = this.#file('readable');
      const into = new Uint8Array(length > BigInt(readBytesMax) ? readBytesMax : Number(length));
      const pair = (count: number): [Uint8Array, boolean] => [
        into.subarray(0, count),
        count === 0 && length > 0n,
      ];
      return after(readPaced(file, this.#guest.disk?.pace, this.#guest.budget, into, offset), pair);
    });
  }

  /** How many bytes were written, which may be fewer than given. */
  write(buffer: Uint8Array, offset: bigint): Soon<bigint> {
    const { disk, budget } = this.#guest;
    return this.#do(() =>
      after(writePaced(this.#file('writable').file, disk?.pace, budget, buffer, offset), BigInt),
    );
  }

  readDirectory(): DirectoryEntryStream {
    this.#guest.budget.check();
    try {
      return new DirectoryEntryStream(this.#guest, this.#directory().openListing());
    } catch (thrown) {
      throw fileWitError(thrown);
    }
  }

  stat(): Soon<DescriptorStat> {
    return this.#do(() => after(this.#node.stat(), descriptorStat));
  }

  statAt(pathFlags: PathFlags, path: string): Soon<DescriptorStat> {
    return this.#do(() => after(this.#directory().statAt(path, follows(pathFlags)), descriptorStat));
  }

  setTimesAt(pathFlags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): Soon<void> {
    return this.#do(() =>
      this.#directory().setTimesAt(path, follows(pathFlags), newTime(accessed), newTime(modified)),
    );
  }

  createDirectoryAt(path: string): Soon<void> {
    return this.#do(() => this.#directory().createDirectory(path));
  }

  linkAt(oldPathFlags: PathFlags, oldPath: string, newDescriptor: Descriptor, newPath: string): Soon<void> {
    return this.#do(() =>
      this.#directory().link(oldPath, follows(oldPathFlags), newDescriptor.#directory(), newPath),
    );
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Soon<Descriptor> {
    return this.#do(async () => {
      const node = await this.#directory().openAt(path, openRequest(pathFlags, openFlags, flags));
      return this.#opened(node, flags);
    });
  }

  readlinkAt(path: string): Soon<string> {
    return this.#do(() => this.#directory().readSymlink(path));
  }

  removeDirectoryAt(path: string): Soon<void> {
    return this.#do(() => this.#directory().removeDirectory(path));
  }

  renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): Soon<void> {
    return this.#do(() => this.#directory().rename(oldPath, newDescriptor.#directory(), newPath));
  }

  symlinkAt(oldPath: string, newPath: string): Soon<void> {
    return this.#do(() => this.#directory().createSymlink(oldPath, newPath));
  }

  unlinkFileAt(path: string): Soon<void> {
    return this.#do(() => this.#directory().removeFile(path));
  }

  isSameObject(other: Descriptor): Soon<boolean> {
    return this.#do(() => this.#node.isSameObject(other.#node));
  }

  metadataHash(): Soon<MetadataHash> {
    return this.#do(() => this.#node.metadataHash());
  }

  metadataHashAt(pathFlags: PathFlags, path: string): Soon<MetadataHash> {
    return this.#do(() => this.#directory().metadataHashAt(path, follows(pathFlags)));
  }

  /** `mutate-directory` asked for where it cannot be had is refused (wasi:filesystem `descriptor-flags`). */
  #opened(node: OpenDescriptor, flags: DescriptorFlags): Descriptor {
    try {
      if (flags.mutateDirectory === true && node.mode !== 'read-write') throw new FileError('rofs');
      return new Descriptor(this.#guest, node);
    } catch (thrown) {
      node.close();
      throw thrown;
    }
  }

  #file(access?: 'readable' | 'writable'): SharedFile {
    this.#guest.budget.check();
    const shared = this.#shared;
    if (shared === undefined || (access !== undefined && !shared.file[access]))
      throw fileWitError(new FileError('badf'));
    return shared;
  }

  #directory(): OpenDirectory {
    if (this.#node.kind !== 'directory') throw new FileError('notdir');
    return this.#node;
  }

  #isReadOnlyFile(): boolean {
    return this.#node.kind === 'file' && !this.#node.writable;
  }

  /** Runs one operation, at once where the disk answers at once; its failure becomes an `error-code`. */
  #do<T>(act: () => Soon<T>): Soon<T> {
    this.#guest.budget.check();
    try {
      const done = act();
      if (!(done instanceof Promise)) return done;
      return done.catch((thrown: unknown) => {
        throw fileWitError(thrown);
      });
    } catch (thrown) {
      throw fileWitError(thrown);
    }
  }
}

/** What one entry of a kept directory page costs, in the page and in the listing behind it. */
const entryBytes = 1024;

/** Resource `wasi:filesystem/types.directory-entry-stream`: pages through the directory as it is read. */
export class DirectoryEntryStream extends Resource {
  readonly #guest: Guest;
  readonly #listing: DirectoryListing;
  readonly #held: Holding;
  #page: DirectoryPage = { entries: [], end: false };
  #start = 0n;
  #next = 0;

  constructor(guest: Guest, listing: DirectoryListing) {
    const held = guest.held.open();
    super(guest, () => {
      held.empty();
      listing.close();
    });
    this.#guest = guest;
    this.#listing = listing;
    this.#held = held;
  }

  readDirectoryEntry(): Soon<DirectoryEntry | undefined> {
    this.#guest.budget.check();
    const entry = this.#page.entries[this.#next];
    if (entry === undefined) return this.#page.end ? undefined : this.#turnPage();
    this.#next += 1;
    return { type: entry.type, name: entry.name };
  }

  async #turnPage(): Promise<DirectoryEntry | undefined> {
    const start = this.#start + BigInt(this.#page.entries.length);
    this.#held.resize(directoryEntriesMax * entryBytes);
    try {
      this.#page = await this.#listing.list(start);
    } catch (thrown) {
      throw fileWitError(thrown);
    }
    this.#start = start;
    this.#next = 0;
    return this.readDirectoryEntry();
  }
}

/** The granted directories, which may still be being opened. */
export interface Preopened {
  readonly now: Files['preopens'] | undefined;
  readonly opened: Promise<Files | undefined>;
}

/** `wasi:filesystem`. */
export function filesystem(guest: Guest, files: Preopened): [string, HostInterface][] {
  const pairs = (preopens: Files['preopens']): [Descriptor, string][] =>
    preopens.map(({ directory, guestPath }) => [new Descriptor(guest, directory), guestPath]);
  return [
    offer('wasi:filesystem/types', { Descriptor, DirectoryEntryStream, filesystemErrorCode }),
    offer('wasi:filesystem/preopens', {
      getDirectories: () => {
        guest.budget.check();
        if (files.now !== undefined) return pairs(files.now);
        return files.opened.then((later) => pairs(later?.preopens ?? []));
      },
    }),
  ];
}

function filesystemErrorCode(error: IoError): string | undefined {
  const detail = IoError.detailOf(error);
  return detail?.of === 'filesystem' ? detail.code : undefined;
}

function after<T, U>(soon: Soon<T>, then: (value: T) => U): Soon<U> {
  return soon instanceof Promise ? soon.then(then) : then(soon);
}

/** What the flags of `open-at` ask for, in every version of WASI. */
export function openRequest(path: PathFlags, how: OpenFlags, flags: DescriptorFlags): OpenRequest {
  return {
    read: flags.read === true,
    write: flags.write === true,
    follow: follows(path),
    create: how.create === true,
    directory: how.directory === true,
    exclusive: how.exclusive === true,
    truncate: how.truncate === true,
    sync: flags.fileIntegritySync === true,
    dsync: flags.dataIntegritySync === true,
    rsync: flags.requestedWriteSync === true,
  };
}

export function follows({ symlinkFollow }: PathFlags): boolean {
  return symlinkFollow === true;
}

function newTime(time: NewTimestamp): NewTime {
  if (time.tag === 'timestamp') return epochNs(time.val);
  return time.tag === 'now' ? 'now' : 'keep';
}

/** WASI 0.2 has no times before 1970: they are left out. */
function timestamp(ns: bigint): Datetime | undefined {
  return ns < 0n ? undefined : datetime(ns);
}

function descriptorStat(stat: FileStat): DescriptorStat {
  return {
    type: stat.type,
    linkCount: stat.linkCount,
    size: stat.size,
    dataAccessTimestamp: timestamp(stat.accessedNs),
    dataModificationTimestamp: timestamp(stat.modifiedNs),
    statusChangeTimestamp: timestamp(stat.changedNs),
  };
}
