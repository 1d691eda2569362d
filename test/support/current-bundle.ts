import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Makes `dist/` if a source is newer: what the `host` command runs, and the threads of hosts that are tested. */
export function bundleCurrent(root: string): void {
  if (isCurrent(root)) return;
  const { status, stderr } = spawnSync(process.execPath, ['bundle.ts'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`dist/ cannot be made:\n${stderr}`);
}

function isCurrent(root: string): boolean {
  const list = join(root, 'dist/inputs.json');
  const builtMs = changedMs(list);
  if (builtMs === undefined) return false;
  const sources = JSON.parse(readFileSync(list, 'utf8')) as readonly string[];
  return sources.every((source) => (changedMs(join(root, source)) ?? Number.POSITIVE_INFINITY) <= builtMs);
}

function changedMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
