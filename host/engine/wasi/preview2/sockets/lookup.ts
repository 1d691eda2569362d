import { WitError } from '../../../linker.ts';
import { type IpAddress, parseIp } from '../ip.ts';
import { hostName, type Reach } from '../reach.ts';

/**
 * The addresses of a name, at once for one that is an address itself.
 * @throws WitError `invalid-argument` for what is no name, `access-denied` where no grant reaches. The promise
 * rejects with a `LookupError`.
 */
export function addressesOf(
  reach: Reach,
  name: string,
): readonly IpAddress[] | Promise<readonly IpAddress[]> {
  const literal = parseIp(name);
  if (literal !== undefined) return [literal];
  const host = hostName(name);
  if (host === undefined) throw new WitError('invalid-argument');
  if (!reach.mayResolve(host)) throw new WitError('access-denied');
  return reach.resolve(host);
}
