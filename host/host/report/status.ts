import { lifecycleStates } from '../../agent/lifecycle.ts';
import type { Registry } from '../../agent/registry.ts';
import type { AuditPen } from '../../audit/pen.ts';
import type { Bus } from '../../bus/bus.ts';
import { Residence, type ResidenceShare } from '../../engine/residence.ts';
import { auditMetrics, backlogOf } from '../record/audit-metrics.ts';
import { moveMetrics, schedulerMetrics, threadScheduling } from '../scheduling/scheduler-metrics.ts';
import type { Metric, ServingStatus, SupervisorStatus, ThreadStatus } from '../serving.ts';
import type { ThreadReport } from '../thread/control.ts';
import type { MoveCounts } from '../thread/moves.ts';
import type { Threads } from '../thread/threads.ts';
import type { Totals } from './totals.ts';

/** What a report on a serving host is made from. */
export interface HostView {
  readonly threads: Threads;
  readonly registry: Registry;
  readonly residence: ResidenceShare;
  readonly bus: Bus;
  /** Counters of the main thread's journal. */
  readonly journalCounts: Readonly<Record<string, number>>;
  readonly startedAtMs: number;
  readonly supervisors: readonly SupervisorStatus[];
  /** Supervisors that gave up. */
  readonly escalations: number;
  readonly audit: { readonly pen: AuditPen | undefined; readonly events: number };
  /** Counters of threads, those of lost ones included. */
  readonly totals: Totals;
  /** Agents that went from thread to thread. */
  readonly moves: MoveCounts;
}

/** What one thread says of itself. */
export interface Looked {
  readonly thread: number;
  readonly report: ThreadReport;
  readonly heapBytes: number;
  readonly utilisation: number;
}

export async function look({ threads }: HostView): Promise<readonly Looked[]> {
  const found = await Promise.all(
    threads.numbers.map(async (thread): Promise<Looked | undefined> => {
      const handle = threads.handle(thread);
      if (handle === undefined) return undefined;
      const [report, usage] = await Promise.all([handle.call('status', undefined), handle.usage()]);
      return { thread, report, heapBytes: usage.heapBytes, utilisation: usage.utilization };
    }),
  );
  return found.filter((each) => each !== undefined);
}

const version = '0.1.0';

export async function statusOf(view: HostView): Promise<ServingStatus> {
  const looked = await look(view);
  const phase = (name: keyof ThreadReport['phases']): number =>
    looked.reduce((sum, { report }) => sum + (report.phases[name] ?? 0), 0);
  return {
    version,
    startedAtMs: view.startedAtMs,
    agents: {
      starting: phase('launching'),
      idle: phase('idle'),
      running: phase('busy'),
      waiting: phase('waiting') + phase('parked'),
      hibernated: phase('hibernated') + phase('leaving'),
      cold: phase('cold'),
      ready: phase('absent'),
      held: phase('held'),
      paused: phase('paused'),
      stopped: phase('stopped') + phase('down'),
      failed: 0,
    },
    lifecycle: livesOf(view, looked),
    memories: memoriesOf(view.residence),
    threads: looked.map(threadStatus),
    stealing: { ...view.moves },
    deadLetters: looked.reduce(
      (sum, { report }) => sum + (report.counts.deadLetters ?? 0),
      view.bus.counts.deadLetters,
    ),
  };
}

/** Those of whom no thread tells are out of reach for the moment. */
function livesOf({ registry }: HostView, looked: readonly Looked[]): ServingStatus['lifecycle'] {
  const counts = Object.fromEntries(lifecycleStates.map((state) => [state, 0]));
  for (const { report } of looked)
    for (const [state, count] of Object.entries(report.lives)) counts[state] = (counts[state] ?? 0) + count;
  const reached = looked.reduce((sum, { report }) => sum + report.agents, 0);
  return { ...counts, unreachable: Math.max(0, registry.instances - reached) } as ServingStatus['lifecycle'];
}

function memoriesOf(residence: ResidenceShare): { live: number; max: number } {
  return { live: Residence.memoriesOf(residence), max: residence.bounds.memoriesMax };
}

function threadStatus({ thread, report, heapBytes, utilisation }: Looked): ThreadStatus {
  const { agents, active, handled, fuel, phases } = report;
  const memories = (phases.idle ?? 0) + (phases.busy ?? 0) + (phases.waiting ?? 0);
  const scheduling = threadScheduling(report.scheduler);
  return { thread, agents, active, handled, fuel, memories, heapBytes, utilisation, scheduling };
}

/** Every counter of every thread, for Prometheus. */
export function metricsOf(view: HostView, looked: readonly Looked[]): readonly Metric[] {
  const { live, max } = memoriesOf(view.residence);
  const bytes = Residence.bytesOf(view.residence);
  const bytesMax = view.residence.bounds.memoryBytesMax ?? Number.POSITIVE_INFINITY;
  const perThread = (
    name: string,
    help: string,
    kind: Metric['kind'],
    value: (each: Looked) => number,
  ): Metric => ({
    name,
    help,
    kind,
    samples: looked.map((each) => {
      const now = value(each);
      const shown = kind === 'counter' ? view.totals.at(`${name} ${each.thread}`, now) : now;
      return { labels: { thread: String(each.thread) }, value: shown };
    }),
  });
  return [
    single('motehost_agents', 'Agents there are.', view.registry.size),
    single('motehost_memories', 'Linear memories of the process.', live),
    single('motehost_memories_max', 'Linear memories the process may have.', max),
    single('motehost_memory_bytes', 'Bytes of the linear memories of the process.', bytes),
    single('motehost_memory_bytes_max', 'Bytes they may have together.', bytesMax),
    perThread(
      'motehost_messages_handled_total',
      'Messages agents dealt with.',
      'counter',
      (each) => each.report.handled,
    ),
    perThread(
      'motehost_messages_failed_total',
      'Messages that ended otherwise than ok.',
      'counter',
      (each) => each.report.failed,
    ),
    perThread('motehost_fuel_total', 'Fuel agents burnt.', 'counter', (each) => Number(each.report.fuel)),
    violations(view, looked),
    perThread(
      'motehost_allocations_total',
      'Instances that came into memory.',
      'counter',
      (each) => each.report.allocations.count,
    ),
    perThread(
      'motehost_allocation_failures_total',
      'Instances that found no room or could not begin.',
      'counter',
      (each) => each.report.allocations.failures,
    ),
    perThread(
      'motehost_allocation_seconds_total',
      'What the others took to come into memory.',
      'counter',
      (each) => each.report.allocations.ms / 1000,
    ),
    perThread('motehost_calls_active', 'Calls under way.', 'gauge', (each) => each.report.active),
    perThread(
      'motehost_agents_queued',
      'Agents that wait for their turn.',
      'gauge',
      (each) => each.report.queued,
    ),
    perThread('motehost_thread_heap_bytes', 'JavaScript heap in use.', 'gauge', (each) => each.heapBytes),
    perThread(
      'motehost_thread_utilisation',
      'Share of time the thread was busy.',
      'gauge',
      (each) => each.utilisation,
    ),
    perThread(
      'motehost_warm_bytes',
      'Saved states of agents in the heap.',
      'gauge',
      (each) => each.report.warmBytes,
    ),
    perThread(
      'motehost_instances_lost_total',
      'Instances that agents lost to traps, limits and cancellations.',
      'counter',
      (each) => each.report.losses,
    ),
    perThread(
      'motehost_circuits_open',
      'Agents whose callers are turned away, all or most of them.',
      'gauge',
      (each) => each.report.circuitsOpen,
    ),
    perThread(
      'motehost_agents_unready',
      'Agents whose mail waits because they say that they are not ready.',
      'gauge',
      (each) => each.report.unready,
    ),
    ...supervisorMetrics(view),
    ...moveMetrics(view.moves),
    ...schedulerMetrics(looked.map(({ thread, report }) => ({ thread, report: report.scheduler }))),
    phases(looked),
    lives(livesOf(view, looked)),
    ...auditMetrics(view.audit.events, [
      { thread: 0, backlog: backlogOf(view.audit.pen) },
      ...looked.map(({ thread, report }) => ({ thread, backlog: report.audit })),
    ]),
    ...busCounts([
      { thread: 0, counts: { ...view.bus.counts, ...view.journalCounts } },
      ...looked.map(({ thread, report }) => ({ thread, counts: report.counts })),
    ]),
  ];
}

function supervisorMetrics({ supervisors, escalations }: HostView): readonly Metric[] {
  const of = (one: SupervisorStatus, value: number): Metric['samples'][number] => ({
    labels: { supervisor: one.name },
    value,
  });
  const restarts = (one: SupervisorStatus): number =>
    one.children.reduce((sum, child) => sum + child.restarts, 0);
  return [
    {
      name: 'motehost_supervisor_up',
      help: 'Whether a supervisor looks after its children, or gave up.',
      kind: 'gauge',
      samples: supervisors.map((one) => of(one, one.state === 'up' ? 1 : 0)),
    },
    {
      name: 'motehost_supervisor_restarts',
      help: 'Restarts of the children that a supervisor has now.',
      kind: 'gauge',
      samples: supervisors.map((one) => of(one, restarts(one))),
    },
    {
      name: 'motehost_supervisor_escalations_total',
      help: 'How often supervisors gave up.',
      kind: 'counter',
      samples: [{ labels: {}, value: escalations }],
    },
  ];
}

function single(name: string, help: string, value: number): Metric {
  return { name, help, kind: 'gauge', samples: [{ labels: {}, value }] };
}

/** Seconds in which agents wanted more than their `[resources]` say. */
function violations({ totals }: HostView, looked: readonly Looked[]): Metric {
  return {
    name: 'motehost_resource_violations_total',
    help: 'Seconds in which agents wanted more of something than they may.',
    kind: 'counter',
    samples: looked.flatMap(({ thread, report }) =>
      Object.entries(report.violations).map(([resource, count]) => ({
        labels: { thread: String(thread), resource },
        value: totals.at(`violations ${resource} ${thread}`, count),
      })),
    ),
  };
}

function phases(looked: readonly Looked[]): Metric {
  const samples = looked.flatMap(({ thread, report }) =>
    Object.entries(report.phases).map(([phase, value]) => ({
      labels: { thread: String(thread), phase },
      value,
    })),
  );
  return {
    name: 'motehost_agents_in_phase',
    help: 'Agents by where they are in their life.',
    kind: 'gauge',
    samples,
  };
}

function lives(counts: ServingStatus['lifecycle']): Metric {
  return {
    name: 'motehost_agents_in_state',
    help: 'Agents by their lifecycle state.',
    kind: 'gauge',
    samples: Object.entries(counts).map(([state, value]) => ({ labels: { state }, value })),
  };
}

function busCounts(
  threads: readonly { readonly thread: number; readonly counts: Readonly<Record<string, number>> }[],
): Metric[] {
  const names = [...new Set(threads.flatMap(({ counts }) => Object.keys(counts)))];
  return names.map((name) => ({
    name: `motehost_bus_${name.replace(/[A-Z]/g, (upper) => `_${upper.toLowerCase()}`)}`,
    help: `The bus: ${name}.`,
    kind: 'gauge',
    samples: threads.map(({ thread, counts }) => ({
      labels: { thread: String(thread) },
      value: counts[name] ?? 0,
    })),
  }));
}
