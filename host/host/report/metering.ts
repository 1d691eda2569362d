import type { Clock, Random } from '../../clock.ts';
import type { MetricsSettings } from '../../config/metrics.ts';
import { Residence, type ResidenceShare } from '../../engine/residence.ts';
import type { ExportLoop } from '../../telemetry/export/export-loop.ts';
import type { Reading } from '../../telemetry/export/exporter.ts';
import type { Metric } from '../../telemetry/metric.ts';
import type { MetricsSnapshot } from '../../telemetry/metrics-snapshot.ts';
import { Pressure, type PressureChange } from './pressure.ts';
import { ProcessMeter } from './process-meter.ts';
import { snapshotOf } from './snapshot.ts';
import { type HostView, type Looked, look, metricsOf } from './status.ts';

export interface MeteringOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** Agents the host has room for. */
  readonly agentsMax: number;
  /** When the host began, milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly view: () => Promise<HostView>;
  /** How full the fullest mailbox is, 0 to 1. */
  readonly fullest: () => number;
  readonly residence: () => ResidenceShare;
  /** The host has little left of something, or enough again. */
  readonly pressed: (change: PressureChange) => void;
  readonly say: (level: 'info' | 'warn', text: string) => void;
}

/** The numbers of a serving host: as metrics, as the founding snapshot, and on their way to where they are exported. */
export class Metering {
  readonly #options: MeteringOptions;
  readonly #process: ProcessMeter;
  #pressure: Pressure | undefined;
  #exports: ExportLoop | undefined;

  constructor(options: MeteringOptions) {
    this.#options = options;
    this.#process = new ProcessMeter(options.clock);
  }

  /** Looks from now on whether the host has enough of everything. */
  watch(): void {
    const { clock, fullest, residence, pressed } = this.#options;
    // One of its own: how much is used is told since the look before.
    const meter = new ProcessMeter(clock);
    this.#pressure = new Pressure({
      clock,
      changed: pressed,
      read: () => ({
        memory: memoryShare(residence()),
        cpu: meter.look().cpu_usage_percent / 100,
        mailbox: fullest(),
      }),
    });
  }

  async metrics(): Promise<readonly Metric[]> {
    const view = await this.#options.view();
    return this.#metrics(view, await look(view));
  }

  async snapshot(): Promise<MetricsSnapshot> {
    const view = await this.#options.view();
    return this.#snapshot(view, await look(view));
  }

  async #read(): Promise<Reading> {
    const view = await this.#options.view();
    const looked = await look(view);
    return { snapshot: this.#snapshot(view, looked), metrics: this.#metrics(view, looked) };
  }

  #snapshot(view: HostView, looked: readonly Looked[]): MetricsSnapshot {
    const { clock, agentsMax } = this.#options;
    const nowMs = Number(clock.wallNs() / 1_000_000n);
    return snapshotOf({ view, looked, system: this.#process.look(), nowMs, agentsMax });
  }

  #metrics(view: HostView, looked: readonly Looked[]): readonly Metric[] {
    const { residentBytes, cpuMs } = this.#process.look();
    return [
      ...metricsOf(view, looked),
      single('process_resident_memory_bytes', 'Memory the process has.', 'gauge', residentBytes),
      single('process_cpu_seconds_total', 'Processor time of all its threads.', 'counter', cpuMs / 1000),
      single('motehost_agents_max', 'Agents the host has room for.', 'gauge', this.#options.agentsMax),
      ...(this.#pressure?.metrics() ?? []),
      ...(this.#exports?.metrics() ?? []),
    ];
  }

  /** Exports from now on. The code for it is loaded only now: a host that exports nothing does without. */
  async export(settings: MetricsSettings): Promise<void> {
    const [{ createExporter }, { ExportLoop }] = await Promise.all([
      import('../../telemetry/export/create-exporter.ts'),
      import('../../telemetry/export/export-loop.ts'),
    ]);
    const { clock, random, version, startedAtMs, say } = this.#options;
    const startNs = BigInt(Math.floor(startedAtMs)) * 1_000_000n;
    const exporter = createExporter(settings, {
      ...{ clock, random, version, startNs },
      say: (text) => say('warn', text),
    });
    this.#exports = new ExportLoop({
      exporter,
      everyMs: settings.exportIntervalMs,
      clock,
      read: () => this.#read(),
      say,
    });
  }

  /** Exports a last time, if it does at all. */
  async close(): Promise<void> {
    this.#pressure?.close();
    await this.#exports?.close();
    this.#exports = undefined;
  }
}

/** Of bytes and of memories, whichever there is less of. */
function memoryShare(residence: ResidenceShare): number {
  const { memoriesMax, memoryBytesMax } = residence.bounds;
  const memories = Residence.memoriesOf(residence) / memoriesMax;
  return Math.max(memories, memoryBytesMax === undefined ? 0 : Residence.bytesOf(residence) / memoryBytesMax);
}

function single(name: string, help: string, kind: Metric['kind'], value: number): Metric {
  return { name, help, kind, samples: [{ labels: {}, value }] };
}
