import type { OtlpMetric, OtlpPoint, OtlpRequest } from './otlp-model.ts';

const cumulative = 2;

/** An export request in OTLP's JSON: 64-bit numbers are texts, as ProtoJSON has it. */
export function otlpJson(request: OtlpRequest): string {
  const { resource, scopes } = request;
  return JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeMetrics: scopes.map(({ name, version, metrics }) => ({
          scope: { name, version },
          metrics: metrics.map((metric) => metricOf(metric, request)),
        })),
      },
    ],
  });
}

function attributesOf(values: Readonly<Record<string, string>>): unknown {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function metricOf({ name, description, unit, kind, points }: OtlpMetric, request: OtlpRequest): unknown {
  const dataPoints = points.map((point) => pointOf(point, request));
  const base = { name, description, unit };
  if (kind === 'gauge') return { ...base, gauge: { dataPoints } };
  const totals = { aggregationTemporality: cumulative, dataPoints };
  return kind === 'sum' ? { ...base, sum: { ...totals, isMonotonic: true } } : { ...base, histogram: totals };
}

function pointOf({ attributes, value, histogram }: OtlpPoint, { startNs, atNs }: OtlpRequest): unknown {
  const base = {
    attributes: attributesOf(attributes),
    startTimeUnixNano: String(startNs),
    timeUnixNano: String(atNs),
  };
  if (histogram === undefined) return { ...base, asDouble: double(value) };
  return {
    ...base,
    count: String(histogram.count),
    sum: double(histogram.sum),
    bucketCounts: histogram.bucketCounts.map(String),
    explicitBounds: histogram.bounds,
  };
}

/** JSON has no number for these. */
function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
