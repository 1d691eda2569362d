import { rateCell, tagCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';

/**
 * Each agent is promised so many turns a second, a message or a slice each; a turn is due when a clock of its own
 * says so, which goes on by the promised distance with each turn and is never behind (virtual clock). Whoever
 * asks for more than its rate goes behind those who do not.
 */
export class RateBased extends PlainPolicy {
  readonly name = 'rate-based';
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }

  arrive(cells: Float64Array, at: number): number {
    const nowMs = this.#nowMs();
    const clock = cells[at + tagCell] as number;
    const due = (clock > nowMs ? clock : nowMs) + 1000 / (cells[at + rateCell] as number);
    cells[at + tagCell] = due;
    return due;
  }

  override again(cells: Float64Array, at: number): number {
    return this.arrive(cells, at);
  }

  peek(cells: Float64Array, at: number): number {
    return (cells[at + tagCell] as number) + 1000 / (cells[at + rateCell] as number);
  }
}
