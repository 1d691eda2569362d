import { os, path as paths } from '../builtin.ts';
import { HostError } from '../errors.ts';
import { Table } from '../manifest/table.ts';

/** How a collector of OpenTelemetry is spoken to. */
export type OtlpProtocol = 'grpc' | 'httpbinary' | 'httpjson';

export interface OtlpSettings {
  /** `http:` or `https:`; a URL without a path means `/v1/metrics` where the protocol goes by HTTP. */
  readonly endpoint: string;
  readonly protocol: OtlpProtocol;
  /** For one export with all its attempts. */
  readonly timeoutMs: number;
  /** Sent along with each, by every protocol; their values may be secret. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface MetricsFileSettings {
  readonly path: string;
  readonly prettyPrint: boolean;
  /** Earlier snapshots that are kept beside the latest. */
  readonly earlierMax: number;
}

/** Where metrics go besides `/metrics`. */
export interface MetricsSettings {
  readonly enabled: boolean;
  readonly exportIntervalMs: number;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  /** More of the resource, from `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly otlp: OtlpSettings | undefined;
  readonly file: MetricsFileSettings | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const otlpPorts: Readonly<Record<OtlpProtocol, number>> = {
  grpc: 4317,
  httpbinary: 4318,
  httpjson: 4318,
};

/** The names of symbi-runtime, and those of OpenTelemetry for the same. */
const protocols: Readonly<Record<string, OtlpProtocol>> = {
  grpc: 'grpc',
  httpbinary: 'httpbinary',
  httpjson: 'httpjson',
  'http/protobuf': 'httpbinary',
  'http/json': 'httpjson',
};

const timeoutMsDefault = 10_000;
const intervalBounds = { min: 1, max: 86_400 };
const timeoutBounds = { min: 1, max: 3_600 };
const earlierBounds = { min: 0, max: 100 };
const headersMax = 64;
const attributesMax = 128;

export function defaultFile(): MetricsFileSettings {
  const path = paths.join(os.tmpdir(), 'symbiont_scheduler_metrics.json');
  return { path, prettyPrint: true, earlierMax: 0 };
}

/** What an empty `[metrics]` table means. */
export function defaultMetrics(): MetricsSettings {
  return {
    enabled: true,
    exportIntervalMs: 60_000,
    serviceName: 'symbiont-scheduler',
    serviceNamespace: 'symbiont',
    attributes: {},
    otlp: undefined,
    file: defaultFile(),
  };
}

/** What the command line says. */
export interface MetricsFlags {
  readonly metricsFile?: string | undefined;
  readonly otlp?: string | undefined;
  readonly otlpProtocol?: string | undefined;
}

export interface MetricsSources {
  /** The `[metrics]` table of the configuration file; undefined: it has none. */
  readonly table: unknown;
  readonly path: string;
  readonly env: Environment;
  readonly flags: MetricsFlags;
}

/**
 * What is exported and where to: the configuration file, over that the environment (`OTEL_…`), over that the flags.
 * Undefined: nothing is said of it, or it is switched off.
 * @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_METRICS_CONFIG`, naming the key, variable or flag
 */
export function metricsOf({ table, path, env, flags }: MetricsSources): MetricsSettings | undefined {
  const ofFile = table === undefined ? undefined : metricsOfTable(table, path);
  const wanted = withFlags(withEnvironment(ofFile, env), flags, env);
  if (wanted === undefined || !wanted.enabled) return undefined;
  if (wanted.file === undefined && wanted.otlp === undefined)
    throw fault('No metrics exporters configured (enable at least `file` or `otlp`)');
  return wanted;
}

const keys = ['enabled', 'export_interval_seconds', 'service_name', 'service_namespace', 'otlp', 'file'];

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_METRICS_CONFIG` */
export function metricsOfTable(raw: unknown, path: string): MetricsSettings {
  const whole = new Table({ metrics: raw }, path).table('metrics').only(keys);
  const standard = defaultMetrics();
  const hasOwn = whole.has('otlp') || whole.has('file');
  return {
    enabled: whole.has('enabled') ? whole.flag('enabled') : standard.enabled,
    exportIntervalMs:
      whole.quantity('export_interval_seconds', 'count', intervalBounds, standard.exportIntervalMs / 1000) *
      1000,
    serviceName: whole.text('service_name') ?? standard.serviceName,
    serviceNamespace: whole.text('service_namespace') ?? standard.serviceNamespace,
    attributes: {},
    otlp: whole.has('otlp') ? otlpOfTable(whole.table('otlp')) : undefined,
    file: whole.has('file') ? fileOfTable(whole.table('file')) : hasOwn ? undefined : standard.file,
  };
}

function fileOfTable(table: Table): MetricsFileSettings {
  table.only(['path', 'pretty_print', 'earlier']);
  const standard = defaultFile();
  return {
    path: table.text('path') ?? standard.path,
    prettyPrint: table.has('pretty_print') ? table.flag('pretty_print') : standard.prettyPrint,
    earlierMax: table.quantity('earlier', 'count', earlierBounds, standard.earlierMax),
  };
}

function otlpOfTable(table: Table): OtlpSettings {
  table.only(['endpoint', 'protocol', 'timeout_seconds', 'headers']);
  const name = table.choice('protocol', Object.keys(protocols), 'grpc');
  const protocol = protocols[name] as OtlpProtocol;
  const own = table.table('headers');
  const headers: Record<string, string> = {};
  for (const [key] of own.entries()) headers[key] = own.text(key) ?? '';
  const where = `${table.path}: metrics.otlp`;
  const endpoint = table.text('endpoint') ?? `http://localhost:${otlpPorts[protocol]}`;
  const seconds = table.quantity('timeout_seconds', 'count', timeoutBounds, timeoutMsDefault / 1000);
  return otlpFrom({ endpoint, protocol, timeoutMs: seconds * 1000, headers }, where);
}

/** Checks where it goes and what goes along. */
function otlpFrom({ endpoint, protocol, timeoutMs, headers }: OtlpSettings, where: string): OtlpSettings {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw fault(`${where}: '${endpoint}' is no URL that begins with http:// or https://`);
  if (url.username !== '' || url.password !== '')
    throw fault(`${where}: a password does not belong into the URL; say headers = { authorization = "…" }`);
  return { endpoint, protocol, timeoutMs, headers: checkedHeaders(headers, where) };
}

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,256}$/;
const headerValue = /^[\t\x20-\x7e]{0,8192}$/;
/** What the protocols say themselves. */
const ownHeaders = /^(?:content-.*|host|connection|te|transfer-encoding|grpc-.*)$/;

function checkedHeaders(
  headers: Readonly<Record<string, string>>,
  where: string,
): Readonly<Record<string, string>> {
  const pairs = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  if (pairs.length > headersMax) throw fault(`${where}: more than ${headersMax} headers`);
  for (const [name, value] of pairs) {
    if (!headerName.test(name) || ownHeaders.test(name))
      throw fault(`${where}: the header '${name}' cannot be set`);
    if (!headerValue.test(value))
      throw fault(`${where}: the value of the header '${name}' has characters that none may have`);
  }
  return Object.fromEntries(pairs);
}

/** What would have to be honoured for the metrics to arrive safely, and is not. */
const unsupported: Readonly<Record<string, string>> = {
  CERTIFICATE: 'trust its authority with NODE_EXTRA_CA_CERTS instead',
  CLIENT_KEY: 'this host has no certificate of its own for collectors',
  CLIENT_CERTIFICATE: 'this host has no certificate of its own for collectors',
  INSECURE: 'say http:// or https:// in the endpoint',
};

/** `OTEL_EXPORTER_OTLP_METRICS_NAME`, else `OTEL_EXPORTER_OTLP_NAME`. */
function otlpVariable(env: Environment, name: string): string | undefined {
  return filled(env[`OTEL_EXPORTER_OTLP_METRICS_${name}`]) ?? filled(env[`OTEL_EXPORTER_OTLP_${name}`]);
}

/** An empty variable is one that is not set. */
function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function withEnvironment(base: MetricsSettings | undefined, env: Environment): MetricsSettings | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_METRICS_EXPORTER === 'none')
    return base?.file === undefined ? undefined : { ...base, otlp: undefined };
  const endpoint = endpointOf(env);
  const from = base ?? (endpoint === undefined ? undefined : { ...defaultMetrics(), file: undefined });
  if (from === undefined) return undefined;
  const otlp = from.otlp ?? (endpoint === undefined ? undefined : otlpStandard(endpoint));
  return { ...named(from, env), otlp: otlp && otlpOfEnvironment(otlp, endpoint, env) };
}

function endpointOf(env: Environment): string | undefined {
  const own = filled(env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT);
  const shared = filled(env.OTEL_EXPORTER_OTLP_ENDPOINT);
  if (own !== undefined || shared === undefined || !URL.canParse(shared)) return own ?? shared;
  const { pathname } = new URL(shared);
  // What all signals share is a base; a path of its own leads on to that of metrics.
  return pathname === '/' ? shared : `${shared.replace(/\/$/, '')}/v1/metrics`;
}

function otlpStandard(endpoint: string): OtlpSettings {
  return { endpoint, protocol: 'grpc', timeoutMs: timeoutMsDefault, headers: {} };
}

function otlpOfEnvironment(
  from: OtlpSettings,
  endpoint: string | undefined,
  env: Environment,
  where: string = 'OTEL_EXPORTER_OTLP_ENDPOINT',
): OtlpSettings {
  for (const [name, cure] of Object.entries(unsupported))
    if (otlpVariable(env, name) !== undefined)
      throw fault(`OTEL_EXPORTER_OTLP_${name} has no effect: ${cure}`);
  const compression = otlpVariable(env, 'COMPRESSION') ?? 'none';
  if (compression !== 'none')
    throw fault(`OTEL_EXPORTER_OTLP_COMPRESSION: '${compression}' is not in this host; none is`);
  const protocol = otlpVariable(env, 'PROTOCOL');
  const timeout = otlpVariable(env, 'TIMEOUT');
  return otlpFrom(
    {
      endpoint: endpoint ?? from.endpoint,
      protocol: protocol === undefined ? from.protocol : protocolOf(protocol, 'OTEL_EXPORTER_OTLP_PROTOCOL'),
      timeoutMs: timeout === undefined ? from.timeoutMs : msOf(timeout, 'OTEL_EXPORTER_OTLP_TIMEOUT'),
      headers: { ...from.headers, ...pairsOf(otlpVariable(env, 'HEADERS'), 'OTEL_EXPORTER_OTLP_HEADERS') },
    },
    where,
  );
}

function named(from: MetricsSettings, env: Environment): MetricsSettings {
  const interval = filled(env.OTEL_METRIC_EXPORT_INTERVAL);
  const {
    'service.name': name,
    'service.namespace': namespace,
    ...attributes
  } = pairsOf(filled(env.OTEL_RESOURCE_ATTRIBUTES), 'OTEL_RESOURCE_ATTRIBUTES');
  return {
    ...from,
    exportIntervalMs:
      interval === undefined ? from.exportIntervalMs : msOf(interval, 'OTEL_METRIC_EXPORT_INTERVAL'),
    serviceName: filled(env.OTEL_SERVICE_NAME) ?? name ?? from.serviceName,
    serviceNamespace: namespace ?? from.serviceNamespace,
    attributes,
  };
}

/** `a=1,b=two%20words`. */
function pairsOf(text: string | undefined, source: string): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  if (pairs.length > attributesMax) throw fault(`${source}: more than ${attributesMax} pairs`);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw fault(`${source}: one of its pairs is not NAME=VALUE`);
      return [pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim(), source)];
    }),
  );
}

function decoded(text: string, source: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault(`${source}: one of its values is not percent-encoded`);
  }
}

function msOf(text: string, source: string): number {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (ms > 0) return ms;
  throw fault(`${source}: '${text}' is no number of milliseconds`);
}

function protocolOf(text: string, source: string): OtlpProtocol {
  const found = Object.hasOwn(protocols, text) ? protocols[text] : undefined;
  if (found !== undefined) return found;
  throw fault(`${source}: no protocol '${text}'; there are ${Object.keys(protocols).join(', ')}`);
}

function withFlags(
  base: MetricsSettings | undefined,
  { metricsFile, otlp, otlpProtocol }: MetricsFlags,
  env: Environment,
): MetricsSettings | undefined {
  if (metricsFile === undefined && otlp === undefined) {
    if (otlpProtocol === undefined) return base;
    if (base?.otlp === undefined) throw fault('--otlp-protocol without --otlp URL');
  }
  const from: MetricsSettings = base ?? { ...named(defaultMetrics(), env), file: undefined };
  const file = metricsFile === undefined ? from.file : { ...(from.file ?? defaultFile()), path: metricsFile };
  const before =
    from.otlp ??
    (otlp === undefined ? undefined : otlpOfEnvironment(otlpStandard(otlp), otlp, env, '--otlp'));
  const protocol =
    otlpProtocol === undefined ? before?.protocol : protocolOf(otlpProtocol, '--otlp-protocol');
  const own = before && {
    ...before,
    endpoint: otlp ?? before.endpoint,
    protocol: protocol ?? before.protocol,
  };
  return { ...from, enabled: true, file, otlp: own && otlpFrom(own, '--otlp') };
}

function fault(why: string): HostError {
  return new HostError('HOST_ERR_METRICS_CONFIG', `metrics configuration error: ${why}`);
}
