import { cefLine } from './cef.ts';
import type { AuditEvent } from './event.ts';
import { type ExportOptions, jsonEvent } from './json.ts';
import { ocsfEvent } from './ocsf.ts';

export const exportFormats = ['jsonl', 'ocsf', 'cef'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** One line for each event, without its line end; `queryChain` gives the events. */
export function exportLine(event: AuditEvent, format: ExportFormat, options: ExportOptions): string {
  if (format === 'cef') return cefLine(event, options);
  return JSON.stringify(format === 'ocsf' ? ocsfEvent(event, options) : jsonEvent(event, options.personal));
}
