import { HostError } from '../../errors.ts';
import type { ModuleSummary } from '../meter/summary.ts';

/** Granularity of snapshots, in bytes: a page of the machine. */
export const blockBytes = 4096;
export const pageBytes = 65_536;

/** One memory: its size, and the blocks that are not as the program's data segments left them. */
export interface SavedMemory {
  readonly pages: number;
  /** Numbers of the blocks, ascending. */
  readonly blocks: Uint32Array<ArrayBuffer>;
  /** The blocks one after the other, `blockBytes` each. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The state of an agent between two messages. Can be structured-cloned; its arrays are nobody else's.
 * Fuel is not part of it: every message has its own. A NaN in a float global comes back as the canonical NaN.
 */
export interface Snapshot {
  /** Digest of the program it belongs to. */
  readonly program: string;
  /** `artifactVersion` of the host that prepared that program: it fixes what blocks and globals mean. */
  readonly version: string;
  readonly memories: readonly SavedMemory[];
  /** In the order of the module's `mutableGlobals`. */
  readonly globals: readonly (number | bigint)[];
  /** What the lane remembered beside the guest's memory; can be structured-cloned. */
  readonly extra?: unknown;
}

/** Whatever keeps a snapshot. */
export interface Asleep {
  /** Looked at at once, and not held on to. */
  readonly snapshot: Snapshot;
}

/** Bytes that a snapshot takes in memory, roughly. */
export function snapshotBytes({ memories }: Snapshot): number {
  return memories.reduce((sum, { bytes, blocks }) => sum + bytes.length + blocks.byteLength, 0);
}

/**
 * Checks a snapshot from outside against the module it is for: nothing in it may lead a write astray.
 * @throws HostError `HOST_ERR_SNAPSHOT_CORRUPT`
 */
export function checkSnapshot({ memories, globals }: Snapshot, summary: ModuleSummary): void {
  if (memories.length !== summary.memories.length) throw corrupt('another number of memories');
  if (globals.length !== summary.mutableGlobals.length) throw corrupt('another number of globals');
  for (const [index, memory] of memories.entries())
    checkMemory(memory, summary.memories[index]?.minPages ?? 0);
  for (const [index, value] of globals.entries()) {
    const wanted = summary.mutableGlobals[index]?.type.endsWith('i64') === true ? 'bigint' : 'number';
    if (typeof value !== wanted) throw corrupt('a global of another type');
  }
}

function checkMemory({ pages, blocks, bytes }: SavedMemory, minPages: number): void {
  if (!Number.isSafeInteger(pages) || pages < minPages) throw corrupt('a memory smaller than it begins');
  if (bytes.length !== blocks.length * blockBytes) throw corrupt('blocks that are not there');
  let last = -1;
  for (const block of blocks) {
    if (block <= last) throw corrupt('blocks out of order');
    last = block;
  }
  if ((last + 1) * blockBytes > pages * pageBytes) throw corrupt('a block outside its memory');
}

/** A snapshot that must not be used: the agent begins anew. */
export function corrupt(what: string): HostError {
  return new HostError(
    'HOST_ERR_SNAPSHOT_CORRUPT',
    `the saved state of an agent is damaged (${what}); it is not used, and the agent begins anew`,
  );
}
