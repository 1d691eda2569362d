import { closeSync, lstatSync, openSync, readFileSync, renameSync, rmSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../errors.ts';
import { writeOwnFile } from '../regular-file.ts';
import { systemFault } from '../system-fault.ts';
import { parseRight } from './right.ts';

/** A token as it lies on disk: what it is called and may do, never the token itself. */
export interface TokenRecord {
  readonly name: string;
  /** SHA-256 of the token, hex. A token is 256 random bits, so nothing slower is needed. */
  readonly hash: string;
  /** `VERB[:PATTERN]` each. */
  readonly may: readonly string[];
  /** ISO 8601. */
  readonly created: string;
  /** ISO 8601; undefined: it does not run out. */
  readonly expires?: string;
}

const fileBytesMax = 16 * 1024 * 1024;
export const tokensMax = 10_000;

export function tokenPath(stateFolder: string): string {
  return join(stateFolder, 'tokens.json');
}

/** What tells one state of the file from another; undefined: there is none. */
export function tokenFileStamp(stateFolder: string): string | undefined {
  const stats = statsOf(tokenPath(stateFolder));
  return stats === undefined
    ? undefined
    : `${stats.ino}.${stats.size}.${stats.mtimeMs}.${stats.ctimeMs}.${stats.mode}`;
}

/**
 * The tokens of a state folder; none when there is no file.
 * @throws HostError `HOST_ERR_TOKEN_INVALID` for a file that others can read or write, or that is damaged
 */
export function readTokens(stateFolder: string): readonly TokenRecord[] {
  const path = tokenPath(stateFolder);
  const stats = statsOf(path);
  if (stats === undefined) return [];
  requireOwn(path, stats);
  try {
    return recordsOf(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const detail = systemFault(cause);
    throw new HostError(
      'HOST_ERR_TOKEN_INVALID',
      `${path} is damaged (${detail}): remove it and make new tokens`,
      { path },
    );
  }
}

/** Changes the tokens, one writer at a time; readers see the state before or the one after. */
export function changeTokens(
  stateFolder: string,
  change: (tokens: readonly TokenRecord[]) => readonly TokenRecord[],
): void {
  const path = tokenPath(stateFolder);
  const lock = `${path}.lock`;
  takeLock(lock);
  try {
    const tokens = change(readTokens(stateFolder));
    const next = `${path}.next`;
    writeOwnFile(next, `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`);
    renameSync(next, path);
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): void {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new HostError(
        'HOST_ERR_STATE_LOCKED',
        `another command changes the tokens; if none does, remove ${lock}`,
        { lock },
      );
    throw new HostError(
      'HOST_ERR_STATE_UNWRITABLE',
      `cannot write beside ${lock} (${code}): is the state folder yours?`,
      { lock },
    );
  }
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function requireOwn(path: string, stats: Stats): void {
  const refuse = (fault: string): never => {
    throw new HostError('HOST_ERR_TOKEN_INVALID', `${path} ${fault}`, { path });
  };
  if (!stats.isFile()) refuse('is no regular file: put the file itself there');
  if (stats.size > fileBytesMax)
    refuse(`is larger than ${fileBytesMax} bytes: revoke tokens that nobody uses`);
  if (process.platform === 'win32') return;
  if ((stats.mode & 0o077) !== 0)
    refuse(`can be read by others (mode ${(stats.mode & 0o777).toString(8)}): chmod 600 ${path}`);
  if (process.getuid !== undefined && stats.uid !== process.getuid() && process.getuid() !== 0)
    refuse('belongs to another user: start the host as its owner');
}

function recordsOf(json: unknown): readonly TokenRecord[] {
  const { version, tokens } = (typeof json === 'object' && json !== null ? json : {}) as Readonly<
    Record<string, unknown>
  >;
  if (version !== 1) throw new Error(`version ${String(version)} is not known here`);
  if (!Array.isArray(tokens) || tokens.length > tokensMax)
    throw new Error(`tokens: expected at most ${tokensMax}`);
  return tokens.map(recordOf);
}

function recordOf(value: unknown): TokenRecord {
  const { name, hash, may, created, expires } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || typeof created !== 'string')
    throw new Error('a token without name or date');
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw new Error(`token '${name}': hash`);
  if (!Array.isArray(may) || !may.every((one) => typeof one === 'string'))
    throw new Error(`token '${name}': may`);
  for (const right of may) parseRight(right);
  if (expires === undefined) return { name, hash, may, created };
  if (typeof expires !== 'string' || Number.isNaN(Date.parse(expires)))
    throw new Error(`token '${name}': expires`);
  return { name, hash, may, created, expires };
}
