import { hostname } from 'node:os';
import { systemClock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import {
  type EventFilter,
  type ExportFormat,
  type ExportOptions,
  exportFormats,
  exportLine,
  queryChain,
} from '../../host/record/audit.ts';
import { nearest } from '../../nearest.ts';
import { writeEach } from '../client/stream.ts';
import { exitCodes } from '../exit-code.ts';
import { chainFolder, type PlaceFlags, requirePeople } from './chain-place.ts';
import { type EventFlags, filterOf } from './event-flags.ts';

export interface ExportFlags extends PlaceFlags, EventFlags {
  readonly format?: string | undefined;
  readonly 'host-name'?: string | undefined;
  readonly people?: boolean | undefined;
}

const version = '0.1.0';

/** Prints events as other programs read them. */
export async function exportEvents([named]: readonly string[], flags: ExportFlags): Promise<number> {
  const folder = chainFolder(named, flags);
  const filter = filterOf(flags, Number(systemClock.wallNs() / 1_000_000n));
  const format = formatOf(flags.format ?? 'jsonl');
  await writeEach(
    linesOf(folder, filter, format, {
      hostName: flags['host-name'] ?? hostname(),
      version,
      ...(flags.people === true ? { personal: requirePeople(folder) } : {}),
    }),
    Number.POSITIVE_INFINITY,
  );
  return exitCodes.ok;
}

async function* linesOf(
  folder: string,
  filter: EventFilter,
  format: ExportFormat,
  options: ExportOptions,
): AsyncGenerator<string> {
  for await (const event of queryChain(folder, filter)) yield `${exportLine(event, format, options)}\n`;
}

function formatOf(text: string): ExportFormat {
  const format = exportFormats.find((one) => one === text);
  if (format !== undefined) return format;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--format: no format '${text}'${nearest(text, exportFormats)}; there are ${exportFormats.join(', ')}`,
  );
}
