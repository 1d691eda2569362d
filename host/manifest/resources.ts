import type { Table } from './table.ts';

/** How much of something an agent may use in the long run, and at once after a pause. */
export interface Flow {
  readonly perSecond: number;
  readonly burst: number;
}

/** What happens to an agent that wants more than it may. */
export type ViolationAction = 'log' | 'throttle' | 'suspend' | 'kill';

/** What an agent may use in the long run, besides the limits of each message. Undefined: as much as there is. */
export interface Resources {
  /** Milliseconds of computing a second: a quota of a half of one core is 500. */
  readonly cpuMs: Flow | undefined;
  readonly fuel: Flow | undefined;
  /** Bytes it reads and writes in files. */
  readonly disk: Flow | undefined;
  /** Bytes it sends and receives over sockets and HTTP. */
  readonly network: Flow | undefined;
  /** Sockets and HTTP requests open at once. */
  readonly connectionsMax: number | undefined;
  /** `log`: nothing; `throttle`: it waits; the others: it waits, and after `violationsMax` seconds in a row that happens. */
  readonly violation: ViolationAction;
  readonly violationsMax: number;
}

export const noResources: Resources = {
  cpuMs: undefined,
  fuel: undefined,
  disk: undefined,
  network: undefined,
  connectionsMax: undefined,
  violation: 'throttle',
  violationsMax: 5,
};

const keys = [
  'cpu-quota',
  'fuel-per-second',
  'fuel-burst',
  'disk-per-second',
  'disk-burst',
  'network-per-second',
  'network-burst',
  'connections',
  'violation',
  'violations',
];
const fuelBounds = { min: 1000, max: 1_000_000_000_000 };
const bytesBounds = { min: 1, max: 1024 ** 4 };
const connectionsBounds = { min: 0, max: 65_536 };
const violationsBounds = { min: 1, max: 3600 };
const quotaMin = 0.001;
const msPerSecond = 1000;

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function resourcesOf(manifest: Table): Resources {
  const table = manifest.table('resources').only(keys);
  return {
    cpuMs: quotaOf(table),
    fuel: flowOf(table, 'fuel', 'count', fuelBounds),
    disk: flowOf(table, 'disk', 'bytes', bytesBounds),
    network: flowOf(table, 'network', 'bytes', bytesBounds),
    connectionsMax: table.has('connections')
      ? table.quantity('connections', 'count', connectionsBounds, 0)
      : undefined,
    violation: table.choice('violation', ['log', 'throttle', 'suspend', 'kill'], noResources.violation),
    violationsMax: table.quantity('violations', 'count', violationsBounds, noResources.violationsMax),
  };
}

/** `cpu-quota = 0.5`: a half of one core; what it did not use in one second it may use in the next. */
function quotaOf(table: Table): Flow | undefined {
  const value = table.value('cpu-quota');
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= quotaMin && value <= 1))
    throw table.wrong('cpu-quota', `a share of one core between ${quotaMin} and 1, such as 0.5`);
  return { perSecond: value * msPerSecond, burst: value * msPerSecond };
}

function flowOf(
  table: Table,
  name: string,
  quantity: 'count' | 'bytes',
  bounds: { readonly min: number; readonly max: number },
): Flow | undefined {
  const [rate, burst] = [`${name}-per-second`, `${name}-burst`];
  if (!table.has(rate)) {
    if (table.has(burst)) throw table.wrong(burst, `beside ${rate}, which says how fast it comes back`);
    return undefined;
  }
  const perSecond = table.quantity(rate, quantity, bounds, 0);
  return { perSecond, burst: table.quantity(burst, quantity, bounds, perSecond) };
}
