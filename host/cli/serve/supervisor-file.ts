import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../errors.ts';
import { parseSupervisors, type SupervisorTree, supervisorsFile } from '../../manifest.ts';
import { readRegularFile } from '../../regular-file.ts';

/**
 * The trees of supervisors of all folders that were named, each in its `supervisors.toml`.
 * @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID`
 */
export function loadSupervisors(roots: readonly string[]): readonly SupervisorTree[] {
  const files = roots.map((root) => join(root, supervisorsFile)).filter((file) => existsSync(file));
  const trees = [...new Set(files)].flatMap((file) =>
    parseSupervisors(textOf(file), file).map((tree) => [file, tree] as const),
  );
  const seen = new Map<string, string>();
  for (const [file, { name }] of trees) {
    const other = seen.get(name);
    if (other !== undefined)
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `two trees of supervisors are called '${name}': in ${other} and ${file}; names are unique on a host`,
        { path: file, name },
      );
    seen.set(name, file);
  }
  return trees.map(([, tree]) => tree);
}

function textOf(file: string): string {
  if (!statSync(file).isFile())
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `${file} is no file`, { path: file });
  return readRegularFile(file)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}
