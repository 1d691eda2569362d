import { Cron } from 'croner';
import { HostError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { cronFault } from './cron-fault.ts';

/** A parsed pattern takes 80 KB; triggers with the same text and zone share one. */
const parsedMax = 256;
const parsed = new Map<string, CronTimes>();

/**
 * When a cron pattern's times are. In a zone with summer time: a pattern that names one time a day has it once on
 * every day, after the gap when the clocks skip it, and the first of two when they repeat it; a pattern of several
 * times (`*`, steps, lists) leaves out what is skipped and has what is repeated twice.
 */
export class CronTimes {
  readonly #cron: Cron<undefined>;
  #afterMs = Number.NaN;
  #nextMs = Number.NaN;

  constructor(cron: Cron<undefined>) {
    this.#cron = cron;
  }

  /** The first time after one, in milliseconds since the Unix epoch; Infinity: there is none. */
  next(afterMs: number): number {
    if (afterMs !== this.#afterMs) {
      this.#nextMs = this.#cron.nextRun(new Date(afterMs))?.getTime() ?? Number.POSITIVE_INFINITY;
      this.#afterMs = afterMs;
    }
    return this.#nextMs;
  }

  /** The last time not after one; that one itself when there is none. */
  last(untilMs: number): number {
    const [last] = this.#cron.previousRuns(1, new Date(untilMs + 1));
    return last?.getTime() ?? untilMs;
  }
}

/**
 * @param text five fields (minute, hour, day, month, weekday), or six with seconds in front; or `@hourly`, `@daily`, …
 * @param zone an IANA name; undefined: UTC
 * @param place what errors call it: `agents/billing/agent.toml: trigger 'daily'`
 * @throws HostError `HOST_ERR_CONFIG_INVALID` saying what is wrong
 */
export function cronTimes(text: string, zone: string | undefined, place: string): CronTimes {
  const key = `${zone ?? 'UTC'} ${text}`;
  const known = parsed.get(key);
  if (known !== undefined) {
    parsed.delete(key);
    parsed.set(key, known);
    return known;
  }
  const times = parse(text, zone ?? 'UTC', place);
  parsed.set(key, times);
  const [oldest] = parsed.size > parsedMax ? parsed.keys() : [];
  if (oldest !== undefined) parsed.delete(oldest);
  return times;
}

function parse(text: string, zone: string, place: string): CronTimes {
  checkZone(zone, place);
  const cron = parsePattern(text, zone, place);
  const times = new CronTimes(cron);
  if (cron.nextRun(new Date(0)) === null)
    throw invalid(place, 'cron', `cron = "${text}": there is no such day in any year`);
  return times;
}

function parsePattern(text: string, zone: string, place: string): Cron<undefined> {
  try {
    return read(text, zone);
  } catch (cause) {
    throw invalid(place, 'cron', `cron = "${text}": ${cronFault(text, isReadable)}`, cause);
  }
}

function read(text: string, zone: string): Cron<undefined> {
  return new Cron(text, { timezone: zone, paused: true, mode: '5-or-6-parts' });
}

function isReadable(text: string): boolean {
  try {
    read(text, 'UTC');
    return true;
  } catch {
    return false;
  }
}

function checkZone(zone: string, place: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (cause) {
    const hint = nearest(zone, Intl.supportedValuesOf('timeZone'));
    throw invalid(place, 'zone', `zone = "${zone}" is not a time zone${hint}`, cause);
  }
}

function invalid(place: string, key: string, why: string, cause?: unknown): HostError {
  return new HostError('HOST_ERR_CONFIG_INVALID', `${place}: ${why}`, { place, key }, cause);
}
