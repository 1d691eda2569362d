import { cronTimes, type Occasion } from '../../manifest.ts';

/** The times of one trigger, in milliseconds since the Unix epoch. */
export interface Times {
  /** Steady: what passes, whatever the wall clock is set to. Wall: what the clock shows. */
  readonly line: 'steady' | 'wall';
  /** The first one after a time; Infinity: there is none. */
  next(afterMs: number): number;
  /** The last one not after a time, which is not before the first. */
  last(untilMs: number): number;
}

/**
 * @param originMs where an interval's phase begins
 * @param place what errors call the trigger
 * @throws HostError `HOST_ERR_CONFIG_INVALID` for a cron text or zone that is none
 */
export function timesOf(
  occasion: Exclude<Occasion, { kind: 'subject' }>,
  originMs: number,
  place: string,
): Times {
  if (occasion.kind === 'every') return new IntervalTimes(occasion.everyMs, originMs);
  if (occasion.kind === 'at') return momentTimes(occasion.atMs);
  const { cron, zone } = occasion;
  cronTimes(cron, zone, place);
  return {
    line: 'wall',
    next: (afterMs) => cronTimes(cron, zone, place).next(afterMs),
    last: (untilMs) => cronTimes(cron, zone, place).last(untilMs),
  };
}

function momentTimes(atMs: number): Times {
  return {
    line: 'wall',
    next: (afterMs) => (afterMs < atMs ? atMs : Number.POSITIVE_INFINITY),
    last: () => atMs,
  };
}

/** An object with two numbers: there may be a hundred thousand. */
class IntervalTimes implements Times {
  readonly #everyMs: number;
  readonly #originMs: number;

  constructor(everyMs: number, originMs: number) {
    this.#everyMs = everyMs;
    this.#originMs = originMs;
  }

  get line(): 'steady' {
    return 'steady';
  }

  next(afterMs: number): number {
    return this.last(afterMs) + this.#everyMs;
  }

  last(untilMs: number): number {
    return this.#originMs + Math.floor((untilMs - this.#originMs) / this.#everyMs) * this.#everyMs;
  }
}
