import { systemRandom } from '../../clock.ts';
import { HostError, plainText } from '../../errors.ts';
import { parseAnchor, readTimestampReply, sealHash, timestampRequest } from '../../host/record/audit.ts';
import { Connection } from '../client/connection.ts';
import { exitCodes } from '../exit-code.ts';
import { readText } from './chain-place.ts';

export interface StampFlags {
  readonly ca?: readonly string[] | undefined;
  readonly url?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

const replyBytesMax = 1024 * 1024;
const authorityMsMax = 30_000;

/** Has a timestamp authority vouch for the last seal of a host that serves, and the host record its token. */
export async function stamp([authority]: readonly string[], flags: StampFlags): Promise<number> {
  const url = authorityOf(authority);
  if (flags.ca === undefined)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      'whom do you trust? --ca FILE, the certificate (PEM) of the authority',
    );
  const certificates = flags.ca.map((file) => readText(file, '--ca'));
  const connection = Connection.of(flags, process.env);
  const { anchor, batch } = (await connection.json('GET', '/v1/audit/head')) as Readonly<
    Record<string, unknown>
  >;
  const signed = parseAnchor(String(anchor));
  if (signed === undefined) throw new HostError('HOST_ERR_AUDIT_INVALID', 'the host answers with no anchor');
  const request = timestampRequest(sealHash(signed), systemRandom);
  const found = readTimestampReply(await post(url, request.bytes), request, certificates);
  const token = Buffer.from(found.token).toString('base64');
  const body = Buffer.from(JSON.stringify({ batch, authority: url, token }));
  const headers = { 'content-type': 'application/json' };
  await connection.json('POST', '/v1/audit/timestamps', { body, headers });
  const time = new Date(found.timeMs).toISOString();
  process.stderr.write(`host: ${plainText(found.authority)} vouches for batch ${String(batch)} at ${time}\n`);
  return exitCodes.ok;
}

function authorityOf(text: string | undefined): string {
  const url = text === undefined ? null : URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `which authority? Give the URL of one that speaks RFC 3161${text === undefined ? '' : `; '${text}' is no URL`}`,
  );
}

async function post(url: string, body: Uint8Array): Promise<Uint8Array> {
  let reply: Uint8Array;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query' },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(authorityMsMax),
    });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    reply = await response.bytes();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HostError('HOST_ERR_SERVER_UNREACHABLE', `${url}: ${why}`, { url }, cause);
  }
  if (reply.length <= replyBytesMax) return reply;
  throw new HostError('HOST_ERR_AUDIT_INVALID', `${url} answers with more than ${replyBytesMax} bytes`);
}
