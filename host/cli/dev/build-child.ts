import { spawn } from 'node:child_process';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

export interface ChildBuild {
  readonly isBuilt: boolean;
  /** What the build said, for people. */
  readonly text: string;
}

const textCharsMax = 1024 * 1024;

/** The command's entry lies in the package once, also where this file runs from `dist/`. */
const bin = join(dirname(findPackageJSON(import.meta.url) as string), 'host/cli/bin.js');

/**
 * `host build FOLDER` in a process of its own: a compiler that failed once is not to be used again, and one that
 * takes memory gives it back.
 */
export function buildInChild(folder: string, signal: AbortSignal): Promise<ChildBuild> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildBuild>();
  const child = spawn(process.execPath, [bin, 'build', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      if (text.length < textCharsMax) text += piece;
    });
  child.on('error', reject);
  child.on('close', (code) => resolve({ isBuilt: code === 0, text: text.trimEnd() }));
  return promise;
}
