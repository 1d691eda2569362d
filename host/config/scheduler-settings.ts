import { path as paths } from '../builtin.ts';
import { HostError } from '../errors.ts';
import { parseQuantity } from '../limits.ts';
import { type Level, levelNamed, levels } from '../manifest/scheduling.ts';
import { nearest } from '../nearest.ts';

/** How a host decides who of one level goes first. */
export const policyNames = [
  'fair-share',
  'round-robin',
  'first-come',
  'shortest-job',
  'weighted-fair-queueing',
  'earliest-deadline',
  'rate-based',
  'priority',
  'custom',
] as const;

export type PolicyName = (typeof policyNames)[number];

/** Who can decide in place of a component that failed. */
export type FallbackName = Exclude<PolicyName, 'custom'>;

export const fallbackDefault: FallbackName = 'fair-share';

/** Which thread an agent lives on. */
export const placementNames = ['balanced', 'first-fit', 'best-fit', 'priority'] as const;

export type PlacementName = (typeof placementNames)[number];

/** What becomes of a call that will not end in time: it waits all the same, or is refused at once. */
export const admissionNames = ['queue', 'predictive'] as const;

export type AdmissionName = (typeof admissionNames)[number];

/** `[scheduler]` of the settings file, and what a host is started with. */
export interface SchedulerSettings {
  /** Default `fair-share`. */
  readonly policy?: PolicyName;
  /** Milliseconds after which a level in which somebody waits has a turn, whoever waits before it. Default 10. */
  readonly agingMs?: number;
  /** Default `balanced`. */
  readonly placement?: PlacementName;
  /** The weights of agents that a thread has room for, where `placement` asks. Default 10,000. */
  readonly threadWeightMax?: number;
  /** Default `queue`. */
  readonly admission?: AdmissionName;
  /** The first level that the manifest of an agent may have or ask for. Default: any. */
  readonly priorityMax?: Level;
  /** Microseconds for which a thread without work looks for more before it sleeps; 0: it sleeps at once. Default 0. */
  readonly spinUsMax?: number;
  /** Of the policy `custom`: the path of a JavaScript module that exports `rank`; loaded by each thread. */
  readonly module?: string;
  /** Whether threads with nothing to do take agents that wait at others. Default true. */
  readonly stealing?: boolean;
  /** Milliseconds for which an agent that was taken is not taken again. Default 1,000. */
  readonly stealRestMs?: number;
  /** Of the policy `custom`, instead of `module`: the path of a component that exports `motehost:scheduling/policy`. */
  readonly component?: string;
  /** Who decides on a thread once that has failed there. Default `fair-share`. */
  readonly fallback?: FallbackName;
  /** Fuel of one question to the component. Default 100,000. */
  readonly scoreFuelMax?: bigint;
  /** Turns of an agent for which an answer holds, messages and slices. Default 8. */
  readonly scoreTurns?: number;
}

/** Default of `scoreFuelMax`: about ten microseconds. */
export const scoreFuelDefault = 100_000n;
const scoreFuelBounds = { min: 1_000, max: 2_000_000 };
const scoreTurnsBounds = { min: 1, max: 1_000 };

const keys: readonly string[] = [
  'policy',
  'aging',
  'placement',
  'thread-weight',
  'priority-max',
  'admission',
  'spin-max-us',
  'module',
  'stealing',
  'steal-rest',
  'component',
  'fallback',
  'score-fuel',
  'score-turns',
];
const agingMsMax = 60_000;
const stealRestMsMax = 3_600_000;
const spinUsMaxMax = 1_000;

/** @throws HostError `HOST_ERR_CONFIG_INVALID` naming `source` */
export function policyNamed(text: string, source: string): PolicyName {
  const name = policyNames.find((one) => one === text);
  if (name !== undefined) return name;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${source}: no policy '${text}'${nearest(text, policyNames)}; there are ${policyNames.join(', ')}`,
  );
}

/** What other places call `balanced`, and this one did. */
const balancedElsewhere: readonly string[] = ['least-loaded', 'worst-fit'];

/** @throws HostError `HOST_ERR_CONFIG_INVALID` naming `source` */
export function placementNamed(text: string, source: string): PlacementName {
  const name = placementNames.find((one) => one === text);
  if (name !== undefined) return name;
  const near = balancedElsewhere.includes(text)
    ? "; it is called 'balanced' here"
    : nearest(text, placementNames);
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${source}: no placement '${text}'${near}; there are ${placementNames.join(', ')}`,
  );
}

/**
 * Reads a `[scheduler]` table.
 * @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` naming file and key
 */
export function schedulerOfTable(table: unknown, path: string): SchedulerSettings {
  const wrong = (key: string, what: string): HostError =>
    new HostError('HOST_ERR_CONFIG_INVALID', `${path}: scheduler.${key} must be ${what}`, { path, key });
  if (typeof table !== 'object' || table === null || Array.isArray(table))
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${path}: 'scheduler' must be a table`, { path });
  const {
    policy,
    aging,
    placement,
    'thread-weight': threadWeight,
    'priority-max': priorityMax,
    admission,
    'spin-max-us': spinUsMax,
    module,
    stealing,
    'steal-rest': stealRest,
    component,
    fallback,
    'score-fuel': scoreFuel,
    'score-turns': scoreTurns,
  } = table as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(table))
    if (!keys.includes(key))
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${path}: unknown key 'scheduler.${key}'${key === 'allocation' ? '; it is placement' : nearest(key, keys)}; the keys are: ${keys.join(', ')}`,
        { path, key },
      );
  if (policy !== undefined && typeof policy !== 'string') throw wrong('policy', 'a text in quotes');
  if (module !== undefined && typeof module !== 'string') throw wrong('module', 'a path in quotes');
  if (component !== undefined && typeof component !== 'string') throw wrong('component', 'a path in quotes');
  const replacing = fallbackOf(fallback);
  if (fallback !== undefined && replacing === undefined)
    throw wrong('fallback', `one of ${policyNames.filter((name) => name !== 'custom').join(', ')}`);
  if (!isWithin(scoreFuel, scoreFuelBounds))
    throw wrong('score-fuel', 'a whole number from 1,000 to 2,000,000');
  if (!isWithin(scoreTurns, scoreTurnsBounds)) throw wrong('score-turns', 'a whole number from 1 to 1,000');
  if (aging !== undefined && typeof aging !== 'string') throw wrong('aging', 'a time such as "10ms"');
  const agingMs = aging === undefined ? undefined : parseQuantity('ms', aging, `${path}: scheduler.aging`);
  if (agingMs !== undefined && (agingMs < 1 || agingMs > agingMsMax)) throw wrong('aging', 'from 1ms to 60s');
  if (stealing !== undefined && typeof stealing !== 'boolean') throw wrong('stealing', 'true or false');
  if (stealRest !== undefined && typeof stealRest !== 'string')
    throw wrong('steal-rest', 'a time such as "1s"');
  const stealRestMs =
    stealRest === undefined ? undefined : parseQuantity('ms', stealRest, `${path}: scheduler.steal-rest`);
  if (stealRestMs !== undefined && (stealRestMs < 1 || stealRestMs > stealRestMsMax))
    throw wrong('steal-rest', 'from 1ms to 1h');
  const admitted = admissionNames.find((one) => one === admission);
  if (admission !== undefined && admitted === undefined)
    throw wrong('admission', `one of ${admissionNames.join(', ')}`);
  const ceiling = levelNamed(String(priorityMax));
  if (priorityMax !== undefined && ceiling === undefined)
    throw wrong('priority-max', `one of ${levels.join(', ')}`);
  if (placement !== undefined && typeof placement !== 'string') throw wrong('placement', 'a text in quotes');
  const isWeight = Number.isSafeInteger(threadWeight) && (threadWeight as number) > 0;
  if (threadWeight !== undefined && !isWeight) throw wrong('thread-weight', 'a whole number above 0');
  if (spinUsMax !== undefined && !isSpan(spinUsMax))
    throw wrong('spin-max-us', `a whole number from 0 to ${spinUsMaxMax}`);
  return {
    ...(admitted === undefined ? {} : { admission: admitted }),
    ...(isSpan(spinUsMax) ? { spinUsMax } : {}),
    ...(ceiling === undefined ? {} : { priorityMax: ceiling }),
    ...(placement === undefined
      ? {}
      : { placement: placementNamed(placement, `${path}: scheduler.placement`) }),
    ...(isWeight ? { threadWeightMax: threadWeight as number } : {}),
    ...(policy === undefined ? {} : { policy: policyNamed(policy, `${path}: scheduler.policy`) }),
    ...(agingMs === undefined ? {} : { agingMs }),
    ...(stealing === undefined ? {} : { stealing }),
    ...(stealRestMs === undefined ? {} : { stealRestMs }),
    ...(module === undefined ? {} : { module: paths.resolve(paths.dirname(path), module) }),
    ...(component === undefined ? {} : { component: paths.resolve(paths.dirname(path), component) }),
    ...(replacing === undefined ? {} : { fallback: replacing }),
    ...(scoreFuel === undefined ? {} : { scoreFuelMax: BigInt(scoreFuel as number) }),
    ...(scoreTurns === undefined ? {} : { scoreTurns: scoreTurns as number }),
  };
}

function fallbackOf(value: unknown): FallbackName | undefined {
  const name = policyNames.find((one) => one === value);
  return name === 'custom' ? undefined : name;
}

/** Whether a value is left out, or a whole number between these. */
function isWithin(value: unknown, { min, max }: { readonly min: number; readonly max: number }): boolean {
  return (
    value === undefined || (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
  );
}

/**
 * Whether what a custom policy is made of goes together.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` naming `source`
 */
export function requireCustom(
  { policy, module, component, ...rest }: SchedulerSettings,
  source: string,
): void {
  const wrong = (key: string, why: string): HostError =>
    new HostError('HOST_ERR_CONFIG_INVALID', `${source}: scheduler.${key} ${why}`, { path: source, key });
  for (const [key, value] of Object.entries({ module, component }))
    if (value !== undefined && policy !== 'custom')
      throw wrong(key, 'has no effect without policy = "custom": say so, or leave it out');
  if (module !== undefined && component !== undefined)
    throw wrong('module', 'and scheduler.component are two policies: leave one of them out');
  const own = { fallback: rest.fallback, 'score-fuel': rest.scoreFuelMax, 'score-turns': rest.scoreTurns };
  for (const [key, value] of Object.entries(own))
    if (value !== undefined && component === undefined)
      throw wrong(key, 'is for a component: set scheduler.component, or leave it out');
}

function isSpan(us: unknown): us is number {
  return typeof us === 'number' && Number.isSafeInteger(us) && us >= 0 && us <= spinUsMaxMax;
}
