import type { DatabaseSync } from 'node:sqlite';
import { HostError } from '../../errors.ts';

/**
 * Notes in a database which version of the host's tables it has.
 * @throws HostError `HOST_ERR_STATE_UNWRITABLE` when it is of a newer host
 */
export function checkVersion(database: DatabaseSync, path: string, version: number): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (found > version)
    throw new HostError(
      'HOST_ERR_STATE_UNWRITABLE',
      `${path} is of a newer host (version ${found}, this one knows ${version}); start that one, or use another --state`,
      { path, found },
    );
  database.exec(`PRAGMA user_version = ${version}`);
}
