import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../host/clock.ts';
import { SegmentStore, type SegmentStoreOptions } from '../../../host/engine/cold-store/segment-store.ts';
import type { Snapshot } from '../../../host/engine/hibernation/snapshot.ts';

/** A snapshot that is known again by `mark`; `blocks` of noise. */
export function snapshotOf(mark: number, blocks = 1): Snapshot {
  const bytes = new Uint8Array(blocks * 4096);
  for (let at = 0; at < bytes.length; at += 4) bytes[at] = (mark * 31 + at * (at >>> 5)) & 0xff;
  return {
    program: 'a'.repeat(64),
    version: 'test',
    memories: [
      { pages: 1 + blocks, blocks: Uint32Array.from({ length: blocks }, (_, index) => index), bytes },
    ],
    globals: [mark, BigInt(mark)],
  };
}

export const markOf = (snapshot: Snapshot | undefined): unknown => snapshot?.globals[0];

export function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-cold-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function openStore(folder: string, options: Partial<SegmentStoreOptions> = {}): Promise<SegmentStore> {
  return SegmentStore.open({ folder, clock: systemClock, ...options });
}
