import { damageOf } from './diagnosis.ts';
import type { Batch, Position, SealFault } from './segment-scan.ts';

/** What is wrong with a chain, and where. */
export interface ChainFault {
  readonly kind:
    | 'changed'
    | 'removed'
    | 'moved'
    | 'inserted'
    | 'truncated'
    /** Sealed and signed, but the thread that recorded it counted further, or not so far. */
    | 'skipped'
    /** The signature of a seal is not of its key, or the seal was changed. */
    | 'signature'
    /** Signed by a key that neither the verifier nor the chain vouches for, or that was revoked. */
    | 'key'
    /** Signed, but another history than the head or the anchor knows. */
    | 'forked';
  /** The first event that cannot be trusted. */
  readonly sequence: number;
  readonly batch: number;
  readonly file: string;
  readonly offset: number;
  readonly detail: string;
  /** How many batches are so, this one and those behind it; undefined: it is about one. */
  readonly batches?: number;
}

/** In words, for a batch whose seal or events were found wrong. */
export function faultOfBatch(path: string, batch: Batch, before: Position): ChainFault {
  const { nextSequence, nextBatch } = before;
  const sequence = batch.brokenAt ?? nextSequence;
  const place = { sequence, batch: nextBatch, file: path, offset: batch.brokenOffset };
  if (batch.fault === undefined)
    return { kind: 'changed', ...place, detail: 'the check beside the event was changed, not the event' };
  if (batch.fault === 'batch' || batch.fault === 'events') return faultOfEvents(path, batch, before, place);
  return { kind: kindOfSeal[batch.fault], ...place, offset: batch.offset, detail: details[batch.fault] };
}

type Place = Pick<ChainFault, 'sequence' | 'batch' | 'file' | 'offset'>;

function faultOfEvents(path: string, batch: Batch, before: Position, place: Place): ChainFault {
  const seal = batch.seal?.seal;
  if (seal !== undefined && seal.batch < before.nextBatch)
    return { kind: 'moved', ...place, detail: `batch ${seal.batch} is here again` };
  if (seal !== undefined && seal.batch > before.nextBatch) {
    const what = batch.brokenAt === undefined ? 'the seal' : 'events and the seal';
    return { kind: 'removed', ...place, detail: `${what} of batch ${before.nextBatch} are missing` };
  }
  if (batch.brokenAt === undefined && batch.count !== seal?.count) {
    const kind = batch.count < (seal?.count ?? 0) ? 'removed' : 'inserted';
    return { kind, ...place, sequence: before.nextSequence + batch.count, detail: words[kind] };
  }
  if (batch.brokenAt === undefined) return { kind: 'changed', ...place, detail: rewritten };
  const kind = damageOf(path, batch, before.link, batch.brokenAt - before.nextSequence);
  return { kind, ...place, detail: words[kind] };
}

const words = {
  changed: 'the event is not the one that was sealed',
  moved: 'another event is in its place, it comes later',
  removed: 'it is missing',
  inserted: 'something was put before it',
} as const;

const rewritten =
  'the events of this batch are not those that were sealed; their checks were written anew, so which one cannot be told';

const kindOfSeal = {
  signature: 'signature',
  key: 'key',
  chain: 'moved',
  header: 'changed',
  previous: 'forked',
} as const;

const details: Readonly<Record<Exclude<SealFault, 'batch' | 'events'>, string>> = {
  signature: 'the seal of its batch is not signed by the key it names',
  key: 'the seal of its batch is signed by a key that nobody vouched for',
  chain: 'the seal of its batch is of another chain',
  header: 'the header of its segment was changed',
  previous: 'the seal of its batch does not follow from the seal before',
};
