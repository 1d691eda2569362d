import { type ContextValue, contextValue, labelsMax, type PolicyContext, textCharsMax } from './request.ts';
import type { Read } from './rule.ts';

/** Different contexts told apart at most, over all actions. */
export const circumstancesMax = 16_384;

type Branch = Map<Key, Branch | number>;

/** A tree of the contexts one action was asked in: a level for each attribute that is looked at, numbers as leaves. */
export type ContextTree = Branch;

/**
 * A number for all contexts that are the same in what an action's policies look at. Numbers are dense from 0 on and
 * never mean two things until `clear`.
 */
export class Circumstances {
  #count = 0;

  /** The next number; -1 when no more are taken: `clear`, and trees begun anew, make room. */
  next(): number {
    return this.#count < circumstancesMax ? this.#count++ : -1;
  }

  /** The number of a context; `reads`, at least one, is what is looked at, the same for the same tree. */
  idOf(
    tree: ContextTree,
    reads: readonly Read[],
    context: PolicyContext | undefined,
    second: number,
  ): number {
    let branch = tree;
    for (let at = 0; at < reads.length; at += 1) {
      const read = reads[at];
      if (read === undefined) break;
      const value = read.name === 'now' ? second : keyOf(read, contextValue(context, read.name));
      const next = branch.get(value);
      if (typeof next === 'number') return next;
      if (next !== undefined) branch = next;
      else return this.#grow(branch, value, reads.slice(at + 1), context, second);
    }
    return -1;
  }

  clear(): void {
    this.#count = 0;
  }

  #grow(
    branch: Branch,
    value: Key,
    rest: readonly Read[],
    context: PolicyContext | undefined,
    second: number,
  ): number {
    if (rest.length === 0) {
      const number = this.next();
      if (number !== -1) branch.set(value, number);
      return number;
    }
    const twig: Branch = new Map();
    const number = this.idOf(twig, rest, context, second);
    if (number !== -1) branch.set(value, twig);
    return number;
  }
}

/** What Cedar is not given stands for nothing that could be remembered; no text can pass for it. */
const unusable: unique symbol = Symbol('unusable');
type Key = ContextValue | typeof unusable;

/** Labels are a set: their order means nothing. Of a number that is only compared, what matters is between which. */
function keyOf({ name, bounds }: Read, value: ContextValue | undefined): Key {
  if (name === 'labels') return Array.isArray(value) ? labelsKey(value) : unusable;
  if (typeof value === 'number') return bounds === undefined ? value : between(bounds, value);
  if (typeof value === 'string') return value.length > textCharsMax ? unusable : value;
  return typeof value === 'boolean' ? value : unusable;
}

function labelsKey(labels: readonly unknown[]): Key {
  if (labels.length === 0) return '';
  if (labels.length > labelsMax || !labels.every(isText)) return unusable;
  return labels.length === 1 ? `=${labels[0]}` : JSON.stringify([...labels].sort());
}

function isText(label: unknown): boolean {
  return typeof label === 'string' && label.length <= textCharsMax;
}

/** Twice the number of bounds below, one more on a bound: all comparisons with them come out alike. */
function between(bounds: readonly number[], value: number): number {
  // What is no whole number is refused later, and must not pass for one until then.
  if (!Number.isSafeInteger(value)) return -1;
  let at = 0;
  while (at < bounds.length && (bounds[at] ?? 0) < value) at += 1;
  return bounds[at] === value ? at * 2 + 1 : at * 2;
}
