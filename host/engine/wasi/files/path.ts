import { nameBytesMax, pathBytesMax } from './bounds.ts';
import { FileError } from './file-error.ts';

/** A guest's path, taken apart: no empty, `.` or absolute parts. */
export interface GuestPath {
  /** Names and `..`, in order. */
  readonly parts: readonly string[];
  /** It ended in a slash, `.` or `..`: what it names must be a directory. */
  readonly directoryOnly: boolean;
  /** It ended in `.`: a directory cannot be made, removed or renamed by such a name. */
  readonly endsInDot: boolean;
}

/**
 * Checks and splits a guest's relative path.
 * @throws FileError `notcapable` (absolute), `ilseq` (NUL, lone surrogate), `nametoolong`, `noent` (empty)
 */
export function parsePath(path: string): GuestPath {
  if (path === '') throw new FileError('noent');
  if (path.length > pathBytesMax || Buffer.byteLength(path) > pathBytesMax)
    throw new FileError('nametoolong');
  if (path.includes('\0')) throw new FileError('inval');
  if (!path.isWellFormed()) throw new FileError('ilseq');
  if (path.startsWith('/')) throw new FileError('notcapable');
  const all = path.split('/');
  const last = all.at(-1);
  const parts = all.filter((part) => part !== '' && part !== '.');
  for (const part of parts) checkName(part);
  const endsInDot = last === '.';
  return { parts, directoryOnly: last === '' || last === '..' || endsInDot, endsInDot };
}

function checkName(name: string): void {
  if (name.length * 3 > nameBytesMax && Buffer.byteLength(name) > nameBytesMax)
    throw new FileError('nametoolong');
}

/** The path of a name in a folder. */
export function below(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}
