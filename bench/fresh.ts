import { execFileSync } from 'node:child_process';

/**
 * Runs a bench file as a process of its own and gives what it printed, a JSON value: what V8 learned from one
 * subject must not colour the next. `--expose-gc` is on.
 */
export function measureFresh<T>(file: string, args: readonly string[], nodeArgs: readonly string[] = []): T {
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', '--disable-warning=ExperimentalWarning', ...nodeArgs, file, ...args],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return JSON.parse(output) as T;
}
