import { HostError } from './errors.ts';

/** What one agent may use, as totals over all its modules. Every limit is on by default. */
export interface Limits {
  /** Fuel units an invocation may burn (see `engine/meter/costs.ts`). */
  readonly fuelMax: bigint;
  /** Bytes of all linear memories together, and of structs, arrays and exceptions in the engine's heap. */
  readonly memoryBytesMax: number;
  /** Elements of all tables together. */
  readonly tableElementsMax: number;
  /** Wall-clock milliseconds from the start of an invocation to its end, waits included. */
  readonly deadlineMs: number;
  /** Bytes written to stdout, stderr and the log together. */
  readonly outputBytesMax: number;
  /** Files, directories and sockets open at once. */
  readonly openFilesMax: number;
}

/** A limit by its name. */
export type LimitName = keyof Limits;

/** What holds where nobody says otherwise. */
export const defaultLimits: Limits = {
  fuelMax: 100_000_000_000n,
  memoryBytesMax: 256 * 1024 * 1024,
  tableElementsMax: 1_000_000,
  deadlineMs: 60_000,
  outputBytesMax: 64 * 1024 * 1024,
  openFilesMax: 128,
};

/** How a person names and raises each limit. */
export const limitNotes: {
  readonly [name in LimitName]: {
    readonly title: string;
    readonly flag: string;
    readonly env: string;
    readonly unit: string;
  };
} = {
  fuelMax: { title: 'fuel', flag: '--fuel', env: 'HOST_FUEL', unit: 'units' },
  memoryBytesMax: { title: 'memory', flag: '--memory', env: 'HOST_MEMORY', unit: 'bytes' },
  tableElementsMax: { title: 'tables', flag: '--tables', env: 'HOST_TABLES', unit: 'elements' },
  deadlineMs: { title: 'deadline', flag: '--deadline', env: 'HOST_DEADLINE', unit: 'ms' },
  outputBytesMax: { title: 'output', flag: '--output', env: 'HOST_OUTPUT', unit: 'bytes' },
  openFilesMax: { title: 'open files', flag: '--files', env: 'HOST_FILES', unit: 'files' },
};

export const limitNames: readonly LimitName[] = Object.keys(limitNotes) as LimitName[];

/** The tighter of two sets of limits, limit by limit: limits narrow and never widen. */
export function intersect(a: Limits, b: Partial<Limits>): Limits {
  return {
    fuelMax: b.fuelMax !== undefined && b.fuelMax < a.fuelMax ? b.fuelMax : a.fuelMax,
    memoryBytesMax: tighter(a.memoryBytesMax, b.memoryBytesMax),
    tableElementsMax: tighter(a.tableElementsMax, b.tableElementsMax),
    deadlineMs: tighter(a.deadlineMs, b.deadlineMs),
    outputBytesMax: tighter(a.outputBytesMax, b.outputBytesMax),
    openFilesMax: tighter(a.openFilesMax, b.openFilesMax),
  };
}

function tighter(a: number, b: number | undefined): number {
  return b === undefined ? a : Math.min(a, b);
}

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
};
const countUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const timeUnits: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/**
 * Reads one limit as a person writes it: `1G` fuel, `64MiB`, `1.5s`; digits may be grouped with `_`.
 * @throws HostError `HOST_ERR_LIMIT_INVALID` naming the source and the accepted form
 */
export function parseLimit(name: LimitName, text: string, source: string): Partial<Limits> {
  if (name === 'fuelMax') return { fuelMax: BigInt(scaled(text, countUnits, source, '1000000, 500M, 2G')) };
  if (name === 'deadlineMs') return { deadlineMs: scaled(text, timeUnits, source, '500, 1.5s, 2m') };
  if (name === 'memoryBytesMax')
    return { memoryBytesMax: scaled(text, sizeUnits, source, '65536, 64MiB, 1GiB') };
  if (name === 'outputBytesMax') return { outputBytesMax: scaled(text, sizeUnits, source, '4096, 1MiB') };
  return { [name]: scaled(text, countUnits, source, '100, 10k') };
}

/** What a number counts: bare things, bytes, or milliseconds. */
export type Quantity = 'count' | 'bytes' | 'ms';

type UnitsAndWords = readonly [Readonly<Record<string, number>>, examples: string, what: string];

const quantities: Readonly<Record<Quantity, UnitsAndWords>> = {
  count: [countUnits, '100, 10k', 'a number'],
  bytes: [sizeUnits, '65536, 64KiB, 1MiB', 'a size'],
  ms: [timeUnits, '100ms, 1.5s, 2m', 'a time'],
};

/**
 * Reads a quantity as a person writes it, in the forms of `parseLimit`; whole, in its own unit.
 * @throws HostError `HOST_ERR_LIMIT_INVALID` naming the source and the accepted form
 */
export function parseQuantity(quantity: Quantity, text: string, source: string): number {
  const [units, examples, what] = quantities[quantity];
  return scaled(text, units, source, examples, what);
}

/**
 * What a time in a file must be, where it is a number alone: that would be milliseconds, and most people mean seconds.
 * Undefined: it has a unit, or is 0.
 */
export function timeFault(text: string): string | undefined {
  const bare = text.trim();
  if (!/^[0-9._]*[1-9][0-9._]*$/.test(bare)) return undefined;
  return `a time with its unit, such as "${bare}s" or "${bare}ms"; ${bare} has none`;
}

function scaled(
  text: string,
  units: Readonly<Record<string, number>>,
  source: string,
  examples: string,
  what = 'a limit',
): number {
  const match = /^([0-9][0-9_]*(?:\.[0-9]+)?)\s*([a-z]*)$/i.exec(text.trim());
  const scale = match === null ? undefined : units[(match[2] ?? '').toLowerCase()];
  const exact =
    match === null || scale === undefined ? Number.NaN : Number((match[1] ?? '').replaceAll('_', '')) * scale;
  // Half a thing is a mistake, where half a kilobyte or a second and a half may be meant.
  const value = units === countUnits && scale === 1 ? exact : Math.floor(exact);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new HostError(
      'HOST_ERR_LIMIT_INVALID',
      `${source}: '${text}' is not ${what}; write for example ${examples}`,
      { source, text },
    );
  }
  return value;
}

/** Limits as one source asks for them; `source` is how a person finds that source again: `--fuel`, `HOST_FUEL`, `agent.toml`. */
export interface LimitRequest {
  readonly limits: Partial<Limits>;
  readonly source: (name: LimitName) => string;
}

/** The limits in force, and for each the source that set it. */
export interface EffectiveLimits {
  readonly limits: Limits;
  readonly sources: { readonly [name in LimitName]: string };
}

/** Of all that was asked for, the tightest; what nobody asked for has its default. */
export function settleLimits(requests: readonly LimitRequest[]): EffectiveLimits {
  const limits: Record<string, bigint | number> = {};
  const sources: Partial<Record<LimitName, string>> = {};
  for (const name of limitNames) {
    const asked = requests.filter((request) => request.limits[name] !== undefined);
    const tightest = asked.reduce<LimitRequest | undefined>(
      (best, next) =>
        best === undefined || (next.limits[name] ?? 0) < (best.limits[name] ?? 0) ? next : best,
      undefined,
    );
    limits[name] = tightest?.limits[name] ?? defaultLimits[name];
    sources[name] = tightest?.source(name) ?? 'the default';
  }
  return { limits: { ...defaultLimits, ...limits }, sources: { ...defaultSources, ...sources } };
}

const defaultSources: EffectiveLimits['sources'] = {
  fuelMax: 'the default',
  memoryBytesMax: 'the default',
  tableElementsMax: 'the default',
  deadlineMs: 'the default',
  outputBytesMax: 'the default',
  openFilesMax: 'the default',
};
