import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { Audit } from './audit.ts';
import { readBatches } from './chain-reader.ts';
import { fieldBytesMax } from './field.ts';
import { kinds } from './kinds.ts';
import type { AuditPen } from './pen.ts';
import { queryChain } from './query.ts';
import { sealHash } from './seal.ts';
import { readTimestampReply, type Timestamp, timestampRequest, verifyTimestamp } from './timestamp.ts';

export interface StampOptions {
  readonly audit: Audit;
  readonly pen: AuditPen;
  readonly random: Random;
  /** Where the authority is. */
  readonly url: string;
  /** Certificates (PEM) of the authority or of who issued its own. */
  readonly certificates: readonly string[];
  /** Posts `application/timestamp-query`, resolves with the reply's body; bounded in time by whoever gives it. */
  readonly post: (url: string, body: Uint8Array) => Promise<Uint8Array>;
}

/**
 * Has a timestamp authority vouch for the last seal, and records its token.
 * @throws HostError `HOST_ERR_AUDIT_INVALID` when the reply cannot be trusted; what `post` throws
 */
export async function stampHead(options: StampOptions): Promise<Timestamp> {
  const { audit, pen, random, url, certificates, post } = options;
  const signed = await audit.head();
  if (signed === undefined)
    throw new HostError('HOST_ERR_AUDIT_UNKNOWN', 'nothing is sealed yet; try again later');
  const digest = sealHash(signed);
  const request = timestampRequest(digest, random);
  const stamp = readTimestampReply(await post(url, request.bytes), request, certificates);
  if (stamp.token.length > fieldBytesMax) {
    const message = `the timestamp has ${stamp.token.length} bytes, ${fieldBytesMax} can be recorded; ask an authority that leaves out its chain of certificates`;
    throw new HostError('HOST_ERR_AUDIT_INVALID', message);
  }
  pen.append(kinds.timestamped, '', '', signed.seal.batch, digest, url, stamp.token);
  await pen.flushed();
  return stamp;
}

/** A timestamp on the chain. */
export interface RecordedStamp {
  /** Of the event that holds it. */
  readonly sequence: number;
  /** All events up to here were there at that time. */
  readonly lastSequence: number;
  /** What it says, or why it is worth nothing. */
  readonly found: Timestamp | string;
}

/** Every timestamp on the chain, checked against the seals that are there. */
export async function checkStamps(folder: string, certificates: readonly string[]): Promise<RecordedStamp[]> {
  const claims = new Map<number, { sequence: number; token: Uint8Array }[]>();
  for await (const { sequence, fields } of queryChain(folder, { kinds: [kinds.timestamped] })) {
    const [batch, , , token] = fields;
    if (typeof batch !== 'number' || !(token instanceof Uint8Array)) continue;
    claims.set(batch, [...(claims.get(batch) ?? []), { sequence, token }]);
  }
  const stamps: RecordedStamp[] = [];
  if (claims.size === 0) return stamps;
  for (const { signed } of readBatches(folder)) {
    const { batch, firstSequence, count } = signed.seal;
    for (const { sequence, token } of claims.get(batch) ?? [])
      stamps.push({
        sequence,
        lastSequence: firstSequence + count - 1,
        found: judge(token, sealHash(signed), certificates),
      });
  }
  return stamps;
}

function judge(token: Uint8Array, digest: Uint8Array, certificates: readonly string[]): Timestamp | string {
  try {
    return verifyTimestamp(token, digest, certificates);
  } catch (error) {
    if (error instanceof HostError) return error.message;
    throw error;
  }
}
