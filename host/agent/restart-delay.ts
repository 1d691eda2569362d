import type { Random } from '../clock.ts';
import type { Restart } from '../manifest.ts';
import { type Backoff, jitteredPauseMs } from '../supervisor/backoff.ts';
import { RestartWindow } from '../supervisor/restart-window.ts';

/** Ends in a row before a restart has to wait: one bad message should not slow the next good one. */
const freeRestarts = 3;
/**
 * Bytes of memory a second that an agent which keeps ending may leave behind, whatever its manifest says: to clear them
 * for it and to give them back to the system takes time that is the others'.
 */
const leftBytesPerSecondMax = 256 * 1024 * 1024;
/** Memories up to this are used again and cost nobody anything. */
const leftBytesFree = 1024 * 1024;

function leftPauseMs(bytes: number): number {
  return bytes <= leftBytesFree ? 0 : (bytes * 1000) / leftBytesPerSecondMax;
}

/** How long an agent waits before its next restart, by its manifest. */
export function backoffOf({
  backoffKind: kind,
  backoffMs: firstMs,
  backoffMsMax: msMax,
  multiplier,
  jitterPercent,
}: Restart): Backoff {
  return { kind, firstMs, msMax, multiplier, jitter: jitterPercent / 100, free: freeRestarts };
}

/**
 * How long an agent that keeps ending waits before it is launched again, and whether that is too often: what a
 * supervisor of this one agent would do, without one.
 */
export class RestartDelay {
  #failures = 0;
  #notBeforeMs = 0;
  #window: RestartWindow | undefined;
  #isWornOut = false;

  /** It handled a message. */
  succeed(): void {
    this.#failures = 0;
    this.#notBeforeMs = 0;
  }

  /** A person lets it go on: what was before does not count. */
  forgive(): void {
    this.succeed();
    this.#window = undefined;
    this.#isWornOut = false;
  }

  /** `leftBytes`: the memory it had. */
  fail(nowMs: number, restart: Restart, random: Random, leftBytes: number = 0): void {
    this.#failures += 1;
    const askedMs = jitteredPauseMs(backoffOf(restart), this.#failures, random);
    const pauseMs = this.#failures > freeRestarts ? Math.max(askedMs, leftPauseMs(leftBytes)) : askedMs;
    this.#notBeforeMs = pauseMs === 0 ? 0 : nowMs + pauseMs;
    const { restartsMax, periodMs } = restart;
    if (restartsMax === undefined) return;
    this.#window ??= new RestartWindow({ restartsMax, periodMs });
    this.#isWornOut = !this.#window.add(nowMs);
  }

  /** It needed more restarts than its manifest bears. */
  get isWornOut(): boolean {
    return this.#isWornOut;
  }

  /** Milliseconds until it may be launched, at least 0. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  /** Whether nothing of what it went through counts any more. */
  get isBlank(): boolean {
    return this.#failures === 0 && this.#window === undefined;
  }

  get failures(): number {
    return this.#failures;
  }
}
