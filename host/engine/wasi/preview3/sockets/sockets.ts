import { type HostInterface, type HostResource, WitError } from '../../../linker.ts';
import type { WasiGrants } from '../../grants.ts';
import type { Guest, Resource } from '../../preview2/guest.ts';
import type { Family, IpAddress } from '../../preview2/ip.ts';
import { type Reach, reachOf } from '../../preview2/reach.ts';
import { Arrival } from '../../preview2/readiness.ts';
import { addressesOf } from '../../preview2/sockets/lookup.ts';
import { offer } from '../offer.ts';
import { coded, refuse, type SocketCode, systemSocketCode } from './codes.ts';
import { TcpSocket } from './tcp.ts';
import { UdpSocket } from './udp.ts';

/** `wasi:sockets` of WASI 0.3, as far as the network grants reach; what lies beyond is `access-denied`, whether it exists or not. */
export function sockets(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const reach = reachOf(guest, grants);
  return [
    offer('wasi:sockets/types', {
      TcpSocket: createdBy(TcpSocket, (family) => TcpSocket.made(guest, reach, family)),
      UdpSocket: createdBy(UdpSocket, (family) => UdpSocket.made(guest, reach, family)),
    }),
    offer('wasi:sockets/ip-name-lookup', {
      resolveAddresses: (name: string) => resolveAddresses(guest, reach, name),
    }),
  ];
}

/** The class with a static `create` that makes sockets of one guest. A proxy is the same class to `instanceof`. */
function createdBy(socket: HostResource, create: (family: Family) => Resource): HostResource {
  return new Proxy(socket, {
    get: (target, key) => (key === 'create' ? create : Reflect.get(target, key)),
  });
}

/** @throws WitError `access-denied`, `invalid-argument`, `name-unresolvable`, `…-resolver-failure` */
async function resolveAddresses(guest: Guest, reach: Reach, name: string): Promise<readonly IpAddress[]> {
  guest.budget.check();
  const found = coded(() => addressesOf(reach, name));
  if (!('then' in found)) return found;
  const outcome = new Arrival<readonly IpAddress[] | SocketCode>();
  found.then(
    (addresses) => outcome.settle(addresses),
    (cause) => outcome.settle(systemSocketCode(cause)),
  );
  await guest.until([outcome]);
  const resolution = outcome.value?.value ?? refuse('unknown');
  if ('tag' in resolution) throw new WitError(resolution);
  return resolution;
}
