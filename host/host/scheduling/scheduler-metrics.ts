import type { DispatcherReport } from '../../agent/dispatcher.ts';
import { type Level, levels } from '../../scheduler/level.ts';
import type { Metric, ThreadScheduling } from '../serving.ts';
import type { MoveCounts } from '../thread/moves.ts';

export function threadScheduling(report: DispatcherReport): ThreadScheduling {
  const { policy, admission, queued, starts, slices, preemptions, aged, waits } = report;
  const looks = waits.reduce((sum, one) => sum + one.looks, 0);
  const sumMs = waits.reduce((sum, one) => sum + one.sumMs, 0);
  return {
    policy,
    admission,
    queued: byLevel(queued),
    starts,
    slices,
    preemptions,
    aged,
    latenessMs: looks === 0 ? 0 : sumMs / looks,
    latenessMsMax: Math.max(...waits.map(({ maxMs }) => maxMs)),
  };
}

function byLevel(values: readonly number[]): Readonly<Record<Level, number>> {
  return Object.fromEntries(levels.map((level, at) => [level, values[at] ?? 0])) as Record<Level, number>;
}

/** What each thread's scheduler counted. */
interface Looked {
  readonly thread: number;
  readonly report: DispatcherReport;
}

/** The schedulers of all threads, for Prometheus. */
export function schedulerMetrics(looked: readonly Looked[]): readonly Metric[] {
  const perThread = (name: string, help: string, value: (report: DispatcherReport) => number): Metric => ({
    name: `motehost_scheduler_${name}`,
    help,
    kind: 'counter',
    samples: looked.map(({ thread, report }) => ({
      labels: { thread: String(thread) },
      value: value(report),
    })),
  });
  const perLevel = (
    name: string,
    help: string,
    kind: Metric['kind'],
    value: (report: DispatcherReport, level: number) => number,
  ): Metric => ({
    name: `motehost_scheduler_${name}`,
    help,
    kind,
    samples: looked.flatMap(({ thread, report }) =>
      levels.map((level, at) => ({ labels: { thread: String(thread), level }, value: value(report, at) })),
    ),
  });
  return [
    perLevel('queued', 'Agents that wait for a turn.', 'gauge', ({ queued }, at) => queued[at] ?? 0),
    perThread('asked_total', 'Questions to the component of the policy.', ({ policy }) => policy.asked),
    {
      name: 'motehost_scheduler_fallback',
      help: '1: another policy decides, as the one of the settings failed.',
      kind: 'gauge',
      samples: looked.map(({ thread, report: { policy } }) => ({
        labels: { thread: String(thread), policy: policy.policy, in_force: policy.inForce },
        value: policy.inForce === policy.policy ? 0 : 1,
      })),
    },
    perThread('judged_total', 'Calls whose end was forecast.', ({ admission }) => admission.judged),
    perThread(
      'refused_total',
      'Those that would not have ended in time.',
      ({ admission }) => admission.refused,
    ),
    perThread('starts_total', 'Messages begun, and calls gone on with.', ({ starts }) => starts),
    perThread('slices_total', 'Fuel slices at whose end a guest gave way.', ({ slices }) => slices),
    perThread(
      'preemptions_total',
      'Those at which somebody else went first.',
      (report) => report.preemptions,
    ),
    perThread('aged_total', 'Turns of levels that had been passed over for long.', ({ aged }) => aged),
    perThread('passed_on_total', 'Turns of agents just written to.', ({ passedOn }) => passedOn),
    perLevel(
      'late_ms_sum',
      'Milliseconds that looked-at turns began late.',
      'counter',
      ({ waits }, at) => waits[at]?.sumMs ?? 0,
    ),
    perLevel('late_ms_count', 'Turns looked at.', 'counter', ({ waits }, at) => waits[at]?.looks ?? 0),
    perLevel('late_ms_max', 'The latest of them.', 'gauge', ({ waits }, at) => waits[at]?.maxMs ?? 0),
  ];
}

/** Agents that went from one thread to another. */
export function moveMetrics({ steals, moved, refused }: MoveCounts): readonly Metric[] {
  const one = (name: string, help: string, value: number): Metric => ({
    name: `motehost_scheduler_${name}`,
    help,
    kind: 'counter',
    samples: [{ labels: {}, value }],
  });
  return [
    one('steals_total', 'Times that a thread with nothing to do took agents of another one.', steals),
    one('moved_total', 'Agents that went to another thread so.', moved),
    one('move_refused_total', 'Agents that were to, and had begun something else meanwhile.', refused),
  ];
}
