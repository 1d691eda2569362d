import type { Condition } from './condition.ts';
import type { AuditLevel } from './decision.ts';
import type { EntityRef, KnownEntity } from './entity.ts';
import type { ActionName } from './vocabulary.ts';

/** One attribute of the context that policies look at. */
export interface Read {
  readonly name: string;
  /** The whole numbers it is compared with, ascending, when nothing else is done with it. */
  readonly bounds: readonly number[] | undefined;
}

/** What a policy looks at; the decision of a slice depends on nothing else. */
export interface Uses {
  readonly context: readonly Read[];
  /** Whether it reads an attribute of any entity. */
  readonly hasAttributes: boolean;
  /** Entities it names. */
  readonly entities: readonly EntityRef[];
}

/** One valid policy, as threads are given it: plain data. */
export interface Rule {
  /** `orders.cedar#no-pii`, or `orders.cedar#2` for the second of a file when it has no `@id`. */
  readonly id: string;
  readonly file: string;
  /** From 1 on: where its first word stands. */
  readonly line: number;
  readonly text: string;
  readonly effect: 'permit' | 'forbid';
  /** Those it can be about. */
  readonly actions: readonly ActionName[];
  /** What it decides when it applies. */
  readonly kind: 'allow' | 'conditions' | 'step-up' | 'defer' | 'deny';
  readonly conditions: readonly Condition[];
  /** From when on it is as if it were not there; `Infinity`: never. */
  readonly untilMs: number;
  readonly audit: AuditLevel | undefined;
  readonly reason: string | undefined;
  readonly uses: Uses;
}

/** What decides: valid policies and what is known of the entities they speak of. Plain data. */
export interface PolicySet {
  readonly rules: readonly Rule[];
  readonly entities: readonly KnownEntity[];
}

export const emptySet: PolicySet = { rules: [], entities: [] };
