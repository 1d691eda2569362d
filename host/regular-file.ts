import { fs } from './builtin.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_APPEND, O_CREAT, O_TRUNC, O_NOFOLLOW = 0 } = fs.constants;

/**
 * As Node's `r`, `r+`, `w` and `a`, and a symbolic link is not followed but an error (ELOOP), where the system can
 * tell: for files that are nowhere but where the host itself puts them.
 */
export const unlinked: Readonly<Record<'read' | 'change' | 'write' | 'append', number>> = {
  read: O_RDONLY | O_NOFOLLOW,
  change: O_RDWR | O_NOFOLLOW,
  write: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
  append: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
};

/** Writes a file of the host's own, for its user alone; on disk when this returns. @throws the system's error */
export function writeOwnFile(path: string, text: string): void {
  const fd = fs.openSync(path, unlinked.write, 0o600);
  try {
    fs.writeFileSync(fd, text, { flush: true });
  } finally {
    fs.closeSync(fd);
  }
}

/** Whether there is a file of that name, at the end of a link maybe: neither a folder, nor a pipe, nor a device. */
export function isRegularFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * Reads a file of somebody else's folder, where a pipe or a device would be read for ever.
 * @throws the system's error, or one that says it is no file
 */
export function readRegularFile(path: string): Buffer {
  if (!fs.statSync(path).isFile()) throw new Error(`${path} is not a file`);
  return fs.readFileSync(path);
}
