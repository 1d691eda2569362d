import { type AuditSettings, auditKeys, auditSetting } from '../../config/audit-settings.ts';
import { HostError } from '../../errors.ts';
import { type AuditLevel, auditLevels } from '../../host/record/audit-level.ts';
import { nearest } from '../../nearest.ts';

/** Of `host serve`. */
export const auditOptions = {
  audit: { type: 'string' },
  'audit-retention': { type: 'string' },
  'audit-retention-size': { type: 'string' },
  'audit-segment-size': { type: 'string' },
  'audit-segment-age': { type: 'string' },
  'audit-clock-uncertainty': { type: 'string' },
  'audit-anchor': { type: 'string' },
  'audit-anchor-every': { type: 'string' },
} as const;

export type AuditFlags = { readonly [Flag in keyof typeof auditOptions]?: string | undefined };

export interface AuditAsked {
  readonly level: AuditLevel;
  readonly keeping: Omit<AuditSettings, 'level'>;
}

/**
 * What flags and settings file ask for together. A flag stands instead of the file's word, but for the level: there the
 * file says what is recorded at least.
 * @throws HostError `HOST_ERR_CLI_USAGE`, `HOST_ERR_LIMIT_INVALID`
 */
export function auditAsked(flags: AuditFlags, file: AuditSettings = {}, isProduction = false): AuditAsked {
  const { level: fileLevel, ...fromFile } = file;
  const least = fileLevel === undefined ? undefined : levelOf(fileLevel, '[audit] level');
  const level = flags.audit === undefined ? (least ?? 'security') : levelOf(flags.audit, '--audit');
  if (level === 'off' && isProduction)
    throw new HostError('HOST_ERR_CLI_USAGE', '--audit off and --production exclude each other');
  if (least !== undefined && auditLevels.indexOf(level) < auditLevels.indexOf(least))
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `--audit ${level}: the settings file asks for ${least} at least`,
    );
  const keeping = { ...fromFile, ...keepingOf(flags) };
  if (keeping.anchorMs !== undefined && keeping.anchorFile === undefined)
    throw new HostError('HOST_ERR_CLI_USAGE', '--audit-anchor-every needs --audit-anchor FILE');
  return { level, keeping };
}

function keepingOf(flags: AuditFlags): AuditSettings {
  let found: AuditSettings = {};
  for (const key of auditKeys) {
    const flag = `audit-${key}`;
    const text = (flags as Readonly<Record<string, string | undefined>>)[flag];
    if (text !== undefined) found = { ...found, ...auditSetting(key, text, `--${flag}`) };
  }
  return found;
}

function levelOf(text: string, source: string): AuditLevel {
  const level = auditLevels.find((one) => one === text);
  if (level !== undefined) return level;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${source}: no level '${text}'${nearest(text, auditLevels)}; there are ${auditLevels.join(', ')}`,
  );
}
