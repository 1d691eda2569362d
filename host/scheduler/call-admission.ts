import type { AdmissionName } from '../config/scheduler-settings.ts';
import type { Forecast } from './profile.ts';

/** What an admission did since it was made. */
export interface AdmissionCounts {
  readonly admission: AdmissionName;
  /** Calls whose end was forecast … */
  readonly judged: number;
  /** … and those of them that were refused, as their deadline comes before it. */
  readonly refused: number;
}

/** A call that is about to wait for its turn. */
export interface AskedCall {
  /** The agent, as `Forecast` knows it. */
  readonly key: number;
  /** Messages that it deals with before. */
  readonly ahead: number;
  /** How long its message under way has taken so far; undefined: there is none. */
  readonly underWayMs: number | undefined;
  /** What goes before it on its thread until it has a turn. */
  readonly queueMs: number;
  /** Until its deadline. */
  readonly leftMs: number;
}

export type CallForecast = Pick<Forecast, 'wallMsOf' | 'isKnown'>;

/**
 * Tells calls that cannot end in time from those that may: what waits before it, what is left of the message under
 * way, and what a message takes. It says so only of agents whose profiles say enough and are of late, so that a bad
 * time does not go on for ever: who is refused everything is let try again.
 */
export class CallAdmission {
  readonly #admission: AdmissionName;
  readonly #forecast: CallForecast;
  #judged = 0;
  #refused = 0;

  constructor(admission: AdmissionName, forecast: CallForecast) {
    this.#admission = admission;
    this.#forecast = forecast;
  }

  get isPredictive(): boolean {
    return this.#admission === 'predictive';
  }

  get counts(): AdmissionCounts {
    return { admission: this.#admission, judged: this.#judged, refused: this.#refused };
  }

  /** In how many milliseconds the call will have ended, if that is after its deadline; else undefined. */
  lateMs({ key, ahead, underWayMs, queueMs, leftMs }: AskedCall, nowMs: number): number | undefined {
    if (!this.isPredictive || !this.#forecast.isKnown(key, nowMs)) return undefined;
    this.#judged += 1;
    const wallMs = this.#forecast.wallMsOf(key);
    const left = underWayMs === undefined ? 0 : Math.max(0, wallMs - underWayMs);
    const forecastMs = queueMs + left + (ahead + 1) * wallMs;
    if (forecastMs <= leftMs) return undefined;
    this.#refused += 1;
    return forecastMs;
  }
}
