import { plainText } from '../../errors.ts';
import { threadsText, waitText } from '../agent-table.ts';
import { grouped, short, span } from '../client/amount.ts';
import { formatTable } from '../client/table.ts';
import { formatBytes } from '../report.ts';
import { type AgentSample, agentsMax, type Sample, type ThreadSample } from './sampler.ts';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

const threadColumns = [
  ...['THREAD', 'AGENTS', 'ACTIVE', 'QUEUED', 'MSG/S', 'FUEL/S', 'SLICES/S', 'PREEMPTED/S', 'LATE'],
  ...['MEMORIES', 'HEAP', 'BUSY'],
].map((title) => ({ title, isNumber: true }));
const agentColumns = [
  { title: 'AGENT' },
  { title: 'STATE' },
  ...[
    'LEVEL',
    'THREAD',
    'WAIT',
    'WAITING',
    'MSG/S',
    'FUEL/S',
    'MS/MSG',
    'CPU',
    'HANDLED',
    'FAILED',
    'MEMORY',
  ].map((title) => ({
    title,
    isNumber: true,
  })),
];
/** At least so many agents are shown beside however many threads. */
const agentRowsMin = 3;
/** Lines beside those of threads and agents: a head, two empty lines, two lines of titles. */
const otherRows = 5;

/** What one frame shows, no longer and no wider than `size`. */
export function frameLines(sample: Sample, size: FrameSize): string[] {
  const threadsMax = Math.max(1, size.rows - otherRows - agentRowsMin);
  const threads = sample.threads.slice(0, threadsMax);
  const agents = sample.agents.slice(0, Math.max(0, size.rows - otherRows - threads.length));
  const lines = [
    plainText(headOf(sample)).slice(0, size.columns),
    '',
    ...formatTable(threadColumns, threads.map(threadRow), size.columns),
    '',
    ...formatTable(agentColumns, agents.map(agentRow), size.columns),
  ];
  return lines.slice(0, size.rows);
}

/** Threads on which the policy of the settings failed, and who decides there. */
function fallenText(threads: readonly ThreadSample[]): string[] {
  const fallen = threads.filter(({ scheduling: { policy } }) => policy.inForce !== policy.policy);
  const [first] = fallen;
  if (first === undefined) return [];
  const { policy, inForce } = first.scheduling.policy;
  return [
    `policy ${policy} failed on thread ${fallen.map(({ thread }) => thread).join(', ')}: ${inForce} decides`,
  ];
}

function headOf({ status, nowMs, agents, threads, isPart }: Sample): string {
  const states = Object.entries(status.agents).filter(([, count]) => count > 0);
  const total = states.reduce((sum, [, count]) => sum + count, 0);
  const { live, max } = status.memories;
  return [
    `host ${status.version}, up ${span(nowMs - status.startedAtMs)}`,
    `${grouped(total)} ${total === 1 ? 'agent' : 'agents'}${states.length > 0 ? `: ${states.map(([state, count]) => `${grouped(count)} ${state}`).join(', ')}` : ''}`,
    `memories ${grouped(live)} of ${grouped(max)}`,
    `${grouped(status.deadLetters)} dead letters`,
    ...(status.stealing.moved > 0 ? [`${grouped(status.stealing.moved)} moved between threads`] : []),
    ...fallenText(threads),
    ...(isPart ? [`busiest of the first ${grouped(Math.min(agentsMax, agents.length))} by name`] : []),
  ].join(' · ');
}

function threadRow(thread: ThreadSample): string[] {
  return [
    String(thread.thread),
    grouped(thread.agents),
    grouped(thread.active),
    queuedText(thread.scheduling.queued),
    short(thread.handledPerSecond),
    short(thread.fuelPerSecond),
    short(thread.slicesPerSecond),
    short(thread.preemptionsPerSecond),
    `${thread.scheduling.latenessMs.toFixed(1)} ms`,
    grouped(thread.memories),
    formatBytes(thread.heapBytes),
    `${Math.round(thread.utilisation * 100)} %`,
  ];
}

/** `12`, or `12: 1 critical, 3 low` where somebody waits in another level than most. */
function queuedText(queued: Readonly<Record<string, number>>): string {
  const total = Object.values(queued).reduce((sum, count) => sum + count, 0);
  const others = Object.entries(queued).filter(([level, count]) => level !== 'normal' && count > 0);
  if (others.length === 0) return grouped(total);
  return `${grouped(total)}: ${others.map(([level, count]) => `${grouped(count)} ${level}`).join(', ')}`;
}

/** `high`, or `high ×4` for one of another weight than most. */
function levelText({ scheduling }: AgentSample): string {
  if (scheduling === undefined) return '';
  const { level, weight } = scheduling;
  return weight === 1 ? level : `${level} ×${weight}`;
}

function agentRow(agent: AgentSample): string[] {
  return [
    agent.name,
    agent.state,
    levelText(agent),
    threadsText(agent),
    waitText(agent.scheduling?.waitMs),
    grouped(agent.mailboxDepth),
    short(agent.handledPerSecond),
    short(agent.fuelPerSecond),
    agent.profile === undefined ? '' : agent.profile.executionMs.toFixed(2),
    agent.profile === undefined ? '' : `${Math.round(agent.profile.cpuIntensity * 100)} %`,
    grouped(agent.handled),
    grouped(agent.failed),
    formatBytes(agent.memoryBytes),
  ];
}
