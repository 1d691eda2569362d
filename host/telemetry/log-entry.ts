import type { LogLevel } from './guest-api.ts';

/** One thing that was logged: by an agent, or by the host about one. */
export interface LogEntry {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly level: LogLevel;
  /** The agent; undefined: the host itself. */
  readonly agent: string | undefined;
  /** The message at hand. */
  readonly messageId: string | undefined;
  readonly text: string;
  readonly fields: readonly Field[];
}

interface Field {
  readonly name: string;
  readonly value: string;
}

/** UTF-16 units of a kept entry's text, of one name or value, and how many of these it has. */
export const textCharsMax = 16_384;
export const fieldCharsMax = 1_024;
export const fieldsMax = 64;

/** What an entry takes beside its characters, in characters. */
const entryChars = 64;

/** About what an entry costs to keep, in UTF-16 units. */
export function charsOf({ text, fields }: LogEntry): number {
  let chars = entryChars + text.length;
  for (const { name, value } of fields) chars += name.length + value.length + entryChars;
  return chars;
}

/**
 * The entry with what is too long or too many cut off, and said to be: an agent's output limit is for one message,
 * and entries of many messages are kept.
 */
export function bounded(entry: LogEntry): LogEntry {
  const { text, fields } = entry;
  const isShort = ({ name, value }: Field): boolean =>
    name.length <= fieldCharsMax && value.length <= fieldCharsMax;
  if (text.length <= textCharsMax && fields.length <= fieldsMax && fields.every(isShort)) return entry;
  const kept = fields.slice(0, fieldsMax).map(({ name, value }) => ({
    name: cut(name, fieldCharsMax),
    value: cut(value, fieldCharsMax),
  }));
  const left = fields.length - kept.length;
  const shown = cut(text, textCharsMax);
  return { ...entry, text: left === 0 ? shown : `${shown} … ${left} more fields`, fields: kept };
}

function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return `${text.slice(0, charsMax).toWellFormed()} … ${text.length - charsMax} more characters`;
}
