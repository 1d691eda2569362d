import { setImmediate as turn } from 'node:timers/promises';
import { readBatches } from './chain-reader.ts';
import { type AuditEvent, decodeEvent } from './event.ts';
import { type EventFilter, passes } from './filter.ts';

const batchesPerTurn = 16;

/**
 * The sealed events that pass the filter, in the order of the chain, read as they are taken; nothing is checked.
 * @throws HostError `HOST_ERR_AUDIT_CORRUPT` where the chain cannot be read on
 */
export async function* queryChain(folder: string, filter: EventFilter = {}): AsyncGenerator<AuditEvent> {
  let batches = 0;
  for (const { records, firstSequence } of readBatches(folder, filter)) {
    if (firstSequence > (filter.toSequence ?? Number.POSITIVE_INFINITY)) return;
    for (const [index, record] of records.entries()) {
      if (!mayPass(record, filter)) continue;
      const event = decodeEvent(firstSequence + index, record);
      if (passes(event, filter)) yield event;
    }
    batches += 1;
    if (batches % batchesPerTurn === 0) await turn();
  }
}

/** Looks at the kind alone, which costs nothing. */
function mayPass(record: Buffer, { kinds }: EventFilter): boolean {
  const kind = record[1] === 0x18 ? (record[2] as number) : (record[1] as number);
  return kinds === undefined || kinds.includes(kind);
}
