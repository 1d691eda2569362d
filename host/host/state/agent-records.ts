import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Halt } from '../../agent/halt.ts';
import type { KeptSubscription } from '../../bus/bus.ts';
import { HostError } from '../../errors.ts';
import { unlinked } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';
import { isDamaged } from '../sqlite-damage.ts';
import { checkVersion } from './schema-version.ts';

/** An agent that was not found in a folder at the start but installed or spawned, as it is kept over restarts. */
export interface AgentRecord {
  readonly name: string;
  /** The text of its manifest; agents of the same text share it. */
  readonly manifest: string;
  /** Of its component, lower-case hex. */
  readonly digest: string;
  /** Digests of the versions before, newest first. */
  readonly earlier: readonly string[];
  /** What it was granted beyond reading its manifest: the host's own text. */
  readonly accepted: string | undefined;
  /** The agent that spawned it. */
  readonly parent: string | undefined;
  readonly installedAtMs: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS manifests (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS agents (
    name TEXT PRIMARY KEY, manifest INTEGER NOT NULL REFERENCES manifests, digest BLOB NOT NULL, earlier BLOB,
    accepted TEXT, parent TEXT, installed REAL NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS triggers (
    agent TEXT NOT NULL, name TEXT NOT NULL, due REAL NOT NULL, PRIMARY KEY (agent, name)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS subscriptions (agent TEXT PRIMARY KEY, own TEXT NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS halts (
    agent TEXT PRIMARY KEY, kind TEXT NOT NULL, why TEXT NOT NULL, messages TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;
`;
/** Raised with every change of the tables that an older host would not understand. */
const schemaVersion = 2;
const digestBytes = 32;
const earlierMax = 16;
const manifestsKnownMax = 1024;

interface Row {
  readonly name: string;
  readonly text: string;
  readonly digest: Uint8Array;
  readonly earlier: Uint8Array | null;
  readonly accepted: string | null;
  readonly parent: string | null;
  readonly installed: number;
}

const select = `SELECT agents.name, text, digest, earlier, accepted, parent, installed
  FROM agents JOIN manifests ON manifests.id = agents.manifest`;

/**
 * The agents a host keeps over restarts, and when their triggers last came due. Changes of one turn of the event loop
 * are one transaction: `saved` says when. A transaction survives any end of the process; one with an agent that
 * was installed (no parent) survives a loss of power as well, one of spawned agents alone may be lost with it.
 */
export class AgentRecords {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  /** Ids of manifests by their text: spawned agents share few. */
  readonly #manifests = new Map<string, number>();
  /** Why the last transaction was lost; undefined once one succeeds. */
  trouble: HostError | undefined;
  #changes: (() => void)[] = [];
  #isDurable = false;
  #saved: PromiseWithResolvers<void> | undefined;

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` for a file that is none of ours or cannot be opened */
  constructor(path: string) {
    try {
      // SQLite gives what it makes beside it the same mode.
      closeSync(openSync(path, unlinked.append, 0o600));
      this.#database = new DatabaseSync(path);
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
      checkVersion(this.#database, path, schemaVersion);
      this.#database.exec(schema);
      this.#statements = prepare(this.#database);
    } catch (cause) {
      if (cause instanceof HostError) throw cause;
      throw unwritable(path, cause);
    }
  }

  get count(): number {
    return Number(this.#statements.count.get()?.count ?? 0);
  }

  get(name: string): AgentRecord | undefined {
    this.#commitNow();
    const row = this.#statements.get.get(name);
    return row === undefined ? undefined : recordOf(row);
  }

  /** All agents in the order of their names, read as they are asked for. */
  *all(): Generator<AgentRecord> {
    this.#commitNow();
    for (const row of this.#statements.all.iterate()) yield recordOf(row);
  }

  /** Digests of all components that agents have or had. */
  digests(): Set<string> {
    this.#commitNow();
    const digests = new Set<string>();
    for (const row of this.#statements.digests.iterate())
      for (const digest of digestsIn(bytesOf(row.digest))) digests.add(digest);
    return digests;
  }

  put(record: AgentRecord): void {
    this.#isDurable ||= record.parent === undefined;
    this.#change(() => this.#put(record));
  }

  remove(name: string): void {
    this.#isDurable = true;
    this.#change(() => {
      this.#statements.remove.run(name);
      this.#statements.removeDue.run(name);
      this.#statements.removeSubscriptions.run(name);
      this.#statements.removeHalt.run(name);
    });
  }

  /** When a trigger last came due. */
  lastDueMs(agent: string, trigger: string): number | undefined {
    this.#commitNow();
    const due = this.#statements.due.get(agent, trigger)?.due;
    return typeof due === 'number' ? due : undefined;
  }

  putDue(agent: string, trigger: string, dueMs: number): void {
    this.#change(() => this.#statements.putDue.run(agent, trigger, dueMs));
  }

  /** What an agent subscribed to itself, all of it. */
  putSubscriptions(agent: string, own: readonly KeptSubscription[]): void {
    const { putSubscriptions, removeSubscriptions } = this.#statements;
    this.#change(() =>
      own.length === 0 ? removeSubscriptions.run(agent) : putSubscriptions.run(agent, JSON.stringify(own)),
    );
  }

  /** The same of all agents that did. */
  subscriptions(): Map<string, readonly KeptSubscription[]> {
    this.#commitNow();
    const all = new Map<string, readonly KeptSubscription[]>();
    for (const { agent, own } of this.#statements.subscriptions.iterate())
      all.set(String(agent), subscriptionsIn(String(own)));
    return all;
  }

  /** Why an agent handles nothing until a person says so; undefined: it does again. */
  putHalt(agent: string, halt: Halt | undefined): void {
    const { putHalt, removeHalt } = this.#statements;
    this.#isDurable = true;
    this.#change(() =>
      halt === undefined
        ? removeHalt.run(agent)
        : putHalt.run(agent, halt.kind, halt.why, JSON.stringify(halt.messages)),
    );
  }

  /** The same of all agents that are halted. */
  halts(): Map<string, Halt> {
    this.#commitNow();
    const all = new Map<string, Halt>();
    for (const row of this.#statements.halts.iterate()) all.set(String(row.agent), haltOf(row));
    return all;
  }

  /** Forgets manifests that no agent has any more. Reads every agent: for the start. */
  prune(): void {
    this.#commitNow();
    this.#manifests.clear();
    this.#database.exec('DELETE FROM manifests WHERE id NOT IN (SELECT DISTINCT manifest FROM agents)');
  }

  /** Tries whether the disk takes changes again, if it did not: `trouble` says what came of it. */
  tryAgain(): void {
    if (this.trouble === undefined) return;
    this.#changes.push(() => this.#database.exec(`PRAGMA user_version = ${schemaVersion}`));
    this.#commitNow();
  }

  /** Everything changed so far is on disk. @throws HostError `HOST_ERR_STATE_UNWRITABLE`: nothing since the last is */
  saved(): Promise<void> {
    if (this.#changes.length === 0) return Promise.resolve();
    this.#saved ??= Promise.withResolvers();
    return this.#saved.promise;
  }

  close(): void {
    this.#commitNow();
    this.#database.close();
  }

  #change(change: () => void): void {
    this.#changes.push(change);
    if (this.#changes.length === 1) setImmediate(() => this.#commitNow());
  }

  #commitNow(): void {
    if (this.#changes.length === 0) return;
    const [changes, saved] = [this.#changes, this.#saved];
    this.#changes = [];
    this.#saved = undefined;
    try {
      this.#commit(changes);
      this.trouble = undefined;
      saved?.resolve();
    } catch (cause) {
      const error = unwritable(this.#database.location() ?? '', cause);
      this.trouble = error;
      saved?.reject(error);
    }
  }

  #commit(changes: readonly (() => void)[]): void {
    this.#database.exec(`PRAGMA synchronous = ${this.#isDurable ? 'FULL' : 'NORMAL'}; BEGIN`);
    this.#isDurable = false;
    try {
      for (const change of changes) change();
      this.#database.exec('COMMIT');
    } catch (cause) {
      this.#manifests.clear();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw cause;
    }
  }

  #put(record: AgentRecord): void {
    const earlier = record.earlier.slice(0, earlierMax);
    this.#statements.put.run(
      record.name,
      this.#manifestId(record.manifest),
      Buffer.from(record.digest, 'hex'),
      earlier.length === 0 ? null : Buffer.from(earlier.join(''), 'hex'),
      record.accepted ?? null,
      record.parent ?? null,
      record.installedAtMs,
    );
  }

  #manifestId(text: string): number {
    const known = this.#manifests.get(text);
    if (known !== undefined) return known;
    const hash = createHash('sha256').update(text).digest();
    this.#statements.putManifest.run(hash, text);
    const id = Number(this.#statements.manifest.get(hash)?.id);
    if (this.#manifests.size >= manifestsKnownMax) this.#manifests.clear();
    this.#manifests.set(text, id);
    return id;
  }
}

/**
 * The names of all agents in a file of records, without taking it; none where there is no file, or a host has it.
 * @throws HostError `HOST_ERR_STATE_UNWRITABLE` for a file that is none of ours
 */
export function recordedNames(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    return database
      .prepare('SELECT name FROM agents ORDER BY name')
      .all()
      .map(({ name }) => String(name));
  } catch (cause) {
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busyCode) return [];
    throw unwritable(path, cause);
  }
}

/** SQLITE_BUSY */
const busyCode = 5;

function prepare(database: DatabaseSync) {
  const of = (sql: string): StatementSync => database.prepare(sql);
  return {
    count: of('SELECT count(*) AS count FROM agents'),
    get: of(`${select} WHERE agents.name = ?`),
    all: of(`${select} ORDER BY agents.name`),
    digests: of(
      'SELECT DISTINCT digest FROM agents UNION SELECT DISTINCT earlier FROM agents WHERE earlier NOT NULL',
    ),
    put: of('INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, ?, ?, ?)'),
    remove: of('DELETE FROM agents WHERE name = ?'),
    manifest: of('SELECT id FROM manifests WHERE hash = ?'),
    putManifest: of('INSERT OR IGNORE INTO manifests (hash, text) VALUES (?, ?)'),
    due: of('SELECT due FROM triggers WHERE agent = ? AND name = ?'),
    putDue: of('INSERT OR REPLACE INTO triggers VALUES (?, ?, ?)'),
    subscriptions: of('SELECT agent, own FROM subscriptions'),
    putSubscriptions: of('INSERT OR REPLACE INTO subscriptions VALUES (?, ?)'),
    removeSubscriptions: of('DELETE FROM subscriptions WHERE agent = ?'),
    halts: of('SELECT agent, kind, why, messages FROM halts'),
    putHalt: of('INSERT OR REPLACE INTO halts VALUES (?, ?, ?, ?)'),
    removeHalt: of('DELETE FROM halts WHERE agent = ?'),
    removeDue: of('DELETE FROM triggers WHERE agent = ?'),
  };
}

function recordOf(row: Record<string, unknown>): AgentRecord {
  const { name, text, digest, earlier, accepted, parent, installed } = row as Partial<Row>;
  return {
    name: name ?? '',
    manifest: text ?? '',
    digest: digestsIn(bytesOf(digest))[0] ?? '',
    earlier: digestsIn(bytesOf(earlier)),
    accepted: accepted ?? undefined,
    parent: parent ?? undefined,
    installedAtMs: installed ?? 0,
  };
}

function haltOf({ kind, why, messages }: Record<string, unknown>): Halt {
  const ids = JSON.parse(String(messages)) as readonly unknown[];
  return {
    kind: kind === 'held' || kind === 'paused' ? kind : 'terminated',
    why: String(why),
    messages: ids.map(String),
  };
}

function subscriptionsIn(text: string): KeptSubscription[] {
  const own = JSON.parse(text) as readonly Partial<KeptSubscription>[];
  return own.map(({ id = 0, pattern = '', group }) => ({ id, pattern, group }));
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function digestsIn(bytes: Uint8Array): string[] {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  return Array.from({ length: bytes.length / digestBytes }, (_, index) =>
    hex.slice(index * 2 * digestBytes, (index + 1) * 2 * digestBytes),
  );
}

function unwritable(path: string, cause: unknown): HostError {
  const why = systemFault(cause);
  const cure = isDamaged(cause)
    ? 'put the file back from a backup, or move it away: agents installed over HTTP, earlier versions and who is paused are then forgotten'
    : 'make room or mend the folder';
  return new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `cannot keep agents in ${path}: ${why}; ${cure}`,
    { path },
    cause,
  );
}
