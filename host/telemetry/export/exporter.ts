import type { Metric } from '../metric.ts';
import type { MetricsSnapshot } from '../metrics-snapshot.ts';

/** What is exported at one moment. */
export interface Reading {
  readonly snapshot: MetricsSnapshot;
  /** Everything counted, as `/metrics` shows it. */
  readonly metrics: readonly Metric[];
}

/** What came of exports so far; nothing goes missing without being counted here. */
export interface ExportCounts {
  /** Exports that the destination took. */
  readonly exported: number;
  /** Exports that it did not take, or not in time. */
  readonly failed: number;
  /** Attempts beyond the first of each export. */
  readonly retried: number;
  /** Numbers that reached nobody: of failed exports, and those the destination refused of others. */
  readonly droppedPoints: number;
}

/** A place metrics are brought to. */
export interface MetricsExporter {
  /** For people and labels: `file`, `otlp`. */
  readonly name: string;
  readonly counts: ExportCounts;
  /** @throws HostError `HOST_ERR_METRICS_EXPORT`, `HOST_ERR_METRICS_IO` */
  export(reading: Reading): Promise<void>;
  /** Lets go of everything; nothing is exported after it. @throws HostError `HOST_ERR_METRICS_SHUTDOWN` */
  shutdown(): Promise<void>;
}

/** Counts as they are counted. */
export class ExportTally implements ExportCounts {
  exported = 0;
  failed = 0;
  retried = 0;
  droppedPoints = 0;
}
