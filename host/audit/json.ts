import { type AuditEvent, namedFields } from './event.ts';
import type { ReadField } from './field.ts';
import type { PersonalReader } from './subjects.ts';

export interface ExportOptions {
  /** The host, as the reader of the export is to know it. */
  readonly hostName: string;
  readonly version: string;
  /** Where given, what is said about people is written out; else only that something is. */
  readonly personal?: PersonalReader;
}

/** An event with names, as JSON can carry it: big numbers as text, bytes in hex, as `eventText` has them. */
export function jsonEvent(event: AuditEvent, personal?: PersonalReader): Record<string, unknown> {
  const { sequence, name, timeMs, monotonicNs, thread, threadSequence, agent, principal } = event;
  return {
    sequence,
    kind: name,
    time: new Date(timeMs).toISOString(),
    agent,
    principal,
    ...jsonFields(event, personal),
    thread,
    threadSequence,
    monotonicNs: plain(monotonicNs, undefined),
  };
}

export function jsonFields(event: AuditEvent, personal: PersonalReader | undefined): Record<string, unknown> {
  const entries = Object.entries(namedFields(event)).filter(([, value]) => value !== null);
  // A field may be called as one that every event has.
  const isTaken = (name: string): boolean => name === 'sequence' || name === 'agent' || name === 'time';
  return Object.fromEntries(
    entries.map(([name, value]) => [isTaken(name) ? `${name}Field` : name, plain(value, personal)]),
  );
}

function plain(value: ReadField, personal: PersonalReader | undefined): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (!('kind' in value)) return value.map((item) => plain(item, personal));
  if (value.kind === 'long') return { bytes: value.bytes, sha256: Buffer.from(value.sha256).toString('hex') };
  if (personal === undefined) return { sealed: value.slot };
  const read = personal.read(value);
  return read === 'erased'
    ? { erased: value.slot }
    : read instanceof Uint8Array
      ? plain(read, undefined)
      : read;
}
