/** What of a sleep it takes to be woken, and whoever is to answer before that: what woke it came as much before. */
const wakeMs = 0.1;
/** Looks last so many times as long until they are found to be worth it: whoever answers may have to be woken. */
const trialTimes = 3;
/** What looking earns and loses; it goes on while there is anything left. */
const pointsMax = 8;
const pointsOfTrial = 4;
const lossInVain = 1;
/** Milliseconds after a trial that came to nothing until the next one; doubled each time. */
const pauseMsMin = 1;
const pauseMsMax = 64;
/** The same after it joined another thread that looks. */
const joinPauseMs = 1;
/** A moment of looking that lasts so long was interrupted: others want this core. */
const interruptedMs = 0.2;

/**
 * Whether a thread that has run out of work looks for more before it sleeps, and for how long. To be woken costs tens
 * of microseconds of both cores' time, so that to look for as long costs no more, if it is worth it every other time.
 * Where it is not, because what comes is rarer or because whoever would send it needs the very same core, it is tried
 * a few times in some tens of milliseconds, and only while what wakes the thread comes that soon.
 */
export class Vigil {
  readonly #msMax: number;
  #isOn = false;
  #points = 0;
  /** The last sleep was so short that a look might have spared it. */
  #isNear = false;
  #sinceMs = 0;
  /** Since when the thread sleeps; undefined: it does not. */
  #asleepMs: number | undefined;
  #nextTrialMs = 0;
  #nextJoinMs = 0;
  #pauseMs = pauseMsMin;

  /** @param usMax microseconds of looking; 0: it sleeps at once */
  constructor(usMax: number) {
    this.#msMax = usMax / 1_000;
  }

  /** Between the end of what there was to do and what comes next. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /**
   * Nothing is left to do; true: look. `isJoining`: another thread looked when this one was given work, on another
   * core, then, and is likely to answer soon.
   */
  begin(nowMs: number, isJoining: boolean): boolean {
    if (this.#msMax === 0) return false;
    if (this.#points === 0) {
      if (isJoining ? nowMs < this.#nextJoinMs : !this.#isNear || nowMs < this.#nextTrialMs) return false;
      this.#points = isJoining ? lossInVain : pointsOfTrial;
    }
    this.#isOn = true;
    this.#sinceMs = nowMs;
    return true;
  }

  /** It looked for `lookedMs` in one go, and nothing came; false: that is enough. */
  goesOn(nowMs: number, lookedMs: number): boolean {
    const times = this.#points === pointsMax ? 1 : trialTimes;
    if (lookedMs < interruptedMs && nowMs - this.#sinceMs < this.#msMax * times) return true;
    this.#isOn = false;
    this.#lose(lossInVain, nowMs);
    return false;
  }

  /** It has something else to do than to look. */
  leave(): void {
    this.#isOn = false;
  }

  /** Something came, while it looked or slept. */
  came(nowMs: number): void {
    if (this.#isOn) this.#found(nowMs);
    this.#isOn = false;
    if (this.#asleepMs === undefined) return;
    this.#isNear = nowMs - this.#asleepMs <= this.#msMax + wakeMs;
    this.#asleepMs = undefined;
  }

  #found(nowMs: number): void {
    if (nowMs - this.#sinceMs > this.#msMax) this.#lose(1, nowMs);
    else if (this.#points < pointsMax) this.#points += 1;
    else this.#pauseMs = pauseMsMin;
  }

  #lose(points: number, nowMs: number): void {
    this.#points = Math.max(0, this.#points - points);
    if (this.#points > 0) return;
    this.#nextJoinMs = nowMs + joinPauseMs;
    this.#nextTrialMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(pauseMsMax, this.#pauseMs * 2);
  }

  /** It sleeps from now on. */
  sleep(nowMs: number): void {
    this.#isOn = false;
    this.#asleepMs = nowMs;
  }
}
