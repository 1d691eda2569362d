/**
 * Who is stopped and started again when a child has to be: it alone; all its siblings too; those that were started
 * after it too. `simple-one-for-one`: it alone, its siblings being alike and without an order.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one' | 'simple-one-for-one';

export const strategies: readonly Strategy[] = [
  'one-for-one',
  'one-for-all',
  'rest-for-one',
  'simple-one-for-one',
];

/** The part of a list, in its order, that goes down and comes back with the one at `index`. */
export function affectedBy<T>(strategy: Strategy, all: readonly T[], index: number): readonly T[] {
  switch (strategy) {
    case 'one-for-all':
      return [...all];
    case 'rest-for-one':
      return all.slice(index);
    default:
      return all.slice(index, index + 1);
  }
}
