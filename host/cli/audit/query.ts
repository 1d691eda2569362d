import { systemClock } from '../../clock.ts';
import {
  type AuditEvent,
  type EventFilter,
  eventText,
  jsonEvent,
  queryChain,
} from '../../host/record/audit.ts';
import { writeEach } from '../client/stream.ts';
import { exitCodes } from '../exit-code.ts';
import { countOf } from '../words.ts';
import { chainFolder, type PlaceFlags, requirePeople } from './chain-place.ts';
import { type EventFlags, filterOf } from './event-flags.ts';

export interface QueryFlags extends PlaceFlags, EventFlags {
  readonly lines?: string | undefined;
  readonly json?: boolean | undefined;
  readonly people?: boolean | undefined;
}

const linesMax = 999_999_999;

/** Prints events, the oldest first. */
export async function query([named]: readonly string[], flags: QueryFlags): Promise<number> {
  const folder = chainFolder(named, flags);
  const filter = filterOf(flags, Number(systemClock.wallNs() / 1_000_000n));
  const max = flags.lines === undefined ? linesMax : countOf('--lines', flags.lines, linesMax);
  const people = flags.people === true ? requirePeople(folder) : undefined;
  const toText = (event: AuditEvent): string =>
    flags.json === true ? `${JSON.stringify(jsonEvent(event, people))}\n` : `${eventText(event, people)}\n`;
  await writeEach(linesOf(folder, filter, toText), max);
  return exitCodes.ok;
}

async function* linesOf(
  folder: string,
  filter: EventFilter,
  toText: (event: AuditEvent) => string,
): AsyncGenerator<string> {
  for await (const event of queryChain(folder, filter)) yield toText(event);
}
