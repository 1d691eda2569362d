import { dueCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';

/** Whatever is due first goes first, also before what is under way. */
export class EarliestDeadline extends PlainPolicy {
  readonly name = 'earliest-deadline';

  arrive(cells: Float64Array, at: number): number {
    return cells[at + dueCell] as number;
  }

  peek(cells: Float64Array, at: number): number {
    return cells[at + dueCell] as number;
  }
}
