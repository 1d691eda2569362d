import type { BoundSocket, Server, Socket } from 'node:net';
import { type Guest, Resource } from '../../preview2/guest.ts';
import { type Family, ipText } from '../../preview2/ip.ts';
import type { Reach } from '../../preview2/reach.ts';
import { Arrival } from '../../preview2/readiness.ts';
import {
  checkLocal,
  checkRemote,
  ipOf,
  type SocketAddress,
  socketAddress,
} from '../../preview2/sockets/address.ts';
import {
  type GuestStream,
  quietly,
  type Reading,
  reading,
  refusedReading,
  type Settled,
  writing,
} from '../flow.ts';
import { coded, refuse, type SocketCode, socketCode, streamCode, systemSocketCode } from './codes.ts';
import { Line } from './line.ts';
import { Listener } from './listener.ts';
import { TcpOptions } from './tcp-options.ts';
import { unspecified } from './unspecified.ts';

type State =
  | { readonly at: 'unbound' | 'closed' }
  | { readonly at: 'bound'; readonly bound: BoundSocket }
  | { readonly at: 'listening'; readonly listener: Listener }
  | { readonly at: 'connecting'; readonly socket: Socket }
  | { readonly at: 'connected'; readonly line: Line };

let closeOf: (socket: Resource) => void;

/**
 * Resource `wasi:sockets/types.tcp-socket`, over node:net. It connects where a grant reaches and listens only on an
 * address that was granted itself. Failures are `error-code`s.
 */
export class TcpSocket extends Resource {
  readonly #guest: Guest;
  readonly #reach: Reach;
  readonly #family: Family;
  readonly #options: TcpOptions;
  #state: State = { at: 'unbound' };
  #sends = false;
  #receives = false;

  static {
    closeOf = (socket) => {
      if (#state in socket) socket.#close();
    };
  }

  constructor(guest: Guest, reach: Reach, family: Family, options: TcpOptions = new TcpOptions()) {
    super(guest, closeOf);
    this.#guest = guest;
    this.#reach = reach;
    this.#family = family;
    this.#options = options;
  }

  /** @throws WitError `other` when too many files and sockets are open */
  static made(guest: Guest, reach: Reach, family: Family): TcpSocket {
    guest.budget.check();
    if (!guest.openConnection()) refuse('new-socket-limit');
    return new TcpSocket(guest, reach, family);
  }

  bind(local: SocketAddress): void {
    this.#guest.budget.check();
    if (this.#state.at !== 'unbound') refuse('invalid-state');
    this.#bind(local);
  }

  async connect(remote: SocketAddress): Promise<void> {
    this.#guest.budget.check();
    const before = this.#state;
    if (before.at !== 'unbound' && before.at !== 'bound') refuse('invalid-state');
    this.#options.requireKept();
    coded(() => checkRemote(remote, this.#family));
    if (!this.#reach.mayConnect(ipOf(remote), remote.val.port)) refuse('access-denied');
    const net = process.getBuiltinModule('node:net');
    const handle = before.at === 'bound' ? { handle: before.bound } : {};
    const socket = new net.Socket({ allowHalfOpen: true, ...handle });
    this.#state = { at: 'connecting', socket };
    const outcome = this.#dial(socket, remote);
    await this.#guest.until([outcome]);
    const failure = outcome.value?.value;
    if (failure === undefined && this.#state.at === 'connecting') this.#connected(socket);
    else this.#fail(socket, failure ?? socketCode('connection-aborted'));
  }

  /** Connections as they are taken from it; those that come while too many wait are dropped. */
  listen(): AsyncIterable<TcpSocket> {
    this.#guest.budget.check();
    this.#options.requireKept();
    if (this.#state.at === 'unbound') this.#bind(unspecified[this.#family]);
    if (this.#state.at !== 'bound') refuse('invalid-state');
    const net = process.getBuiltinModule('node:net');
    const server: Server = net.createServer({
      allowHalfOpen: true,
      highWaterMark: Number(this.#options.bufferBytes),
    });
    const listener = new Listener(this.#guest, server);
    server.listen(this.#state.bound, this.#options.backlog);
    // The address was free when it was bound: only another who listens there can have taken it.
    if (!server.listening) {
      this.#state = { at: 'closed' };
      refuse('address-in-use');
    }
    this.#state = { at: 'listening', listener };
    return listener.accepted((socket) => this.#accepted(socket));
  }

  send(data: GuestStream<number>): Promise<Settled<SocketCode>> {
    this.#guest.budget.check();
    if (this.#state.at !== 'connected' || this.#sends) {
      data[Symbol.dispose]();
      return Promise.resolve({ tag: 'err', val: invalidState });
    }
    this.#sends = true;
    return quietly(writing(this.#guest, data, this.#state.line.sink(), streamCode));
  }

  receive(): Reading<Uint8Array, SocketCode> {
    this.#guest.budget.check();
    if (this.#state.at !== 'connected' || this.#receives) return refusedReading(invalidState);
    this.#receives = true;
    return reading(this.#guest, this.#state.line.source(), streamCode);
  }

  getLocalAddress(): SocketAddress {
    const state = this.#state;
    if (state.at === 'connected') {
      const { localAddress, localPort } = state.line.socket;
      return known(socketAddress(localAddress, localPort));
    }
    if (state.at === 'bound') {
      const { address, port } = state.bound.address();
      return known(socketAddress(address, port));
    }
    if (state.at !== 'listening') refuse('invalid-state');
    return known(state.listener.address);
  }

  getRemoteAddress(): SocketAddress {
    if (this.#state.at !== 'connected') refuse('invalid-state');
    const { remoteAddress, remotePort } = this.#state.line.socket;
    return known(socketAddress(remoteAddress, remotePort));
  }

  getIsListening(): boolean {
    return this.#state.at === 'listening';
  }

  getAddressFamily(): Family {
    return this.#family;
  }

  setListenBacklogSize(value: bigint): void {
    const { at } = this.#state;
    if (at === 'connecting' || at === 'connected' || at === 'closed') refuse('invalid-state');
    if (at === 'listening') refuse('not-supported');
    this.#options.setBacklog(value);
  }

  getKeepAliveEnabled(): boolean {
    return this.#options.keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#options.keepAlive = value;
    this.#apply();
  }

  getKeepAliveIdleTime(): bigint {
    return this.#options.idleNs;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#options.idleNs = value;
    this.#apply();
  }

  getKeepAliveInterval(): bigint {
    return this.#options.intervalNs;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#options.intervalNs = value;
    this.#apply();
  }

  getKeepAliveCount(): number {
    return this.#options.count;
  }

  setKeepAliveCount(value: number): void {
    this.#options.count = value;
    this.#apply();
  }

  getHopLimit(): number {
    return this.#options.hopLimit;
  }

  /** Node cannot set one: a socket that was given another than the system's fails when it is used. */
  setHopLimit(value: number): void {
    const { at } = this.#state;
    this.#options.setHopLimit(value, at !== 'unbound' && at !== 'bound');
  }

  getReceiveBufferSize(): bigint {
    return this.#options.bufferBytes;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#options.bufferBytes = value;
  }

  getSendBufferSize(): bigint {
    return this.#options.bufferBytes;
  }

  setSendBufferSize(value: bigint): void {
    this.#options.bufferBytes = value;
  }

  #bind(local: SocketAddress): void {
    coded(() => checkLocal(local, this.#family));
    if (!this.#reach.mayBind(ipOf(local), local.val.port)) refuse('access-denied');
    const net = process.getBuiltinModule('node:net');
    const isV6 = this.#family === 'ipv6';
    const at = { host: ipText(ipOf(local)), port: local.val.port, ...(isV6 && { ipv6Only: true }) };
    let bound: BoundSocket;
    try {
      bound = new net.BoundSocket(at);
    } catch (cause) {
      refuse(systemSocketCode(cause));
    }
    this.#state = { at: 'bound', bound };
  }

  /** Settles with the failure, or with undefined. */
  #dial(socket: Socket, remote: SocketAddress): Arrival<SocketCode | undefined> {
    const outcome = new Arrival<SocketCode | undefined>();
    const { port } = remote.val;
    const endWatch = this.#reach.watch(ipOf(remote), port, () => void socket.destroy());
    socket.on('close', () => {
      endWatch();
      outcome.settle({ tag: 'connection-aborted' });
    });
    socket.on('error', (cause) => outcome.settle(systemSocketCode(cause)));
    socket.on('connect', () => outcome.settle(undefined));
    socket.connect({ host: ipText(ipOf(remote)), port });
    return outcome;
  }

  #connected(socket: Socket): void {
    this.#state = { at: 'connected', line: new Line(this.#guest, socket) };
    this.#apply();
  }

  #fail(socket: Socket, failure: SocketCode): never {
    socket.destroy();
    if (this.#state.at === 'connecting') this.#state = { at: 'closed' };
    refuse(failure);
  }

  #accepted(socket: Socket): TcpSocket {
    const accepted = new TcpSocket(this.#guest, this.#reach, this.#family, this.#options.copy());
    accepted.#connected(socket);
    return accepted;
  }

  #apply(): void {
    if (this.#state.at === 'connected') this.#options.applyTo(this.#state.line.socket);
  }

  /** A line counts as an open connection itself, and a listener for as long as connections are taken from it. */
  #close(): void {
    const state = this.#state;
    this.#state = { at: 'closed' };
    if (state.at === 'connected') {
      state.line.release();
      return;
    }
    if (state.at === 'listening') {
      state.listener.release();
      return;
    }
    if (state.at === 'bound') state.bound.close();
    if (state.at === 'connecting') state.socket.destroy();
    this.#guest.closeConnection();
  }
}

const invalidState: SocketCode = { tag: 'invalid-state' };

function known(address: SocketAddress | undefined): SocketAddress {
  return address ?? refuse('invalid-state');
}
