import { closeSync, openSync, readFileSync, renameSync } from 'node:fs';
import { HostError } from '../../errors.ts';
import type { Waiting } from '../../policy/approvals.ts';
import { type EntityRef, entityText, parseEntity } from '../../policy/entity.ts';
import { unlinked, writeOwnFile } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';

/** One that waited when the host was ended. */
export interface LeftApproval {
  readonly id: string;
  readonly principal: EntityRef;
  readonly action: string;
  readonly resource: string;
}

interface Kept {
  readonly count: number;
  readonly waiting: readonly { id: string; principal: string; action: string; resource: string }[];
  readonly lost: readonly string[];
}

const lostMax = 1000;

/**
 * What is known of approvals beyond a run of the host, in one small file: how many were asked, so that no name is given
 * twice, and which wait, so that those a crash took along can be told.
 */
export class ApprovalFile {
  /** Left by a run that could not say that they were lost. */
  readonly left: readonly LeftApproval[];
  readonly #path: string;
  readonly #waiting = new Map<string, LeftApproval>();
  #count: number;
  #lost: string[];

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` when it cannot be read or written */
  constructor(path: string) {
    this.#path = path;
    const { count, waiting, lost } = keptIn(path);
    this.#count = count;
    this.left = waiting.map((one) => ({ ...one, principal: parseEntity(one.principal, path) }));
    this.#lost = [...lost, ...waiting.map(({ id }) => id)].slice(-lostMax);
    if (waiting.length > 0) this.#write();
  }

  /** How many were asked so far. */
  get count(): number {
    return this.#count;
  }

  /** Of earlier runs, without an answer; the latest thousand. */
  get lost(): ReadonlySet<string> {
    return new Set(this.#lost);
  }

  /** On the disk when this returns: who is told of a name may count on it. */
  add({ id, request: { principal, action, resource } }: Waiting): void {
    this.#count += 1;
    this.#waiting.set(id, { id, principal, action, resource: entityText(resource) });
    this.#write();
  }

  remove(id: string, isLost: boolean): void {
    this.#waiting.delete(id);
    if (isLost) this.#lost = [...this.#lost, id].slice(-lostMax);
    this.#write();
  }

  #write(): void {
    const waiting = [...this.#waiting.values()].map((one) => ({
      ...one,
      principal: entityText(one.principal),
    }));
    const kept: Kept = { count: this.#count, waiting, lost: this.#lost };
    const path = `${this.#path}.new`;
    try {
      writeOwnFile(path, JSON.stringify(kept));
      renameSync(path, this.#path);
    } catch (cause) {
      throw wrong(this.#path, `cannot be written: ${textOf(cause)}`, cause);
    }
  }
}

function keptIn(path: string): Kept {
  try {
    const found = JSON.parse(textIn(path)) as Kept;
    const isWhole =
      Number.isSafeInteger(found.count) && Array.isArray(found.waiting) && Array.isArray(found.lost);
    if (isWhole) return found;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      return { count: 0, waiting: [], lost: [] };
    throw wrong(path, `cannot be read: ${textOf(cause)}`, cause);
  }
  throw wrong(path, 'is not what a host writes; move it away: what it says waits is lost then', undefined);
}

function textIn(path: string): string {
  const fd = openSync(path, unlinked.read);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function textOf(cause: unknown): string {
  return systemFault(cause);
}

function wrong(path: string, why: string, cause: unknown): HostError {
  return new HostError('HOST_ERR_STATE_UNWRITABLE', `${path} ${why}`, { path }, cause);
}
