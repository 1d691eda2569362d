import { tagCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';

/** In the order in which messages came, and to the end: a guest gives way only to those who were there before it. */
export class FirstCome extends PlainPolicy {
  readonly name = 'first-come';
  #arrivals = 0;

  arrive(cells: Float64Array, at: number): number {
    this.#arrivals += 1;
    cells[at + tagCell] = this.#arrivals;
    return this.#arrivals;
  }

  peek(cells: Float64Array, at: number): number {
    return cells[at + tagCell] as number;
  }
}
