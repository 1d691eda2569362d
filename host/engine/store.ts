import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../errors.ts';
import { digestOf } from './digest.ts';

/** One prepared program on disk: a JSON header and blobs. */
export interface StoredArtifact {
  readonly header: unknown;
  readonly blobs: readonly Uint8Array<ArrayBuffer>[];
}

const magic = 'MOTEART1';
const digestBytes = 32;
const frameBytes = magic.length + 4 + digestBytes;
/** Bytes the folder may hold; the oldest entries go first. */
const storeBytesMax = 1024 ** 3;
const blobCountMax = 1024;

/**
 * Prepared programs by key (digest of the source and of everything that shaped the result). A damaged entry
 * is as good as none: each carries a SHA-256 of its content. What others could have written is not trusted.
 */
export class Store {
  readonly folder: string;

  /** @throws HostError `HOST_ERR_CACHE_UNSAFE` when others may write to the folder */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { mode, uid } = statSync(folder);
    const isForeign = process.getuid !== undefined && uid !== process.getuid();
    if (isForeign || (mode & 0o022) !== 0) {
      throw new HostError(
        'HOST_ERR_CACHE_UNSAFE',
        `others may write to the cache folder ${folder}; make it yours alone (chmod 700), or set HOST_CACHE to another`,
        { folder },
      );
    }
  }

  pathOf(key: string, extension: string): string {
    return join(this.folder, `${key}.${extension}`);
  }

  get(key: string): StoredArtifact | undefined {
    let file: Uint8Array<ArrayBuffer>;
    const path = this.pathOf(key, 'art');
    try {
      file = readFileSync(path);
    } catch {
      return undefined;
    }
    const found = decode(file);
    if (found === undefined) rmSync(path, { force: true });
    return found;
  }

  put(key: string, artifact: StoredArtifact): void {
    this.write(this.pathOf(key, 'art'), encode(artifact));
    this.#prune();
  }

  /** Writes a file of this folder so that readers see all of it or nothing. */
  write(path: string, content: Uint8Array | string): void {
    const partial = `${path}.${process.pid}.partial`;
    writeFileSync(partial, content, { mode: 0o600 });
    chmodSync(partial, 0o600);
    renameSync(partial, path);
  }

  /** Marks an entry as used, at most once a day: the oldest are dropped first. */
  touch(key: string, nowMs: number): void {
    const path = this.pathOf(key, 'art');
    try {
      if (nowMs - statSync(path).mtimeMs > 86_400_000) utimesSync(path, nowMs / 1000, nowMs / 1000);
    } catch {
      // Another process dropped the entry meanwhile; it is made again next time.
    }
  }

  #prune(): void {
    const entries = readdirSync(this.folder)
      .map((name) => ({
        path: join(this.folder, name),
        stat: statSync(join(this.folder, name), { throwIfNoEntry: false }),
      }))
      .filter(({ stat }) => stat?.isFile())
      .sort((a, b) => (b.stat?.mtimeMs ?? 0) - (a.stat?.mtimeMs ?? 0));
    let total = 0;
    for (const { path, stat } of entries) {
      total += stat?.size ?? 0;
      if (total > storeBytesMax) rmSync(path, { force: true });
    }
  }
}

function encode({ header, blobs }: StoredArtifact): Uint8Array {
  const text = Buffer.from(JSON.stringify({ header, sizes: blobs.map((blob) => blob.length) }));
  const body = Buffer.concat([text, ...blobs]);
  const frame = Buffer.alloc(frameBytes);
  frame.write(magic, 'latin1');
  frame.writeUInt32LE(text.length, magic.length);
  frame.set(digestOf(body), magic.length + 4);
  return Buffer.concat([frame, body]);
}

function decode(file: Uint8Array<ArrayBuffer>): StoredArtifact | undefined {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (view.length < frameBytes || view.toString('latin1', 0, magic.length) !== magic) return undefined;
  const body = view.subarray(frameBytes);
  if (!view.subarray(magic.length + 4, frameBytes).equals(digestOf(body))) return undefined;
  const textBytes = view.readUInt32LE(magic.length);
  const { header, sizes } = JSON.parse(body.toString('utf8', 0, textBytes)) as {
    header: unknown;
    sizes: number[];
  };
  if (sizes.length > blobCountMax) return undefined;
  let at = file.byteOffset + frameBytes + textBytes;
  const blobs = sizes.map((size) => {
    at += size;
    return new Uint8Array(file.buffer, at - size, size);
  });
  return { header, blobs };
}
