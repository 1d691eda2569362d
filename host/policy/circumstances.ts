import { type ContextValue, contextValue, type PolicyContext } from './request.ts';
import type { Read } from './rule.ts';

/** Different contexts told apart at most, over all actions. */
export const circumstancesMax = 16_384;

type Branch = Map<ContextValue, Branch | number>;

/**
 * A number for all contexts that are the same in what an action's policies look at. Numbers are dense from 0 on and
 * never mean two things until `clear`.
 */
export class Circumstances {
  readonly #roots = new Map<string, Branch>();
  #count = 0;

  /** -1 when no more are taken: `clear` makes room. `reads` is what is looked at, the same for the same action. */
  idOf(action: string, reads: readonly Read[], context: PolicyContext | undefined, second: number): number {
    let root = this.#roots.get(action);
    if (root === undefined) this.#roots.set(action, (root = new Map()));
    let branch = root;
    for (const read of reads) {
      const value = read.name === 'now' ? second : keyOf(read, contextValue(context, read.name));
      const next = branch.get(value);
      if (typeof next === 'object') branch = next;
      else branch = this.#grow(branch, value);
    }
    const leaf = branch.get(leafKey);
    if (typeof leaf === 'number') return leaf;
    if (this.#count >= circumstancesMax) return -1;
    branch.set(leafKey, this.#count);
    return this.#count++;
  }

  clear(): void {
    this.#roots.clear();
    this.#count = 0;
  }

  #grow(branch: Branch, value: ContextValue): Branch {
    const next: Branch = new Map();
    // Beyond the bound nothing is kept: the leaf of this branch is refused a number.
    if (this.#count < circumstancesMax) branch.set(value, next);
    return next;
  }
}

const leafKey = '\0leaf';

/** Labels are a set: their order means nothing. Of a number that is only compared, what matters is between which. */
function keyOf({ name, bounds }: Read, value: ContextValue | undefined): ContextValue {
  if (typeof value === 'object') return labelsKey(value);
  if (name === 'labels') return '\0none';
  return bounds !== undefined && typeof value === 'number' ? between(bounds, value) : (value ?? '\0none');
}

function labelsKey(labels: readonly string[]): string {
  if (labels.length === 0) return '\0[]';
  return labels.length === 1 ? `\0[1]${labels[0]}` : JSON.stringify([...labels].sort());
}

/** Twice the number of bounds below, one more on a bound: all comparisons with them come out alike. */
function between(bounds: readonly number[], value: number): number {
  // What is no whole number is refused later, and must not pass for one until then.
  if (!Number.isSafeInteger(value)) return -1;
  let at = 0;
  while (at < bounds.length && (bounds[at] ?? 0) < value) at += 1;
  return bounds[at] === value ? at * 2 + 1 : at * 2;
}
