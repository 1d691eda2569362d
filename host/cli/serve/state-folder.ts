import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { named } from '../../config.ts';
import { HostError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';
import { systemFault } from '../../system-fault.ts';

const ownerOnly = 0o700;

/**
 * Where a host keeps what outlives it: `--state`, else `HOST_STATE`, else `.motehost` here.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` for one that is empty
 */
export function stateFolderOf(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return resolve(named('--state', flag) ?? named('HOST_STATE', env.HOST_STATE) ?? '.motehost');
}

/**
 * Makes it, for its owner alone: it holds mail, memories and tokens. It says itself that it belongs into no repository.
 * @throws HostError `HOST_ERR_STATE_UNWRITABLE`
 */
export function makeStateFolder(folder: string): void {
  try {
    if (existsSync(folder)) return;
    makeFolder(folder, ownerOnly);
    writeFileSync(join(folder, '.gitignore'), '*\n');
  } catch (cause) {
    const reason = systemFault(cause);
    throw new HostError(
      'HOST_ERR_STATE_UNWRITABLE',
      `cannot make ${folder}: ${reason}; choose another folder with --state or HOST_STATE`,
      { folder },
      cause,
    );
  }
}
