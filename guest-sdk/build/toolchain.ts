import { spawn } from 'node:child_process';
import { HostError } from '../../host/errors.ts';

/** How a program of somebody else's ended. */
export interface ToolRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What to do when the program is not there, as a command or a place. */
  readonly cure: string;
}

const outputBytesMax = 16 * 1024 * 1024;

/**
 * Runs a compiler and waits for it. What it prints is kept to 16 MiB a stream.
 * @throws HostError `HOST_ERR_TOOL_MISSING` with the cure when there is no such program
 */
export function runTool(program: string, args: readonly string[], options: ToolOptions): Promise<ToolRun> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolRun>();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.on('error', (cause) => {
    const missing = 'code' in cause && cause.code === 'ENOENT';
    const text = missing ? `${program} is not installed; ${options.cure}` : `${program}: ${cause.message}`;
    reject(new HostError('HOST_ERR_TOOL_MISSING', text, { program }, cause));
  });
  child.on('close', (code) => resolve({ code: code ?? 1, stdout: stdout(), stderr: stderr() }));
  return promise;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < outputBytesMax) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
