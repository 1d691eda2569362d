/** Verdicts kept by one set of patterns: between one and two times as many. */
export const verdictsMax = 1024;
/** Verdicts kept by all sets of one thread together; one too many and all are forgotten. */
export const threadVerdictsMax = 65_536;

const keepers = new Set<Verdicts>();
let threadVerdicts = 0;

/**
 * What was decided about texts seen before. Bounded for one set, so that an agent that makes up subjects pushes out
 * only its own, and for the thread, so that many such agents do not fill it.
 */
export class Verdicts {
  #young = new Map<string, boolean>();
  #old = new Map<string, boolean>();

  get(text: string): boolean | undefined {
    const verdict = this.#young.get(text);
    return verdict === undefined && this.#old.size > 0 ? this.#getOld(text) : verdict;
  }

  set(text: string, verdict: boolean): void {
    if (this.#young.size >= verdictsMax) this.#age();
    if (threadVerdicts >= threadVerdictsMax) forgetAll();
    this.#young.set(text, verdict);
    threadVerdicts += 1;
    keepers.add(this);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Those asked for again stay for another generation. */
  #getOld(text: string): boolean | undefined {
    const verdict = this.#old.get(text);
    if (verdict === undefined) return undefined;
    this.#old.delete(text);
    threadVerdicts -= 1;
    this.set(text, verdict);
    return verdict;
  }

  #age(): void {
    threadVerdicts -= this.#old.size;
    this.#old = this.#young;
    this.#young = new Map();
  }

  forget(): void {
    threadVerdicts -= this.size;
    this.#young = new Map();
    this.#old = new Map();
  }
}

function forgetAll(): void {
  for (const keeper of keepers) keeper.forget();
  keepers.clear();
}
