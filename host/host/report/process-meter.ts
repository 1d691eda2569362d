import { availableParallelism } from 'node:os';
import type { Clock } from '../../clock.ts';
import type { SystemResourceMetrics } from '../../telemetry/metrics-snapshot.ts';

/** What the process says of itself. */
export interface ProcessUsage {
  readonly residentBytes: number;
  /** Of all its threads, since it began. */
  readonly cpuMs: number;
}

const mebibyte = 1024 * 1024;
/** Looks that follow one another more closely than this tell the same. */
const lookMsMin = 1_000;

export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return { residentBytes: residentBytes(), cpuMs: (user + system) / 1000 };
}

let lastBytes = 0;

/** Node opens a file to know it: in a process that has as many open as it may, what was known last is told. */
function residentBytes(): number {
  try {
    lastBytes = process.memoryUsage.rss();
  } catch {
    // Nothing a meter should end a host for.
  }
  return lastBytes;
}

/** What share of the machine the process has, from one look to the next. */
export class ProcessMeter {
  readonly #clock: Clock;
  readonly #usage: () => ProcessUsage;
  readonly #cores: number;
  #atMs: number;
  #cpuMs: number;
  #percent = 0;

  constructor(
    clock: Clock,
    usage: () => ProcessUsage = processUsage,
    cores: number = availableParallelism(),
  ) {
    this.#clock = clock;
    this.#usage = usage;
    this.#cores = cores;
    this.#atMs = clock.monotonicMs();
    this.#cpuMs = usage().cpuMs;
  }

  look(): SystemResourceMetrics & ProcessUsage {
    const usage = this.#usage();
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#atMs;
    if (passedMs >= lookMsMin) {
      const share = (usage.cpuMs - this.#cpuMs) / (passedMs * this.#cores);
      this.#percent = 100 * Math.min(1, Math.max(0, share));
      this.#atMs = nowMs;
      this.#cpuMs = usage.cpuMs;
    }
    return {
      ...usage,
      memory_usage_mb: usage.residentBytes / mebibyte,
      cpu_usage_percent: this.#percent,
    };
  }
}
