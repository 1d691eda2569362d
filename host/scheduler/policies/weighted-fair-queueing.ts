import { levels } from '../level.ts';
import { meanCell, tagCell, usedCell, weightCell } from '../standings.ts';
import { costOf } from './fair-share.ts';
import { PlainPolicy } from './plain-policy.ts';

/** How much of a moving average the newest value is. */
export const meanShare = 0.1;

/** Counts the last job in the average, and begins a new one. */
export function foldJob(cells: Float64Array, at: number): void {
  const used = cells[at + usedCell] as number;
  if (used === 0) return;
  const mean = cells[at + meanCell] as number;
  cells[at + meanCell] = mean === 0 ? used : mean + meanShare * (used - mean);
  cells[at + usedCell] = 0;
}

/**
 * Each message is tagged, as it comes, with the moment at which it would end if its level shared the thread by
 * weight all the time, and the lowest tag goes first (self-clocked fair queueing). What a message will use is taken
 * from the agent's average, and corrected by what it did use.
 */
export class WeightedFairQueueing extends PlainPolicy {
  readonly name = 'weighted-fair-queueing';
  /** The finish tag of whoever had its turn last, by level. */
  readonly #clocks = new Float64Array(levels.length);

  arrive(cells: Float64Array, at: number, level: number): number {
    const weight = cells[at + weightCell] as number;
    const lastEnd = (cells[at + tagCell] as number) + (cells[at + usedCell] as number) / weight;
    foldJob(cells, at);
    const clock = this.#clocks[level] as number;
    const start = lastEnd > clock ? lastEnd : clock;
    cells[at + tagCell] = start;
    return start + (cells[at + meanCell] as number) / weight;
  }

  peek(cells: Float64Array, at: number): number {
    const mean = cells[at + meanCell] as number;
    const used = cells[at + usedCell] as number;
    return (cells[at + tagCell] as number) + (used > mean ? used : mean) / (cells[at + weightCell] as number);
  }

  override charge(cells: Float64Array, at: number, fuel: number, ms: number): void {
    cells[at + usedCell] = (cells[at + usedCell] as number) + costOf(fuel, ms);
  }

  override moved(cells: Float64Array, at: number, level: number): void {
    cells[at + tagCell] = this.#clocks[level] as number;
  }

  override picked(level: number, rank: number): void {
    if (rank > (this.#clocks[level] as number)) this.#clocks[level] = rank;
  }
}
