import { WitError } from '../../../linker.ts';
import {
  type Family,
  type IpAddress,
  type Ipv4,
  type Ipv6,
  isMulticastOrBroadcast,
  isUnspecified,
  mappedIpv4,
  parseIp,
} from '../ip.ts';

/** Variant `ip-socket-address`. */
export type SocketAddress =
  | { readonly tag: 'ipv4'; readonly val: { readonly port: number; readonly address: Ipv4 } }
  | {
      readonly tag: 'ipv6';
      readonly val: {
        readonly port: number;
        readonly flowInfo: number;
        readonly address: Ipv6;
        readonly scopeId: number;
      };
    };

export function ipOf(address: SocketAddress): IpAddress {
  return address.tag === 'ipv4'
    ? { tag: 'ipv4', val: address.val.address }
    : { tag: 'ipv6', val: address.val.address };
}

/** From what Node says about an end of a connection; undefined when it says nothing. */
export function socketAddress(text: string | undefined, port: number | undefined): SocketAddress | undefined {
  const [bare, zone] = (text ?? '').split('%');
  const ip = parseIp(bare ?? '');
  if (ip === undefined || port === undefined) return undefined;
  if (ip.tag === 'ipv4') return { tag: 'ipv4', val: { port, address: ip.val } };
  const scopeId = Number(zone ?? 0) || 0;
  return { tag: 'ipv6', val: { port, flowInfo: 0, address: ip.val, scopeId } };
}

export function sameAddress(a: SocketAddress, b: SocketAddress): boolean {
  return (
    a.tag === b.tag &&
    a.val.port === b.val.port &&
    a.val.address.every((part, index) => part === b.val.address[index])
  );
}

/**
 * What no socket of this family may bind to.
 * @throws WitError `invalid-argument`
 */
export function checkLocal(address: SocketAddress, family: Family): void {
  const ip = ipOf(address);
  if (ip.tag !== family || isMulticastOrBroadcast(ip) || mappedIpv4(ip) !== undefined)
    throw new WitError('invalid-argument');
}

/**
 * What no socket of this family may talk to.
 * @throws WitError `invalid-argument`
 */
export function checkRemote(address: SocketAddress, family: Family): void {
  checkLocal(address, family);
  if (isUnspecified(ipOf(address)) || address.val.port === 0) throw new WitError('invalid-argument');
}
