import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/**
 * All that a thread of ours sees of the process's environment: where compiled code lies on disk, if this process keeps it.
 * A thread that reads its modules from there starts in a third of the time, and learns nothing else from outside.
 */
export function threadEnvironment(): Record<string, string> {
  // What Node tells is the folder of its own version and flags, which it makes inside the one it was given.
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}
