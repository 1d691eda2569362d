import { HostError } from '../../errors.ts';
import { eventText, makeProof, parseProof, proofText, verifyProof } from '../../host/record/audit.ts';
import { exitCodes } from '../exit-code.ts';
import { chainFolder, type PlaceFlags, publicKeys, readText } from './chain-place.ts';
import { sequenceOf } from './event-flags.ts';

/** Prints what shows that one event is on the chain. */
export function prove([sequence, named]: readonly string[], flags: PlaceFlags): number {
  const wanted = sequenceOf(sequence);
  process.stdout.write(`${proofText(makeProof(chainFolder(named, flags), wanted))}\n`);
  return exitCodes.ok;
}

/** Checks such a proof with nothing but the key. @returns 1 when it proves nothing */
export function checkProof([file]: readonly string[], flags: PlaceFlags): number {
  if (file === undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', 'which proof? host audit check-proof FILE --key host.pub');
  const verdict = verifyProof(parseProof(readText(file, 'the proof')), publicKeys(undefined, flags).keys);
  if (!verdict.isIncluded) {
    process.stdout.write(`proves nothing: ${verdict.reason}\n`);
    return exitCodes.failure;
  }
  const sealed = new Date(verdict.sealedMs).toISOString();
  process.stdout.write(`on the chain, sealed at ${sealed}:\n  ${eventText(verdict.event)}\n`);
  return exitCodes.ok;
}
