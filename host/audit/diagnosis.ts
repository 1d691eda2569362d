import { ChainHash } from './chain-hash.ts';
import { checkBytes, SegmentReader } from './segment-reader.ts';
import type { Batch } from './segment-scan.ts';

/** What was done to a batch whose events do not come to what its seal says. */
export type Damage = 'changed' | 'moved' | 'removed' | 'inserted';

/**
 * Compares a broken batch with the links that are noted beside its events: is the event that should be at the break
 * further on, or nowhere?
 */
export function damageOf(path: string, batch: Batch, linkBefore: Uint8Array, brokenIndex: number): Damage {
  const declared = batch.seal?.seal.count ?? batch.count;
  const isFurtherOn = findFurtherOn(path, batch, linkBefore, brokenIndex);
  if (batch.count < declared) return 'removed';
  if (batch.count > declared) return 'inserted';
  return isFurtherOn ? 'moved' : 'changed';
}

function findFurtherOn(path: string, batch: Batch, linkBefore: Uint8Array, brokenIndex: number): boolean {
  const reader = new SegmentReader(path, batch.offset);
  const hash = new ChainHash(linkBefore);
  try {
    for (let index = 0; index < batch.count; index++) {
      if (reader.next() !== 'event') return false;
      const { bytes, recordAt, recordBytes, checkAt } = reader;
      if (index < brokenIndex) hash.add(bytes, recordAt, recordBytes);
      else if (index > brokenIndex) {
        const link = hash.peek(bytes, recordAt, recordBytes);
        if (link.compare(bytes, checkAt, checkAt + checkBytes, 0, checkBytes) === 0) return true;
      }
    }
    return false;
  } finally {
    reader.close();
  }
}
