import { plainText } from '../errors.ts';

/** A log entry as it is shown: from a host in this process, or as JSON brought it. */
export interface ShownEntry {
  readonly atMs: number;
  readonly level: string;
  readonly agent?: string | null | undefined;
  readonly messageId?: string | null | undefined;
  readonly text: string;
  readonly fields?: readonly { readonly name: string; readonly value: string }[] | undefined;
}

const colours: Readonly<Record<string, string>> = {
  trace: '\x1b[2m',
  debug: '\x1b[2m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};
const dim = '\x1b[2m';
const plain = '\x1b[0m';
const nameCharsMax = 24;

/** Log entries as lines of text: `12:03:04.123 info  billing  text name=value`. */
export class LogLines {
  readonly #hasColours: boolean;
  #nameWidth: number;

  /** `names` are those that are known to come, for which room is kept. */
  constructor(hasColours: boolean, names: readonly string[] = []) {
    this.#hasColours = hasColours;
    this.#nameWidth = names.reduce((most, { length }) => Math.min(nameCharsMax, Math.max(most, length)), 4);
  }

  format(entry: ShownEntry): string {
    const name = plainText(entry.agent ?? 'host');
    this.#nameWidth = Math.max(this.#nameWidth, Math.min(nameCharsMax, name.length));
    const level = plainText(entry.level).padEnd(5);
    const fields = (entry.fields ?? []).map(fieldText).join('');
    const [time, who] = [timeOf(entry.atMs), name.padEnd(this.#nameWidth)];
    if (!this.#hasColours) return `${time} ${level} ${who}  ${plainText(entry.text)}${fields}\n`;
    const colour = colours[entry.level] ?? '';
    const text =
      entry.level === 'error' ? `${colour}${plainText(entry.text)}${plain}` : plainText(entry.text);
    return `${dim}${time}${plain} ${colour}${level}${plain} ${who}  ${text}${dim}${fields}${plain}\n`;
  }
}

/** The entry as one line of JSON, times as people and machines read them. */
export function logJson(entry: ShownEntry): string {
  return `${JSON.stringify({ time: new Date(entry.atMs).toISOString(), ...entry })}\n`;
}

function fieldText({ name, value }: { readonly name: string; readonly value: string }): string {
  const shown = value === '' || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  return ` ${plainText(name)}=${plainText(shown)}`;
}

/** The time of day where the reader is. */
function timeOf(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${time}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
