import { fs } from '../../builtin.ts';
import { HostError } from '../../errors.ts';
import { defaultHttpLimits } from '../../http/http-limits.ts';

/** What a host has open beside connections: databases, journals, an event loop and a socket for each thread. */
const ownFilesMax = 128;
/** Of files and of connections in each thread: fewer are no host that serves. */
const filesMin = 256;
/** What is left for agents' files and for requests that are passed on, to the main thread or an agent's site. */
const keptShare = 0.25;

/** Below so many in each thread an operator is told of it. */
export const connectionsFew = 1_000;

/** Files this process may have open at once (`ulimit -n`, as Node has raised it); undefined: the system does not say. */
export function processFilesMax(): number | undefined {
  try {
    const line = /^Max open files +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? undefined : Number(line[1]);
  } catch {
    return undefined;
  }
}

/**
 * How many connections of clients each thread's door may have, so that the host itself never runs out of files: what
 * comes beyond is told so (503), where a system out of files would close it without a word.
 * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` for a process that may have too few files to serve at all
 */
export function connectionsMaxOf(threads: number, filesMax: number | undefined = processFilesMax()): number {
  const { connectionsMax } = defaultHttpLimits;
  if (filesMax === undefined) return connectionsMax;
  if (filesMax < filesMin)
    throw new HostError(
      'HOST_ERR_BUDGET_EXHAUSTED',
      `this process may have ${filesMax} files and connections open, and host serve needs ${filesMin}: raise it with ulimit -n`,
      { filesMax, filesMin },
    );
  return Math.min(
    connectionsMax,
    Math.max(1, Math.floor((filesMax * (1 - keptShare) - ownFilesMax) / threads)),
  );
}
