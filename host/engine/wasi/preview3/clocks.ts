import type { Clock } from '../../../clock.ts';
import type { HostInterface } from '../../linker.ts';
import { Alarm } from '../preview2/clocks.ts';
import type { Guest } from '../preview2/guest.ts';
import { offer } from './offer.ts';

const nsPerSecond = 1_000_000_000n;
/** The system's wall clock comes from a counter of microseconds. */
const wallResolutionNs = 1000n;

/** Record `system-clock.instant`: before 1970 the seconds are negative, the nanoseconds never. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Nanoseconds since the Unix epoch as an `instant`. */
export function instant(ns: bigint): Instant {
  const nanoseconds = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return { seconds: (ns - nanoseconds) / nsPerSecond, nanoseconds: Number(nanoseconds) };
}

/** An `instant` as nanoseconds since the Unix epoch. */
export const instantNs = ({ seconds, nanoseconds }: Instant): bigint =>
  seconds * nsPerSecond + BigInt(nanoseconds);

/** `wasi:clocks`; the monotonic clock begins at 0 with the guest, so that it tells nothing about the host's uptime. */
export function clocks(guest: Guest, clock: Clock): [string, HostInterface][] {
  const startNs = clock.monotonicNs();
  const until = async (atNs: bigint): Promise<void> => guest.until([new Alarm(clock, atNs)]);
  return [
    offer('wasi:clocks/monotonic-clock', {
      now: () => clock.monotonicNs() - startNs,
      getResolution: () => 1n,
      waitUntil: (when: bigint) => until(startNs + when),
      waitFor: (howLong: bigint) => until(clock.monotonicNs() + howLong),
    }),
    offer('wasi:clocks/system-clock', {
      now: () => instant(clock.wallNs()),
      getResolution: () => wallResolutionNs,
    }),
  ];
}
