import type { PolicyName } from '../../config/scheduler-settings.ts';
import type { Policy } from '../policy.ts';

/** What most policies have in common: nothing to do in most of a turn's moments. */
export abstract class PlainPolicy implements Policy {
  abstract readonly name: PolicyName;
  readonly isRing: boolean = false;
  readonly beginning: number = 0;

  abstract arrive(cells: Float64Array, at: number, level: number): number;

  abstract peek(cells: Float64Array, at: number): number;

  again(cells: Float64Array, at: number): number {
    return this.peek(cells, at);
  }

  charge(_cells: Float64Array, _at: number, _fuel: number, _ms: number): void {}

  moved(_cells: Float64Array, _at: number, _level: number): void {}

  picked(_level: number, _rank: number, _cells: Float64Array, _at: number): void {}
}
