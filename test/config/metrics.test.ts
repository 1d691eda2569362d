import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defaultMetrics,
  type MetricsFlags,
  type MetricsSettings,
  metricsOf,
} from '../../host/config/metrics.ts';

interface Said {
  readonly table?: object;
  readonly env?: Record<string, string>;
  readonly flags?: MetricsFlags;
}

function read({ table, env = {}, flags = {} }: Said): MetricsSettings | undefined {
  return metricsOf({ table, path: 'config.toml', env, flags });
}

function refuses(said: Said, why: RegExp): void {
  assert.throws(
    () => read(said),
    (thrown: Error) => {
      assert.match(thrown.message, why);
      return true;
    },
  );
}

test('a table says where metrics go; what it leaves out has its default', () => {
  const table = {
    export_interval_seconds: 5,
    service_name: 'mine',
    otlp: {
      endpoint: 'https://collector:4317',
      headers: { Authorization: 'Bearer word' },
      timeout_seconds: 3,
    },
    file: { path: '/var/metrics.json', pretty_print: false, earlier: 3 },
  };
  assert.deepEqual(read({ table }), {
    ...defaultMetrics(),
    exportIntervalMs: 5000,
    serviceName: 'mine',
    otlp: {
      endpoint: 'https://collector:4317',
      protocol: 'grpc',
      timeoutMs: 3000,
      headers: { authorization: 'Bearer word' },
    },
    file: { path: '/var/metrics.json', prettyPrint: false, earlierMax: 3 },
  });
  assert.equal(read({ table: { otlp: {} } })?.file, undefined);
});

test('what is not known in a table is refused by its name, with the nearest one', () => {
  refuses({ table: { interval: 5 } }, /config\.toml: unknown key 'interval'.* of \[metrics\] are: enabled/);
  refuses({ table: { otlp: { endpont: '' } } }, /unknown key 'endpont'.*endpoint/);
  refuses({ table: { otlp: { protocol: 'thrift' } } }, /metrics\.otlp\.protocol must be one of: "grpc"/);
  refuses({ table: { file: { path: 5 } } }, /metrics\.file\.path must be a text/);
  refuses({ table: { export_interval_seconds: 0 } }, /between 1 and 86400/);
  refuses({ table: [] }, /metrics must be a table/);
});

test('an endpoint is a URL of HTTP without a password, and headers are ones that may be set', () => {
  refuses({ table: { otlp: { endpoint: 'localhost:4317' } } }, /'localhost:4317' is no URL/);
  refuses({ table: { otlp: { endpoint: 'http://a:b@c' } } }, /a password does not belong into the URL/);
  refuses({ table: { otlp: { headers: { 'content-type': 'a' } } } }, /'content-type' cannot be set/);
  refuses({ table: { otlp: { headers: { 'grpc-status': 'a' } } } }, /'grpc-status' cannot be set/);
  refuses({ table: { otlp: { headers: { a: 'b\r\nc: d' } } } }, /characters that none may have/);
});

test('the variables of OpenTelemetry count: an endpoint alone is enough', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/base/',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b,x=1',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '1500',
    OTEL_METRIC_EXPORT_INTERVAL: '2500',
    OTEL_SERVICE_NAME: 'named',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,service.namespace=space,deployment.environment=test',
  };
  assert.deepEqual(read({ env }), {
    enabled: true,
    exportIntervalMs: 2500,
    serviceName: 'named',
    serviceNamespace: 'space',
    attributes: { 'deployment.environment': 'test' },
    otlp: {
      endpoint: 'http://collector:4318/base/v1/metrics',
      protocol: 'httpbinary',
      timeoutMs: 1500,
      headers: { 'api-key': 'a b', x: '1' },
    },
    file: undefined,
  });
  assert.equal(read({ env: { OTEL_SERVICE_NAME: 'named' } }), undefined);
  assert.equal(read({ env: { ...env, OTEL_METRICS_EXPORTER: 'none' } }), undefined);
  assert.equal(read({ env: { ...env, OTEL_SDK_DISABLED: 'true' } }), undefined);
});

test('a variable that would have no effect is refused rather than ignored', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
  const refusesVariable = (env: Record<string, string>, why: RegExp): void =>
    refuses({ env: { OTEL_EXPORTER_OTLP_ENDPOINT, ...env } }, why);
  refusesVariable({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/a' }, /NODE_EXTRA_CA_CERTS/);
  refusesVariable({ OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, /'gzip' is not in this host/);
  refusesVariable({ OTEL_EXPORTER_OTLP_PROTOCOL: 'udp' }, /no protocol 'udp'/);
  refusesVariable({ OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }, /no number of milliseconds/);
  refusesVariable({ OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, /not NAME=VALUE$/);
});

test('an address that is none is blamed on whoever said it', () => {
  refuses({ flags: { otlp: 'ftp://x' } }, /: --otlp: 'ftp:\/\/x' is no URL/);
  refuses(
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://x' } },
    /: OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp:\/\/x' is no URL/,
  );
});

test('flags go over the file and the environment', () => {
  const table = { otlp: { endpoint: 'http://a:4317', headers: { x: '1' } } };
  const flags = { otlp: 'http://b:4318', otlpProtocol: 'http/json', metricsFile: 'm.json' };
  const settings = read({ table, flags });
  assert.deepEqual(settings?.otlp, {
    endpoint: 'http://b:4318',
    protocol: 'httpjson',
    timeoutMs: 10_000,
    headers: { x: '1' },
  });
  assert.equal(settings?.file?.path, 'm.json');
  assert.deepEqual(read({ flags: { metricsFile: 'm.json' } })?.otlp, undefined);
  refuses({ flags: { otlpProtocol: 'grpc' } }, /--otlp-protocol without --otlp URL/);
});
