import type { Table } from './table.ts';

/**
 * What of this agent is put on the audit chain at least (docs/audit.md):
 * - `security`: its life, what it was denied, limits, traps
 * - `messages`: that, and its messages and invocations
 * - `all`: that, and every call of a host function
 */
export type AgentAuditLevel = 'security' | 'messages' | 'all';

/** What the host's own level asks for is recorded anyway. */
export interface AuditRules {
  readonly level: AgentAuditLevel;
}

/** @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function auditOf(manifest: Table): AuditRules {
  const table = manifest.table('audit').only(['level']);
  return { level: table.choice('level', ['security', 'messages', 'all'], 'security') };
}
