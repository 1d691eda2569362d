import { deserialize, serialize } from 'node:v8';
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { corrupt, type SavedMemory, type Snapshot, snapshotBytes } from '../hibernation/snapshot.ts';
import { decodeSparse, encodeSparse, isSparse } from './sparse-codec.ts';

/** Up to this, leaving out zeros takes some microseconds. */
const sparseBytesMax = 32 * 1024;
/** Up to this, unpacking takes less of the thread than asking another one to do it (about 0.1 ms). */
const syncBytesMax = 32 * 1024;
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface Packed {
  readonly body: Uint8Array;
  readonly rawBytes: number;
}

/** A snapshot as fewer bytes. Small ones are packed at once, large ones off the thread. */
export async function pack(snapshot: Snapshot): Promise<Packed> {
  const rawBytes = snapshotBytes(snapshot);
  if (rawBytes <= sparseBytesMax) return { body: encodeSparse(snapshot), rawBytes };
  const raw = serialize(snapshot);
  return new Promise((resolve, reject) => {
    zstdCompress(raw, options, (error, body) =>
      error === null ? resolve({ body, rawBytes: raw.length }) : reject(error),
    );
  });
}

/** @throws HostError `HOST_ERR_SNAPSHOT_CORRUPT` when these are not the bytes of a snapshot */
export async function unpack(body: Buffer, rawBytes: number): Promise<Snapshot> {
  let value: unknown;
  try {
    value = isSparse(body) ? decodeSparse(body) : deserialize(await inflate(body, rawBytes));
  } catch {
    throw corrupt('it cannot be unpacked');
  }
  if (!isSnapshot(value)) throw corrupt('it is no snapshot');
  return value;
}

function inflate(body: Uint8Array, rawBytes: number): Buffer | Promise<Buffer> {
  const bounds = { maxOutputLength: Math.max(1, rawBytes) };
  if (rawBytes <= syncBytesMax) return zstdDecompressSync(body, bounds);
  return new Promise((resolve, reject) => {
    zstdDecompress(body, bounds, (error, raw) => (error === null ? resolve(raw) : reject(error)));
  });
}

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false;
  const { program, version, memories, globals } = value as Partial<Record<keyof Snapshot, unknown>>;
  return (
    typeof program === 'string' &&
    typeof version === 'string' &&
    Array.isArray(memories) &&
    memories.every(isMemory) &&
    Array.isArray(globals) &&
    globals.every((each) => typeof each === 'number' || typeof each === 'bigint')
  );
}

function isMemory(value: unknown): value is SavedMemory {
  if (typeof value !== 'object' || value === null) return false;
  const { pages, blocks, bytes } = value as Partial<Record<keyof SavedMemory, unknown>>;
  return typeof pages === 'number' && blocks instanceof Uint32Array && bytes instanceof Uint8Array;
}
