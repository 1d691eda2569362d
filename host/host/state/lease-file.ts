import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { HostError } from '../../errors.ts';
import type { KeptLease, LeaseStore } from '../../orchestration/leases.ts';
import { unlinked } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';
import { isDamaged } from '../sqlite-damage.ts';
import { checkVersion } from './schema-version.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, expires REAL NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS tokens (id INTEGER PRIMARY KEY CHECK (id = 1), reserved INTEGER NOT NULL) STRICT;
`;
/** Raised with every change of the tables that an older host would not understand. */
const schemaVersion = 1;

/**
 * Leases in the state folder. Each change survives any end of the process; that tokens were reserved survives a loss of
 * power as well, so that no token is ever given twice.
 */
export class LeaseFile implements LeaseStore {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #reserve: StatementSync;
  readonly leases: readonly KeptLease[];
  readonly reserved: number;

  readonly #path: string;
  readonly #onTrouble: (error: HostError) => void;

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` for a file that is none of ours or cannot be opened */
  constructor(path: string, onTrouble: (error: HostError) => void) {
    this.#onTrouble = onTrouble;
    this.#path = path;
    try {
      // SQLite gives what it makes beside it the same mode.
      closeSync(openSync(path, unlinked.append, 0o600));
      this.#database = new DatabaseSync(path);
      this.#database.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL',
      );
      checkVersion(this.#database, path, schemaVersion);
      this.#database.exec(schema);
      this.#put = this.#database.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)');
      this.#remove = this.#database.prepare('DELETE FROM leases WHERE name = ?');
      this.#reserve = this.#database.prepare('INSERT OR REPLACE INTO tokens VALUES (1, ?)');
      this.leases = this.#database.prepare('SELECT * FROM leases').all().map(keptOf);
      this.reserved = Number(this.#database.prepare('SELECT reserved FROM tokens').get()?.reserved ?? 0);
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  put({ name, holder, token, expiresWallMs }: KeptLease): void {
    this.#do(() => this.#put.run(name, holder, token, expiresWallMs));
  }

  remove(name: string): void {
    try {
      this.#remove.run(name);
    } catch (cause) {
      this.#onTrouble(unwritable(this.#path, cause));
    }
  }

  reserve(token: number): void {
    this.#do(() => {
      this.#database.exec('PRAGMA synchronous = FULL');
      try {
        this.#reserve.run(token);
      } finally {
        this.#database.exec('PRAGMA synchronous = NORMAL');
      }
    });
  }

  close(): void {
    this.#database.close();
  }

  #do(act: () => void): void {
    try {
      act();
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
  }
}

function keptOf({ name, holder, token, expires }: Record<string, unknown>): KeptLease {
  return {
    name: String(name),
    holder: String(holder),
    token: Number(token),
    expiresWallMs: Number(expires),
  };
}

function unwritable(path: string, cause: unknown): HostError {
  if (cause instanceof HostError) return cause;
  const why = systemFault(cause);
  const cure = isDamaged(cause)
    ? 'put the file back from a backup, or move it away: leases then begin anew, with tokens that were given before'
    : 'make room or mend the folder';
  return new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `cannot keep leases in ${path}: ${why}; ${cure}`,
    { path },
    cause,
  );
}
