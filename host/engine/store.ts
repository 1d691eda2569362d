import { fs, path as paths } from '../builtin.ts';
import { HostError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { systemFault } from '../system-fault.ts';
import { fingerprintOf } from './fingerprint.ts';

/** One prepared program on disk: a JSON header and blobs. */
export interface StoredArtifact {
  readonly header: unknown;
  readonly blobs: readonly Uint8Array<ArrayBuffer>[];
}

const magic = 'MOTEART2';
const frameBytes = magic.length + 8;
/** Blobs begin at multiples of this, so that they can be read by the word. */
const alignBytes = 8;
/** Bytes the folder may hold; the oldest entries go first. */
const storeBytesMax = 1024 ** 3;
const blobCountMax = 1024;

/**
 * Prepared programs by the content they were made from. The key narrows the search; what decides is that the
 * stored source is byte for byte the one that was asked for, so no digest needs to be computed. A damaged
 * entry is as good as none, and what others could have written is not trusted.
 */
export class Store {
  readonly folder: string;

  /** @throws HostError `HOST_ERR_CACHE_UNSAFE` when others may write to the folder, or it cannot be made */
  constructor(folder: string) {
    this.folder = folder;
    const stat = ownFolder(folder);
    const { mode, uid } = stat;
    const isFolder = stat.isDirectory();
    if (!isFolder) {
      throw new HostError(
        'HOST_ERR_CACHE_UNSAFE',
        `the cache folder ${folder} is a file; set HOST_CACHE to a folder`,
        { folder },
      );
    }
    const isForeign = process.getuid !== undefined && uid !== process.getuid();
    if (isForeign || (mode & 0o022) !== 0) {
      throw new HostError(
        'HOST_ERR_CACHE_UNSAFE',
        `others may write to the cache folder ${folder}; make it yours alone (chmod 700), or set HOST_CACHE to another`,
        { folder },
      );
    }
  }

  /** Where an entry about these bytes lies; `version` is whatever else shaped the result. */
  pathOf(source: Uint8Array, version: string, extension: string): string {
    const name = `${source.length.toString(36)}-${(sampleOf(source) >>> 0).toString(36)}-${version}.${extension}`;
    return paths.join(this.folder, name);
  }

  /** The entry made from exactly these bytes, without the source itself. */
  get(source: Uint8Array, version: string): StoredArtifact | undefined {
    const file = this.#read(this.pathOf(source, version, 'art'));
    if (file === undefined) return undefined;
    const found = decode(file);
    const [stored, ...blobs] = found?.blobs ?? [];
    if (found === undefined || stored === undefined || Buffer.compare(stored, source) !== 0) return undefined;
    return { header: found.header, blobs };
  }

  /** Whether it could be stored: a full or read-only disk costs time at the next run, not this one its result. */
  put(source: Uint8Array<ArrayBuffer>, version: string, { header, blobs }: StoredArtifact): boolean {
    const isStored = this.write(
      this.pathOf(source, version, 'art'),
      encode({ header, blobs: [source, ...blobs] }),
    );
    if (isStored) this.#prune();
    return isStored;
  }

  /** Writes a file of this folder so that readers see all of it or nothing; false when that cannot be done. */
  write(path: string, content: Uint8Array | string): boolean {
    // Processes in different containers may share the folder and their process id.
    const partial = `${path}.${process.pid}-${process.hrtime.bigint().toString(36)}.partial`;
    try {
      fs.writeFileSync(partial, content, { mode: 0o600, flag: 'wx' });
      fs.renameSync(partial, path);
      return true;
    } catch {
      fs.rmSync(partial, { force: true });
      return false;
    }
  }

  /** Marks an entry as used, at most once a day: the oldest are dropped first. */
  touch(path: string, nowMs: number): void {
    try {
      if (nowMs - fs.statSync(path).mtimeMs > 86_400_000) fs.utimesSync(path, nowMs / 1000, nowMs / 1000);
    } catch {
      // Another process dropped the entry meanwhile; it is made again next time.
    }
  }

  #read(path: string): Uint8Array<ArrayBuffer> | undefined {
    try {
      return fs.existsSync(path) ? fs.readFileSync(path) : undefined;
    } catch {
      return undefined;
    }
  }

  #prune(): void {
    const entries = fs
      .readdirSync(this.folder)
      .map((name) => paths.join(this.folder, name))
      .map((path) => ({ path, stat: fs.statSync(path, { throwIfNoEntry: false }) }))
      .filter(({ stat }) => stat?.isFile())
      .sort((a, b) => (b.stat?.mtimeMs ?? 0) - (a.stat?.mtimeMs ?? 0));
    let total = 0;
    for (const { path, stat } of entries) {
      total += stat?.size ?? 0;
      if (total > storeBytesMax) fs.rmSync(path, { force: true });
    }
  }
}

function ownFolder(folder: string): import('node:fs').Stats {
  try {
    const found = fs.statSync(folder, { throwIfNoEntry: false });
    if (found !== undefined) return found;
    makeFolder(folder, 0o700);
    return fs.statSync(folder);
  } catch (cause) {
    const reason = systemFault(cause);
    throw new HostError(
      'HOST_ERR_CACHE_UNSAFE',
      `the cache folder cannot be made (${reason}); set HOST_CACHE to a place you may write to`,
      { folder },
      cause,
    );
  }
}

const sampleBytes = 2048;

/** A fingerprint of both ends, where names and data differ from build to build: enough to find an entry that is then compared. */
function sampleOf(source: Uint8Array): number {
  if (source.length <= 2 * sampleBytes) return fingerprintOf(source);
  return fingerprintOf(source.subarray(0, sampleBytes)) ^ fingerprintOf(source.subarray(-sampleBytes));
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignBytes) * alignBytes;
}

function encode({ header, blobs }: StoredArtifact): Uint8Array {
  const text = Buffer.from(JSON.stringify({ header, sizes: blobs.map((blob) => blob.length) }));
  const body = Buffer.alloc(
    aligned(text.length) + blobs.reduce((sum, blob) => sum + aligned(blob.length), 0),
  );
  body.set(text);
  let at = aligned(text.length);
  for (const blob of blobs) {
    body.set(blob, at);
    at += aligned(blob.length);
  }
  const frame = Buffer.alloc(frameBytes);
  frame.write(magic, 'latin1');
  frame.writeUInt32LE(text.length, magic.length);
  frame.writeUInt32LE((fingerprintOf(body) ^ text.length) >>> 0, magic.length + 4);
  return Buffer.concat([frame, body]);
}

function decode(file: Uint8Array<ArrayBuffer>): StoredArtifact | undefined {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (view.length < frameBytes || view.toString('latin1', 0, magic.length) !== magic) return undefined;
  const body = view.subarray(frameBytes);
  const textBytes = view.readUInt32LE(magic.length);
  if ((fingerprintOf(body) ^ textBytes) >>> 0 !== view.readUInt32LE(magic.length + 4)) return undefined;
  const { header, sizes } = JSON.parse(body.toString('utf8', 0, textBytes)) as {
    header: unknown;
    sizes: number[];
  };
  if (sizes.length > blobCountMax) return undefined;
  let at = file.byteOffset + frameBytes + aligned(textBytes);
  const blobs = sizes.map((size) => {
    const blob = new Uint8Array(file.buffer, at, size);
    at += aligned(size);
    return blob;
  });
  return { header, blobs };
}
