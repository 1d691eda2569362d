import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../errors.ts';
import { unlinked } from '../../regular-file.ts';

/**
 * What sealed journals, states of agents and histories begin with (host/bus/journal/segment.ts,
 * host/engine/cold-store/record.ts, host/history/block.ts).
 */
const sealedStarts = ['MHJ2', 'MHC2', 'MHS1'];

/**
 * Whether a state folder without a host's secret may begin with a new one.
 * @throws HostError `HOST_ERR_IDENTITY_CORRUPT` when something in it needs the one that is missing
 */
export function requireNothingSealed(stateFolder: string): void {
  const keys = join(stateFolder, 'keys');
  const trace = [
    join(keys, 'host.pub'),
    join(keys, 'keyring.json'),
    ...sealedFiles(join(stateFolder, 'journal')),
    ...sealedFiles(join(stateFolder, 'cold')),
    ...sealedIn(join(stateFolder, 'history')),
  ].find((path) => existsSync(path));
  if (trace === undefined) return;
  throw new HostError(
    'HOST_ERR_IDENTITY_CORRUPT',
    `${join(keys, 'host.key')} is missing, and ${trace} needs it: put back a copy of host.key; or, if there is none, ` +
      `move ${stateFolder} away and start anew: the messages, states and histories in it cannot be opened by anybody then`,
    { path: trace },
  );
}

/** A sealed file of each folder of a thread, as far as there is one. */
function* sealedFiles(folder: string): Iterable<string> {
  if (!existsSync(folder)) return;
  for (const thread of readdirSync(folder, { withFileTypes: true })) {
    if (!thread.isDirectory()) continue;
    yield* sealedIn(join(folder, thread.name));
  }
}

function* sealedIn(folder: string): Iterable<string> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (/\.(journal|cold|history)$/.test(name) && sealedStarts.includes(startOf(path))) yield path;
  }
}

function startOf(path: string): string {
  const fd = openSync(path, unlinked.read);
  try {
    const start = Buffer.alloc(4);
    readSync(fd, start, 0, start.length, 0);
    return start.toString('latin1');
  } finally {
    closeSync(fd);
  }
}
