import { levels } from '../level.ts';
import { tagCell, weightCell } from '../standings.ts';
import { PlainPolicy } from './plain-policy.ts';

/** What a millisecond counts at least, in fuel: a guest that has the host work for it uses the thread as well. */
export const fuelPerMsMin = 100_000;

/** Fuel of a whole slice. */
const sliceFuel = 2_000_000;

/** Half a millisecond, which one that has no instance yet is taken to use in its first turn: to begin, and to end if it traps. */
const beginningFuel = 50_000;

/** What a turn counts as. */
export function costOf(fuel: number, ms: number): number {
  const leastFuel = ms * fuelPerMsMin;
  return fuel > leastFuel ? fuel : leastFuel;
}

/**
 * Each agent of a level gets fuel in proportion to its weight while it has something to do (stride scheduling): its
 * pass is the fuel it used by its weight, and the lowest pass goes first. Whoever slept comes in at the pass of
 * those who run: it has saved nothing up.
 *
 * Guests that compute stand a slice behind their pass: those that had equal slices have equal passes, and whoever
 * comes in at that pass, or used little since, would wait until each of them had one more. Where their turns are longer
 * than a slice, they are ranked by the middle of the next one: by its beginning those of little weight, to whom a turn
 * is much, would always be ahead of their share, by its end behind it.
 *
 * Likewise those that have to begin first stand behind those that are there: a thousand that come at once, or crash at once
 * and are asked again, would keep everybody waiting for all of them.
 */
export class FairShare extends PlainPolicy {
  readonly name = 'fair-share';
  override readonly beginning: number = beginningFuel;
  /** The pass of whoever had its turn last, by level. */
  readonly #passes = new Float64Array(levels.length);
  readonly #halfTurnFuel: number;

  /** `turnFuel`: what a guest that computes uses in a turn; 0: a slice at most. */
  constructor(turnFuel = 0) {
    super();
    this.#halfTurnFuel = turnFuel / 2;
  }

  arrive(cells: Float64Array, at: number, level: number): number {
    const pass = this.#passes[level] as number;
    const own = cells[at + tagCell] as number;
    if (own >= pass) return own;
    cells[at + tagCell] = pass;
    return pass;
  }

  peek(cells: Float64Array, at: number): number {
    const toMiddle = this.#halfTurnFuel / (cells[at + weightCell] as number);
    return (cells[at + tagCell] as number) + sliceFuel + toMiddle;
  }

  override charge(cells: Float64Array, at: number, fuel: number, ms: number): void {
    cells[at + tagCell] =
      (cells[at + tagCell] as number) + costOf(fuel, ms) / (cells[at + weightCell] as number);
  }

  override moved(cells: Float64Array, at: number, level: number): void {
    cells[at + tagCell] = this.#passes[level] as number;
  }

  override picked(level: number, _rank: number, cells: Float64Array, at: number): void {
    const pass = cells[at + tagCell] as number;
    if (pass > (this.#passes[level] as number)) this.#passes[level] = pass;
  }
}
