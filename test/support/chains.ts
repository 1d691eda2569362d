import { join } from 'node:path';
import { type AuditEvent, namedFields } from '../../host/audit/event.ts';
import type { EventFilter } from '../../host/audit/filter.ts';
import { kindOf } from '../../host/audit/kinds.ts';
import { queryChain } from '../../host/audit/query.ts';

/** What a host's chain has. */
export async function eventsOf(stateFolder: string, filter: EventFilter = {}): Promise<AuditEvent[]> {
  return Array.fromAsync(queryChain(join(stateFolder, 'audit'), filter));
}

/** Events of these kinds, with their fields by name. */
export async function told(stateFolder: string, ...names: readonly string[]): Promise<Told[]> {
  const kinds = names.map((name) => kindOf(name) ?? 0);
  const events = await eventsOf(stateFolder, { kinds });
  return events.map((event) => ({
    ...namedFields(event),
    name: event.name,
    agent: event.agent,
    principal: event.principal,
  }));
}

export type Told = Readonly<Record<string, unknown>>;
