import type { Clock, Random } from '../../clock.ts';
import type { MetricsSettings, OtlpSettings } from '../../config/metrics.ts';
import { HostError } from '../../errors.ts';
import { CompositeExporter } from './composite-exporter.ts';
import type { MetricsExporter } from './exporter.ts';
import { FileExporter } from './file-exporter.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import { OtlpGrpc } from './otlp-grpc.ts';
import { OtlpHttp } from './otlp-http.ts';
import type { OtlpTransport } from './otlp-transport.ts';

export interface ExporterSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the host. */
  readonly version: string;
  /** When it began, nanoseconds since 1970. */
  readonly startNs: bigint;
  /** Tells the operator. */
  readonly say: (text: string) => void;
}

/**
 * The exporters that are asked for: file first, then OTLP; one alone as it is, several as a composite.
 * @throws HostError `HOST_ERR_METRICS_CONFIG` where none is
 */
export function createExporter(settings: MetricsSettings, around: ExporterSurroundings): MetricsExporter {
  const { file, otlp } = settings;
  const exporters: MetricsExporter[] = [];
  if (file !== undefined)
    exporters.push(
      new FileExporter({ path: file.path, isPretty: file.prettyPrint, earlierMax: file.earlierMax }),
    );
  if (otlp !== undefined) exporters.push(otlpExporter(settings, otlp, around));
  const [first, ...more] = exporters;
  if (first === undefined)
    throw new HostError(
      'HOST_ERR_METRICS_CONFIG',
      'metrics configuration error: No metrics exporters configured (enable at least `file` or `otlp`)',
    );
  if (more.length === 0) return first;
  return new CompositeExporter(exporters, (name, error) =>
    around.say(`metrics did not go to ${name}: ${error instanceof Error ? error.message : String(error)}`),
  );
}

function otlpExporter(
  { serviceName, serviceNamespace, attributes }: MetricsSettings,
  otlp: OtlpSettings,
  { clock, random, version, startNs, say }: ExporterSurroundings,
): OtlpExporter {
  const url = targetOf(otlp);
  const place = `${url.origin}${url.pathname === '/' ? '' : url.pathname}`;
  return new OtlpExporter({
    transport: transportOf(otlp, url),
    place,
    resource: { ...attributes, 'service.name': serviceName, 'service.namespace': serviceNamespace },
    version,
    startNs,
    timeoutMs: otlp.timeoutMs,
    clock,
    random,
    rejected: (points, message) => say(`${place} did not take ${points} of the metrics: ${message}`),
  });
}

function transportOf({ protocol, headers }: OtlpSettings, url: URL): OtlpTransport {
  const target = { url, headers };
  return protocol === 'grpc' ? new OtlpGrpc(target) : new OtlpHttp(target, protocol === 'httpjson');
}

function targetOf({ endpoint, protocol }: OtlpSettings): URL {
  const url = new URL(endpoint);
  if (protocol !== 'grpc' && url.pathname === '/') url.pathname = '/v1/metrics';
  return url;
}
