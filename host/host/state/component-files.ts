import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';
import { unlinked } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';

const digestPattern = /^[0-9a-f]{64}$/;
const namePattern = /^([0-9a-f]{64})\.wasm$/;
const keptPattern = /^([0-9a-f]{64})\.(wasm|sig)$/;
const signatureBytesMax = 4096;

/** The components of a state folder, each once, by the SHA-256 of its bytes. */
export class ComponentFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(folder, 0o700);
  }

  has(digest: string): boolean {
    return lstatSync(this.#path(digest), { throwIfNoEntry: false })?.isFile() === true;
  }

  /**
   * Keeps a component; on disk, name and all, when this returns.
   * @returns its digest, lower-case hex
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE`
   */
  put(bytes: Uint8Array): string {
    const digest = digestOf(bytes);
    if (!this.has(digest)) this.#write(this.#path(digest), bytes);
    return digest;
  }

  /**
   * @throws HostError `HOST_ERR_FILE_NOT_FOUND`; `HOST_ERR_FILE_UNREADABLE` when its bytes are not those of its digest
   */
  async get(digest: string): Promise<Uint8Array<ArrayBuffer>> {
    const path = this.#path(digest);
    const bytes = await readFile(path, { flag: unlinked.read }).catch((cause: unknown) => {
      throw new HostError(
        'HOST_ERR_FILE_NOT_FOUND',
        `no component ${digest} in ${this.#folder}; install its agent again`,
        { digest },
        cause,
      );
    });
    if (digestOf(bytes) === digest) return bytes;
    throw new HostError(
      'HOST_ERR_FILE_UNREADABLE',
      `${path} is damaged: its bytes are not those of its name; remove it and install its agent again`,
      { digest, path },
    );
  }

  /** Keeps who signed a component beside it; undefined: nobody did. @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  putSignature(digest: string, signature: Uint8Array | undefined): void {
    const path = this.#path(digest, 'sig');
    if (signature === undefined) rmSync(path, { force: true });
    else this.#write(path, signature.subarray(0, signatureBytesMax));
  }

  /** What was kept beside a component. */
  async signature(digest: string): Promise<Uint8Array | undefined> {
    const path = this.#path(digest, 'sig');
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return readFile(path, { flag: unlinked.read });
  }

  /** Digests of all components. */
  list(): string[] {
    return readdirSync(this.#folder).flatMap((name) => namePattern.exec(name)?.[1] ?? []);
  }

  /** Removes what is not in `used`, and what a crash left half written. @returns how many components went */
  removeUnused(used: ReadonlySet<string>): number {
    let removed = 0;
    for (const name of readdirSync(this.#folder)) {
      const [, digest, kind] = keptPattern.exec(name) ?? [];
      if (digest === undefined ? !name.endsWith('.partial') : used.has(digest)) continue;
      rmSync(join(this.#folder, name), { force: true });
      if (kind === 'wasm') removed += 1;
    }
    return removed;
  }

  #path(digest: string, kind: 'wasm' | 'sig' = 'wasm'): string {
    // It comes from outside, and becomes part of a path.
    if (!digestPattern.test(digest))
      throw new HostError('HOST_ERR_VALUE_INVALID', 'a digest is 64 hexadecimal digits in lower case', {
        digest,
      });
    return join(this.#folder, `${digest}.${kind}`);
  }

  #write(path: string, bytes: Uint8Array): void {
    const partial = `${path}.${randomUUID()}.partial`;
    try {
      writeFileSync(partial, bytes, { mode: 0o600, flag: 'wx', flush: true });
      renameSync(partial, path);
      syncFolder(this.#folder);
    } catch (cause) {
      rmSync(partial, { force: true });
      const why = systemFault(cause);
      throw new HostError('HOST_ERR_STATE_UNWRITABLE', `cannot write ${path}: ${why}`, { path }, cause);
    }
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** That a file of this folder has its name survives a loss of power. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
