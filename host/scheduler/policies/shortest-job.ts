import { meanCell, tagCell, usedCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';
import { foldJob } from './weighted-fair-queueing.ts';

/** How many times its own length a job waits for shorter ones that came later. */
const stretch = 100;

/**
 * The agent whose messages take the least time on average goes first; of one not known yet nothing is expected. A
 * job that takes longer than that gives way as it does. Shorter ones that come later overtake for a hundred times
 * what it takes, not for ever.
 */
export class ShortestJob extends PlainPolicy {
  readonly name = 'shortest-job';
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }

  arrive(cells: Float64Array, at: number): number {
    foldJob(cells, at);
    const nowMs = this.#nowMs();
    cells[at + tagCell] = nowMs;
    return nowMs + stretch * (cells[at + meanCell] as number);
  }

  peek(cells: Float64Array, at: number): number {
    const mean = cells[at + meanCell] as number;
    const used = cells[at + usedCell] as number;
    return (cells[at + tagCell] as number) + stretch * (used > mean ? used : mean);
  }

  override charge(cells: Float64Array, at: number, _fuel: number, ms: number): void {
    cells[at + usedCell] = (cells[at + usedCell] as number) + ms;
  }
}
