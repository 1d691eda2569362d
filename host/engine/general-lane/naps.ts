/** Milliseconds between two looks of jco's at what its tasks wait for; it asks for these. */
const napMs = 10;
/** Looks without news after which it looks less often, and how much less. */
const shortNapsMax = 50;
const longNapMs = 100;

/** Looks every millisecond at what a guest writes, before they are rarer. */
const quickLooksMax = 100;

/** Something looked at again and again; jco ends it by this. */
export interface Watch {
  timer: NodeJS.Timeout;
  looks: number;
}

/**
 * How jco's tasks wait: it looks again after a while. Here it looks as soon as a host function has answered or the
 * host reads what a guest writes, and seldom where nothing has happened for long.
 */
export class Naps {
  readonly #naps = new Map<NodeJS.Timeout, () => void>();
  readonly #watches = new Set<Watch>();
  #isWaking = false;
  #without = 0;
  #isOver = false;

  /** Calls `fire` after a nap, or when something is new. */
  begin(fire: () => void): NodeJS.Timeout {
    this.#without += 1;
    const timer = setTimeout(() => this.#end(timer), this.#without > shortNapsMax ? longNapMs : napMs);
    this.#naps.set(timer, fire);
    return timer;
  }

  static isNap(ms: number): boolean {
    return ms === napMs;
  }

  /** Something is new, or about to be. */
  readonly wake = (): void => {
    this.#without = 0;
    if (this.#isWaking || this.#naps.size === 0) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      for (const timer of [...this.#naps.keys()]) this.#end(timer);
    });
  };

  /** Calls `look` until `endWatch`: every millisecond, and less often once nothing has come for a while. */
  watch(look: () => void): Watch {
    const again = (): NodeJS.Timeout =>
      setTimeout(
        () => {
          watch.looks += 1;
          watch.timer = again();
          look();
        },
        watch.looks < quickLooksMax ? 1 : napMs,
      );
    const watch = { looks: 0 } as Watch;
    watch.timer = again();
    this.#watches.add(watch);
    if (this.#isOver) this.endWatch(watch);
    return watch;
  }

  endWatch(watch: Watch): void {
    clearTimeout(watch.timer);
    this.#watches.delete(watch);
  }

  /** Nobody waits for the host's side any more. */
  endWatches(): void {
    this.#isOver = true;
    for (const watch of [...this.#watches]) this.endWatch(watch);
  }

  /** What waits here keeps no process alive that is done. */
  unref(): void {
    for (const timer of this.#naps.keys()) timer.unref();
    for (const { timer } of this.#watches) timer.unref();
  }

  #end(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    const fire = this.#naps.get(timer);
    this.#naps.delete(timer);
    fire?.();
  }
}
