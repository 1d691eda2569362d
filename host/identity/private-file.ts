import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HostError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { systemFault } from '../system-fault.ts';

const fileMode = 0o600;
const folderMode = 0o700;
const othersMask = 0o077;

/**
 * Makes a folder for its owner alone, or checks that it is one.
 * @throws HostError `HOST_ERR_IDENTITY_UNSAFE` for a link, somebody else's folder, or one others can enter
 */
export function privateFolder(folder: string): void {
  attempt(folder, () => makeFolder(folder, folderMode));
  const stat = attempt(folder, () => fs.lstatSync(folder));
  if (stat.isSymbolicLink()) throw unsafe(folder, `${folder} is a link; name the folder itself`);
  if (!stat.isDirectory()) throw unsafe(folder, `${folder} is not a folder; move it away`);
  checkOwner(folder, stat);
  if ((stat.mode & othersMask) !== 0)
    throw unsafe(folder, `others can enter ${folder}; run: chmod 700 ${folder}`);
}

/**
 * The content of a file that only its owner can have read or written; undefined when there is none. What is checked
 * is the file that was opened: its name could be another's a moment later.
 * @throws HostError `HOST_ERR_IDENTITY_UNSAFE` for a link, a second name of the file, another owner or a mode
 * others can use; `HOST_ERR_IDENTITY_CORRUPT` for one larger than `bytesMax` or unreadable
 */
export function readPrivate(path: string, bytesMax: number): Buffer | undefined {
  const fd = openPrivate(path);
  if (fd === undefined) return undefined;
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw unsafe(path, `${path} is not a file; move it away`);
    checkOwner(path, stat);
    if ((stat.mode & othersMask) !== 0)
      throw unsafe(path, `${path} can be read or written by others; run: chmod 600 ${path}`);
    if (stat.nlink !== 1) checkNames(path, fd, stat.ino);
    if (stat.size > bytesMax)
      throw new HostError('HOST_ERR_IDENTITY_CORRUPT', `${path} has more than ${bytesMax} bytes`, { path });
    return attempt(path, () => fs.readFileSync(fd));
  } finally {
    fs.closeSync(fd);
  }
}

/** A second name in the same private folder harms nobody: a file has one while it is being made. */
function checkNames(path: string, fd: number, ino: number): void {
  const folder = dirname(path);
  const stats = fs
    .readdirSync(folder)
    .map((name) => fs.lstatSync(join(folder, name), { throwIfNoEntry: false }));
  const here = stats.filter((stat) => stat?.ino === ino).length;
  const names = fs.fstatSync(fd).nlink;
  if (names > here)
    throw unsafe(path, `${path} has ${names} names; remove the others, or copy it and use the copy`);
}

function openPrivate(path: string): number | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  try {
    // A pipe would be waited for otherwise. Windows knows neither.
    return fs.openSync(path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw unsafe(path, `${path} is a link; put the file itself there`);
    throw unreadable(path, cause);
  }
}

/**
 * Writes a file whole or not at all, and so that a loss of power does not take it.
 * @param replaces false: a file that is there stays, and the result is false
 * @throws HostError `HOST_ERR_STATE_UNWRITABLE`
 */
export function writeWhole(
  path: string,
  content: Uint8Array,
  replaces: boolean,
  mode: number = fileMode,
): boolean {
  const folder = dirname(path);
  const partial = join(folder, `.${basename(path)}.${process.pid}.${Math.random().toString(36).slice(2)}`);
  try {
    fs.writeFileSync(partial, content, { mode, flag: 'wx', flush: true });
    const isWritten = replaces ? replace(partial, path) : place(partial, path);
    syncFolder(folder);
    return isWritten;
  } catch (cause) {
    const why = systemFault(cause);
    throw new HostError(
      'HOST_ERR_STATE_UNWRITABLE',
      `cannot write ${path}: ${why}; make room, or the folder writable`,
      { path },
      cause,
    );
  } finally {
    fs.rmSync(partial, { force: true });
  }
}

function replace(partial: string, path: string): boolean {
  fs.renameSync(partial, path);
  return true;
}

/** Of two that write at once, one wins: a name is given to a file only where there is none. */
function place(partial: string, path: string): boolean {
  try {
    fs.linkSync(partial, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function checkOwner(path: string, stat: fs.Stats): void {
  const own = process.getuid?.();
  if (own === undefined || stat.uid === own) return;
  throw unsafe(path, `${path} belongs to user ${stat.uid}, not to ${own}; run: chown ${own} ${path}`);
}

function attempt<Result>(path: string, step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unsafe(path: string, why: string): HostError {
  return new HostError('HOST_ERR_IDENTITY_UNSAFE', why, { path });
}

function unreadable(path: string, cause: unknown): HostError {
  const why = systemFault(cause);
  return new HostError(
    'HOST_ERR_IDENTITY_CORRUPT',
    `cannot read ${path}: ${why}; its owner must be able to`,
    { path },
    cause,
  );
}
