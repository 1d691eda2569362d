import fs from 'node:fs';
import { dirname } from 'node:path';
import { unlinked } from '../../regular-file.ts';

/** The disk as the journal writes to it; a port, so that tests can have it fail at a chosen byte. */
export interface Files {
  /** Creates the file, or empties it. */
  create(path: string): Promise<number>;
  /** May write less than `length`. Calls back, unlike the others: it is on the path of every message. */
  write(
    fd: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void;
  /** What was written survives a loss of power. */
  sync(fd: number): Promise<void>;
  /** That there is a file of this name survives a loss of power. */
  syncName(path: string): Promise<void>;
  truncate(fd: number, length: number): Promise<void>;
  close(fd: number): Promise<void>;
  /** Removes a file that need not be there. */
  remove(path: string): Promise<void>;
}

const ownerOnly = 0o600;

async function syncName(path: string): Promise<void> {
  const folder = await fs.promises.open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function called(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null ? resolve() : reject(error)));
  });
}

export const systemFiles: Files = {
  create: (path) =>
    new Promise((resolve, reject) => {
      fs.open(path, unlinked.write, ownerOnly, (error, fd) => (error === null ? resolve(fd) : reject(error)));
    }),
  write: (fd, bytes, from, length, position, done) => fs.write(fd, bytes, from, length, position, done),
  sync: (fd) => called((done) => fs.fdatasync(fd, done)),
  syncName,
  truncate: (fd, length) => called((done) => fs.ftruncate(fd, length, done)),
  close: (fd) => called((done) => fs.close(fd, done)),
  remove: (path) => fs.promises.rm(path, { force: true }),
};
