import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HostError } from '../../host/errors.ts';
import { makeFolder } from '../../host/folder.ts';

/**
 * Writes a file of an agent's folder, with the folders it needs. The agent may be somebody else's: a symbolic
 * link in the way would put the file elsewhere, so it is refused; the last part is replaced, not followed.
 * Whoever reads the file meanwhile sees the old one or the new one, whole.
 * `path` is relative to `folder`, with slashes.
 * @throws HostError `HOST_ERR_FILE_UNREADABLE`
 */
export function writeOwnFile(folder: string, path: string, content: Uint8Array | string): string {
  const whole = join(folder, path);
  try {
    requireNoLinks(folder, path);
    makeFolder(dirname(whole));
    replaceFile(whole, content);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError(
      'HOST_ERR_FILE_UNREADABLE',
      `cannot write ${whole}: ${reason}`,
      { path: whole },
      cause,
    );
  }
  return whole;
}

/** The same for a text that may be there already: a file that is as it should be keeps its time. */
export function writeChanged(folder: string, path: string, text: string): void {
  const whole = join(folder, path);
  if (!isFile(whole) || readFileSync(whole, 'utf8') !== text) writeOwnFile(folder, path, text);
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

/** Puts a new file in the place of whatever is at `path`, in one step. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  const unfinished = `${path}.${process.pid}.tmp`;
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, content, { flag: 'wx' });
  renameSync(unfinished, path);
}

function requireNoLinks(folder: string, path: string): void {
  const parts = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const parent = join(folder, ...parts.slice(0, depth));
    if (lstatSync(parent, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    throw new HostError(
      'HOST_ERR_FILE_UNREADABLE',
      `${parent} is a symbolic link, and a build writes only into its own folder; remove the link, or build with -o FILE`,
      { path: parent },
    );
  }
}
