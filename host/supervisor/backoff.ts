import type { Random } from '../clock.ts';

/** How long a child that keeps ending waits before it is started again. */
export interface Backoff {
  /** Each pause is `firstMs`; the n-th is n × `firstMs`; the n-th is `firstMs` × `multiplier`^(n - 1). */
  readonly kind: 'fixed' | 'linear' | 'exponential';
  readonly firstMs: number;
  /** No pause is longer. */
  readonly msMax: number;
  /** Of `exponential`, at least 1. */
  readonly multiplier: number;
  /** Share of a pause, 0 to 1, that chance may take off it, so that many do not come back at once. */
  readonly jitter: number;
  /** Restarts in a row without a pause. */
  readonly free: number;
}

/** Powers beyond this are beyond every cap. */
const stepsMax = 1_000;

/** Milliseconds before the next start after `failures` ends in a row, 1 or more, chance left aside. */
export function pauseMs(
  { kind, firstMs, msMax, multiplier, free }: Omit<Backoff, 'jitter'>,
  failures: number,
): number {
  const step = Math.min(failures - free, stepsMax);
  if (step < 1) return 0;
  switch (kind) {
    case 'fixed':
      return Math.min(msMax, firstMs);
    case 'linear':
      return Math.min(msMax, firstMs * step);
    case 'exponential':
      return Math.min(msMax, firstMs * multiplier ** (step - 1));
  }
}

/** As `pauseMs`, less what chance takes off. */
export function jitteredPauseMs(backoff: Backoff, failures: number, random: Random): number {
  const whole = pauseMs(backoff, failures);
  if (whole === 0 || backoff.jitter === 0) return whole;
  return whole * (1 - backoff.jitter * fractionOf(random));
}

/** 0 to 1, less than 1. */
export function fractionOf(random: Random): number {
  const bytes = random.fill(new Uint8Array(4));
  return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
}
