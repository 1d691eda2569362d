import type { Family } from '../../preview2/ip.ts';
import type { SocketAddress } from '../../preview2/sockets/address.ts';

/** Where a socket is bound that was not bound to anything. */
export const unspecified: Readonly<Record<Family, SocketAddress>> = {
  ipv4: { tag: 'ipv4', val: { port: 0, address: [0, 0, 0, 0] } },
  ipv6: { tag: 'ipv6', val: { port: 0, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 0], scopeId: 0 } },
};
