/** How many restarts there may be in how long a time. */
export interface Intensity {
  /** 0: the first one is one too many. */
  readonly restartsMax: number;
  readonly periodMs: number;
}

/** OTP's defaults. */
export const defaultIntensity: Intensity = { restartsMax: 1, periodMs: 5_000 };

/** The restarts of one supervisor that lie no further back than its period. */
export class RestartWindow {
  readonly #intensity: Intensity;
  /** The oldest first; never more than one beyond the most there may be. */
  readonly #atMs: number[] = [];

  constructor(intensity: Intensity) {
    this.#intensity = intensity;
  }

  /** One more. False: that is one too many. */
  add(nowMs: number): boolean {
    const { restartsMax, periodMs } = this.#intensity;
    const keep = this.#atMs.findIndex((atMs) => nowMs - atMs <= periodMs);
    this.#atMs.splice(0, keep < 0 ? this.#atMs.length : keep);
    this.#atMs.push(nowMs);
    return this.#atMs.length <= restartsMax;
  }

  /** How many there are at this moment. */
  countAt(nowMs: number): number {
    return this.#atMs.filter((atMs) => nowMs - atMs <= this.#intensity.periodMs).length;
  }

  /** As of the last one. */
  get count(): number {
    return this.#atMs.length;
  }
}
