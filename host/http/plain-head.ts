import type { IncomingHttpHeaders } from 'node:http';
import type { Head } from './exchange.ts';

/** A head that leaves nothing to be understood in two ways: that of an invocation, its body of a known length. */
export interface PlainHead extends Head {
  /** The agent's name. */
  readonly agent: string;
  /** The head's own bytes, the empty line included; the same bytes again mean the same. */
  readonly bytes: Buffer;
  readonly bodyBytes: number;
}

/** Longer ones are not plain. */
const headBytesMax = 4096;
const headersMax = 32;
const requestLine = /^POST (\/v1\/agents\/([A-Za-z0-9._-]{1,255})\/invoke) HTTP\/1\.1$/;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const fieldValue = /^[\x20-\x7e]*$/;
const lengthValue = /^(?:0|[1-9][0-9]{0,6})$/;

/** What has a say in where a request ends, in what the connection is next, or that a page sent it. */
const notPlain: ReadonlySet<string> = new Set([
  'expect',
  'http2-settings',
  'keep-alive',
  'origin',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The head at the beginning of what came, if it is plain; everything else is for Node's own parser. */
export function plainHeadOf(chunk: Buffer): PlainHead | undefined {
  const end = chunk.indexOf('\r\n\r\n');
  if (end < 0 || end + 4 > headBytesMax) return undefined;
  const [first = '', ...fields] = chunk.toString('latin1', 0, end).split('\r\n');
  const [, url, agent] = requestLine.exec(first) ?? [];
  if (url === undefined || agent === undefined || fields.length > headersMax) return undefined;
  const read = readFields(fields);
  if (read?.headers.host === undefined) return undefined;
  const { headers, rawHeaders } = read;
  const length = headers['content-length'];
  if (length !== undefined && !lengthValue.test(length)) return undefined;
  return {
    method: 'POST',
    url,
    httpVersionMinor: 1,
    complete: true,
    headers,
    rawHeaders,
    agent,
    // A copy: a slice would keep the whole slab the socket read into.
    bytes: Buffer.from(chunk.subarray(0, end + 4)),
    bodyBytes: Number(length ?? 0),
  };
}

function readFields(
  fields: readonly string[],
): { readonly headers: IncomingHttpHeaders; readonly rawHeaders: string[] } | undefined {
  const headers: IncomingHttpHeaders = {};
  const rawHeaders: string[] = [];
  for (const field of fields) {
    const colon = field.indexOf(':');
    const name = field.slice(0, Math.max(0, colon));
    const value = field.slice(colon + 1).trim();
    const key = name.toLowerCase();
    if (!fieldName.test(name) || !fieldValue.test(value) || notPlain.has(key)) return undefined;
    if (key === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined;
    // Twice the same name, or a name that every object has.
    if (headers[key] !== undefined) return undefined;
    headers[key] = value;
    rawHeaders.push(name, value);
  }
  return { headers, rawHeaders };
}
