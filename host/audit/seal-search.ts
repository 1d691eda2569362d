import { readFileSync } from 'node:fs';
import { decodeSeal, isSigned, type SignedSeal } from './seal.ts';
import { equal } from './segment-scan.ts';
import type { Trust } from './trust.ts';

const beginning: Buffer = Buffer.from([0x83, 0x64, ...Buffer.from('seal')]);
/** Longest seal; the shortest is what the loop begins with. */
const sealBytesMax = 512;
const sealBytesMin = 200;

/** The next seal behind `offset` that the host signed: where reading can go on in a damaged file. */
export function findSeal(
  path: string,
  offset: number,
  chain: Uint8Array,
  trust: Trust,
): { readonly signed: SignedSeal; readonly endOffset: number } | undefined {
  const bytes = readFileSync(path);
  for (let at = bytes.indexOf(beginning, offset); at !== -1; at = bytes.indexOf(beginning, at + 1)) {
    for (let length = sealBytesMin; length <= sealBytesMax && at + length <= bytes.length; length++) {
      const signed = decodeSeal(bytes.subarray(at, at + length));
      if (signed === undefined) continue;
      const isOurs =
        isSigned(signed) && trust.holds(signed.seal.publicKey) && equal(signed.seal.chain, chain);
      if (isOurs) return { signed, endOffset: at + length };
      break;
    }
  }
  return undefined;
}
