import { HostError } from '../../errors.ts';
import {
  checkStamps,
  parseAnchor,
  type RecordedStamp,
  verificationText,
  verifyChain,
} from '../../host/record/audit.ts';
import { exitCodes } from '../exit-code.ts';
import { chainFolder, type PlaceFlags, publicKeys, readText } from './chain-place.ts';

export interface VerifyFlags extends PlaceFlags {
  readonly anchor?: string | undefined;
  readonly ca?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

/** Checks a chain with nothing but public keys. @returns 1 when something is wrong with it */
export async function verify([named]: readonly string[], flags: VerifyFlags): Promise<number> {
  const folder = chainFolder(named, flags);
  const { keys, isOwnWord } = publicKeys(folder, flags);
  const anchor = flags.anchor === undefined ? {} : { anchor: anchorOf(flags.anchor) };
  const found = await verifyChain(folder, keys, anchor);
  const stamps =
    flags.ca === undefined
      ? []
      : await checkStamps(
          folder,
          flags.ca.map((file) => readText(file, '--ca')),
        );
  if (flags.json === true) {
    const { lastSeal: _lastSeal, ...rest } = found;
    process.stdout.write(`${JSON.stringify({ ...rest, timestamps: stamps.map(stampJson) })}\n`);
  } else {
    process.stdout.write(verificationText(found) + stamps.map(stampText).join(''));
    if (isOwnWord) process.stderr.write(ownWord);
  }
  const isStampBad = stamps.some(({ found: stamp }) => typeof stamp === 'string');
  return found.isIntact && !isStampBad ? exitCodes.ok : exitCodes.failure;
}

const ownWord =
  'host: the key is the one that lies beside the chain; a stranger gives the key that is known to be the host’s: --key host.pub\n';

function anchorOf(source: string): NonNullable<ReturnType<typeof parseAnchor>> {
  const anchor = parseAnchor(source) ?? parseAnchor(lastLine(readText(source, '--anchor')));
  if (anchor !== undefined) return anchor;
  throw new HostError(
    'HOST_ERR_AUDIT_INVALID',
    `--anchor: ${source} holds no anchor; host audit anchor makes one`,
    {
      path: source,
    },
  );
}

/** A host adds to a file of anchors (`--audit-anchor`): the last one vouches for all before it. */
function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

function stampText({ sequence, lastSequence, found }: RecordedStamp): string {
  if (typeof found === 'string') return `  timestamp in event ${sequence} is worth nothing: ${found}\n`;
  const time = new Date(found.timeMs).toISOString();
  return `  timestamp in event ${sequence}: events up to ${lastSequence} were there at ${time}, says ${found.authority}\n`;
}

function stampJson({ sequence, lastSequence, found }: RecordedStamp): unknown {
  if (typeof found === 'string') return { sequence, lastSequence, fault: found };
  return { sequence, lastSequence, time: new Date(found.timeMs).toISOString(), authority: found.authority };
}
