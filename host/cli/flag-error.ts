import { HostError } from '../errors.ts';
import { nearest } from '../nearest.ts';

/**
 * Turns what `util.parseArgs` threw into one line that names the flag and the nearest known one.
 * @param meant what to write for a flag that goes by another name here
 */
export function flagError(
  command: string,
  cause: unknown,
  flags: readonly string[],
  meant: (flag: string) => string | undefined = () => undefined,
): HostError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const unknown = /^Unknown option '(-{1,2}[^' ]+)'/.exec(message)?.[1];
  const dashed = /^Option '(-{1,2}[^' ]+).*argument is ambiguous/.exec(message)?.[1];
  if (dashed !== undefined) {
    return new HostError(
      'HOST_ERR_CLI_USAGE',
      `${dashed} needs a value, and one that begins with a dash is none; see host ${command} --help`,
      { command },
      cause,
    );
  }
  const text =
    unknown === undefined
      ? (message.split('\n')[0] ?? message)
      : `unknown option ${unknown}${cureOf(unknown, flags, meant(unknown))}`;
  return new HostError('HOST_ERR_CLI_USAGE', `${text}; see host ${command} --help`, { command }, cause);
}

function cureOf(unknown: string, flags: readonly string[], meant: string | undefined): string {
  if (meant !== undefined) return `; write ${meant}`;
  // Without the dashes, which would make every short word look alike.
  return nearest(unknown.replace(/^-+/, ''), flags).replace("mean '", "mean '--");
}
