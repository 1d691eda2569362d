import { hasWildcard } from '../subject.ts';
import { cedar } from './cedar.ts';
import type { ContextTree } from './circumstances.ts';
import type { Read, Rule } from './rule.ts';
import { type ActionName, actionNames } from './vocabulary.ts';

/** The policies that can be about one action, prepared for this thread. */
export class Slice {
  /** What they look at in the context. */
  reads: readonly Read[] = [];
  hasAttributes = false;
  /** Subjects that they name, patterns among them. */
  subjects: readonly string[] = [];
  patterns: readonly string[] = [];
  readsTime = false;
  /** The contexts it was asked in; the number of all of them when it looks at none, -1 when it has none yet. */
  contexts: ContextTree = new Map();
  circumstance = -1;
  readonly #setId = cedar.takeId();
  #rules: ReadonlyMap<string, Rule> = new Map();
  #generation = -1;

  rule(id: string): Rule | undefined {
    return this.#rules.get(id);
  }

  get isEmpty(): boolean {
    return this.#rules.size === 0;
  }

  /** Takes other policies; those that are the same text for text stay prepared. */
  renew(rules: readonly Rule[]): void {
    const next = new Map(rules.map((rule) => [rule.id, rule]));
    const isSame = this.#isSame(next);
    this.#rules = next;
    if (isSame) return;
    this.#generation = -1;
    this.reads = readsOf(rules);
    this.readsTime = this.reads.some(({ name }) => name === 'now');
    this.hasAttributes = rules.some(({ uses }) => uses.hasAttributes);
    this.subjects = subjectsOf(rules);
    this.patterns = this.subjects.filter(hasWildcard);
  }

  /** The name under which Cedar has them. @throws Error when Cedar does not take them */
  prepared(): string {
    if (this.#generation === cedar.generation) return this.#setId;
    const staticPolicies = Object.fromEntries([...this.#rules].map(([id, { text }]) => [id, text]));
    const answer = cedar.call((module) => module.preparsePolicySet(this.#setId, { staticPolicies }));
    if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    this.#generation = cedar.generation;
    return this.#setId;
  }

  /** Forgets the contexts, so that their numbers may mean others. */
  forget(): void {
    this.contexts = new Map();
    this.circumstance = -1;
  }

  close(): void {
    this.#generation = -1;
    cedar.freeId(this.#setId);
  }

  #isSame(next: ReadonlyMap<string, Rule>): boolean {
    if (next.size !== this.#rules.size) return false;
    for (const [id, rule] of next) if (this.#rules.get(id)?.text !== rule.text) return false;
    return true;
  }
}

/** A slice for each action. */
export function slicesOfActions(): ReadonlyMap<ActionName, Slice> {
  return new Map(actionNames.map((name) => [name, new Slice()]));
}

/** Gives each slice what it now has to decide by. */
export function renewSlices(slices: ReadonlyMap<ActionName, Slice>, rules: Iterable<Rule>): void {
  const byAction = new Map<ActionName, Rule[]>(actionNames.map((name) => [name, []]));
  for (const rule of rules) for (const action of rule.actions) byAction.get(action)?.push(rule);
  for (const [action, slice] of slices) slice.renew(byAction.get(action) ?? []);
}

/** An attribute that one policy only compares and another does more with is one of the latter. */
function readsOf(rules: readonly Rule[]): Read[] {
  const bounds = new Map<string, Set<number> | undefined>();
  for (const { name, bounds: own } of rules.flatMap(({ uses }) => uses.context)) {
    const known = bounds.has(name) ? bounds.get(name) : new Set<number>();
    bounds.set(name, own === undefined || known === undefined ? undefined : new Set([...known, ...own]));
  }
  return [...bounds].map(([name, all]) => ({
    name,
    bounds: all === undefined || all.size > boundsMax ? undefined : [...all].sort((a, b) => a - b),
  }));
}

/** Beyond this many numbers to compare with, each value is a circumstance of its own. */
const boundsMax = 16;

function subjectsOf(rules: readonly Rule[]): string[] {
  const named = rules.flatMap(({ uses }) => uses.entities).filter(({ kind }) => kind === 'Subject');
  return [...new Set(named.map(({ id }) => id))];
}
