import type { ParseArgsOptionsConfig } from 'node:util';
import { HostError } from '../errors.ts';
import { flagError } from './flag-error.ts';
import { flagsOf, type Words } from './flags.ts';

/** What people look for under another name: by that flag, as it is written, what to write here for its value. */
export type Elsewhere = Readonly<Record<string, (value: string | undefined) => string>>;

/** Reads a command's words. @throws HostError `HOST_ERR_CLI_USAGE` naming the flag and the nearest known one */
export function parseWords<const O extends ParseArgsOptionsConfig>(
  command: string,
  args: readonly string[],
  options: O,
  elsewhere: Elsewhere = {},
): Words<O> {
  try {
    return flagsOf(args, options);
  } catch (cause) {
    throw flagError(command, cause, Object.keys(options), (flag) =>
      Object.hasOwn(elsewhere, flag) ? elsewhere[flag]?.(valueAfter(flag, args)) : undefined,
    );
  }
}

/** What was written for a flag that is none: `--port=80`, `--port 80`. */
function valueAfter(flag: string, args: readonly string[]): string | undefined {
  const at = args.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const word = args[at] ?? '';
  const value = word === flag ? args[at + 1] : word.slice(flag.length + 1);
  return value === undefined || value.startsWith('-') ? undefined : value;
}

/** The words beside the flags, when there have to be this many. @throws HostError `HOST_ERR_CLI_USAGE` */
export function requireWords(positionals: readonly string[], countMax: number, usage: string): void {
  const [surplus] = positionals.slice(countMax);
  if (surplus !== undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', `what is '${surplus}' for? ${usage}`, { word: surplus });
}

/**
 * The one word beside the flags.
 * @param missing what to ask when it is not there: `which agent?`
 * @param surplus what to say of a second one: `a message goes in with --input`
 * @throws HostError `HOST_ERR_CLI_USAGE`
 */
export function oneWord(
  positionals: readonly string[],
  usage: string,
  missing: string,
  surplus: string,
): string {
  const [word] = positionals;
  if (word === undefined) throw new HostError('HOST_ERR_CLI_USAGE', `${missing} ${usage}`);
  requireWords(positionals, 1, `${surplus}: ${usage}`);
  return word;
}

/** A whole number from 1 on. @throws HostError `HOST_ERR_CLI_USAGE` naming the flag */
export function countOf(flag: string, text: string, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw new HostError('HOST_ERR_CLI_USAGE', `${flag}: '${text}' is not a number from 1 to ${max}`, {
    flag,
    text,
  });
}

const timeUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds from `500ms`, `1.5s`, `2m`, `30d`. @throws HostError `HOST_ERR_CLI_USAGE` naming the flag */
export function timeMsOf(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)$/.exec(text.trim());
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * (timeUnits[match[2] ?? ''] ?? 0));
  if (Number.isSafeInteger(ms)) return ms;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${flag}: '${text}' is not a time; write for example 500ms, 30s, 5m`,
    {
      flag,
      text,
    },
  );
}
