import type { Clock } from '../../../clock.ts';
import type { HostInterface } from '../../linker.ts';
import type { Guest } from './guest.ts';
import { offer } from './offer.ts';
import { Pollable } from './poll.ts';
import type { Readiness } from './readiness.ts';

const nsPerSecond = 1_000_000_000n;
const nsPerMs = 1e6;
/** The system's wall clock comes from a counter of microseconds. */
const wallResolutionNs = 1000;

/** Record `wall-clock.datetime`. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Nanoseconds since the Unix epoch as a `datetime`. */
export function datetime(ns: bigint): Datetime {
  return { seconds: ns / nsPerSecond, nanoseconds: Number(ns % nsPerSecond) };
}

/** A `datetime` as nanoseconds since the Unix epoch. */
export function epochNs({ seconds, nanoseconds }: Datetime): bigint {
  return seconds * nsPerSecond + BigInt(nanoseconds);
}

/** Ready from one instant of the clock on. */
export class Alarm implements Readiness {
  readonly #clock: Clock;
  readonly #atNs: bigint;

  constructor(clock: Clock, atNs: bigint) {
    this.#clock = clock;
    this.#atNs = atNs;
  }

  isReady(): boolean {
    return this.#clock.monotonicNs() >= this.#atNs;
  }

  onChange(wake: () => void): () => void {
    const cancel = new AbortController();
    const leftMs = Math.ceil(Number(this.#atNs - this.#clock.monotonicNs()) / nsPerMs);
    this.#clock.sleep(Math.max(0, leftMs), cancel.signal).then(wake, () => {});
    return () => cancel.abort();
  }
}

/** `wasi:clocks`; the monotonic clock begins at 0 with the guest, so that it tells nothing about the host's uptime. */
export function clocks(guest: Guest, clock: Clock): [string, HostInterface][] {
  const startNs = clock.monotonicNs();
  const at = (ns: bigint): Pollable => {
    guest.budget.check();
    return new Pollable(guest, new Alarm(clock, ns));
  };
  return [
    offer('wasi:clocks/monotonic-clock', {
      now: () => clock.monotonicNs() - startNs,
      resolution: () => 1n,
      subscribeInstant: (when: bigint) => at(startNs + when),
      subscribeDuration: (duration: bigint) => at(clock.monotonicNs() + duration),
    }),
    offer('wasi:clocks/wall-clock', {
      now: () => datetime(clock.wallNs()),
      resolution: () => ({ seconds: 0n, nanoseconds: wallResolutionNs }),
    }),
    offer('wasi:clocks/timezone', {
      display: () => ({ utcOffset: 0, name: 'UTC', inDaylightSavingTime: false }),
      utcOffset: () => 0,
    }),
  ];
}
