import { fs, path as paths } from '../builtin.ts';
import { HostError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { systemFault } from '../system-fault.ts';

/** A program as it lies on disk, with what its manifest asks for. */
export interface Program {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly limits: Partial<Limits>;
  readonly manifestPath: string | undefined;
}

const programBytesMax = 256 * 1024 * 1024;

/**
 * Reads a program from a .wasm file, or builds the agent in a folder if its sources changed.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND`, `HOST_ERR_FILE_UNREADABLE`, and what a build may throw
 */
export async function loadProgram(path: string): Promise<Program> {
  if (path === '-' || path === '/dev/stdin') {
    return { path: 'stdin', bytes: readStream('stdin', 0), limits: {}, manifestPath: undefined };
  }
  const stat = statOf(path);
  if (stat === undefined) throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no such file: ${path}`, { path });
  if (!stat.isDirectory()) return { path, bytes: readProgram(path), limits: {}, manifestPath: undefined };
  const manifestPath = paths.join(path, 'agent.toml');
  if (fs.statSync(manifestPath, { throwIfNoEntry: false }) === undefined) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `${path} is a folder without an agent.toml; host new NAME makes one that has it`,
      { path },
    );
  }
  const { readManifest } = await import('../manifest.ts');
  const { buildIfStale } = await import('./build.ts');
  const manifest = readManifest(path);
  const built = await buildIfStale(path);
  if (fs.statSync(built, { throwIfNoEntry: false }) === undefined)
    throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no such file: ${built}, which ${manifestPath} names`, {
      path: built,
    });
  return { path: built, bytes: readProgram(built), limits: manifest.limits, manifestPath };
}

/** @throws HostError `HOST_ERR_FILE_UNREADABLE` for a loop of links, a name that is too long, a folder nobody may enter */
function statOf(path: string): ReturnType<typeof fs.statSync> {
  try {
    return fs.statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const reason = systemFault(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot read ${path}: ${reason}`, { path }, cause);
  }
}

function readProgram(path: string): Uint8Array<ArrayBuffer> {
  const stat = fs.statSync(path);
  if (stat.size > programBytesMax) {
    throw new HostError(
      'HOST_ERR_FILE_UNREADABLE',
      `${path} has ${stat.size} bytes; a program may have ${programBytesMax}`,
      { path, size: stat.size },
    );
  }
  try {
    return stat.isFile() ? fs.readFileSync(path) : readStream(path, fs.openSync(path, 'r'));
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const reason = systemFault(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot read ${path}: ${reason}`, { path }, cause);
  }
}

const chunkBytes = 65_536;

/** A pipe or device (`/dev/stdin`, `<(…)`) does not tell its size: read until it ends or is too long. */
function readStream(path: string, descriptor: number): Uint8Array<ArrayBuffer> {
  try {
    const chunks: Uint8Array[] = [];
    for (let total = 0; ; ) {
      const chunk = new Uint8Array(chunkBytes);
      const got = fs.readSync(descriptor, chunk);
      if (got === 0) return Buffer.concat(chunks);
      total += got;
      if (total > programBytesMax) {
        throw new HostError(
          'HOST_ERR_FILE_UNREADABLE',
          `${path} goes on past ${programBytesMax} bytes; a program may not be longer`,
          { path },
        );
      }
      chunks.push(chunk.subarray(0, got));
    }
  } finally {
    if (descriptor !== 0) fs.closeSync(descriptor);
  }
}
