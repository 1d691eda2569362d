import type { Random } from '../../../clock.ts';
import type { HostInterface } from '../../linker.ts';
import { Trap } from '../../trap.ts';
import type { Guest } from './guest.ts';
import { offer } from './offer.ts';

/** One request for random bytes; the interface allows no fewer than asked, so more is a trap. */
const randomBytesMax = 16_777_216;

/** `wasi:random`: all three draw from the same granted entropy. */
export function random(guest: Guest, entropy: Random): [string, HostInterface][] {
  const bytes = (len: bigint): Uint8Array => {
    guest.budget.check();
    if (len > BigInt(randomBytesMax))
      throw new Trap('allocation-too-large', `wasi:random: more than ${randomBytesMax} bytes at once`);
    return entropy.fill(new Uint8Array(Number(len)));
  };
  const u64 = (): bigint => new DataView(entropy.fill(new Uint8Array(8)).buffer).getBigUint64(0, true);
  return [
    offer('wasi:random/random', { getRandomBytes: bytes, getRandomU64: u64 }),
    offer('wasi:random/insecure', { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 }),
    offer('wasi:random/insecure-seed', { insecureSeed: () => [u64(), u64()] }),
  ];
}
