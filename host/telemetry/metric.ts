/** One number, or one for each set of labels, as Prometheus has it. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Appended to the name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}
