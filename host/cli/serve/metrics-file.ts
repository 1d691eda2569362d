import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HostError } from '../../errors.ts';

/**
 * Sees to it that a snapshot of the metrics can be kept where it is to be: nobody looks there until it is missed. The
 * state folder is made when it is missing, no other.
 * @throws HostError `HOST_ERR_METRICS_CONFIG`
 */
export function requireMetricsPlace(path: string, stateFolder: string): void {
  if (isFolder(path)) throw fault(`the metrics file ${path} is a folder; name a file in it`, path);
  const folder = dirname(resolve(path));
  if (folder === resolve(stateFolder) || isFolder(folder)) return;
  throw fault(`the metrics file ${path} is to be in ${folder}, which is no folder; make it first`, path);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function fault(why: string, path: string): HostError {
  return new HostError('HOST_ERR_METRICS_CONFIG', `metrics configuration error: ${why}`, { path });
}
