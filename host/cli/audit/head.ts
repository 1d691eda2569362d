import { writeFileSync } from 'node:fs';
import { HostError } from '../../errors.ts';
import { anchorText, publicKeyText, readHead, type SignedSeal, sealHash } from '../../host/record/audit.ts';
import { systemFault } from '../../system-fault.ts';
import { formatPairs } from '../client/table.ts';
import { exitCodes } from '../exit-code.ts';
import { chainFolder, type PlaceFlags } from './chain-place.ts';

export interface HeadFlags extends PlaceFlags {
  readonly json?: boolean | undefined;
  readonly out?: string | undefined;
}

/** Prints the last seal. */
export function head([named]: readonly string[], flags: HeadFlags): number {
  const signed = lastSeal(chainFolder(named, flags));
  const { seal } = signed;
  const pairs = [
    ['events', String(seal.firstSequence + seal.count - 1)],
    ['batch', String(seal.batch)],
    ['sealed', new Date(seal.wallMs).toISOString()],
    ['seal', Buffer.from(sealHash(signed)).toString('hex')],
    ['signed by', publicKeyText(seal.publicKey)],
    ['anchor', anchorText(signed)],
  ] as const;
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(Object.fromEntries(pairs))}\n` : formatPairs(pairs),
  );
  return exitCodes.ok;
}

/** Prints the last seal as one line to be kept elsewhere. */
export function anchor([named]: readonly string[], flags: HeadFlags): number {
  const text = `${anchorText(lastSeal(chainFolder(named, flags)))}\n`;
  if (flags.out === undefined) process.stdout.write(text);
  else write(flags.out, text);
  return exitCodes.ok;
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (cause) {
    const why = systemFault(cause);
    throw new HostError('HOST_ERR_CLI_USAGE', `--out: cannot make ${path}: ${why}`, { path }, cause);
  }
}

function lastSeal(folder: string): SignedSeal {
  const found = readHead(folder);
  if (found !== undefined) return found.signed;
  throw new HostError(
    'HOST_ERR_AUDIT_UNKNOWN',
    `${folder} has no readable head; host audit verify says what is wrong with it`,
    { folder },
  );
}
