import type { AuditPen } from '../../audit/pen.ts';
import type { Metric } from '../serving.ts';
import type { AuditBacklog } from '../thread/control.ts';

export function backlogOf(pen: AuditPen | undefined): AuditBacklog {
  return { pendingBytes: pen?.pendingBytes ?? 0, lagMs: pen?.lagMs ?? 0 };
}

interface Waiting {
  readonly thread: number;
  readonly backlog: AuditBacklog;
}

/** How far the audit chain is, and what waits for it on each thread. */
export function auditMetrics(events: number, waiting: readonly Waiting[]): readonly Metric[] {
  const perThread = (name: string, help: string, value: (backlog: AuditBacklog) => number): Metric => ({
    name,
    help,
    kind: 'gauge',
    samples: waiting.map(({ thread, backlog }) => ({
      labels: { thread: String(thread) },
      value: value(backlog),
    })),
  });
  return [
    {
      name: 'motehost_audit_events_total',
      help: 'Events on the audit chain, sealed and durable.',
      kind: 'counter',
      samples: [{ labels: {}, value: events }],
    },
    perThread(
      'motehost_audit_pending_bytes',
      'Events that are not durable yet.',
      (each) => each.pendingBytes,
    ),
    perThread(
      'motehost_audit_durable_lag_seconds',
      'For how long the oldest of them has waited.',
      (each) => each.lagMs / 1000,
    ),
  ];
}
