import type { Random } from '../../../clock.ts';
import type { HostInterface } from '../../linker.ts';
import type { Guest } from '../preview2/guest.ts';
import { offer } from './offer.ts';

/** One request for random bytes; the interface allows fewer than asked. */
const randomBytesMax = 65_536;

/** `wasi:random`: all three draw from the same granted entropy. */
export function random(guest: Guest, entropy: Random): [string, HostInterface][] {
  const bytes = (lengthMax: bigint): Uint8Array => {
    guest.budget.check();
    const length = lengthMax > BigInt(randomBytesMax) ? randomBytesMax : Number(lengthMax);
    return entropy.fill(new Uint8Array(length));
  };
  const u64 = (): bigint => new DataView(entropy.fill(new Uint8Array(8)).buffer).getBigUint64(0, true);
  // The same for the whole life of a guest: it is meant to be asked for once.
  const seed = [u64(), u64()] as const;
  return [
    offer('wasi:random/random', { getRandomBytes: bytes, getRandomU64: u64 }),
    offer('wasi:random/insecure', { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 }),
    offer('wasi:random/insecure-seed', { getInsecureSeed: () => seed }),
  ];
}
