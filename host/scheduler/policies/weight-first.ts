import { tagCell, weightCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';

/** How much later, by 1 of weight, something may come and still go first. */
const msPerWeight = 1_000;

/**
 * Of one level the greatest weight goes first, and of equals whoever came first; one of 1 more overtakes what came
 * within the second before it, so that nobody waits for ever.
 */
export class WeightFirst extends PlainPolicy {
  readonly name = 'priority';
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }

  arrive(cells: Float64Array, at: number): number {
    const rank = this.#nowMs() - (cells[at + weightCell] as number) * msPerWeight;
    cells[at + tagCell] = rank;
    return rank;
  }

  peek(cells: Float64Array, at: number): number {
    return cells[at + tagCell] as number;
  }
}
