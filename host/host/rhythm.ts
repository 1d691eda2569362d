/** Milliseconds between two looks while anything happens. */
const quickMs = 50;
/** Looks in a row that found nothing, after which they become rare: two seconds. */
const stillLooksMin = 40;
/** Milliseconds between two looks, at most. */
const slowMsMax = 1_000;

export interface RhythmOptions {
  readonly look: () => void;
  /** Whether nothing is under way here, and nothing waits for a look. */
  readonly isStill: () => boolean;
  /** Milliseconds until somebody is to be looked after at a time that is known; Infinity: nobody is. */
  readonly dueInMs: () => number;
}

/**
 * When a thread looks after what nobody tells it of: many times a second while anything happens there, and about once a
 * second otherwise, so that a host with nothing to do sleeps.
 */
export class Rhythm {
  readonly #options: RhythmOptions;
  #timer: NodeJS.Timeout | undefined;
  #isSlow = false;
  #stillLooks = 0;

  constructor(options: RhythmOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isSlow = false;
    this.#stillLooks = 0;
    this.#timer = setInterval(() => this.#quickLook(), quickMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Something happens: called with every message, so it costs next to nothing. */
  stir(): void {
    this.#stillLooks = 0;
    if (!this.#isSlow || this.#timer === undefined) return;
    this.stop();
    this.start();
  }

  #quickLook(): void {
    const { look, isStill } = this.#options;
    look();
    this.#stillLooks = isStill() ? this.#stillLooks + 1 : 0;
    if (this.#stillLooks < stillLooksMin || this.#timer === undefined) return;
    this.stop();
    this.#isSlow = true;
    this.#waitLong();
  }

  #waitLong(): void {
    const ms = Math.min(slowMsMax, Math.max(quickMs, this.#options.dueInMs()));
    this.#timer = setTimeout(() => this.#slowLook(), ms);
  }

  #slowLook(): void {
    const { look, isStill } = this.#options;
    look();
    // It was told to stop, or that something happens, by what it saw.
    if (this.#timer === undefined || !this.#isSlow) return;
    if (isStill()) this.#waitLong();
    else this.stir();
  }
}
