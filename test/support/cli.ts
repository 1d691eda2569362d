import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ofTest } from './of-test.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Leaves stdin open, as a terminal does where nobody types. */
  readonly keepInputOpen?: boolean;
  /** Goes away after the first piece of stdout, as `head` does. */
  readonly readsOnce?: boolean;
  /** Called with each piece of stdout as it arrives, and with the way to send a signal. */
  readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

const bin = resolve(import.meta.dirname, '../../host/cli/bin.js');
/** One cache for all runs of a test process, apart from the user's own. */
const cacheFolder = mkdtempSync(join(tmpdir(), 'motehost-test-'));

/** Runs `host` as a person does: a process of its own, real streams. */
export function host(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { HOST_FUEL: _fuel, HOST_CONFIG: _config, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOST_CACHE: process.env.MOTEHOST_TEST_CACHE ?? cacheFolder,
    XDG_CONFIG_HOME: cacheFolder,
    ...options.env,
  };
  const child = spawn(process.execPath, [bin, ...args], { env, cwd: options.cwd, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (options.readsOnce === true) child.stdout.destroy();
    options.onStdout?.(text, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  ofTest(
    () => child.kill('SIGKILL'),
    () =>
      child.exitCode === 0
        ? ''
        : `host ${args.join(' ')} said on stdout:\n${stdout}\nand on stderr:\n${stderr}`,
  );
  if (options.keepInputOpen !== true) child.stdin.end(options.input ?? '');
  return new Promise((settle, fail) => {
    child.on('error', fail);
    child.on('close', (code) => settle({ code, stdout, stderr }));
  });
}
