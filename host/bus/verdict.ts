import type { Outcome, Usage } from '../outcome.ts';
import type { Reply } from './delivery.ts';
import type { BusError, Failure, Payload } from './message.ts';

/** What becomes of a message after a receiver handled it (wit/types.wit `failure`). */
export type Verdict =
  | { readonly kind: 'done' }
  /** It may work later. */
  | { readonly kind: 'repeat'; readonly failure: Failure }
  | { readonly kind: 'invalid' | 'refused'; readonly failure: Failure };

const done: Verdict = { kind: 'done' };

/** A trap, a reached limit and a call the host ended count as `unavailable`; only that is repeated. */
export function verdictOf(outcome: Outcome<Uint8Array | undefined>): Verdict {
  if (outcome.kind === 'ok') return done;
  const failure = failureOf(outcome);
  if (failure.tag === 'unavailable') return { kind: 'repeat', failure };
  return { kind: failure.tag === 'invalid' ? 'invalid' : 'refused', failure };
}

/** The failure an outcome stands for. */
export function failureOf(outcome: Exclude<Outcome<Uint8Array | undefined>, { kind: 'ok' }>): Failure {
  switch (outcome.kind) {
    case 'error':
      return isFailure(outcome.failure)
        ? outcome.failure
        : { tag: 'other', val: `it ended with code ${outcome.exitCode}` };
    case 'denied':
      return { tag: 'denied', val: 'it may not do what this takes' };
    case 'trap':
      return { tag: 'unavailable', val: 'it stopped before it was done' };
    case 'limit':
      return { tag: 'unavailable', val: 'it reached a limit before it was done' };
    case 'cancelled':
      return { tag: 'unavailable', val: 'it was ended before it was done' };
  }
}

/** What an agent that asked is told. */
export function answerOf(reply: Reply): Payload | BusError {
  if ('error' in reply) return reply.error;
  const { outcome, contentType, headers } = reply;
  if (outcome.kind === 'ok') return { contentType, headers, body: outcome.value ?? new Uint8Array(0) };
  return { tag: 'failed', val: failureOf(outcome) };
}

const noUsage: Usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

/** An answer that a receiver published while it was still at work. */
export function answered(value: Uint8Array): Outcome<Uint8Array | undefined> {
  return { kind: 'ok', value, usage: noUsage };
}

function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'tag' in value && 'val' in value;
}
