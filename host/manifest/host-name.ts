import { isIP, isIPv6 } from 'node:net';

const hostCharsMax = 253;
const labelPattern = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * A host's name or address in the one form in which hosts are compared: lower-case, without the root's dot, IPv6
 * without brackets and shortened. Undefined for everything that is no such host: user names, ports, empty labels,
 * characters beyond ASCII (names are in their `xn--` form), numbers that some resolvers take for an address
 * (`127.1`, `0x7f000001`).
 */
export function hostName(text: string): string | undefined {
  if (text.length > hostCharsMax + 2) return undefined;
  const name = text.toLowerCase();
  if (name.startsWith('[')) return name.endsWith(']') ? shortened(name.slice(1, -1)) : undefined;
  if (name.includes(':')) return shortened(name);
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  const labels = bare.split('.');
  if (bare.length > hostCharsMax || !labels.every((label) => labelPattern.test(label))) return undefined;
  // A last label that begins with a digit is an address to many resolvers; only the plain form is one here.
  return /^\d/.test(labels.at(-1) ?? '') && isIP(bare) !== 4 ? undefined : bare;
}

/** One text per address: an address with its zone, or an IPv4 address in an IPv6 one, is not granted as another. */
function shortened(address: string): string | undefined {
  if (!isIPv6(address) || address.includes('%')) return undefined;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
