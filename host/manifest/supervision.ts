import { isAgentName } from './name.ts';
import { pauseMsMax } from './pauses.ts';
import type { Table } from './table.ts';

/** When an agent is asked how it is. It is asked with a request of the subject `host.health`; any answer but a failure is a good one. */
export interface HealthProbe {
  readonly intervalMs: number;
  /** Milliseconds for an answer. */
  readonly timeoutMs: number;
  /** Bad answers in a row, and good ones, after which it counts as what they say. */
  readonly failuresMax: number;
  readonly successesMin: number;
  /** Milliseconds before the first question. */
  readonly delayMs: number;
}

/** When callers of an agent that keeps failing are turned away at once. */
export interface Circuit {
  /** Failures in a row. */
  readonly failuresMax: number;
  /** Milliseconds until it is tried again. */
  readonly openMs: number;
  /** Requests let through at one time to try it, and how many of them must end well. */
  readonly probesMax: number;
  readonly successesMin: number;
}

/** How an agent is looked after. */
export interface Supervision {
  /** Milliseconds it has to end in good order when its supervisor stops it; 0: none. */
  readonly shutdownMs: number;
  /** Failing, it is restarted. */
  readonly liveness: HealthProbe | undefined;
  /** Failing, its mail waits. */
  readonly readiness: HealthProbe | undefined;
  readonly circuit: Circuit | undefined;
  /** Agents that end with it, and it with them. */
  readonly links: readonly string[];
  /** Agents whose end it is told of: `down.NAME`. */
  readonly monitors: readonly string[];
  /** It is told of the end of whom it is linked to (`exit.NAME`), instead of ending too. */
  readonly trapExits: boolean;
}

export const defaultSupervision: Supervision = {
  shutdownMs: 5_000,
  liveness: undefined,
  readiness: undefined,
  circuit: undefined,
  links: [],
  monitors: [],
  trapExits: false,
};

const msBounds = { min: 1, max: pauseMsMax };
const fromZero = { min: 0, max: pauseMsMax };
const times = { min: 1, max: 1_000_000 };
const namesMax = 1_000;
const probesMax = 1_000;

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function supervisionOf(manifest: Table, name: string): Supervision {
  const table = manifest
    .table('supervision')
    .only(['shutdown', 'liveness', 'readiness', 'circuit', 'links', 'monitors', 'trap-exits']);
  return {
    shutdownMs: table.quantity('shutdown', 'ms', fromZero, defaultSupervision.shutdownMs),
    liveness: probeOf(table, 'liveness'),
    readiness: probeOf(table, 'readiness'),
    circuit: circuitOf(table),
    links: othersOf(table, 'links', name),
    monitors: othersOf(table, 'monitors', name),
    trapExits: table.flag('trap-exits'),
  };
}

function probeOf(parent: Table, key: string): HealthProbe | undefined {
  const table = parent.table(key).only(['interval', 'timeout', 'failures', 'successes', 'delay']);
  if (!parent.has(key)) return undefined;
  return {
    intervalMs: table.quantity('interval', 'ms', msBounds, 30_000),
    timeoutMs: table.quantity('timeout', 'ms', msBounds, 1_000),
    failuresMax: table.quantity('failures', 'count', times, 3),
    successesMin: table.quantity('successes', 'count', times, 1),
    delayMs: table.quantity('delay', 'ms', fromZero, 0),
  };
}

function circuitOf(parent: Table): Circuit | undefined {
  const table = parent.table('circuit').only(['failures', 'open', 'probes', 'successes']);
  if (!parent.has('circuit')) return undefined;
  return {
    failuresMax: table.quantity('failures', 'count', times, 5),
    openMs: table.quantity('open', 'ms', msBounds, 60_000),
    probesMax: table.quantity('probes', 'count', { min: 1, max: probesMax }, 1),
    successesMin: table.quantity('successes', 'count', times, 1),
  };
}

function othersOf(table: Table, key: string, self: string): readonly string[] {
  const names = table.texts(key, 'billing');
  if (names.length > namesMax) throw table.wrong(key, `at most ${namesMax} names`);
  const wrong = names.find((name) => !isAgentName(name) || name === self);
  if (wrong === undefined) return names;
  throw table.wrong(key, `names of other agents, such as ["billing"]; '${wrong}' is none`);
}
