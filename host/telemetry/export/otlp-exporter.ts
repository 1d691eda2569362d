import type { Clock, Random } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { ExportTally, type MetricsExporter, type Reading } from './exporter.ts';
import { type OtlpRequest, pointsOf, scopesOf } from './otlp-model.ts';
import { type OtlpAnswer, type OtlpTransport, refused } from './otlp-transport.ts';

export interface OtlpExporterOptions {
  readonly transport: OtlpTransport;
  /** Where it goes, for people: without what its headers say. */
  readonly place: string;
  /** `service.name`, `service.namespace`, …. */
  readonly resource: Readonly<Record<string, string>>;
  /** Of the host. */
  readonly version: string;
  /** Since when totals count, nanoseconds since 1970. */
  readonly startNs: bigint;
  /** For one export, with all its attempts and the pauses between. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** What a collector did not take of an export that it took otherwise. */
  readonly rejected?: (points: number, message: string) => void;
}

const attemptsMax = 5;
const pauseMsFirst = 1_000;
const pauseMsMax = 5_000;
const pauseFactor = 1.5;
/** A pause is this much shorter or longer, by chance: hosts that failed together do not come back together. */
const jitter = 0.2;

/**
 * Brings metrics to an OpenTelemetry collector. What may be taken later is sent again, some times and within the
 * export's time; what was not taken then is dropped and counted. Totals are cumulative, so the next export makes up for it.
 */
export class OtlpExporter implements MetricsExporter {
  readonly name = 'otlp';
  readonly counts: ExportTally = new ExportTally();
  readonly #options: OtlpExporterOptions;
  readonly #end = new AbortController();

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  async export(reading: Reading): Promise<void> {
    const { resource, version, startNs, clock, rejected } = this.#options;
    const scopes = scopesOf(reading, version);
    const answer = await this.#send({ resource, startNs, atNs: clock.wallNs(), scopes });
    if (answer.kind === 'taken') {
      this.counts.exported += 1;
      this.counts.droppedPoints += answer.rejectedPoints;
      if (answer.rejectedPoints > 0) rejected?.(answer.rejectedPoints, answer.message);
      return;
    }
    this.counts.failed += 1;
    this.counts.droppedPoints += pointsOf(scopes);
    const { place } = this.#options;
    throw new HostError('HOST_ERR_METRICS_EXPORT', `metrics export failed: ${place}: ${answer.reason}`, {
      place,
    });
  }

  async #send(request: OtlpRequest): Promise<OtlpAnswer> {
    const { clock, timeoutMs, transport } = this.#options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    const late = new AbortController();
    const signal = AbortSignal.any([late.signal, this.#end.signal]);
    const done = new AbortController();
    clock.sleep(timeoutMs, done.signal).then(
      () => late.abort(new Error('it took too long')),
      () => {},
    );
    try {
      for (let attempt = 1; ; attempt += 1) {
        if (signal.aborted) return refused('the exporter was shut down', false);
        const answer = await transport.send(request, signal, untilMs - clock.monotonicMs());
        if (answer.kind === 'taken' || !answer.isRetryable || attempt === attemptsMax) return answer;
        const pauseMs = answer.retryAfterMs ?? this.#pauseMs(attempt);
        if (clock.monotonicMs() + pauseMs >= untilMs) return answer;
        await clock.sleep(pauseMs, signal).catch(() => {});
        this.counts.retried += 1;
      }
    } finally {
      done.abort();
    }
  }

  #pauseMs(attempt: number): number {
    const [byte = 0] = this.#options.random.fill(new Uint8Array(1));
    const straight = Math.min(pauseMsMax, pauseMsFirst * pauseFactor ** (attempt - 1));
    return straight * (1 - jitter + (2 * jitter * byte) / 255);
  }

  async shutdown(): Promise<void> {
    this.#end.abort(new Error('the exporter was shut down'));
  }
}
