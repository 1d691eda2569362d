import type { RemoteInfo, Socket } from 'node:dgram';
import { WitError } from '../../../linker.ts';
import type { Guest } from '../guest.ts';
import type { Holding } from '../held-bytes.ts';
import { type Family, ipText, isUnspecified } from '../ip.ts';
import { both } from '../paced-streams.ts';
import type { Reach } from '../reach.ts';
import { type Readiness, Signal } from '../readiness.ts';
import { checkRemote, ipOf, type SocketAddress, sameAddress, socketAddress } from './address.ts';
import { networkCode } from './codes.ts';

/** The largest payload of a datagram (RFC 768 over IPv4). */
export const datagramBytesMax = 65_507;
/** Datagrams that wait to be received; further ones are lost, as UDP may. */
export const receivedMax = 256;
const receivedBytesMax = 1_048_576;
/** Counted for each datagram beside its bytes. */
const datagramOverheadBytes = 512;
/** Datagrams on their way out. */
const sendingMax = 64;

/** Record `incoming-datagram`. */
export interface IncomingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: SocketAddress;
}

/** A bound socket, shared by its handle and its streams. */
export class Port {
  readonly socket: Socket;
  readonly family: Family;
  readonly #reach: Reach;
  /** Bound to an address that was granted itself: whoever sends there is welcome. */
  readonly #isOpen: boolean;
  readonly #onClosed: () => void;
  readonly #held: Holding;
  readonly received: Signal = new Signal();
  readonly sent: Signal = new Signal();
  #users = 1;
  #waiting: IncomingDatagram[] = [];
  #waitingBytes = 0;
  #sending = 0;
  #sendingBytes = 0;
  #error: string | undefined;
  #remote: SocketAddress | undefined;
  #isConnected = false;
  /** Only the streams made last are operational. */
  generation = 0;

  constructor(
    socket: Socket,
    family: Family,
    reach: Reach,
    isOpen: boolean,
    held: Holding,
    onClosed: () => void,
  ) {
    this.socket = socket;
    this.family = family;
    this.#reach = reach;
    this.#isOpen = isOpen;
    this.#held = held;
    this.#onClosed = onClosed;
    socket.on('message', (data, from) => this.#arrive(data, from));
    socket.on('error', (cause) => {
      this.#error = networkCode(cause);
      this.received.notify();
      this.sent.notify();
    });
  }

  get remote(): SocketAddress | undefined {
    return this.#remote;
  }

  get hasReceived(): boolean {
    return this.#waiting.length > 0 || this.#error !== undefined;
  }

  get room(): number {
    return sendingMax - this.#sending;
  }

  associate(remote: SocketAddress | undefined): void {
    if (remote !== undefined) this.check(remote);
    this.#remote = remote;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#held.resize(this.#sendingBytes);
    this.generation += 1;
  }

  /**
   * `associate`, and tells the system too, which then chooses the local address.
   * @throws WitError also `remote-unreachable` when no local address leads there
   */
  connect(remote: SocketAddress): void {
    this.disconnect();
    this.associate(remote);
    this.socket.connect(remote.val.port, ipText(ipOf(remote)), () => {});
    try {
      this.socket.remoteAddress();
      this.#isConnected = true;
    } catch {
      this.associate(undefined);
      throw new WitError('remote-unreachable');
    }
  }

  /** Undoes `connect`; nothing happens without it. */
  disconnect(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.socket.disconnect();
    this.associate(undefined);
  }

  /** @throws WitError `invalid-argument`, or `access-denied` where no grant reaches */
  check(remote: SocketAddress): void {
    checkRemote(remote, this.family);
    if (!this.#reach.mayConnect(ipOf(remote), remote.val.port)) throw new WitError('access-denied');
  }

  receive(countMax: number): IncomingDatagram[] {
    const code = this.#error;
    this.#error = undefined;
    if (code !== undefined && this.#waiting.length === 0) throw new WitError(code);
    const datagrams = this.#waiting.splice(0, countMax);
    for (const { data } of datagrams) this.#waitingBytes -= data.length + datagramOverheadBytes;
    this.#held.resize(this.#waitingBytes + this.#sendingBytes);
    return datagrams;
  }

  /**
   * `onSent` hears how it went; without it a failure is what is received next.
   * @throws WitError `out-of-memory` when the guest holds too much already
   */
  send(data: Uint8Array, to: SocketAddress, onSent?: (cause: Error | null) => void): void {
    const bytes = data.length + datagramOverheadBytes;
    if (!this.#held.tryResize(this.#waitingBytes + this.#sendingBytes + bytes))
      throw new WitError('out-of-memory');
    this.#sending += 1;
    this.#sendingBytes += bytes;
    // The bytes stay in use after this call returns, and the guest may write to its memory.
    const taken = (cause: Error | null): void => {
      this.#sending -= 1;
      this.#sendingBytes -= bytes;
      this.#held.resize(this.#waitingBytes + this.#sendingBytes);
      if (onSent !== undefined) onSent(cause);
      else if (cause) this.#error = networkCode(cause);
      this.sent.notify();
    };
    if (this.#isConnected) this.socket.send(data.slice(), taken);
    else this.socket.send(data.slice(), to.val.port, ipText(ipOf(to)), taken);
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#held.resize(this.#sendingBytes);
    this.socket.close();
    this.#onClosed();
  }

  #arrive(data: Uint8Array, { address, port }: RemoteInfo): void {
    const from = socketAddress(address, port);
    if (from === undefined || !this.#isWelcome(from)) return;
    if (this.#waiting.length >= receivedMax || this.#waitingBytes + data.length > receivedBytesMax) return;
    const bytes = data.length + datagramOverheadBytes;
    if (!this.#held.tryResize(this.#waitingBytes + this.#sendingBytes + bytes)) return;
    this.#waiting.push({ data, remoteAddress: from });
    this.#waitingBytes += bytes;
    this.received.notify();
  }

  #isWelcome(from: SocketAddress): boolean {
    if (this.#remote !== undefined) return sameAddress(from, this.#remote);
    return this.#isOpen || this.#reach.mayConnect(ipOf(from), from.val.port);
  }
}

/**
 * Whether whoever sends to a local address is welcome there: it was granted itself. Otherwise only granted peers are,
 * and with any grant a socket may be bound to an ephemeral port of the unspecified address, as a client has to.
 * @throws WitError `access-denied` when a socket may not be bound there
 */
export function isOpenAt(reach: Reach, local: SocketAddress): boolean {
  if (reach.mayBind(ipOf(local), local.val.port)) return true;
  if (isUnspecified(ipOf(local)) && local.val.port === 0 && !reach.isEmpty) return false;
  throw new WitError('access-denied');
}

/** Ready when bytes may pass, too. */
export function gated({ network }: Guest, event: Readiness): Readiness {
  return network === undefined ? event : both(event, network);
}
