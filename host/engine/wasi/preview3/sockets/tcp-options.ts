import type { Socket } from 'node:net';
import { refuse } from './codes.ts';

/** Connections that wait to be accepted; further ones are dropped. */
export const backlogMax = 128;
const socketBufferBytes = 65_536n;
/** What the system sends with; Node offers no way to set another one. */
const systemHopLimit = 64;
const nsPerMs = 1_000_000n;
const nsPerSecond = 1_000_000_000n;
/** What the system takes for idle time and interval, in whole seconds, and for the count (tcp(7)). */
const keepAliveSecondsMax = 32_767n;
const keepAliveCountMax = 127;

/** The settings of a TCP socket, which a listening one hands on to those it accepts. */
export class TcpOptions {
  #keepAlive = false;
  #idleNs = 7200n * nsPerSecond;
  #intervalNs = 75n * nsPerSecond;
  #count = 9;
  #backlog = backlogMax;
  #hopLimit = systemHopLimit;

  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  set keepAlive(value: boolean) {
    this.#keepAlive = value;
  }

  get idleNs(): bigint {
    return this.#idleNs;
  }

  /** Clamped to whole seconds that the system takes, as specified. */
  set idleNs(value: bigint) {
    this.#idleNs = wholeSeconds(value);
  }

  get intervalNs(): bigint {
    return this.#intervalNs;
  }

  /** Clamped to whole seconds that the system takes, as specified. */
  set intervalNs(value: bigint) {
    this.#intervalNs = wholeSeconds(value);
  }

  get count(): number {
    return this.#count;
  }

  /** Clamped to what the system takes, as specified. */
  set count(value: number) {
    this.#count = Math.min(positive(value), keepAliveCountMax);
  }

  get backlog(): number {
    return this.#backlog;
  }

  /** Clamped to what the host keeps waiting, as specified. */
  setBacklog(value: bigint): void {
    this.#backlog = Number(positive(value) > backlogMax ? backlogMax : value);
  }

  get hopLimit(): number {
    return this.#hopLimit;
  }

  /** A socket that `isUsed` sends as the system does already. @throws WitError `not-supported` for another one */
  setHopLimit(value: number, isUsed: boolean): void {
    if (positive(value) !== systemHopLimit && isUsed) refuse('not-supported');
    this.#hopLimit = value;
  }

  /** Before anything is sent. @throws WitError `not-supported` for a hop limit that would not be kept */
  requireKept(): void {
    if (this.#hopLimit !== systemHopLimit) refuse('not-supported');
  }

  get bufferBytes(): bigint {
    return socketBufferBytes;
  }

  /** Any value is taken and clamped to the one there is, as specified. */
  set bufferBytes(value: bigint) {
    positive(value);
  }

  copy(): TcpOptions {
    const copy = new TcpOptions();
    copy.#keepAlive = this.#keepAlive;
    copy.#idleNs = this.#idleNs;
    copy.#intervalNs = this.#intervalNs;
    copy.#count = this.#count;
    return copy;
  }

  applyTo(socket: Socket): void {
    socket.setKeepAlive({
      enable: this.#keepAlive,
      initialDelay: Number(this.#idleNs / nsPerMs),
      interval: Number(this.#intervalNs / nsPerMs),
      count: this.#count,
    });
  }
}

function wholeSeconds(ns: bigint): bigint {
  const seconds = positive(ns) / nsPerSecond;
  if (seconds < 1n) return nsPerSecond;
  return (seconds > keepAliveSecondsMax ? keepAliveSecondsMax : seconds) * nsPerSecond;
}

function positive<T extends number | bigint>(value: T): T {
  if (value <= 0) refuse('invalid-argument');
  return value;
}
