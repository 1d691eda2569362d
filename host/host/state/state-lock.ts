import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HostError } from '../../errors.ts';
import { unlinked, writeOwnFile } from '../../regular-file.ts';

const lockName = 'lock.sqlite';
const holderName = 'host.json';
const anotherFolder = 'stop it, or start this one with another --state';

interface Holder {
  readonly pid: number;
  readonly startedAtMs: number;
}

/**
 * One host for one state folder. The lock is a lock of the system's on an open file, taken through SQLite: it ends
 * with the process, however that ends, so none is ever stale, and no process id is taken for another's. Who holds it
 * is written beside it, for the message.
 */
export class StateLock {
  readonly #database: DatabaseSync;

  /**
   * @param cure what to do when a host has the folder
   * @throws HostError `HOST_ERR_STATE_LOCKED` with the process id of the host that has the folder
   */
  constructor(folder: string, startedAtMs: number, cure: string = anotherFolder) {
    const path = join(folder, lockName);
    // Who can read it can hold it.
    closeSync(openSync(path, unlinked.append, 0o600));
    this.#database = new DatabaseSync(path, { timeout: 0 });
    try {
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    } catch (cause) {
      this.#database.close();
      if (isBusy(cause)) throw locked(folder, cure, cause);
      throw cause;
    }
    const holder: Holder = { pid: process.pid, startedAtMs };
    writeOwnFile(join(folder, holderName), JSON.stringify(holder));
  }

  release(): void {
    this.#database.close();
  }
}

function isBusy(cause: unknown): boolean {
  // SQLITE_BUSY, SQLITE_LOCKED
  return cause instanceof Error && 'errcode' in cause && (cause.errcode === 5 || cause.errcode === 6);
}

function locked(folder: string, cure: string, cause: unknown): HostError {
  const holder = holderOf(folder);
  const who =
    holder === undefined
      ? 'another host'
      : `the host with process id ${holder.pid}, running since ${new Date(holder.startedAtMs).toISOString()},`;
  return new HostError(
    'HOST_ERR_STATE_LOCKED',
    `${who} has the state folder ${folder}; ${cure}`,
    { folder, pid: holder?.pid },
    cause,
  );
}

function holderOf(folder: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(join(folder, holderName), 'utf8'));
    if (typeof holder !== 'object' || holder === null) return undefined;
    const { pid, startedAtMs } = holder as { pid?: unknown; startedAtMs?: unknown };
    return typeof pid === 'number' && typeof startedAtMs === 'number' ? { pid, startedAtMs } : undefined;
  } catch {
    // It is being written just now, or was never.
    return undefined;
  }
}
