import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import type { PolicyFile } from './compile.ts';
import { faultOf, type PolicyFault } from './place.ts';
import { jsonEnd } from './policy-json.ts';

export const filesMax = 1000;
export const fileBytesMax: number = 1024 * 1024;
export const folderBytesMax: number = 8 * 1024 * 1024;
/** Groups and labels of entities, beside the policies. */
export const entitiesFile = 'entities.toml';

/** A policy folder as it was at one moment, or all that is wrong with it. */
export interface FolderText {
  readonly policies: readonly PolicyFile[];
  readonly entities: PolicyFile | undefined;
  /** Files of cases: `NAME.test.toml`. */
  readonly cases: readonly PolicyFile[];
  readonly faults: readonly PolicyFault[];
}

const readsMax = 3;

/**
 * Reads a policy folder: `*.cedar`, `*.cedar.json`, `entities.toml`, `*.test.toml`. What could hide a policy is a fault: folders in it,
 * links out of it, pipes, text that is not UTF-8. Other files and names with a dot in front are left alone. When
 * something changes meanwhile it is read again, so that no half of a change is taken for a whole.
 */
export function readPolicyFolder(folder: string): FolderText {
  for (let reads = 1; ; reads += 1) {
    const before = stampOf(folder);
    const text = new FolderReading(folder).read();
    if (before === stampOf(folder)) return text;
    if (reads === readsMax)
      return { ...text, faults: [faultOf(folder, 'its files change while they are read')] };
  }
}

/** Another text whenever anything about the folder's files is another; empty when it cannot be read. */
export function stampOf(folder: string): string {
  try {
    const names = readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .slice(0, filesMax + 1);
    return names.map((name) => stampOfFile(join(folder, name))).join('\n');
  } catch {
    return '';
  }
}

/** Through links: where they lead may change without them. */
function stampOfFile(path: string): string {
  try {
    const target = realpathSync(path);
    const { ino, size, mtimeNs, ctimeNs } = lstatSync(target, { bigint: true });
    return `${path} ${target} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return `${path} -`;
  }
}

class FolderReading {
  readonly #folder: string;
  readonly #faults: PolicyFault[] = [];
  #bytesLeft = folderBytesMax;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(): FolderText {
    const names = this.#names();
    const read = names.flatMap((name) => this.#file(name) ?? []);
    return {
      policies: read.filter(({ name }) => name.endsWith('.cedar') || name.endsWith(jsonEnd)),
      entities: read.find(({ name }) => name === entitiesFile),
      cases: read.filter(({ name }) => name.endsWith('.test.toml')),
      faults: this.#faults,
    };
  }

  #names(): readonly string[] {
    try {
      const entries = readdirSync(this.#folder, { withFileTypes: true }).filter(
        ({ name }) => !name.startsWith('.'),
      );
      for (const entry of entries)
        if (entry.isDirectory())
          this.#fault(entry.name, 'a folder; policies lie in the policy folder itself');
      const names = entries
        .filter((entry) => !entry.isDirectory() && isOurs(entry.name))
        .map(({ name }) => name);
      if (names.length > filesMax) this.#fault(this.#folder, `more than ${filesMax} files`);
      return names.sort().slice(0, filesMax);
    } catch (error) {
      this.#fault(this.#folder, reasonOf(error));
      return [];
    }
  }

  #file(name: string): PolicyFile | undefined {
    try {
      const text = decode(this.#bytes(join(this.#folder, name)));
      return { name, text };
    } catch (error) {
      this.#fault(name, reasonOf(error));
      return undefined;
    }
  }

  #bytes(path: string): Uint8Array {
    const root = realpathSync(this.#folder);
    if (!realpathSync(path).startsWith(root.endsWith(sep) ? root : root + sep))
      throw new Error('a link out of the policy folder');
    // A pipe nobody writes to would be waited for, was it opened without this.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(descriptor).isFile()) throw new Error('not a regular file');
      return this.#bounded(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #bounded(descriptor: number): Uint8Array {
    const max = Math.min(fileBytesMax, this.#bytesLeft);
    const bytes = new Uint8Array(Math.min(fstatSync(descriptor).size, max) + 1);
    let length = 0;
    for (let got = 1; got > 0 && length < bytes.length; length += got)
      got = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (length === bytes.length)
      throw new Error(
        max < fileBytesMax
          ? `the files of the folder have more than ${folderBytesMax} bytes together`
          : `more than ${fileBytesMax} bytes, or it grows while it is read`,
      );
    this.#bytesLeft -= length;
    return bytes.subarray(0, length);
  }

  #fault(file: string, message: string): void {
    this.#faults.push(faultOf(file, message));
  }
}

function isOurs(name: string): boolean {
  return (
    name.endsWith('.cedar') || name.endsWith(jsonEnd) || name === entitiesFile || name.endsWith('.test.toml')
  );
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('not UTF-8');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
