import type { OpenDirectory, OpenFile } from '../files/port.ts';
import { Refusal } from './errno.ts';
import type { Input, Output } from './stdio.ts';

interface Entry {
  rightsBase: bigint;
  rightsInheriting: bigint;
}

export interface InputEntry extends Entry {
  readonly kind: 'input';
  readonly stream: Input;
}

export interface OutputEntry extends Entry {
  readonly kind: 'output';
  readonly stream: Output;
}

export interface FileEntry extends Entry {
  readonly kind: 'file';
  readonly file: OpenFile;
  /** Where the next `fd_read` or `fd_write` begins. */
  position: bigint;
}

export interface DirectoryEntry extends Entry {
  readonly kind: 'directory';
  readonly directory: OpenDirectory;
  /** The guest's name for it, for a preopen. */
  readonly preopenName?: string;
}

export type FdEntry = InputEntry | OutputEntry | FileEntry | DirectoryEntry;

/** The guest's file descriptors. A new one takes the lowest free number, as POSIX says. */
export class FdTable {
  readonly #entries: (FdEntry | undefined)[] = [];
  /** No number below this one is free. */
  #lowestFree = 0;

  /** Bounded by the limit on open files: every entry but stdio and preopens was counted when it was opened. */
  add(entry: FdEntry): number {
    let fd = this.#lowestFree;
    while (this.#entries[fd] !== undefined) fd += 1;
    this.#entries[fd] = entry;
    this.#lowestFree = fd + 1;
    return fd;
  }

  /** @throws Refusal `badf` */
  get(fd: number): FdEntry {
    const entry = this.#entries[fd >>> 0];
    if (entry === undefined) throw new Refusal('badf');
    return entry;
  }

  /** @throws Refusal `badf`, `notcapable` when a right is missing */
  require(fd: number, needed: bigint): FdEntry {
    const entry = this.get(fd);
    if ((entry.rightsBase & needed) !== needed) throw new Refusal('notcapable');
    return entry;
  }

  /** @throws Refusal `badf`, `notdir`, `notcapable` */
  directory(fd: number, needed: bigint): DirectoryEntry {
    const entry = this.get(fd);
    if (entry.kind !== 'directory') throw new Refusal('notdir');
    if ((entry.rightsBase & needed) !== needed) throw new Refusal('notcapable');
    return entry;
  }

  /** @throws Refusal `badf` when it is not open or a stream, `isdir`, `notcapable` */
  file(fd: number, needed: bigint): FileEntry {
    const entry = this.get(fd);
    if (entry.kind === 'directory') throw new Refusal('isdir');
    if (entry.kind !== 'file') throw new Refusal('spipe');
    if ((entry.rightsBase & needed) !== needed) throw new Refusal('notcapable');
    return entry;
  }

  close(fd: number): void {
    closeEntry(this.get(fd));
    this.#entries[fd >>> 0] = undefined;
    this.#lowestFree = Math.min(this.#lowestFree, fd >>> 0);
  }

  /** Moves `from` onto `to`, closing what was there. Both must be open, so that the table stays dense. */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    const replaced = this.get(to);
    if (moved === replaced) return;
    closeEntry(replaced);
    this.#entries[to >>> 0] = moved;
    this.#entries[from >>> 0] = undefined;
    this.#lowestFree = Math.min(this.#lowestFree, from >>> 0);
  }
}

function closeEntry(entry: FdEntry): void {
  if (entry.kind === 'file') entry.file.close();
  else if (entry.kind === 'directory') entry.directory.close();
}
