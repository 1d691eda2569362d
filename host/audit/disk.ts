import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** What the chain asks of the system; a test puts a small or broken disk in its place. */
export interface Disk {
  /** Makes a file that must not be there yet, and its name durable. */
  create(path: string): number;
  /** Opens a file for writing. */
  open(path: string): number;
  /** @returns how much was written, as the system says */
  write(fd: number, bytes: Uint8Array, from: number, length: number, at: number): Promise<number>;
  /** Durable, as far as the system can tell. */
  sync(fd: number): Promise<void>;
  truncate(fd: number, length: number): void;
  close(fd: number): void;
}

const writeAt = promisify(write);
const dataSync = promisify(fdatasync);

export const systemDisk: Disk = {
  create: (path) => {
    const fd = openSync(path, 'wx', 0o600);
    syncFolder(dirname(path));
    return fd;
  },
  open: (path) => openSync(path, 'r+'),
  write: async (fd, bytes, from, length, at) => (await writeAt(fd, bytes, from, length, at)).bytesWritten,
  sync: (fd) => dataSync(fd),
  truncate: (fd, length) => ftruncateSync(fd, length),
  close: (fd) => closeSync(fd),
};

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
