import { WitError } from '../../../linker.ts';
import { Trap } from '../../../trap.ts';
import { type Guest, Resource } from '../guest.ts';
import { type Family, ipText } from '../ip.ts';
import { Pollable } from '../poll.ts';
import type { Reach } from '../reach.ts';
import { Arrival, type Readiness } from '../readiness.ts';
import { checkLocal, ipOf, type SocketAddress, sameAddress, socketAddress } from './address.ts';
import { networkCode } from './codes.ts';
import type { Network } from './network.ts';
import { datagramBytesMax, gated, type IncomingDatagram, isOpenAt, Port, receivedMax } from './udp-port.ts';

const socketBufferBytes = 65_536;
const hopLimitDefault = 64;

/** Record `outgoing-datagram`. */
export interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: SocketAddress | undefined;
}

type State =
  | { readonly at: 'unbound' }
  | {
      readonly at: 'binding';
      readonly port: Port;
      readonly outcome: Arrival<'ok' | { readonly code: string }>;
    }
  | { readonly at: 'bound'; readonly port: Port };

let closeOf: (socket: Resource) => void;

/**
 * Resource `wasi:sockets/udp.udp-socket`, over node:dgram. It may bind to an address that was granted itself,
 * or, with any grant, to an ephemeral port of the unspecified address, as a client has to: then only granted
 * peers are heard.
 */
export class UdpSocket extends Resource {
  readonly #guest: Guest;
  readonly #reach: Reach;
  readonly #family: Family;
  #state: State = { at: 'unbound' };
  #hopLimit = hopLimitDefault;

  static {
    closeOf = (socket) => {
      if (#state in socket) socket.#close();
    };
  }

  constructor(guest: Guest, reach: Reach, family: Family) {
    super(guest, closeOf);
    this.#guest = guest;
    this.#reach = reach;
    this.#family = family;
  }

  /** @throws WitError `new-socket-limit` when too many files and sockets are open */
  static create(guest: Guest, reach: Reach, family: Family): UdpSocket {
    guest.budget.check();
    if (!guest.openConnection()) throw new WitError('new-socket-limit');
    return new UdpSocket(guest, reach, family);
  }

  startBind(_network: Network, local: SocketAddress): void {
    this.#guest.budget.check();
    if (this.#state.at === 'binding') throw new WitError('concurrency-conflict');
    if (this.#state.at !== 'unbound') throw new WitError('invalid-state');
    checkLocal(local, this.#family);
    this.#bind(local, isOpenAt(this.#reach, local));
  }

  finishBind(): void {
    this.#guest.budget.check();
    const state = this.#state;
    if (state.at !== 'binding') throw new WitError('not-in-progress');
    const outcome = state.outcome.value?.value;
    if (outcome === undefined) throw new WitError('would-block');
    if (outcome === 'ok') {
      this.#state = { at: 'bound', port: state.port };
      return;
    }
    this.#state = { at: 'unbound' };
    state.port.socket.close();
    throw new WitError(outcome.code);
  }

  stream(remote: SocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    const port = this.#bound();
    port.associate(remote);
    return [new IncomingDatagramStream(this.#guest, port), new OutgoingDatagramStream(this.#guest, port)];
  }

  localAddress(): SocketAddress {
    const { address, port } = this.#bound().socket.address();
    const local = socketAddress(address, port);
    if (local === undefined) throw new WitError('unknown');
    return local;
  }

  remoteAddress(): SocketAddress {
    const remote = this.#state.at === 'bound' ? this.#state.port.remote : undefined;
    if (remote === undefined) throw new WitError('invalid-state');
    return remote;
  }

  addressFamily(): Family {
    return this.#family;
  }

  unicastHopLimit(): number {
    return this.#hopLimit;
  }

  setUnicastHopLimit(value: number): void {
    if (value === 0) throw new WitError('invalid-argument');
    this.#hopLimit = value;
    if (this.#state.at === 'bound') this.#state.port.socket.setTTL(value);
  }

  receiveBufferSize(): bigint {
    return BigInt(socketBufferBytes);
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setReceiveBufferSize(value: bigint): void {
    if (value === 0n) throw new WitError('invalid-argument');
  }

  sendBufferSize(): bigint {
    return BigInt(socketBufferBytes);
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setSendBufferSize(value: bigint): void {
    if (value === 0n) throw new WitError('invalid-argument');
  }

  subscribe(): Pollable {
    const state = this.#state;
    const ready: Readiness = { isReady: () => true, onChange: () => () => {} };
    return new Pollable(this.#guest, state.at === 'binding' ? state.outcome : ready);
  }

  #bind(local: SocketAddress, isOpen: boolean): void {
    const { createSocket } = process.getBuiltinModule('node:dgram');
    const type = this.#family === 'ipv4' ? 'udp4' : 'udp6';
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    const outcome = new Arrival<'ok' | { readonly code: string }>();
    const onClosed = (): void => this.#guest.closeConnection();
    const port = new Port(socket, this.#family, this.#reach, isOpen, this.#guest.held.open(), onClosed);
    socket.on('error', (cause) => outcome.settle({ code: networkCode(cause) }));
    this.#state = { at: 'binding', port, outcome };
    socket.bind({ address: ipText(ipOf(local)), port: local.val.port, exclusive: true }, () => {
      socket.setTTL(this.#hopLimit);
      outcome.settle('ok');
    });
  }

  #bound(): Port {
    this.#guest.budget.check();
    if (this.#state.at !== 'bound') throw new WitError('invalid-state');
    return this.#state.port;
  }

  #close(): void {
    if (this.#state.at === 'unbound') this.#guest.closeConnection();
    else this.#state.port.release();
  }
}

/** Resource `wasi:sockets/udp.incoming-datagram-stream`. */
export class IncomingDatagramStream extends Resource {
  readonly #guest: Guest;
  readonly #port: Port;
  readonly #generation: number;

  constructor(guest: Guest, port: Port) {
    const kept = port.retain();
    super(guest, () => kept.release());
    this.#guest = guest;
    this.#port = port;
    this.#generation = port.generation;
  }

  receive(resultsMax: bigint): IncomingDatagram[] {
    this.#guest.budget.check();
    if (this.#generation !== this.#port.generation) throw new WitError('invalid-state');
    const { network } = this.#guest;
    if (resultsMax === 0n || network?.isReady() === false) return [];
    const datagrams = this.#port.receive(resultsMax > BigInt(receivedMax) ? receivedMax : Number(resultsMax));
    for (const { data } of datagrams) network?.pace.spend(data.length);
    return datagrams;
  }

  subscribe(): Pollable {
    const port = this.#port;
    const event = { isReady: () => port.hasReceived, onChange: port.received.onChange };
    return new Pollable(this.#guest, gated(this.#guest, event));
  }
}

/** Resource `wasi:sockets/udp.outgoing-datagram-stream`. */
export class OutgoingDatagramStream extends Resource {
  readonly #guest: Guest;
  readonly #port: Port;
  readonly #generation: number;
  #permit = 0;

  constructor(guest: Guest, port: Port) {
    const kept = port.retain();
    super(guest, () => kept.release());
    this.#guest = guest;
    this.#port = port;
    this.#generation = port.generation;
  }

  checkSend(): bigint {
    this.#guest.budget.check();
    if (this.#generation !== this.#port.generation) throw new WitError('invalid-state');
    this.#permit = this.#guest.network?.isReady() === false ? 0 : this.#port.room;
    return BigInt(this.#permit);
  }

  /**
   * How many were sent; an error only when the first could not be.
   * @throws Trap for more datagrams than `check-send` permitted
   */
  send(datagrams: readonly OutgoingDatagram[]): bigint {
    this.#guest.budget.check();
    if (datagrams.length > this.#permit)
      throw new Trap('canonical-abi', 'wasi:sockets/udp: send without a permit from check-send');
    this.#permit -= datagrams.length;
    let sent = 0n;
    for (const datagram of datagrams) {
      try {
        this.#send(datagram);
      } catch (thrown) {
        if (sent > 0n && thrown instanceof WitError) return sent;
        throw thrown;
      }
      sent += 1n;
    }
    return sent;
  }

  subscribe(): Pollable {
    const port = this.#port;
    const event = { isReady: () => port.room > 0, onChange: port.sent.onChange };
    return new Pollable(this.#guest, gated(this.#guest, event));
  }

  #send({ data, remoteAddress }: OutgoingDatagram): void {
    const to = remoteAddress ?? this.#port.remote;
    if (to === undefined) throw new WitError('invalid-argument');
    if (this.#port.remote !== undefined && !sameAddress(to, this.#port.remote))
      throw new WitError('invalid-argument');
    this.#port.check(to);
    if (data.length > datagramBytesMax) throw new WitError('datagram-too-large');
    this.#port.send(data, to);
    this.#guest.network?.pace.spend(data.length);
  }
}
