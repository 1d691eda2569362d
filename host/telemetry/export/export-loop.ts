import type { Clock } from '../../clock.ts';
import type { Metric } from '../metric.ts';
import { CompositeExporter } from './composite-exporter.ts';
import type { MetricsExporter, Reading } from './exporter.ts';

export interface ExportLoopOptions {
  readonly exporter: MetricsExporter;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly read: () => Promise<Reading>;
  /** Tells the operator of an export that failed; once until one works again. */
  readonly say: (level: 'info' | 'warn', text: string) => void;
}

/** Milliseconds for the last export, when the host ends. */
const lastMsMax = 2_000;

/** Exports every so often, one at a time: while one is on its way the next is left out, and counted. */
export class ExportLoop {
  readonly #options: ExportLoopOptions;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;
  #skipped = 0;
  #hasFailed = false;

  constructor(options: ExportLoopOptions) {
    this.#options = options;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { clock, everyMs } = this.#options;
    for (;;) {
      await clock.sleep(everyMs, this.#end.signal).catch(() => {});
      if (this.#end.signal.aborted) return;
      if (this.#running === undefined) void this.export();
      else this.#skipped += 1;
    }
  }

  /** Exports now; resolves when that is done, whatever came of it. Never rejects. */
  export(): Promise<void> {
    this.#running ??= this.#export().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #export(): Promise<void> {
    const { exporter, read, say } = this.#options;
    try {
      await exporter.export(await read());
      if (this.#hasFailed) say('info', 'metrics are exported again');
      this.#hasFailed = false;
    } catch (thrown) {
      if (!this.#hasFailed) say('warn', thrown instanceof Error ? thrown.message : String(thrown));
      this.#hasFailed = true;
    }
  }

  /** Exports once more, and lets go of the exporters; waits for neither for long. */
  async close(): Promise<void> {
    this.#end.abort();
    const { clock, exporter } = this.#options;
    const late = new AbortController();
    const last = this.#running === undefined ? this.export() : this.#running.then(() => this.export());
    await Promise.race([last, clock.sleep(lastMsMax, late.signal).catch(() => {})]);
    late.abort();
    await exporter.shutdown().catch(() => {});
  }

  /** What came of exports, for `/metrics`. */
  metrics(): readonly Metric[] {
    const { exporter } = this.#options;
    const parts = exporter instanceof CompositeExporter ? exporter.parts : [exporter];
    const samples = parts.flatMap(({ name, counts }) => [
      { labels: { exporter: name, result: 'exported' }, value: counts.exported },
      { labels: { exporter: name, result: 'failed' }, value: counts.failed },
    ]);
    const skipped = { labels: { exporter: 'all', result: 'skipped' }, value: this.#skipped };
    const each = (name: string, help: string, value: (part: MetricsExporter) => number): Metric => ({
      name,
      help,
      kind: 'counter',
      samples: parts.map((part) => ({ labels: { exporter: part.name }, value: value(part) })),
    });
    return [
      {
        name: 'motehost_metrics_exports_total',
        help: 'Exports of metrics, by what came of them.',
        kind: 'counter',
        samples: [...samples, skipped],
      },
      each('motehost_metrics_retries_total', 'Exports that were tried again.', (part) => part.counts.retried),
      each(
        'motehost_metrics_dropped_points_total',
        'Numbers that reached nobody.',
        (part) => part.counts.droppedPoints,
      ),
    ];
  }
}
