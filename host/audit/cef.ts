import type { AuditEvent } from './event.ts';
import { type ExportOptions, jsonFields } from './json.ts';
import { severityOf } from './ocsf.ts';

/** ArcSight grades from 0 to 10. */
const severities = { 1: 2, 3: 6, 4: 9 } as const;

/** One event in ArcSight's Common Event Format, version 0. */
export function cefLine(event: AuditEvent, options: ExportOptions): string {
  const head = ['Motehost', 'host', options.version, String(event.kind), event.name].map(headText);
  const extension: Record<string, unknown> = {
    rt: event.timeMs,
    externalId: event.sequence,
    dvchost: options.hostName,
    ...(event.agent === null ? {} : { sproc: event.agent }),
    ...(event.principal === null ? {} : { suser: event.principal }),
    ...ownKeys(jsonFields(event, options.personal)),
  };
  const pairs = Object.entries(extension).map(([key, value]) => `${key}=${valueText(value)}`);
  return `CEF:0|${head.join('|')}|${severities[severityOf(event)]}|${pairs.join(' ')}`;
}

/** Fields of our own do not take the meaning of a standard key. */
function ownKeys(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      `mote${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
      typeof value === 'object' ? JSON.stringify(value) : value,
    ]),
  );
}

function headText(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}

function valueText(value: unknown): string {
  return String(value).replace(/[\\=]/g, '\\$&').replace(/\r?\n/g, '\\n').replace(/\r/g, '\\r');
}
