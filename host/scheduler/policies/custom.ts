import { cellsPerAgent, dueCell, meanCell, rateCell, tagCell, usedCell, weightCell } from '../standings.ts';
import { costOf } from './fair-share.ts';
import { PlainPolicy } from './plain-policy.ts';
import { foldJob } from './weighted-fair-queueing.ts';

/** What a custom policy is told of an agent that waits. The object is the same each time: read it, do not keep it. */
export interface Candidate {
  /** The same number for the same agent, while it is there. */
  readonly key: number;
  readonly weight: number;
  /** Turns a second that its manifest asks for. */
  readonly rate: number;
  /** When its message came, and when it is due, in milliseconds of the host's monotonic clock. */
  readonly arrivedMs: number;
  readonly dueMs: number;
  /** Fuel that the job under way used, and that its jobs use on average. */
  readonly usedFuel: number;
  readonly meanFuel: number;
}

/** The lowest goes first; of equals whoever came first. It must be quick, and may not throw. */
export type RankFunction = (candidate: Candidate) => number;

class Row implements Candidate {
  cells: Float64Array = new Float64Array(cellsPerAgent);
  at = 0;

  get key(): number {
    return this.at / cellsPerAgent;
  }
  get weight(): number {
    return this.cells[this.at + weightCell] as number;
  }
  get rate(): number {
    return this.cells[this.at + rateCell] as number;
  }
  get arrivedMs(): number {
    return this.cells[this.at + tagCell] as number;
  }
  get dueMs(): number {
    return this.cells[this.at + dueCell] as number;
  }
  get usedFuel(): number {
    return this.cells[this.at + usedCell] as number;
  }
  get meanFuel(): number {
    return this.cells[this.at + meanCell] as number;
  }
}

export interface CustomOptions {
  readonly rank: RankFunction;
  readonly nowMs: () => number;
  /** The function threw, or gave no number: the agent goes behind all others. Told once. */
  readonly onFault: (fault: unknown) => void;
}

/** By a function of the operator's. */
export class Custom extends PlainPolicy {
  readonly name = 'custom';
  readonly #options: CustomOptions;
  readonly #row = new Row();
  #hasTold = false;

  constructor(options: CustomOptions) {
    super();
    this.#options = options;
  }

  arrive(cells: Float64Array, at: number): number {
    foldJob(cells, at);
    cells[at + tagCell] = this.#options.nowMs();
    return this.peek(cells, at);
  }

  peek(cells: Float64Array, at: number): number {
    this.#row.cells = cells;
    this.#row.at = at;
    try {
      const rank = this.#options.rank(this.#row);
      if (typeof rank === 'number' && !Number.isNaN(rank)) return rank;
      this.#fault(new TypeError(`it gave ${String(rank)}, not a number`));
    } catch (thrown) {
      this.#fault(thrown);
    }
    return Number.POSITIVE_INFINITY;
  }

  #fault(fault: unknown): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#options.onFault(fault);
  }

  override charge(cells: Float64Array, at: number, fuel: number, ms: number): void {
    cells[at + usedCell] = (cells[at + usedCell] as number) + costOf(fuel, ms);
  }
}
