import type { AgentSummary } from '../host/serving.ts';
import { grouped, short } from './client/amount.ts';
import { formatTable } from './client/table.ts';
import type { Wire } from './client/wire.ts';
import { formatBytes, formatMs } from './report.ts';

type Row = Wire<AgentSummary>;

interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  readonly isWide?: boolean;
  readonly text: (agent: Row) => string;
}

/** An older host says less. */
const columns: readonly Column[] = [
  { title: 'NAME', text: ({ name }) => name },
  { title: 'STATE', text: ({ state }) => state },
  { title: 'LIFE', text: ({ lifecycle }) => lifecycle ?? '' },
  { title: 'LEVEL', isWide: true, text: ({ scheduling }) => scheduling?.level ?? '' },
  {
    title: 'WEIGHT',
    isNumber: true,
    isWide: true,
    text: ({ scheduling }) => String(scheduling?.weight ?? ''),
  },
  { title: 'THREAD', isNumber: true, text: (agent) => threadsText(agent) },
  { title: 'TURNS', isNumber: true, isWide: true, text: ({ scheduling }) => short(scheduling?.turns ?? 0) },
  { title: 'SHARE', isNumber: true, isWide: true, text: ({ scheduling }) => shareText(scheduling?.share) },
  { title: 'WAIT', isNumber: true, isWide: true, text: ({ scheduling }) => waitText(scheduling?.waitMs) },
  { title: 'WAITING', isNumber: true, text: ({ mailboxDepth }) => grouped(mailboxDepth) },
  { title: 'HANDLED', isNumber: true, text: ({ handled }) => grouped(handled) },
  { title: 'FAILED', isNumber: true, text: ({ failed }) => grouped(failed) },
  { title: 'MEMORY', isNumber: true, text: ({ memoryBytes }) => formatBytes(memoryBytes) },
  { title: 'FUEL', isNumber: true, text: ({ fuel }) => short(Number(fuel)) },
  { title: 'ROUTE', text: ({ route }) => route ?? '' },
  { title: 'PARENT', isWide: true, text: ({ parent }) => parent ?? '' },
];

/** A line for each agent; `isWide`: with how they are scheduled. Titles come before the first page only. */
export function agentTable(agents: readonly Row[], hasTitles: boolean, isWide: boolean): string {
  if (agents.length === 0) return '';
  const shown = columns.filter((column) => isWide || column.isWide !== true);
  const lines = formatTable(
    shown,
    agents.map((agent) => shown.map(({ text }) => text(agent))),
  );
  return `${(hasTitles ? lines : lines.slice(1)).join('\n')}\n`;
}

/** `2`; of several instances `4 on 1,2`. */
export function threadsText({
  thread,
  threads,
  instances,
}: Pick<Row, 'thread' | 'threads' | 'instances'>): string {
  return (instances ?? 1) > 1 ? `${instances} on ${(threads ?? [thread]).join(',')}` : String(thread);
}

/** `on thread 2`; of several instances `4 instances on threads 1, 2`. */
export function placeText(row: Pick<Row, 'thread' | 'threads' | 'instances'>): string {
  const { thread, threads, instances = 1 } = row;
  return instances > 1
    ? `${instances} instances on threads ${(threads ?? [thread]).join(', ')}`
    : `on thread ${thread}`;
}

export function shareText(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(share * 100)} %`;
}

export function waitText(ms: number | null | undefined): string {
  return typeof ms === 'number' ? formatMs(ms) : '-';
}
