import { PlainPolicy } from './plain-policy.ts';

/** Everybody in turn, a message or a slice each, whatever it costs. */
export class RoundRobin extends PlainPolicy {
  readonly name = 'round-robin';
  override readonly isRing = true;

  arrive(): number {
    return 0;
  }

  override again(): number {
    return 0;
  }

  /** Whoever waits goes before whoever just had a turn. */
  peek(): number {
    return Number.POSITIVE_INFINITY;
  }
}
