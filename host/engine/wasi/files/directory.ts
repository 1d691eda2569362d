import fs from 'node:fs';
import type { Preopen } from '../grants.ts';
import type { Found } from './anchor.ts';
import { openAttemptsMax } from './bounds.ts';
import { kernelFlags, RegularFile } from './file.ts';
import { FileError, type FileErrorCode } from './file-error.ts';
import type { Handle } from './handle.ts';
import { Listing } from './listing.ts';
import { metadataHashOf, Node } from './node.ts';
import type {
  Descriptor,
  DirectoryListing,
  DirectoryPage,
  FileStat,
  MetadataHash,
  NewTime,
  OpenDirectory,
  OpenRequest,
} from './port.ts';
import { fileStatOf, utimeOf } from './stat.ts';
import type { Tree } from './tree.ts';
import { decodeName, Walk } from './walk.ts';

/** A name in an open directory. */
interface Place {
  readonly parent: Handle;
  readonly name: string;
  /** The path said that it means a directory. */
  readonly directoryOnly: boolean;
  /** Its path there. */
  readonly onHost: string;
}

/** An open directory: see `OpenDirectory`. */
export class Directory extends Node implements OpenDirectory {
  readonly kind = 'directory';
  #listing: Listing | undefined;
  readonly #isPreopen: boolean;

  constructor(tree: Tree, handle: Handle, grant: Preopen, place: string, isPreopen = false) {
    super(tree, handle, grant, place, !isPreopen);
    this.#isPreopen = isPreopen;
  }

  override close(): void {
    if (!this.#isPreopen) this.closeForGood();
  }

  /** Closes a preopen too: when the agent ends. */
  closeForGood(): void {
    this.#listing?.close();
    super.close();
  }

  async openAt(path: string, request: OpenRequest): Promise<Descriptor> {
    this.#checkOpen(request);
    this.tree.reserve();
    try {
      return await this.#walking(path, (walk) => this.#open(walk, request));
    } catch (thrown) {
      this.tree.budget.closeFile();
      throw thrown;
    }
  }

  #checkOpen(request: OpenRequest): void {
    if (request.write || request.truncate) this.requireWritable();
    if (request.directory && request.create) throw new FileError('inval');
  }

  async #open(walk: Walk, request: OpenRequest): Promise<Descriptor> {
    for (let attempt = 0; attempt < openAttemptsMax; ) {
      const name = await walk.toLast();
      this.#requireOpening(request, walk.placeOf(name));
      if (name === undefined) return this.#openDirectory(walk.top.retain(), request, walk.placeOf());
      const found = await this.tree.anchor.look(walk.top, name);
      if (found === undefined) {
        const created = await this.#create(walk, name, request);
        if (created !== undefined) return created;
        walk.again(name);
        attempt += 1;
      } else if (found.type === 'symbolic-link') {
        found.handle.release();
        if (request.create && request.exclusive) throw new FileError('exist');
        if (!request.follow && !walk.directoryOnly) throw new FileError('loop');
        await walk.follow(name);
      } else return this.#openFound(found, request, walk.directoryOnly, walk.placeOf(name));
    }
    throw new FileError('busy');
  }

  /** Before anybody looks whether there is such a file. */
  #requireOpening(request: OpenRequest, place: string): void {
    const writes = request.write || request.truncate || request.create;
    if (writes) this.requireWriting(0, place);
    if (request.read || !writes) this.requireReading(place);
  }

  /** A new file, or undefined when somebody else was faster and the request does not mind. */
  async #create(walk: Walk, name: string, request: OpenRequest): Promise<RegularFile | undefined> {
    if (!request.create) throw new FileError('noent');
    this.requireWritable();
    if (walk.directoryOnly) throw new FileError('isdir');
    try {
      const handle = await this.tree.anchor.create(walk.top, name, kernelFlags(request));
      return new RegularFile(this.tree, handle, this.grant, request, walk.placeOf(name));
    } catch (thrown) {
      if (request.exclusive || !(thrown instanceof FileError) || thrown.code !== 'exist') throw thrown;
      return undefined;
    }
  }

  async #openFound(
    found: Found,
    request: OpenRequest,
    directoryOnly: boolean,
    place: string,
  ): Promise<Descriptor> {
    if (found.type === 'directory') return this.#openDirectory(found.handle, request, place);
    try {
      if (request.create && request.exclusive) throw new FileError('exist');
      if (request.directory || directoryOnly) throw new FileError('notdir');
      // Opening a FIFO may wait and opening a device may act: neither is ever opened.
      if (found.type !== 'regular-file') throw new FileError('acces');
      const handle = await this.tree.anchor.reopen(found.handle, kernelFlags(request));
      return new RegularFile(this.tree, handle, this.grant, request, place);
    } finally {
      found.handle.release();
    }
  }

  #openDirectory(handle: Handle, request: OpenRequest, place: string): Directory {
    if (request.create && request.exclusive) return refuse(handle, 'exist');
    if (request.write || request.truncate || request.create) return refuse(handle, 'isdir');
    return new Directory(this.tree, handle, this.grant, place);
  }

  async statAt(path: string, follow: boolean): Promise<FileStat> {
    return this.#walking(path, async (walk) =>
      this.tree.times.restore(fileStatOf(await this.#lookAt(walk, follow))),
    );
  }

  async metadataHashAt(path: string, follow: boolean): Promise<MetadataHash> {
    return metadataHashOf(await this.statAt(path, follow), this.tree.hashKey);
  }

  /** The stats of what the walk ends at; a link there is followed when asked or when the path ends in a slash. */
  async #lookAt(walk: Walk, follow: boolean): Promise<fs.BigIntStats> {
    for (;;) {
      const name = await walk.toLast();
      const { top } = walk;
      this.requireReading(walk.placeOf(name));
      if (name === undefined) return top.disk.statAt(top.local, `${top.path}/.`);
      const stats = await top.disk.statAt(top.local, top.at(name));
      if (stats.isSymbolicLink() && (follow || walk.directoryOnly)) await walk.follow(name);
      else if (walk.directoryOnly && !stats.isDirectory()) throw new FileError('notdir');
      else {
        walk.again(name);
        return stats;
      }
    }
  }

  async setTimesAt(path: string, follow: boolean, accessed: NewTime, modified: NewTime): Promise<void> {
    this.requireWritable();
    await this.#walking(path, async (walk) => {
      await this.#lookAt(walk, follow);
      const { top } = walk;
      const last = await walk.toLast();
      this.requireWriting(0, walk.placeOf(last));
      const target = top.at(last ?? '.');
      const from = utimeOf(accessed);
      const to = utimeOf(modified);
      await this.tree.anchor.verify(top);
      await top.disk.change(
        top.local,
        () => fs.lutimesSync(target, from, to),
        (done) => fs.lutimes(target, from, to, done),
      );
      this.tree.times.note(await top.disk.statAt(top.local, target), accessed, modified);
    });
  }

  async list(start: bigint): Promise<DirectoryPage> {
    this.requireReading();
    this.#listing ??= new Listing(this.handle, () => {});
    return this.#listing.list(start);
  }

  openListing(): DirectoryListing {
    this.requireReading();
    this.tree.reserve();
    const listing: Listing = new Listing(this.handle, () => this.tree.remove(listing));
    this.tree.add(listing);
    return listing;
  }

  async createDirectory(path: string): Promise<void> {
    await this.#changing(
      path,
      ({ parent, name }) => {
        const target = parent.at(name);
        return parent.disk.change(
          parent.local,
          () => fs.mkdirSync(target),
          (done) => fs.mkdir(target, done),
        );
      },
      'exist',
    );
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#changing(path, async ({ parent, name, directoryOnly }) => {
      const target = parent.at(name);
      // A slash behind a link asks for what it leads to, which may be outside.
      if (directoryOnly) await this.statAt(path, true);
      return parent.disk.change(
        parent.local,
        () => fs.rmdirSync(target),
        (done) => fs.rmdir(target, done),
      );
    });
  }

  async removeFile(path: string): Promise<void> {
    await this.#changing(
      path,
      async (place) => {
        await requireDirectory(place);
        const target = place.parent.at(place.name);
        await place.parent.disk.change(
          place.parent.local,
          () => fs.unlinkSync(target),
          (done) => fs.unlink(target, done),
        );
      },
      'isdir',
    );
  }

  async rename(path: string, to: OpenDirectory, toPath: string): Promise<void> {
    await this.#changingTwo(path, to, toPath, async (old, next) => {
      await this.#requireMovable(old);
      await requireDirectory(old);
      if (next.directoryOnly) await requireDirectory({ ...old, directoryOnly: true });
      const from = old.parent.at(old.name);
      const target = next.parent.at(next.name);
      await old.parent.disk.change(
        old.parent.local && next.parent.local,
        () => fs.renameSync(from, target),
        (done) => fs.rename(from, target, done),
      );
    });
  }

  async link(path: string, follow: boolean, to: OpenDirectory, toPath: string): Promise<void> {
    this.requireWritable();
    await this.#walking(path, async (walk) => {
      await this.#lookAt(walk, follow);
      const name = await walk.toLast();
      if (name === undefined) throw new FileError('perm');
      this.requireWriting(0, walk.placeOf(name));
      await asDirectory(to).#changing(toPath, async (next) => {
        if (next.directoryOnly) throw new FileError('noent');
        await this.tree.anchor.verify(walk.top);
        const from = walk.top.at(name);
        const target = next.parent.at(next.name);
        await next.parent.disk.change(
          walk.top.local && next.parent.local,
          () => fs.linkSync(from, target),
          (done) => fs.link(from, target, done),
        );
      });
    });
  }

  async createSymlink(target: string, path: string): Promise<void> {
    checkTarget(target);
    await this.#changing(path, async (place) => {
      const at = place.parent.at(place.name);
      if (place.directoryOnly) throw new FileError((await exists(place)) ? 'exist' : 'noent');
      await place.parent.disk.change(
        place.parent.local,
        () => fs.symlinkSync(target, at),
        (done) => fs.symlink(target, at, done),
      );
    });
  }

  async readSymlink(path: string): Promise<string> {
    return this.#walking(path, async (walk) => {
      const name = await walk.toLast();
      if (name === undefined || walk.directoryOnly) throw new FileError('inval');
      this.requireReading(walk.placeOf(name));
      const target = decodeName(await walk.top.disk.readLink(walk.top.local, walk.top.at(name)));
      // Where the host keeps its files is none of the guest's business.
      if (target.startsWith('/')) throw new FileError('notcapable');
      return target;
    });
  }

  async #walking<T>(path: string, act: (walk: Walk) => Promise<T>): Promise<T> {
    const walk = new Walk(this.tree.anchor, this.handle, path, this.place);
    try {
      return await act(walk);
    } finally {
      walk.end();
    }
  }

  /**
   * Finds the place whose name is to be changed; a link there is itself the thing changed. `itself`: why a path
   * that leads to this very directory cannot be meant, as POSIX answers for the operation.
   */
  async #changing<T>(
    path: string,
    act: (place: Place) => T | Promise<T>,
    itself?: FileErrorCode,
  ): Promise<T> {
    this.requireWritable();
    return this.#walking(path, async (walk) => {
      const name = await walk.toLast();
      if (name === undefined) throw new FileError(itself ?? (walk.endsInDot ? 'inval' : 'busy'));
      if (walk.endsInDot) throw new FileError('inval');
      const onHost = walk.placeOf(name);
      this.requireWriting(0, onHost);
      await this.tree.anchor.verify(walk.top);
      return act({ parent: walk.top, name, directoryOnly: walk.directoryOnly, onHost });
    });
  }

  /** Policies are about paths: under another name a file must not be more open, nor a folder with all in it. */
  async #requireMovable({ parent, name, onHost }: Place): Promise<void> {
    if (this.grant.gate === undefined || this.grant.gate.mayMoveFolders === true) return;
    this.requireReading(onHost);
    const stats = await parent.disk.statAt(parent.local, parent.at(name));
    if (stats.isDirectory()) throw new FileError('acces');
  }

  #changingTwo(
    path: string,
    to: OpenDirectory,
    toPath: string,
    act: (from: Place, to: Place) => Promise<void>,
  ): Promise<void> {
    return this.#changing(path, (from) => asDirectory(to).#changing(toPath, (place) => act(from, place)));
  }
}

function asDirectory(directory: OpenDirectory): Directory {
  if (!(directory instanceof Directory)) throw new Error('bug: a directory of another kind of tree');
  return directory;
}

function refuse(handle: Handle, code: FileError['code']): never {
  handle.release();
  throw new FileError(code);
}

/** A name with a slash after it must be a directory, and a link to one is not. */
async function requireDirectory({ parent, name, directoryOnly }: Place): Promise<void> {
  if (!directoryOnly) return;
  const stats = await parent.disk.statAt(parent.local, parent.at(name));
  if (!stats.isDirectory()) throw new FileError('notdir');
}

async function exists({ parent, name }: Place): Promise<boolean> {
  try {
    await parent.disk.statAt(parent.local, parent.at(name));
    return true;
  } catch (thrown) {
    if (thrown instanceof FileError && thrown.code === 'noent') return false;
    throw thrown;
  }
}

/** @throws FileError for a link that could only ever lead out, or that no file system stores */
function checkTarget(target: string): void {
  if (target === '') throw new FileError('noent');
  if (target.includes('\0')) throw new FileError('inval');
  if (!target.isWellFormed()) throw new FileError('ilseq');
  if (target.startsWith('/')) throw new FileError('notcapable');
}
