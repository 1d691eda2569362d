import assert from 'node:assert/strict';

/** A message of OTLP as its JSON form has it: what tests compare, whichever way it came. */
export type Decoded = Readonly<Record<string, unknown>>;

type Kind = 'text' | 'fixed64' | 'double' | 'varint' | 'fixed64s' | 'doubles' | { readonly of: string };
type Field = readonly [name: string, kind: Kind, isList?: true];

/** Numbers and types of fields, from opentelemetry-proto 1.x. */
const messages: Readonly<Record<string, Readonly<Record<number, Field>>>> = {
  ExportMetricsServiceRequest: { 1: ['resourceMetrics', { of: 'ResourceMetrics' }, true] },
  ResourceMetrics: {
    1: ['resource', { of: 'Resource' }],
    2: ['scopeMetrics', { of: 'ScopeMetrics' }, true],
  },
  Resource: { 1: ['attributes', { of: 'KeyValue' }, true], 2: ['droppedAttributesCount', 'varint'] },
  ScopeMetrics: { 1: ['scope', { of: 'InstrumentationScope' }], 2: ['metrics', { of: 'Metric' }, true] },
  InstrumentationScope: { 1: ['name', 'text'], 2: ['version', 'text'] },
  Metric: {
    1: ['name', 'text'],
    2: ['description', 'text'],
    3: ['unit', 'text'],
    5: ['gauge', { of: 'Gauge' }],
    7: ['sum', { of: 'Sum' }],
    9: ['histogram', { of: 'Histogram' }],
  },
  Gauge: { 1: ['dataPoints', { of: 'NumberDataPoint' }, true] },
  Sum: {
    1: ['dataPoints', { of: 'NumberDataPoint' }, true],
    2: ['aggregationTemporality', 'varint'],
    3: ['isMonotonic', 'varint'],
  },
  Histogram: {
    1: ['dataPoints', { of: 'HistogramDataPoint' }, true],
    2: ['aggregationTemporality', 'varint'],
  },
  NumberDataPoint: {
    2: ['startTimeUnixNano', 'fixed64'],
    3: ['timeUnixNano', 'fixed64'],
    4: ['asDouble', 'double'],
    7: ['attributes', { of: 'KeyValue' }, true],
  },
  HistogramDataPoint: {
    2: ['startTimeUnixNano', 'fixed64'],
    3: ['timeUnixNano', 'fixed64'],
    4: ['count', 'fixed64'],
    5: ['sum', 'double'],
    6: ['bucketCounts', 'fixed64s'],
    7: ['explicitBounds', 'doubles'],
    9: ['attributes', { of: 'KeyValue' }, true],
  },
  KeyValue: { 1: ['key', 'text'], 2: ['value', { of: 'AnyValue' }] },
  AnyValue: { 1: ['stringValue', 'text'] },
};

/** Decodes an export request; a field that is not in the schema fails the test. */
export function decodeOtlp(bytes: Uint8Array, message = 'ExportMetricsServiceRequest'): Decoded {
  const found: Record<string, unknown> = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = view.getUint8(at);
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = messages[message]?.[tag >> 3];
    assert.ok(field !== undefined, `${message} has no field ${tag >> 3}`);
    const [name, kind, isList] = field;
    let value: unknown;
    if ((tag & 7) === 0) value = varint();
    else if ((tag & 7) === 1) {
      value = kind === 'double' ? view.getFloat64(at, true) : String(view.getBigUint64(at, true));
      at += 8;
    } else {
      assert.equal(tag & 7, 2);
      const length = varint();
      value = delimited(bytes.subarray(at, at + length), kind);
      at += length;
    }
    if (isList) found[name] = [...((found[name] as unknown[]) ?? []), value];
    else found[name] = name === 'isMonotonic' ? value === 1 : value;
  }
  return found;
}

function delimited(bytes: Uint8Array, kind: Kind): unknown {
  if (typeof kind === 'object') return decodeOtlp(bytes, kind.of);
  if (kind === 'text') return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = Array.from({ length: bytes.length / 8 }, (_, index) => index * 8);
  if (kind === 'doubles') return each.map((at) => view.getFloat64(at, true));
  assert.equal(kind, 'fixed64s');
  return each.map((at) => String(view.getBigUint64(at, true)));
}

/** The same whatever was said of what has its default, and whether 64-bit numbers came as texts. */
export function plainOtlp(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOtlp);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name, own]) => name !== 'droppedAttributesCount' && own !== '' && !isEmpty(own))
    .map(([name, own]) => [
      name,
      name.endsWith('ount') || name.endsWith('ounts') ? texts(own) : plainOtlp(own),
    ]);
  return Object.fromEntries(entries);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function texts(value: unknown): unknown {
  return Array.isArray(value) ? value.map(String) : String(value);
}
