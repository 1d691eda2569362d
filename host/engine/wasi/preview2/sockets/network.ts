import type { HostInterface } from '../../../linker.ts';
import { WitError } from '../../../linker.ts';
import type { WasiGrants } from '../../grants.ts';
import { IoError } from '../error.ts';
import { type Guest, Resource } from '../guest.ts';
import type { IpAddress } from '../ip.ts';
import { offer } from '../offer.ts';
import { Pollable } from '../poll.ts';
import { type Reach, reachOf } from '../reach.ts';
import { Arrival } from '../readiness.ts';
import { networkCode } from './codes.ts';
import { addressesOf } from './lookup.ts';
import { TcpSocket } from './tcp.ts';
import { IncomingDatagramStream, OutgoingDatagramStream, UdpSocket } from './udp.ts';

/** Resource `wasi:sockets/network.network`: there is one network, and the grants say how far it reaches. */
export class Network extends Resource {}

type Resolution = readonly IpAddress[] | { readonly code: string };

/** Resource `wasi:sockets/ip-name-lookup.resolve-address-stream`. */
export class ResolveAddressStream extends Resource {
  readonly #guest: Guest;
  readonly #resolution: Arrival<Resolution>;
  #next = 0;

  constructor(guest: Guest, resolution: Arrival<Resolution>) {
    super(guest);
    this.#guest = guest;
    this.#resolution = resolution;
  }

  resolveNextAddress(): IpAddress | undefined {
    this.#guest.budget.check();
    const resolution = this.#resolution.value?.value;
    if (resolution === undefined) throw new WitError('would-block');
    if ('code' in resolution) throw new WitError(resolution.code);
    this.#next += 1;
    return resolution[this.#next - 1];
  }

  subscribe(): Pollable {
    return new Pollable(this.#guest, this.#resolution);
  }
}

/** `wasi:sockets`, as far as the network grants reach; what lies beyond is `access-denied`, whether it exists or not. */
export function sockets(guest: Guest, grants: WasiGrants): [string, HostInterface][] {
  const reach = reachOf(guest, grants);
  return [
    offer('wasi:sockets/network', { Network, networkErrorCode }),
    offer('wasi:sockets/instance-network', { instanceNetwork: () => new Network(guest) }),
    offer('wasi:sockets/tcp', { TcpSocket }),
    offer('wasi:sockets/tcp-create-socket', {
      createTcpSocket: (family: IpAddress['tag']) => TcpSocket.create(guest, reach, family),
    }),
    offer('wasi:sockets/udp', { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream }),
    offer('wasi:sockets/udp-create-socket', {
      createUdpSocket: (family: IpAddress['tag']) => UdpSocket.create(guest, reach, family),
    }),
    offer('wasi:sockets/ip-name-lookup', {
      ResolveAddressStream,
      resolveAddresses: (_network: Network, name: string) => resolveAddresses(guest, reach, name),
    }),
  ];
}

function networkErrorCode(error: IoError): string | undefined {
  const detail = IoError.detailOf(error);
  return detail?.of === 'network' ? detail.code : undefined;
}

function resolveAddresses(guest: Guest, reach: Reach, name: string): ResolveAddressStream {
  guest.budget.check();
  const resolution = new Arrival<Resolution>();
  const addresses = addressesOf(reach, name);
  if ('then' in addresses)
    addresses.then(
      (found) => resolution.settle(found),
      (cause) => resolution.settle({ code: networkCode(cause) }),
    );
  else resolution.settle(addresses);
  return new ResolveAddressStream(guest, resolution);
}
