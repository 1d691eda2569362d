import { hostName } from './host-name.ts';
import type { Table } from './table.ts';

export type Scheme = 'http' | 'https';

/** Requests an agent may make to others. */
export interface HttpGrant {
  readonly scheme: Scheme;
  /** As `hostName` gives it; or `*.` and a name, which stands for every name below that one, not the name itself. */
  readonly host: string;
  readonly port: number;
  /** Upper-case; undefined: all. */
  readonly methods: readonly string[] | undefined;
  /** `/v1` stands for `/v1` and all below it, but not `/v10`; `/v1/` only for what is below. */
  readonly path: string;
}

export const portMax = 65_535;
const portBounds = { min: 1, max: portMax };
const schemePorts: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };
const methodPattern = /^[A-Z][A-Z-]{0,31}$/;
/** Characters of a path that need no escape, without the dot segments that `isPlainPath` refuses. */
const pathPattern = /^\/([A-Za-z0-9._~!$&'()*+,;=:@-]+\/)*[A-Za-z0-9._~!$&'()*+,;=:@-]*$/;

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function httpGrantOf(table: Table): HttpGrant {
  table.only(['host', 'port', 'methods', 'path', 'scheme']);
  const scheme = table.choice('scheme', ['https', 'http'], 'https');
  const path = table.text('path') ?? '/';
  if (!isPlainPath(path))
    throw table.wrong(
      'path',
      "a path without escapes, '.' and '..', such as \"/v1\"; it grants all below it",
    );
  return {
    scheme,
    host: grantedHost(table),
    port: table.quantity('port', 'count', portBounds, schemePorts[scheme]),
    methods: table.has('methods') ? methodsOf(table) : undefined,
    path,
  };
}

/** Whether a path can be compared letter by letter: nothing in it is written in two ways. */
export function isPlainPath(path: string): boolean {
  return (
    pathPattern.test(path) && !path.split('/').some((segment) => segment === '.' || segment.startsWith('..'))
  );
}

function grantedHost(table: Table): string {
  const text = table.text('host') ?? '';
  const isWild = text.startsWith('*.');
  const name = hostName(isWild ? text.slice(2) : text);
  if (
    name !== undefined &&
    (!isWild || /[a-z]/.test(name.split('.').at(-1) ?? '')) &&
    !(isWild && name.includes(':'))
  )
    return isWild ? `*.${name}` : name;
  throw table.wrong(
    'host',
    'a name or address without scheme, port and path, such as "api.example.com" or "*.example.com"',
  );
}

function methodsOf(table: Table): readonly string[] {
  const methods = table.texts('methods', 'GET');
  const wrong = methods.find((method) => !methodPattern.test(method));
  if (wrong !== undefined)
    throw table.wrong('methods', `upper-case words such as ["GET", "POST"]; '${wrong}' is none`);
  return methods;
}
