import { importsOf } from '../agent/difference.ts';
import type { AgentReport } from '../agent/population.ts';
import type { AgentRecord } from '../agent/registry.ts';
import type { TriggerStatus } from '../agent/triggers/triggers.ts';
import { httpExportOf } from '../engine/engine.ts';
import type { Trigger } from '../manifest.ts';
import { type Level, levels, termsOfManifest } from '../scheduler/level.ts';
import { type Profile, Profiles } from '../scheduler/profile.ts';
import type {
  AgentDetail,
  AgentProfile,
  AgentScheduling,
  AgentState,
  AgentSummary,
  AgentTrigger,
} from './serving.ts';

/** All instances of an agent: one, unless it is parallel. */
export type Members = readonly [AgentRecord, ...AgentRecord[]];

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
    case 'down':
      return 'stopped';
    case 'held':
    case 'paused':
    case 'stopped':
    case 'idle':
    case 'cold':
      return report.phase;
  }
}

/** One agent as lists show it; without a report its thread is gone for the moment. */
export function summaryOf(
  members: Members,
  report: AgentReport | undefined,
  parent: string | undefined,
): AgentSummary {
  const [record] = members;
  const { facts } = record.spec.program;
  return {
    name: record.name,
    state: stateOf(report),
    lifecycle: report?.lifecycle ?? 'unreachable',
    digest: facts.digest,
    world: record.spec.manifest.world ?? (httpExportOf(facts.main) === undefined ? facts.main.kind : 'http'),
    thread: record.thread,
    threads: [...new Set(members.map(({ thread }) => thread))].sort((one, other) => one - other),
    instances: members.length,
    mailboxDepth: report?.mailboxDepth ?? 0,
    handled: report?.handled ?? 0,
    failed: report?.failed ?? 0,
    memoryBytes: report?.memoryBytes ?? 0,
    fuel: report?.fuel ?? 0n,
    route: record.spec.manifest.route,
    parent,
    profile: profileOf(report?.profile),
    scheduling: schedulingOf(record, report),
  };
}

function schedulingOf({ spec }: AgentRecord, report: AgentReport | undefined): AgentScheduling {
  const { level = 0, weight = 1 } = termsOfManifest(spec.manifest.scheduling);
  const { executionMs, messagesPerSecond } = profileOf(report?.profile);
  return {
    level: levels[level] as Level,
    weight,
    turns: report?.turns ?? 0,
    share: Math.min(1, (executionMs * messagesPerSecond) / 1000),
    waitMs: report?.waitMs,
  };
}

/** Of one nobody has seen at work, what is assumed of such. */
function profileOf(profile: Profile = new Profiles().of(0, 0)): AgentProfile {
  const { executionMs, messagesPerSecond, cpuIntensity, kind } = profile;
  return { executionMs, messagesPerSecond, cpuIntensity, kind };
}

export function detailOf(
  members: Members,
  report: AgentReport | undefined,
  due: readonly TriggerStatus[],
  { parent, children }: Pick<AgentDetail, 'parent' | 'children'>,
): AgentDetail {
  const { origin, earlier, spec } = members[0];
  return {
    ...summaryOf(members, report, parent),
    children,
    manifestPath: origin.manifestPath,
    manifest: origin.manifestText,
    imports: importsOf(spec),
    installedAtMs: origin.installedAtMs,
    signedBy: origin.signedBy,
    earlier,
    subscriptions: report?.subscriptions ?? [],
    triggers: spec.manifest.triggers.map((trigger, index) => triggerOf(trigger, due[index]?.nextMs)),
    underWayMs: report?.underWayMs,
    lastError: report?.lastError,
    losses: report?.losses ?? 0,
    circuit: report?.circuit,
    isReady: report?.isReady,
  };
}

function triggerOf({ name, occasion }: Trigger, nextMs: number | undefined): AgentTrigger {
  const { cron, zone } = occasion.kind === 'cron' ? occasion : { cron: undefined, zone: undefined };
  const atMs = occasion.kind === 'at' ? occasion.atMs : undefined;
  const everyMs = occasion.kind === 'every' ? occasion.everyMs : undefined;
  const subject = occasion.kind === 'subject' ? occasion.pattern : undefined;
  return { name, cron, zone, everyMs, atMs, subject, nextMs };
}
