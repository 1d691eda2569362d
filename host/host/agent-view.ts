import { importsOf } from '../agent/difference.ts';
import type { AgentReport } from '../agent/population.ts';
import type { AgentRecord } from '../agent/registry.ts';
import type { AgentDetail, AgentState, AgentSummary } from './serving.ts';

function stateOf(report: AgentReport | undefined): AgentState {
  switch (report?.phase) {
    case undefined:
      return 'failed';
    case 'launching':
      return 'starting';
    case 'busy':
      return 'running';
    case 'waiting':
    case 'parked':
      return 'waiting';
    case 'leaving':
    case 'hibernated':
      return 'hibernated';
    case 'absent':
      return 'ready';
    case 'held':
    case 'stopped':
    case 'idle':
    case 'cold':
      return report.phase;
  }
}

/** One agent as lists show it; without a report its thread is gone for the moment. */
export function summaryOf(record: AgentRecord, report: AgentReport | undefined): AgentSummary {
  const { facts } = record.spec.program;
  return {
    name: record.name,
    state: stateOf(report),
    digest: facts.digest,
    world: record.spec.manifest.world ?? facts.main.kind,
    thread: record.thread,
    mailboxDepth: report?.mailboxDepth ?? 0,
    handled: report?.handled ?? 0,
    failed: report?.failed ?? 0,
    memoryBytes: report?.memoryBytes ?? 0,
    fuel: report?.fuel ?? 0n,
    route: record.spec.manifest.route,
  };
}

export function detailOf(record: AgentRecord, report: AgentReport | undefined): AgentDetail {
  const { origin, earlier, spec } = record;
  return {
    ...summaryOf(record, report),
    manifestPath: origin.manifestPath,
    manifest: origin.manifestText,
    imports: importsOf(spec),
    installedAtMs: origin.installedAtMs,
    earlier,
    subscriptions: report?.subscriptions ?? [],
    lastError: report?.lastError,
  };
}
