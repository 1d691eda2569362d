import { type HostInterface, WitError } from '../../linker.ts';
import { FileError } from '../files/file-error.ts';
import type {
  FileStat,
  FileType,
  MetadataHash,
  NewTime,
  Descriptor as OpenDescriptor,
  OpenDirectory,
} from '../files/port.ts';
import type { Failure } from '../preview2/error.ts';
import { fileCode } from '../preview2/file-codes.ts';
import { fileSink, fileSource, SharedFile } from '../preview2/file-streams.ts';
import {
  type DescriptorFlags,
  follows,
  type OpenFlags,
  openRequest,
  type PathFlags,
  type Preopened,
} from '../preview2/filesystem.ts';
import { type Guest, Resource } from '../preview2/guest.ts';
import { pacedSink, pacedSource } from '../preview2/paced-streams.ts';
import { type Instant, instant, instantNs } from './clocks.ts';
import {
  type GuestStream,
  quietly,
  type Reading,
  reading,
  refusedReading,
  type Settled,
  writing,
} from './flow.ts';
import { offer } from './offer.ts';

/** Variant `error-code`. */
export interface FileCode {
  readonly tag: string;
  readonly val?: string | undefined;
}

/** Variant `descriptor-type`. */
export interface DescriptorType {
  readonly tag: Exclude<FileType, 'unknown'> | 'other';
  readonly val?: string | undefined;
}

/** Variant `new-timestamp`. */
export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: Instant };

/** Record `descriptor-stat`. */
export interface DescriptorStat {
  readonly type: DescriptorType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Instant;
  readonly dataModificationTimestamp: Instant;
  readonly statusChangeTimestamp: Instant;
}

/** Record `directory-entry`. */
export interface DirectoryEntry {
  readonly type: DescriptorType;
  readonly name: string;
}

/** Not a file, or one that was not opened for this. */
const badDescriptor: FileCode = { tag: 'bad-descriptor' };
/** Where a file's bytes may lie: what the system calls take as an offset. */
const offsetMax = 2n ** 63n - 1n;

/**
 * Resource `wasi:filesystem/types.descriptor` of WASI 0.3: an open file, or an open directory, which is the
 * capability for what lies below it. Paths never lead out of it. Failures are `error-code`s.
 */
export class Descriptor extends Resource {
  readonly #guest: Guest;
  readonly #node: OpenDescriptor;
  readonly #shared: SharedFile | undefined;
  readonly #mutates: boolean;

  /** `mutates`: the flag as it was asked for; it is told, and rights come from the grant. */
  constructor(guest: Guest, node: OpenDescriptor, mutates: boolean = node.mode === 'read-write') {
    const shared = node.kind === 'file' ? new SharedFile(node) : undefined;
    super(guest, () => (shared === undefined ? node.close() : shared.release()));
    this.#guest = guest;
    this.#node = node;
    this.#shared = shared;
    this.#mutates = mutates;
  }

  readViaStream(offset: bigint): Reading<Uint8Array, FileCode> {
    const shared = this.#fileOr('readable');
    if (shared === undefined) return refusedReading(badDescriptor);
    if (offset > offsetMax) return refusedReading({ tag: 'invalid' });
    const held = this.#guest.held.open();
    return reading(this.#guest, pacedSource(fileSource(shared, offset, held), this.#guest.disk), streamCode);
  }

  writeViaStream(data: GuestStream<number>, offset: bigint): Promise<Settled<FileCode>> {
    return this.#write(data, offset);
  }

  appendViaStream(data: GuestStream<number>): Promise<Settled<FileCode>> {
    return this.#write(data, undefined);
  }

  /** The host's page cache needs no advice; the answer is only whether it could be given. */
  async advise(_offset: bigint, _length: bigint, _advice: string): Promise<void> {
    this.#file();
  }

  syncData(): Promise<void> {
    return this.#do(() => (this.#isReadOnlyFile() ? undefined : this.#node.syncData()));
  }

  sync(): Promise<void> {
    return this.#do(() => (this.#isReadOnlyFile() ? undefined : this.#node.sync()));
  }

  async getFlags(): Promise<DescriptorFlags> {
    this.#guest.budget.check();
    const node = this.#node;
    if (node.kind === 'directory') return { read: true, mutateDirectory: this.#mutates };
    const { flags, readable, writable } = node;
    return {
      read: readable,
      write: writable,
      fileIntegritySync: flags.sync,
      dataIntegritySync: flags.dsync,
      requestedWriteSync: flags.rsync,
    };
  }

  async getType(): Promise<DescriptorType> {
    return { tag: this.#node.kind === 'file' ? 'regular-file' : 'directory' };
  }

  setSize(size: bigint): Promise<void> {
    return this.#do(() => this.#file('writable').file.setSize(size));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): Promise<void> {
    return this.#do(() => this.#node.setTimes(newTime(accessed), newTime(modified)));
  }

  /** The entries in pages, as the directory is read. */
  readDirectory(): Reading<DirectoryEntry, FileCode> {
    const { promise, resolve } = Promise.withResolvers<Settled<FileCode>>();
    return [this.#entries(resolve), promise];
  }

  createDirectoryAt(path: string): Promise<void> {
    return this.#do(() => this.#directory().createDirectory(path));
  }

  stat(): Promise<DescriptorStat> {
    return this.#do(async () => descriptorStat(await this.#node.stat()));
  }

  statAt(pathFlags: PathFlags, path: string): Promise<DescriptorStat> {
    return this.#do(async () => descriptorStat(await this.#directory().statAt(path, follows(pathFlags))));
  }

  setTimesAt(
    pathFlags: PathFlags,
    path: string,
    accessed: NewTimestamp,
    modified: NewTimestamp,
  ): Promise<void> {
    return this.#do(() =>
      this.#directory().setTimesAt(path, follows(pathFlags), newTime(accessed), newTime(modified)),
    );
  }

  linkAt(oldPathFlags: PathFlags, oldPath: string, to: Descriptor, newPath: string): Promise<void> {
    return this.#do(() => this.#directory().link(oldPath, follows(oldPathFlags), to.#directory(), newPath));
  }

  openAt(pathFlags: PathFlags, path: string, how: OpenFlags, flags: DescriptorFlags): Promise<Descriptor> {
    return this.#do(async () => {
      const asked = openRequest(pathFlags, how, flags);
      const node = await this.#directory().openAt(path, {
        ...asked,
        // What is created can be written, and what is asked for nothing else can be read.
        read: asked.read === true || asked.write !== true,
        write: asked.write === true || asked.create === true,
      });
      return this.#opened(node, flags);
    });
  }

  readlinkAt(path: string): Promise<string> {
    return this.#do(() => this.#directory().readSymlink(path));
  }

  removeDirectoryAt(path: string): Promise<void> {
    return this.#do(() => this.#directory().removeDirectory(path));
  }

  renameAt(oldPath: string, to: Descriptor, newPath: string): Promise<void> {
    return this.#do(() => this.#directory().rename(oldPath, to.#directory(), newPath));
  }

  symlinkAt(oldPath: string, newPath: string): Promise<void> {
    return this.#do(() => this.#directory().createSymlink(oldPath, newPath));
  }

  unlinkFileAt(path: string): Promise<void> {
    return this.#do(() => this.#directory().removeFile(path));
  }

  async isSameObject(other: Descriptor): Promise<boolean> {
    return this.#do(() => this.#node.isSameObject(other.#node));
  }

  metadataHash(): Promise<MetadataHash> {
    return this.#do(() => this.#node.metadataHash());
  }

  metadataHashAt(pathFlags: PathFlags, path: string): Promise<MetadataHash> {
    return this.#do(() => this.#directory().metadataHashAt(path, follows(pathFlags)));
  }

  #write(data: GuestStream<number>, offset: bigint | undefined): Promise<Settled<FileCode>> {
    const shared = this.#fileOr('writable');
    if (shared === undefined) {
      data[Symbol.dispose]();
      return Promise.resolve({ tag: 'err', val: badDescriptor });
    }
    const held = this.#guest.held.open();
    const sink = pacedSink(fileSink(shared, offset, held), this.#guest.disk);
    return quietly(writing(this.#guest, data, sink, streamCode));
  }

  async *#entries(end: (how: Settled<FileCode>) => void): AsyncGenerator<DirectoryEntry, void> {
    try {
      const listing = this.#directory().openListing();
      try {
        for (let start = 0n, isLast = false; !isLast; ) {
          this.#guest.budget.check();
          const page = await listing.list(start);
          for (const { type, name } of page.entries) yield { type: descriptorType(type), name };
          start += BigInt(page.entries.length);
          isLast = page.end;
        }
      } finally {
        listing.close();
      }
      end({ tag: 'ok' });
    } catch (thrown) {
      if (!(thrown instanceof FileError)) throw thrown;
      end({ tag: 'err', val: code(thrown) });
    } finally {
      // Whoever dropped the stream is told that nothing failed.
      end({ tag: 'ok' });
    }
  }

  /** `mutate-directory` asked for where it cannot be had is refused (wasi:filesystem `descriptor-flags`). */
  #opened(node: OpenDescriptor, flags: DescriptorFlags): Descriptor {
    try {
      if (flags.mutateDirectory === true && node.mode !== 'read-write') throw new FileError('rofs');
      return new Descriptor(this.#guest, node, flags.mutateDirectory === true);
    } catch (thrown) {
      node.close();
      throw thrown;
    }
  }

  #fileOr(access?: 'readable' | 'writable'): SharedFile | undefined {
    this.#guest.budget.check();
    const shared = this.#shared;
    return shared === undefined || (access !== undefined && !shared.file[access]) ? undefined : shared;
  }

  #file(access?: 'readable' | 'writable'): SharedFile {
    const shared = this.#fileOr(access);
    if (shared === undefined) throw new WitError(badDescriptor);
    return shared;
  }

  #directory(): OpenDirectory {
    if (this.#node.kind !== 'directory') throw new FileError('notdir');
    return this.#node;
  }

  #isReadOnlyFile(): boolean {
    return this.#node.kind === 'file' && !this.#node.writable;
  }

  /** Runs one operation; its failure becomes an `error-code`. */
  async #do<T>(act: () => T | Promise<T>): Promise<T> {
    this.#guest.budget.check();
    try {
      return await act();
    } catch (thrown) {
      throw thrown instanceof FileError ? new WitError(code(thrown)) : thrown;
    }
  }
}

/** `wasi:filesystem` of WASI 0.3. The granted directories are open when the guest starts. */
export function filesystem(guest: Guest, files: Preopened): [string, HostInterface][] {
  return [
    offer('wasi:filesystem/types', { Descriptor }),
    offer('wasi:filesystem/preopens', {
      getDirectories: () => {
        guest.budget.check();
        return (files.now ?? []).map(({ directory, guestPath }) => [
          new Descriptor(guest, directory),
          guestPath,
        ]);
      },
    }),
  ];
}

const code = (error: FileError): FileCode => ({ tag: fileCode(error) });

function streamCode(failure: Failure | undefined): FileCode {
  const detail = failure?.detail;
  return { tag: detail?.of === 'filesystem' ? detail.code : 'io' };
}

function newTime(time: NewTimestamp): NewTime {
  if (time.tag === 'timestamp') return instantNs(time.val);
  return time.tag === 'now' ? 'now' : 'keep';
}

function descriptorType(type: FileType): DescriptorType {
  return type === 'unknown' ? { tag: 'other', val: undefined } : { tag: type };
}

function descriptorStat(stat: FileStat): DescriptorStat {
  return {
    type: descriptorType(stat.type),
    linkCount: stat.linkCount,
    size: stat.size,
    dataAccessTimestamp: instant(stat.accessedNs),
    dataModificationTimestamp: instant(stat.modifiedNs),
    statusChangeTimestamp: instant(stat.changedNs),
  };
}
