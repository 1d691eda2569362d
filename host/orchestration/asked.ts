import type { TopologyKind } from './topology.ts';

/** The WIT variant `orchestration-error` (wit/orchestration.wit) as lowered. */
export type OrchestrationError =
  | {
      readonly tag:
        | 'denied'
        | 'unavailable'
        | 'timed-out'
        | 'full'
        | 'closed'
        | 'held'
        | 'lost'
        | 'cancelled';
    }
  | { readonly tag: 'too-large'; readonly val: bigint }
  | { readonly tag: 'invalid' | 'other'; readonly val: string };

/** What a thread asks of the home of names, for one of its agents. Rights are checked before. */
export type Asked =
  | { readonly kind: 'open'; readonly name: string; readonly valuesMax: number }
  | { readonly kind: 'put'; readonly name: string; readonly value: Uint8Array; readonly waitMs: number }
  | { readonly kind: 'take'; readonly name: string; readonly waitMs: number }
  /** A value that came for a taker who had gone. */
  | { readonly kind: 'put-back'; readonly name: string; readonly value: Uint8Array }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'acquire'; readonly name: string; readonly ttlMs: number; readonly waitMs: number }
  | { readonly kind: 'renew'; readonly name: string; readonly token: number; readonly ttlMs: number }
  | { readonly kind: 'release'; readonly name: string; readonly token: number }
  | { readonly kind: 'raise'; readonly agent: string; readonly word: string }
  | { readonly kind: 'await'; readonly word: string; readonly waitMs: number }
  | { readonly kind: 'join'; readonly name: string; readonly topology: TopologyKind }
  | { readonly kind: 'leave'; readonly name: string }
  | { readonly kind: 'members'; readonly name: string }
  | { readonly kind: 'spawn'; readonly like: string; readonly name: string; readonly isDetached: boolean }
  | { readonly kind: 'end-child'; readonly name: string }
  | { readonly kind: 'children' }
  | { readonly kind: 'link' | 'unlink' | 'monitor'; readonly agent: string }
  | { readonly kind: 'demonitor'; readonly monitor: number };

/** A lease as an agent is told of it. */
export interface ToldLease {
  readonly token: bigint;
  readonly expiresAtNs: bigint;
}

export interface GroupView {
  readonly topology: TopologyKind;
  readonly members: readonly string[];
  readonly neighbours: readonly string[];
}

/** What the home answers. */
export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'value'; readonly value: Uint8Array }
  | { readonly kind: 'lease'; readonly lease: ToldLease }
  | { readonly kind: 'from'; readonly agent: string }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'group'; readonly group: GroupView }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'error'; readonly error: OrchestrationError };

export const done: Answer = { kind: 'done' };

export function refused(tag: Exclude<OrchestrationError, { val: unknown }>['tag']): Answer {
  return { kind: 'error', error: { tag } };
}

export function invalid(why: string): Answer {
  return { kind: 'error', error: { tag: 'invalid', val: why } };
}
