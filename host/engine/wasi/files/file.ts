import fs from 'node:fs';
import type { Preopen } from '../grants.ts';
import { quickBytesMax, readBytesMax, writeBytesMax } from './bounds.ts';
import { FileError } from './file-error.ts';
import type { Handle } from './handle.ts';
import { Node } from './node.ts';
import type { FileFlags, OpenFile, OpenRequest, Soon } from './port.ts';
import type { Tree } from './tree.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_SYNC, O_DSYNC, O_TRUNC } = fs.constants;

/** The kernel's flags for a request; `O_APPEND` only where a handle of its own is wanted. */
export function kernelFlags(request: OpenRequest): number {
  const access = request.write ? (request.read ? O_RDWR : O_WRONLY) : O_RDONLY;
  const sync = request.sync ? O_SYNC : request.dsync ? O_DSYNC : 0;
  return access | sync | (request.append ? O_APPEND : 0) | (request.truncate ? O_TRUNC : 0);
}

export function fileFlagsOf(request: OpenRequest): FileFlags {
  const { append = false, dsync = false, rsync = false, sync = false, nonblock = false } = request;
  return { append, dsync, rsync, sync, nonblock };
}

const offsetMax = BigInt(Number.MAX_SAFE_INTEGER);

/** An open regular file: see `OpenFile`. */
export class RegularFile extends Node implements OpenFile {
  readonly kind = 'file';
  readonly readable: boolean;
  readonly writable: boolean;
  #flags: FileFlags;
  /** Opened with `O_APPEND` by `append`, when the main handle is not. */
  #appender: Handle | undefined;

  constructor(tree: Tree, handle: Handle, grant: Preopen, request: OpenRequest, place: string) {
    super(tree, handle, grant, place);
    this.readable = request.read === true;
    this.writable = request.write === true;
    this.#flags = fileFlagsOf(request);
  }

  get flags(): FileFlags {
    return this.#flags;
  }

  read(into: Uint8Array, offset: bigint): Soon<number> {
    const { handle } = this;
    if (!this.readable) throw new FileError('badf');
    this.requireReading();
    if (into.length === 0 || offset > offsetMax) return 0;
    if (handle.local && into.length <= quickBytesMax && handle.disk.isQuick)
      return handle.disk.read(true, handle.fd, into, Number(offset));
    return this.holding((held) => this.#readPooled(held, into, Number(offset)));
  }

  /** Through a buffer of the host's: the guest's memory may have gone to another agent when the pool is done. */
  async #readPooled(handle: Handle, into: Uint8Array, offset: number): Promise<number> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(into.length, readBytesMax));
    const count = await handle.disk.read(false, handle.fd, buffer, offset);
    this.tree.budget.check();
    into.set(buffer.subarray(0, count));
    return count;
  }

  write(bytes: Uint8Array, offset: bigint): Soon<number> {
    const { handle } = this;
    if (!this.writable) throw new FileError('badf');
    if (this.#flags.append) return this.append(bytes);
    if (offset > offsetMax) throw new FileError('fbig');
    if (bytes.length === 0) return 0;
    this.requireWriting(bytes.length);
    return this.#write(handle, bytes, Number(offset));
  }

  append(bytes: Uint8Array): Soon<number> {
    const { handle } = this;
    if (!this.writable) throw new FileError('badf');
    if (bytes.length === 0) return 0;
    this.requireWriting(bytes.length);
    if (this.#flags.append) return this.#write(handle, bytes, null);
    return this.#append(bytes.slice(0, writeBytesMax));
  }

  async #append(bytes: Uint8Array): Promise<number> {
    return this.holding(async (handle) => {
      if (this.#appender === undefined) {
        const appender = await this.#reopen(handle, { ...this.#flags, append: true });
        if (this.#appender !== undefined || this.isClosed) appender.release();
        else this.#appender = appender;
      }
      return this.#write(this.#appender ?? this.handle, bytes, null);
    });
  }

  /** `offset` null: at the end. Synchronous writes (`sync`, `dsync`) wait for the disk and so go to the pool. */
  #write(handle: Handle, bytes: Uint8Array, offset: number | null): Soon<number> {
    const waits = this.#flags.sync || this.#flags.dsync;
    if (handle.local && !waits && bytes.length <= quickBytesMax && handle.disk.isQuick)
      return handle.disk.write(true, handle.fd, bytes, offset);
    return this.#writePooled(handle.retain(), bytes.slice(0, writeBytesMax), offset);
  }

  async #writePooled(handle: Handle, bytes: Uint8Array, offset: number | null): Promise<number> {
    try {
      return await handle.disk.write(false, handle.fd, bytes, offset);
    } finally {
      handle.release();
    }
  }

  async setSize(size: bigint): Promise<void> {
    const { handle } = this;
    if (!this.writable) throw new FileError('badf');
    if (size > offsetMax) throw new FileError('fbig');
    this.requireWriting(0);
    await this.holding(() => handle.disk.setSize(handle.local, handle.fd, Number(size)));
  }

  async allocate(offset: bigint, length: bigint): Promise<void> {
    if (!this.writable) throw new FileError('badf');
    if (length === 0n) throw new FileError('inval');
    const { size } = await this.stat();
    if (offset + length > size) await this.setSize(offset + length);
  }

  async setFlags(flags: FileFlags): Promise<void> {
    const { append, dsync, sync } = this.#flags;
    if (flags.append !== append || flags.dsync !== dsync || flags.sync !== sync)
      await this.holding(async (handle) => this.#replace(await this.#reopen(handle, flags)));
    this.#flags = flags;
  }

  #reopen(handle: Handle, flags: FileFlags): Promise<Handle> {
    const request = { ...flags, read: this.readable, write: this.writable };
    return this.tree.anchor.reopen(handle, kernelFlags(request));
  }

  #replace(next: Handle): void {
    this.#appender?.release();
    this.#appender = undefined;
    if (this.isClosed) next.release();
    else this.replaceHandle(next);
  }

  override close(): void {
    this.#appender?.release();
    this.#appender = undefined;
    super.close();
  }
}
