import { HostError } from '../errors.ts';
import { parseQuantity } from '../limits.ts';
import { nearest } from '../nearest.ts';

/** How a host keeps its audit chain; what is left out is as the host does by default (docs/audit.md). */
export interface AuditSettings {
  readonly level?: string;
  /** Segments whose last event is older are deleted. */
  readonly retentionMsMax?: number;
  /** Bytes of all segments, beyond which the oldest are deleted. */
  readonly retentionBytesMax?: number;
  readonly segmentBytesMax?: number;
  readonly segmentMsMax?: number;
  /** How far off the wall clock may be, as its owner knows. */
  readonly uncertaintyMs?: number;
  /** A file elsewhere that the last seal is added to, now and then. */
  readonly anchorFile?: string;
  readonly anchorMs?: number;
}

type Name = keyof AuditSettings;

interface Setting {
  readonly name: Name;
  readonly quantity: 'text' | 'bytes' | 'ms';
  readonly min: number;
  readonly max: number;
}

const dayMs = 86_400_000;
const yearsMs = 100 * 366 * dayMs;

/** By their keys in the settings file; as flags they are `--audit-KEY`. */
const settings: Readonly<Record<string, Setting>> = {
  level: { name: 'level', quantity: 'text', min: 0, max: 0 },
  retention: { name: 'retentionMsMax', quantity: 'ms', min: 60_000, max: yearsMs },
  'retention-size': { name: 'retentionBytesMax', quantity: 'bytes', min: 4096, max: 2 ** 50 },
  'segment-size': { name: 'segmentBytesMax', quantity: 'bytes', min: 4096, max: 2 ** 40 },
  'segment-age': { name: 'segmentMsMax', quantity: 'ms', min: 1000, max: yearsMs },
  'clock-uncertainty': { name: 'uncertaintyMs', quantity: 'ms', min: 0, max: dayMs },
  anchor: { name: 'anchorFile', quantity: 'text', min: 0, max: 0 },
  'anchor-every': { name: 'anchorMs', quantity: 'ms', min: 100, max: dayMs },
};

export const auditKeys: readonly string[] = Object.keys(settings);

/** One setting as a person writes it: `90d`, `10GiB`. @throws HostError `HOST_ERR_LIMIT_INVALID` naming the source */
export function auditSetting(key: string, text: string, source: string): AuditSettings {
  const setting = settings[key];
  if (setting === undefined) throw new Error(`bug: there is no audit setting '${key}'`);
  if (setting.quantity === 'text') return { [setting.name]: text };
  const value = quantityOf(setting, text, source);
  if (value >= setting.min && value <= setting.max) return { [setting.name]: value };
  const { min, max, quantity } = setting;
  throw new HostError(
    'HOST_ERR_LIMIT_INVALID',
    `${source}: '${text}' is out of range; it may be ${min} to ${max} ${quantity}`,
    { source, text },
  );
}

/** Records are kept for longer than anything else of the host lives: in days, too. */
function quantityOf({ quantity }: Setting, text: string, source: string): number {
  const days = quantity === 'ms' ? /^(\d{1,6})\s*d$/i.exec(text.trim()) : null;
  if (days !== null) return Number(days[1]) * dayMs;
  return parseQuantity(quantity === 'ms' ? 'ms' : 'bytes', text, source);
}

/**
 * Reads an `[audit]` table: the flags without `--audit-`.
 * @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID`, naming file and key
 */
export function auditOfTable(table: unknown, path: string): AuditSettings {
  if (typeof table !== 'object' || table === null || Array.isArray(table))
    throw new HostError('HOST_ERR_CONFIG_INVALID', `${path}: 'audit' must be a table`, { path });
  let found: AuditSettings = {};
  for (const [key, value] of Object.entries(table)) {
    if (!auditKeys.includes(key))
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${path}: unknown key 'audit.${key}'${nearest(key, auditKeys)}; the keys of [audit] are: ${auditKeys.join(', ')}`,
        { path, key },
      );
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${path}: audit.${key} must be a text such as "90d" or "1GiB"`,
        { path, key },
      );
    found = { ...found, ...auditSetting(key, String(value), `${path}: audit.${key}`) };
  }
  return found;
}
