import { type Guest, Resource } from '../../preview2/guest.ts';
import { type Family, ipText } from '../../preview2/ip.ts';
import type { Reach } from '../../preview2/reach.ts';
import { Arrival } from '../../preview2/readiness.ts';
import {
  checkLocal,
  checkRemote,
  ipOf,
  type SocketAddress,
  sameAddress,
  socketAddress,
} from '../../preview2/sockets/address.ts';
import { datagramBytesMax, gated, isOpenAt, Port } from '../../preview2/sockets/udp-port.ts';
import { coded, refuse, type SocketCode, systemSocketCode } from './codes.ts';
import { unspecified } from './unspecified.ts';

const socketBufferBytes = 65_536n;
const hopLimitDefault = 64;

let closeOf: (socket: Resource) => void;

/**
 * Resource `wasi:sockets/types.udp-socket`, over node:dgram. It may bind to an address that was granted itself, or,
 * with any grant, to an ephemeral port of the unspecified address: then only granted peers are heard. Failures are
 * `error-code`s.
 */
export class UdpSocket extends Resource {
  readonly #guest: Guest;
  readonly #reach: Reach;
  readonly #family: Family;
  #port: Port | undefined;
  #hopLimit = hopLimitDefault;

  static {
    closeOf = (socket) => {
      if (#port in socket) socket.#close();
    };
  }

  constructor(guest: Guest, reach: Reach, family: Family) {
    super(guest, closeOf);
    this.#guest = guest;
    this.#reach = reach;
    this.#family = family;
  }

  /** @throws WitError `other` when too many files and sockets are open */
  static made(guest: Guest, reach: Reach, family: Family): UdpSocket {
    guest.budget.check();
    if (!guest.openConnection()) refuse('new-socket-limit');
    return new UdpSocket(guest, reach, family);
  }

  bind(local: SocketAddress): void {
    this.#guest.budget.check();
    if (this.#port !== undefined) refuse('invalid-state');
    this.#bind(local);
  }

  connect(remote: SocketAddress): void {
    this.#guest.budget.check();
    this.#check(remote);
    const port = this.#port ?? this.#bind(unspecified[this.#family]);
    coded(() => port.connect(remote));
  }

  disconnect(): void {
    this.#guest.budget.check();
    if (this.#port?.remote === undefined) refuse('invalid-state');
    this.#port.disconnect();
  }

  /** Resolves when the system has taken the datagram. */
  async send(data: Uint8Array, remoteAddress: SocketAddress | undefined): Promise<void> {
    this.#guest.budget.check();
    const remote = this.#port?.remote;
    const to = remoteAddress ?? remote ?? refuse('invalid-argument');
    if (remote !== undefined && !sameAddress(to, remote)) refuse('invalid-argument');
    this.#check(to);
    if (data.length > datagramBytesMax) refuse('datagram-too-large');
    await this.#send(this.#port ?? this.#bind(unspecified[this.#family]), data, to);
  }

  async receive(): Promise<[data: Uint8Array, from: SocketAddress]> {
    this.#guest.budget.check();
    const port = this.#port ?? refuse('invalid-state');
    const arrival = gated(this.#guest, {
      isReady: () => port.hasReceived || this.#port === undefined,
      onChange: port.received.onChange,
    });
    for (;;) {
      await this.#guest.until([arrival]);
      if (this.#port === undefined) refuse('invalid-state');
      const [datagram] = coded(() => port.receive(1));
      // Of several who wait, another may have had it.
      if (datagram === undefined) continue;
      this.#guest.network?.pace.spend(datagram.data.length);
      return [datagram.data, datagram.remoteAddress];
    }
  }

  getLocalAddress(): SocketAddress {
    const { address, port } = (this.#port ?? refuse('invalid-state')).socket.address();
    return socketAddress(address, port) ?? refuse('unknown');
  }

  getRemoteAddress(): SocketAddress {
    return this.#port?.remote ?? refuse('invalid-state');
  }

  getAddressFamily(): Family {
    return this.#family;
  }

  getUnicastHopLimit(): number {
    return this.#hopLimit;
  }

  setUnicastHopLimit(value: number): void {
    if (value === 0) refuse('invalid-argument');
    this.#hopLimit = value;
    this.#port?.socket.setTTL(value);
  }

  getReceiveBufferSize(): bigint {
    return socketBufferBytes;
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setReceiveBufferSize(value: bigint): void {
    if (value === 0n) refuse('invalid-argument');
  }

  getSendBufferSize(): bigint {
    return socketBufferBytes;
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setSendBufferSize(value: bigint): void {
    if (value === 0n) refuse('invalid-argument');
  }

  /** Before anything is bound for it: a peer out of reach must not cost a port. */
  #check(remote: SocketAddress): void {
    coded(() => checkRemote(remote, this.#family));
    if (!this.#reach.mayConnect(ipOf(remote), remote.val.port)) refuse('access-denied');
  }

  async #send(port: Port, data: Uint8Array, to: SocketAddress): Promise<void> {
    const room = { isReady: () => port.room > 0, onChange: port.sent.onChange };
    // The guest may write to its memory while this waits.
    const own = data.slice();
    await this.#guest.until([gated(this.#guest, room)]);
    if (this.#port === undefined) refuse('invalid-state');
    const sent = new Arrival<SocketCode | undefined>();
    coded(() => port.send(own, to, (cause) => sent.settle(cause ? systemSocketCode(cause) : undefined)));
    this.#guest.network?.pace.spend(own.length);
    await this.#guest.until([sent]);
    const failure = sent.value?.value;
    if (failure !== undefined) refuse(failure);
  }

  /** At once: numeric addresses need no look-up, and without one Node binds before it returns. */
  #bind(local: SocketAddress): Port {
    coded(() => checkLocal(local, this.#family));
    const isOpen = coded(() => isOpenAt(this.#reach, local));
    const { createSocket } = process.getBuiltinModule('node:dgram');
    const version = this.#family === 'ipv4' ? 4 : 6;
    const socket = createSocket({
      type: `udp${version}`,
      ipv6Only: version === 6,
      lookup: (host, _options, found) => found(null, host, version),
    });
    let failure: SocketCode | undefined;
    const fail = (cause: Error): void => {
      failure = systemSocketCode(cause);
    };
    socket.on('error', fail);
    socket.bind({ address: ipText(ipOf(local)), port: local.val.port, exclusive: true });
    socket.off('error', fail);
    if (failure !== undefined) {
      socket.close();
      refuse(failure);
    }
    socket.setTTL(this.#hopLimit);
    const onClosed = (): void => this.#guest.closeConnection();
    const held = this.#guest.held.open();
    this.#port = new Port(socket, this.#family, this.#reach, isOpen, held, onClosed);
    return this.#port;
  }

  #close(): void {
    const port = this.#port;
    this.#port = undefined;
    if (port === undefined) this.#guest.closeConnection();
    else {
      port.release();
      // Whoever still waits for a datagram or for room learns that there will be none.
      port.received.notify();
      port.sent.notify();
    }
  }
}
