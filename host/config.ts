import { fs, os, path as paths } from './builtin.ts';
import { type AuditSettings, auditOfTable } from './config/audit-settings.ts';
import { type SchedulerSettings, schedulerOfTable } from './config/scheduler-settings.ts';
import { HostError } from './errors.ts';
import {
  type LimitName,
  type LimitRequest,
  type Limits,
  limitNames,
  limitNotes,
  parseLimit,
  timeFault,
} from './limits.ts';
import { systemFault } from './system-fault.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What holds for every run on this machine; flags and manifests only narrow it. */
export interface Config {
  /** The file it came from, or undefined when there is none. */
  readonly path: string | undefined;
  readonly limits: Partial<Limits>;
  /** The `[metrics]` table as it stands there, for whoever exports metrics (`config/metrics.ts`). */
  readonly metrics?: unknown;
  /** How a serving host keeps its audit chain. */
  readonly audit?: AuditSettings;
  /** Who has the next turn on a serving host. */
  readonly scheduler?: SchedulerSettings;
}

/**
 * Where prepared modules are kept: `HOST_CACHE`, else the user's cache folder.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` for a `HOST_CACHE` that is empty
 */
export function cacheFolder(env: Environment): string {
  return (
    named('HOST_CACHE', env.HOST_CACHE) ?? paths.join(userFolder(env.XDG_CACHE_HOME, '.cache'), 'motehost')
  );
}

/**
 * What a flag or variable names: one that is there and empty is mostly a script's variable that was not set, and would
 * be taken for the folder the host is started in.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` naming it
 */
export function named(source: string, path: string | undefined): string | undefined {
  if (path !== '') return path;
  throw new HostError('HOST_ERR_CONFIG_INVALID', `${source} is empty: name a path, or leave it out`, {
    source,
  });
}

/** As the XDG base directory specification says: what is empty or relative is as if it were not there. */
function userFolder(path: string | undefined, otherwise: string): string {
  return path !== undefined && paths.isAbsolute(path) ? path : paths.join(os.homedir(), otherwise);
}

/**
 * Reads the configuration file: the one named, else `HOST_CONFIG`, else the user's own if it exists.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` for a named file, `HOST_ERR_CONFIG_INVALID` for its content
 */
export async function loadConfig(flag: string | undefined, env: Environment): Promise<Config> {
  const wanted = named('--config', flag) ?? named('HOST_CONFIG', env.HOST_CONFIG);
  const path = wanted ?? paths.join(userFolder(env.XDG_CONFIG_HOME, '.config'), 'motehost', 'config.toml');
  if (wanted === undefined && !fs.existsSync(path)) return { path: undefined, limits: {} };
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = systemFault(cause);
    const source = flag !== undefined ? '--config' : wanted !== undefined ? 'HOST_CONFIG' : 'settings';
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `${source}: cannot read ${path}: ${reason}`,
      { path },
      cause,
    );
  }
  return { path, ...(await parseConfig(text, path)) };
}

async function parseConfig(text: string, path: string): Promise<Omit<Config, 'path'>> {
  const { parse } = await import('smol-toml');
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${path}: ${reason}`, { path }, cause);
  }
  for (const key of Object.keys(table)) {
    if (!keys.includes(key))
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${path}: unknown key '${key}'; the keys are: ${keys.join(', ')}`,
        { path, key },
      );
  }
  const { metrics } = table;
  const limits = limitsOfTable(table.limits ?? {}, path);
  return {
    limits,
    metrics,
    ...(table.audit === undefined ? {} : { audit: auditOfTable(table.audit, path) }),
    ...(table.scheduler === undefined ? {} : { scheduler: schedulerOfTable(table.scheduler, path) }),
  };
}

const keys: readonly string[] = ['limits', 'audit', 'metrics', 'scheduler'];

const limitExamples: Readonly<Record<LimitName, string>> = {
  fuelMax: '1G',
  memoryBytesMax: '64MiB',
  tableElementsMax: '10k',
  deadlineMs: '30s',
  outputBytesMax: '1MiB',
  openFilesMax: '100',
};

/** The keys of a `[limits]` table: the flags without their dashes. */
export const limitKeys: Readonly<Record<string, LimitName>> = Object.fromEntries(
  limitNames.map((name) => [limitNotes[name].flag.slice(2), name]),
);

/**
 * Reads a `[limits]` table: keys `fuel`, `memory`, …; values numbers or texts as flags take them.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` or `HOST_ERR_LIMIT_INVALID`, naming file and key
 */
export function limitsOfTable(table: unknown, path: string): Partial<Limits> {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${path}: 'limits' must be a table`, { path });
  }
  let limits: Partial<Limits> = {};
  for (const [key, value] of Object.entries(table)) {
    const name = Object.hasOwn(limitKeys, key) ? limitKeys[key] : undefined;
    if (name === undefined) {
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${path}: unknown limit '${key}'; the limits are: ${Object.keys(limitKeys).join(', ')}`,
        { path, key },
      );
    }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${path}: limits.${key} must be a number or a text such as "${limitExamples[name]}"`,
        { path, key },
      );
    }
    const fault = name === 'deadlineMs' ? timeFault(String(value)) : undefined;
    if (fault !== undefined)
      throw new HostError('HOST_ERR_CONFIG_INVALID', `${path}: limits.${key} must be ${fault}`, {
        path,
        key,
      });
    limits = { ...limits, ...parseLimit(name, String(value), `${path}: limits.${key}`) };
  }
  return limits;
}

/** What the environment (`HOST_FUEL`, …) asks for. */
export function limitsOfEnvironment(env: Environment): LimitRequest {
  let limits: Partial<Limits> = {};
  for (const name of limitNames) {
    const text = env[limitNotes[name].env];
    if (text !== undefined) limits = { ...limits, ...parseLimit(name, text, limitNotes[name].env) };
  }
  return { limits, source: (name) => limitNotes[name].env };
}
