import type { AddressInfo, Server, Socket } from 'node:net';
import { WitError } from '../../../linker.ts';
import { type Guest, Resource } from '../guest.ts';
import { type Family, ipText } from '../ip.ts';
import { pacedSink, pacedSource } from '../paced-streams.ts';
import { Pollable } from '../poll.ts';
import type { Reach } from '../reach.ts';
import { Arrival, type Readiness, Signal } from '../readiness.ts';
import { InputStream, OutputStream } from '../streams.ts';
import { checkLocal, checkRemote, ipOf, type SocketAddress, socketAddress } from './address.ts';
import { networkCode } from './codes.ts';
import { Connection } from './connection.ts';
import type { Network } from './network.ts';

/** Connections that wait to be accepted; further ones are dropped. */
const backlogMax = 128;
const socketBufferBytes = 65_536;
const hopLimitDefault = 64;
/** What libuv sets with keep-alive: seconds between probes, and how many. */
const keepAliveIntervalNs = 1_000_000_000n;
const keepAliveCount = 10;
const keepAliveIdleNsDefault = 7_200_000_000_000n;
const nsPerMs = 1_000_000n;

type Outcome = 'ok' | { readonly code: string };

type State =
  | { readonly at: 'unbound' | 'closed' }
  | { readonly at: 'binding' | 'bound' | 'starting-to-listen'; readonly server: Server }
  | { readonly at: 'listening'; readonly server: Server; readonly waiting: Socket[] }
  | { readonly at: 'connecting'; readonly socket: Socket }
  | { readonly at: 'connected'; readonly connection: Connection };

let closeOf: (socket: Resource) => void;

/**
 * Resource `wasi:sockets/tcp.tcp-socket`, over node:net. It connects where a grant reaches and listens only on
 * an address that was granted itself. Node binds and listens in one step, so the system accepts connections
 * from `bind` on; those that come before `listen` are dropped.
 */
export class TcpSocket extends Resource {
  readonly #guest: Guest;
  readonly #reach: Reach;
  readonly #family: Family;
  readonly #signal = new Signal();
  #state: State = { at: 'unbound' };
  #progress: Arrival<Outcome> | undefined;
  #keepAlive = false;
  #keepAliveIdleNs = keepAliveIdleNsDefault;
  #counted = true;

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
  static create(guest: Guest, reach: Reach, family: Family): TcpSocket {
    guest.budget.check();
    if (!guest.openConnection()) throw new WitError('new-socket-limit');
    return new TcpSocket(guest, reach, family);
  }

  startBind(_network: Network, local: SocketAddress): void {
    this.#begin(['unbound']);
    checkLocal(local, this.#family);
    if (!this.#reach.mayBind(ipOf(local), local.val.port)) throw new WitError('access-denied');
    const { createServer } = process.getBuiltinModule('node:net');
    const server = createServer({ allowHalfOpen: true, highWaterMark: socketBufferBytes });
    const progress = this.#start({ at: 'binding', server });
    server.on('error', (cause) => progress.settle({ code: networkCode(cause) }));
    server.on('connection', (socket) => this.#arrive(socket));
    server.listen(
      {
        host: ipText(ipOf(local)),
        port: local.val.port,
        exclusive: true,
        ipv6Only: true,
        backlog: backlogMax,
      },
      () => progress.settle('ok'),
    );
  }

  finishBind(): void {
    const state = this.#finish('binding', 'unbound');
    this.#state = { at: 'bound', server: state.server };
  }

  startConnect(_network: Network, remote: SocketAddress): void {
    this.#begin(['unbound', 'bound']);
    checkRemote(remote, this.#family);
    if (!this.#reach.mayConnect(ipOf(remote), remote.val.port)) throw new WitError('access-denied');
    const { Socket } = process.getBuiltinModule('node:net');
    const socket = new Socket({ allowHalfOpen: true });
    const before = this.#state;
    const progress = this.#start({ at: 'connecting', socket });
    const endWatch = this.#reach.watch(ipOf(remote), remote.val.port, () => void socket.destroy());
    socket.on('close', endWatch);
    socket.on('error', (cause) => progress.settle({ code: networkCode(cause) }));
    socket.on('connect', () => progress.settle('ok'));
    const to = { host: ipText(ipOf(remote)), port: remote.val.port };
    if (before.at === 'bound') connectFrom(before.server, socket, to);
    else socket.connect(to);
  }

  finishConnect(): [InputStream, OutputStream] {
    const { socket } = this.#finish('connecting', 'closed');
    return this.#connected(socket);
  }

  startListen(): void {
    const state = this.#begin(['bound']);
    if (state.at === 'bound') this.#start({ at: 'starting-to-listen', server: state.server }).settle('ok');
  }

  finishListen(): void {
    const { server } = this.#finish('starting-to-listen', 'closed');
    this.#state = { at: 'listening', server, waiting: [] };
  }

  accept(): [TcpSocket, InputStream, OutputStream] {
    const state = this.#state;
    if (state.at !== 'listening') throw new WitError('invalid-state');
    const socket = state.waiting[0];
    if (socket === undefined) throw new WitError('would-block');
    const accepted = TcpSocket.create(this.#guest, this.#reach, this.#family);
    state.waiting.shift();
    return [accepted, ...accepted.#connected(socket)];
  }

  localAddress(): SocketAddress {
    const state = this.#state;
    if (state.at === 'connected') {
      const { localAddress, localPort } = state.connection.socket;
      return known(socketAddress(localAddress, localPort));
    }
    if (state.at !== 'bound' && state.at !== 'listening' && state.at !== 'starting-to-listen')
      throw new WitError('invalid-state');
    const address = state.server.address() as AddressInfo | null;
    return known(socketAddress(address?.address, address?.port));
  }

  remoteAddress(): SocketAddress {
    if (this.#state.at !== 'connected') throw new WitError('invalid-state');
    const { remoteAddress, remotePort } = this.#state.connection.socket;
    return known(socketAddress(remoteAddress, remotePort));
  }

  isListening(): boolean {
    return this.#state.at === 'listening';
  }

  addressFamily(): Family {
    return this.#family;
  }

  setListenBacklogSize(value: bigint): void {
    if (value === 0n) throw new WitError('invalid-argument');
    const { at } = this.#state;
    if (at === 'connecting' || at === 'connected') throw new WitError('invalid-state');
    if (at === 'listening') throw new WitError('not-supported');
  }

  keepAliveEnabled(): boolean {
    return this.#keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#keepAlive = value;
    this.#applyKeepAlive();
  }

  keepAliveIdleTime(): bigint {
    return this.#keepAliveIdleNs;
  }

  setKeepAliveIdleTime(value: bigint): void {
    nonZero(value);
    this.#keepAliveIdleNs = value;
    this.#applyKeepAlive();
  }

  keepAliveInterval(): bigint {
    return keepAliveIntervalNs;
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setKeepAliveInterval(value: bigint): void {
    nonZero(value);
  }

  keepAliveCount(): number {
    return keepAliveCount;
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setKeepAliveCount(value: number): void {
    nonZero(BigInt(value));
  }

  hopLimit(): number {
    return hopLimitDefault;
  }

  setHopLimit(value: number): void {
    nonZero(BigInt(value));
    if (value !== hopLimitDefault) throw new WitError('not-supported');
  }

  receiveBufferSize(): bigint {
    return BigInt(socketBufferBytes);
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setReceiveBufferSize(value: bigint): void {
    nonZero(value);
  }

  sendBufferSize(): bigint {
    return BigInt(socketBufferBytes);
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  setSendBufferSize(value: bigint): void {
    nonZero(value);
  }

  /** Ready when a `finish-…` or `accept` would not answer `would-block`. */
  subscribe(): Pollable {
    const event: Readiness = {
      isReady: () => {
        if (this.#progress !== undefined) return this.#progress.isReady();
        return this.#state.at !== 'listening' || this.#state.waiting.length > 0;
      },
      onChange: this.#signal.onChange,
    };
    return new Pollable(this.#guest, event);
  }

  shutdown(type: 'receive' | 'send' | 'both'): void {
    if (this.#state.at !== 'connected') throw new WitError('invalid-state');
    const { source, sink } = this.#state.connection;
    if (type !== 'send') source.close();
    if (type !== 'receive') this.#guest.linger(sink.close(), () => {});
  }

  /** Checks that an operation may begin here. */
  #begin(from: readonly State['at'][]): State {
    this.#guest.budget.check();
    if (this.#progress !== undefined) throw new WitError('concurrency-conflict');
    if (!from.includes(this.#state.at)) throw new WitError('invalid-state');
    return this.#state;
  }

  #start(state: State): Arrival<Outcome> {
    const progress = new Arrival<Outcome>();
    progress.onChange(() => this.#signal.notify());
    this.#state = state;
    this.#progress = progress;
    return progress;
  }

  #finish<At extends State['at']>(at: At, otherwise: 'unbound' | 'closed'): State & { readonly at: At } {
    this.#guest.budget.check();
    const state = this.#state;
    if (this.#progress === undefined || !isAt(state, at)) throw new WitError('not-in-progress');
    const outcome = this.#progress.value?.value;
    if (outcome === undefined) throw new WitError('would-block');
    this.#progress = undefined;
    if (outcome === 'ok') return state;
    closeState(state);
    this.#state = { at: otherwise };
    throw new WitError(outcome.code);
  }

  #connected(socket: Socket): [InputStream, OutputStream] {
    this.#counted = false;
    const connection = new Connection(socket, () => this.#guest.closeConnection());
    this.#state = { at: 'connected', connection };
    this.#applyKeepAlive();
    return streamsOf(this.#guest, connection);
  }

  #arrive(socket: Socket): void {
    const state = this.#state;
    socket.on('error', () => {});
    if (state.at !== 'listening' || state.waiting.length >= backlogMax) socket.destroy();
    else {
      state.waiting.push(socket);
      this.#signal.notify();
    }
  }

  #applyKeepAlive(): void {
    if (this.#state.at !== 'connected') return;
    this.#state.connection.socket.setKeepAlive(this.#keepAlive, Number(this.#keepAliveIdleNs / nsPerMs));
  }

  #close(): void {
    closeState(this.#state);
    this.#state = { at: 'closed' };
    if (this.#counted) this.#guest.closeConnection();
  }
}

/** Both directions as handles, each of which keeps the connection. */
function streamsOf(guest: Guest, connection: Connection): [InputStream, OutputStream] {
  const { source, sink } = connection.retain().retain();
  const input = new InputStream(guest, pacedSource(source, guest.network), () => {
    source.close();
    connection.release();
  });
  const output = new OutputStream(guest, pacedSink(sink, guest.network), () => {
    guest.linger(sink.close(), () => connection.release());
  });
  return [input, output];
}

function isAt<At extends State['at']>(state: State, at: At): state is State & { readonly at: At } {
  return state.at === at;
}

function closeState(state: State): void {
  if (state.at === 'connected') state.connection.release();
  else if (state.at === 'connecting') state.socket.destroy();
  else if ('server' in state) {
    state.server.close();
    if (state.at === 'listening') for (const socket of state.waiting) socket.destroy();
  }
}

/** Gives the bound address up to the connection: Node has no socket that is bound and neither listens nor connects. */
function connectFrom(server: Server, socket: Socket, to: { host: string; port: number }): void {
  const local = server.address() as AddressInfo | null;
  server.close(() => {
    if (socket.destroyed) return;
    socket.connect(local === null ? to : { ...to, localAddress: local.address, localPort: local.port });
  });
}

function known(address: SocketAddress | undefined): SocketAddress {
  if (address === undefined) throw new WitError('invalid-state');
  return address;
}

function nonZero(value: bigint): void {
  if (value === 0n) throw new WitError('invalid-argument');
}
