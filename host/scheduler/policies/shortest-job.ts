import type { Forecast } from '../profile.ts';
import { cellsPerAgent, meanCell, tagCell, usedCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';

/** How many times its own length a job waits for shorter ones that came later. */
const stretch = 100;

/**
 * The agent whose next message is forecast to take the least goes first. A job that takes longer than that gives way
 * as it does. Shorter ones that come later overtake for a hundred times
 * what it takes, not for ever.
 */
export class ShortestJob extends PlainPolicy {
  readonly name = 'shortest-job';
  readonly #nowMs: () => number;

  readonly #forecast: Pick<Forecast, 'executionMsOf'>;

  constructor(nowMs: () => number, forecast: Pick<Forecast, 'executionMsOf'>) {
    super();
    this.#nowMs = nowMs;
    this.#forecast = forecast;
  }

  arrive(cells: Float64Array, at: number): number {
    const nowMs = this.#nowMs();
    const expectedMs = this.#forecast.executionMsOf(at / cellsPerAgent);
    cells[at + tagCell] = nowMs;
    cells[at + usedCell] = 0;
    cells[at + meanCell] = expectedMs;
    return nowMs + stretch * expectedMs;
  }

  peek(cells: Float64Array, at: number): number {
    const expected = cells[at + meanCell] as number;
    const used = cells[at + usedCell] as number;
    return (cells[at + tagCell] as number) + stretch * (used > expected ? used : expected);
  }

  override charge(cells: Float64Array, at: number, _fuel: number, ms: number): void {
    cells[at + usedCell] = (cells[at + usedCell] as number) + ms;
  }
}
