import type { OtlpHistogram, OtlpMetric, OtlpPoint, OtlpRequest, OtlpScope } from './otlp-model.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

const cumulative = 2;
/** Numbers of the fields of `Metric` that hold its points. */
const dataFields = { gauge: 5, sum: 7, histogram: 9 } as const;

/** An export request as `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest`. */
export function otlpProtobuf(request: OtlpRequest): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
  writer.message(1, (resourceMetrics) => {
    resourceMetrics.message(1, (resource) => attributes(resource, 1, request.resource));
    for (const scope of request.scopes)
      resourceMetrics.message(2, (own) => scopeMetrics(own, scope, request));
  });
  return writer.bytes;
}

function scopeMetrics(
  writer: ProtobufWriter,
  { name, version, metrics }: OtlpScope,
  request: OtlpRequest,
): void {
  writer.message(1, (scope) => {
    scope.text(1, name);
    scope.text(2, version);
  });
  for (const metric of metrics) writer.message(2, (own) => metricOf(own, metric, request));
}

function metricOf(writer: ProtobufWriter, metric: OtlpMetric, request: OtlpRequest): void {
  const { name, description, unit, kind, points } = metric;
  writer.text(1, name);
  if (description !== '') writer.text(2, description);
  if (unit !== '') writer.text(3, unit);
  writer.message(dataFields[kind], (data) => {
    for (const point of points) data.message(1, (own) => pointOf(own, point, request));
    if (kind !== 'gauge') data.varint(2, cumulative);
    if (kind === 'sum') data.varint(3, 1);
  });
}

function pointOf(writer: ProtobufWriter, point: OtlpPoint, { startNs, atNs }: OtlpRequest): void {
  const { attributes: own, value, histogram } = point;
  writer.fixed64(2, startNs);
  writer.fixed64(3, atNs);
  if (histogram === undefined) {
    writer.double(4, value);
    attributes(writer, 7, own);
  } else {
    histogramOf(writer, histogram);
    attributes(writer, 9, own);
  }
}

function histogramOf(writer: ProtobufWriter, { count, sum, bucketCounts, bounds }: OtlpHistogram): void {
  writer.fixed64(4, BigInt(count));
  writer.double(5, sum);
  writer.fixed64s(6, bucketCounts.map(BigInt));
  writer.doubles(7, bounds);
}

function attributes(writer: ProtobufWriter, field: number, values: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(values))
    writer.message(field, (keyValue) => {
      keyValue.text(1, key);
      keyValue.message(2, (any) => any.text(1, value));
    });
}
