import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const sources = ['host/**/*.ts', 'guest-sdk/**/build/**/*.ts', 'test/**/*.ts'];
const foreign = ['**/assembly/**', '**/fixtures/**'];

/**
 * Strips and compiles every source once, into the folder where `host` keeps compiled code too: most of what a process with
 * many small modules does when it starts. Entries are of a file and its contents, so that what is there stays right.
 * @returns the folder, for NODE_COMPILE_CACHE
 */
export async function readyCode(root: string): Promise<string> {
  const cache = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache');
  const folder = mkdtempSync(join(tmpdir(), 'motehost-ready-'));
  try {
    const list = join(folder, 'list.mjs');
    const files = globSync(sources, { cwd: root, exclude: foreign });
    const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)};`);
    // All modules of a program are compiled before the first one runs, and none runs where an import has no export.
    writeFileSync(list, [...imports, `import { nothing } from 'data:text/javascript,';`].join('\n'));
    const env = { ...process.env, NODE_COMPILE_CACHE: cache };
    await once(spawn(process.execPath, [list], { env, stdio: 'ignore' }), 'exit');
  } finally {
    rmSync(folder, { recursive: true });
  }
  return cache;
}
