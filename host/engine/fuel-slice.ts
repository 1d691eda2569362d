/** Milliseconds that a slice may last before the next is a shorter one, and below which it may grow again. */
const longMs = 0.5;
const shortMs = 0.125;
/** A slice is halved so often at most. */
const halvingsMax = 10;

/**
 * How much fuel one guest gets at a time. Fuel is not time: an instruction that fills or copies memory costs as much
 * as an addition and may take a millisecond, and so may the pages that memory grown anew is made of. So a slice that
 * took long makes the next ones short. What is counted stays the same to the unit.
 */
export class FuelSlice {
  readonly #most: bigint;
  #halvings = 0;
  #fromMs: number;

  constructor(most: bigint, nowMs: number) {
    this.#most = most;
    this.#fromMs = nowMs;
  }

  get fuel(): bigint {
    return this.#halvings === 0 ? this.#most : this.#most >> BigInt(this.#halvings);
  }

  /** When the present slice began. */
  get fromMs(): number {
    return this.#fromMs;
  }

  /** What the guest does from now on counts, what was before does not. */
  begin(nowMs: number): void {
    this.#fromMs = nowMs;
  }

  /** A slice was used up; the next begins. */
  end(nowMs: number): void {
    const tookMs = nowMs - this.#fromMs;
    this.#fromMs = nowMs;
    if (tookMs > longMs) {
      const halvings = this.#halvings + Math.ceil(Math.log2(tookMs / longMs));
      this.#halvings = Math.min(halvingsMax, halvings);
    } else if (tookMs < shortMs && this.#halvings > 0) this.#halvings -= 1;
  }
}
