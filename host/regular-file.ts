import { fs } from './builtin.ts';

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
