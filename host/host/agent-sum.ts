import { lifecycleOfAll } from '../agent/parallel.ts';
import type { AgentReport } from '../agent/population.ts';
import { kindOf, type Profile } from '../scheduler/profile.ts';

type Reports = readonly (AgentReport | undefined)[];

/** What is known of an agent, by what is known of each of its instances; undefined: nobody is there who could tell. */
export function sumOf(reports: Reports): AgentReport | undefined {
  if (reports.length === 1) return reports[0];
  const there = reports.filter((report) => report !== undefined);
  const lifecycle = lifecycleOfAll(reports.map((report) => report?.lifecycle ?? 'unreachable'));
  // The others stand still because one is held.
  const lead =
    there.find(({ phase }) => phase === 'held') ??
    there.find((report) => report.lifecycle === lifecycle) ??
    there[0];
  if (lead === undefined) return undefined;
  const sum = (of: (report: AgentReport) => number): number =>
    there.reduce((total, report) => total + of(report), 0);
  return {
    ...lead,
    lifecycle,
    mailboxDepth: sum(({ mailboxDepth }) => mailboxDepth),
    handled: sum(({ handled }) => handled),
    failed: sum(({ failed }) => failed),
    losses: sum(({ losses }) => losses),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    fuel: there.reduce((total, { fuel }) => total + fuel, 0n),
    underWayMs: longest(there),
    lastError: there.find(({ lastError }) => lastError !== undefined)?.lastError,
    subscriptions: there.find(({ subscriptions }) => subscriptions.length > 0)?.subscriptions ?? [],
    ...profileOf(there),
    ...schedulingOf(there),
  };
}

function longest(reports: readonly AgentReport[]): number | undefined {
  const all = reports.map(({ underWayMs }) => underWayMs).filter((ms) => ms !== undefined);
  return all.length === 0 ? undefined : Math.max(...all);
}

/** Of those that have had messages, each counting by how many it has. */
function profileOf(reports: readonly AgentReport[]): Pick<AgentReport, 'profile'> {
  const profiles = reports.map(({ profile }) => profile).filter((profile) => profile !== undefined);
  const [first] = profiles;
  if (first === undefined) return {};
  const messagesPerSecond = profiles.reduce((total, profile) => total + profile.messagesPerSecond, 0);
  const mean = (of: (profile: Profile) => number): number =>
    messagesPerSecond === 0
      ? of(first)
      : profiles.reduce((total, profile) => total + of(profile) * profile.messagesPerSecond, 0) /
        messagesPerSecond;
  const cpuIntensity = mean((profile) => profile.cpuIntensity);
  return {
    profile: {
      executionMs: mean((profile) => profile.executionMs),
      messagesPerSecond,
      cpuIntensity,
      memoryBytes: profiles.reduce((total, profile) => total + profile.memoryBytes, 0),
      kind: kindOf(cpuIntensity),
    },
  };
}

function schedulingOf(reports: readonly AgentReport[]): Pick<AgentReport, 'turns' | 'waitMs'> {
  const waits = reports.map(({ waitMs }) => waitMs).filter((ms) => ms !== undefined);
  return {
    turns: reports.reduce((total, { turns = 0 }) => total + turns, 0),
    waitMs: waits.length === 0 ? undefined : waits.reduce((total, ms) => total + ms, 0) / waits.length,
  };
}
