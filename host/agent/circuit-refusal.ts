import type { Outcome } from '../outcome.ts';
import type { CircuitBreaker } from '../supervisor/circuit-breaker.ts';

/** Why callers of an agent are turned away, for people. */
export interface OpenCircuit {
  readonly agent: string;
  /** `half-open`: as many as may are let through already, to see. */
  readonly state: 'open' | 'half-open';
  /** When it opened, milliseconds since 1970. */
  readonly openedAtMs: number;
  /** Milliseconds until it is tried again; 0: it is being tried. */
  readonly retryAfterMs: number;
  /** Failures in a row that opened it. */
  readonly failuresMax: number;
  /** The last of them. */
  readonly cause: string;
}

const tag = 'circuit-open';
const usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

/** What somebody outside is answered instead of being let through. */
export function circuitRefusal(
  agent: string,
  circuit: CircuitBreaker,
  cause: string,
  clock: { readonly monotonicMs: number; readonly wallMs: number },
): Outcome<undefined> {
  const val: OpenCircuit = {
    agent,
    state: circuit.state === 'open' ? 'open' : 'half-open',
    openedAtMs: Math.round(clock.wallMs - (clock.monotonicMs - circuit.openedMs)),
    retryAfterMs: Math.ceil(circuit.leftMs),
    failuresMax: circuit.failuresMax,
    cause,
  };
  return { kind: 'error', exitCode: 1, failure: { tag, val }, usage };
}

/** What `circuitRefusal` made; undefined: the outcome is another. An agent's own failures have no such case. */
export function openCircuitOf(outcome: Outcome): OpenCircuit | undefined {
  if (outcome.kind !== 'error') return undefined;
  const { tag: found, val } = (outcome.failure ?? {}) as { readonly tag?: unknown; readonly val?: unknown };
  return found === tag ? (val as OpenCircuit) : undefined;
}

/** One sentence for people. */
export function openCircuitText(open: OpenCircuit): string {
  const { agent, state, openedAtMs, retryAfterMs, failuresMax, cause } = open;
  const since = new Date(openedAtMs).toISOString();
  const failures = failuresMax === 1 ? 'a failure' : `${failuresMax} failures in a row`;
  const next =
    state === 'open'
      ? `it is tried again in ${Math.ceil(retryAfterMs / 1000)} s`
      : 'it is being tried at this moment';
  return `the circuit of ${agent} is open since ${since}, after ${failures}, the last: ${cause}; ${next}`;
}
