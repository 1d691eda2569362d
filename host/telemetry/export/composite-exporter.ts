import { type ExportCounts, ExportTally, type MetricsExporter, type Reading } from './exporter.ts';

/**
 * Several exporters as one: each is asked, at once with the others, and what fails keeps none of them from their
 * part. A failure is told, and thrown only where there is one exporter alone.
 */
export class CompositeExporter implements MetricsExporter {
  readonly name = 'composite';
  readonly #exporters: readonly MetricsExporter[];
  readonly #failed: (exporter: string, error: unknown) => void;

  constructor(exporters: readonly MetricsExporter[], failed: (exporter: string, error: unknown) => void) {
    this.#exporters = exporters;
    this.#failed = failed;
  }

  get parts(): readonly MetricsExporter[] {
    return this.#exporters;
  }

  /** Those of all of them together. */
  get counts(): ExportCounts {
    const sum = new ExportTally();
    for (const { counts } of this.#exporters) {
      sum.exported += counts.exported;
      sum.failed += counts.failed;
      sum.retried += counts.retried;
      sum.droppedPoints += counts.droppedPoints;
    }
    return sum;
  }

  export(reading: Reading): Promise<void> {
    return this.#each((exporter) => exporter.export(reading));
  }

  shutdown(): Promise<void> {
    return this.#each((exporter) => exporter.shutdown());
  }

  async #each(act: (exporter: MetricsExporter) => Promise<void>): Promise<void> {
    const ended = await Promise.allSettled(this.#exporters.map(act));
    for (const [index, one] of ended.entries()) {
      if (one.status === 'fulfilled') continue;
      this.#failed(this.#exporters[index]?.name ?? '', one.reason);
      if (this.#exporters.length === 1) throw one.reason;
    }
  }
}
