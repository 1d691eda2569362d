import { hash, verify, X509Certificate } from 'node:crypto';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { childrenOf, type DerElement, der, derOid, derTags, derUnsigned, firstDer, readDer } from './der.ts';

const sha256Oid = '2.16.840.1.101.3.4.2.1';
const signedDataOid: Buffer = derOid('1.2.840.113549.1.7.2');
const tstInfoOid: Buffer = derOid('1.2.840.113549.1.9.16.1.4');
const messageDigestOid: Buffer = derOid('1.2.840.113549.1.9.4');
const timeStampingUse = '1.3.6.1.5.5.7.3.8';
const digests: ReadonlyMap<string, string> = new Map([
  [derOid(sha256Oid).toString('hex'), 'sha256'],
  [derOid('2.16.840.1.101.3.4.2.2').toString('hex'), 'sha384'],
  [derOid('2.16.840.1.101.3.4.2.3').toString('hex'), 'sha512'],
]);

/** A question to a timestamp authority (RFC 3161 §2.4.1). */
export interface TimestampRequest {
  readonly digest: Uint8Array;
  readonly nonce: Uint8Array;
  /** To be posted as `application/timestamp-query`. */
  readonly bytes: Uint8Array;
}

/** What an authority vouches for: that the digest was there at that time. */
export interface Timestamp {
  readonly timeMs: number;
  /** As the authority says; null when it does not. */
  readonly accuracyMs: number | null;
  readonly serial: string;
  /** The subject of the certificate that signed. */
  readonly authority: string;
  /** The token itself, to be kept (CMS, DER). */
  readonly token: Uint8Array;
}

/** Asks for a timestamp of a SHA-256 digest. */
export function timestampRequest(digest: Uint8Array, random: Random): TimestampRequest {
  const nonce = random.fill(new Uint8Array(8));
  const bytes = der(
    derTags.sequence,
    derUnsigned(Uint8Array.of(1)),
    imprint(digest),
    derUnsigned(nonce),
    der(derTags.boolean, Uint8Array.of(0xff)),
  );
  return { digest, nonce, bytes };
}

function imprint(digest: Uint8Array): Buffer {
  const algorithm = der(derTags.sequence, derOid(sha256Oid), der(derTags.null));
  return der(derTags.sequence, algorithm, der(derTags.octets, digest));
}

/**
 * Reads an authority's reply (RFC 3161 §2.4.2) and checks that it answers the request and is signed by, or under,
 * one of the `certificates` (PEM).
 * @throws HostError `HOST_ERR_AUDIT_INVALID` saying what is wrong
 */
export function readTimestampReply(
  reply: Uint8Array,
  request: TimestampRequest,
  certificates: readonly string[],
): Timestamp {
  return checked(() => {
    const [status, token] = childrenOf(firstDer(Buffer.from(reply)), derTags.sequence);
    const code = childrenOf(status, derTags.sequence)[0]?.content[0];
    if (code !== 0 && code !== 1) throw new Error(`the authority refuses (status ${code})`);
    if (token === undefined) throw new Error('there is no token');
    return openToken(token.bytes, request.digest, certificates, request.nonce);
  });
}

/**
 * Checks a token that was kept: that it is over the digest, and whose it is.
 * @throws HostError `HOST_ERR_AUDIT_INVALID` saying what is wrong
 */
export function verifyTimestamp(
  token: Uint8Array,
  digest: Uint8Array,
  certificates: readonly string[],
): Timestamp {
  return checked(() => openToken(Buffer.from(token), digest, certificates, undefined));
}

function checked(read: () => Timestamp): Timestamp {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new HostError('HOST_ERR_AUDIT_INVALID', `the timestamp cannot be trusted: ${why}`, {}, error);
  }
}

function openToken(
  token: Buffer,
  digest: Uint8Array,
  certificates: readonly string[],
  nonce: Uint8Array | undefined,
): Timestamp {
  const [type, wrapped] = childrenOf(firstDer(token), derTags.sequence);
  if (!type?.bytes.equals(signedDataOid) || wrapped === undefined) throw new Error('it is no signed data');
  const signed = childrenOf(firstDer(wrapped.content), derTags.sequence);
  const [contentType, content] = childrenOf(signed[2], derTags.sequence);
  if (!contentType?.bytes.equals(tstInfoOid) || content === undefined) throw new Error('it is no timestamp');
  const info = firstDer(content.content).content;
  const signer = signerOf(
    signed,
    info,
    certificates.map((pem) => new X509Certificate(pem)),
  );
  return { ...readInfo(info, digest, nonce), authority: signer.subject, token };
}

function readInfo(
  info: Buffer,
  digest: Uint8Array,
  nonce: Uint8Array | undefined,
): Omit<Timestamp, 'authority' | 'token'> {
  const [, , over, serial, time, ...rest] = childrenOf(firstDer(info), derTags.sequence);
  if (over === undefined || !isOver(over, digest)) throw new Error('it is over something else');
  const asked = nonce && derUnsigned(nonce);
  const answered = rest.find(({ tag }) => tag === derTags.integer);
  if (asked !== undefined && !answered?.bytes.equals(asked)) throw new Error('it answers another request');
  const accuracy = rest.find(({ tag }) => tag === derTags.sequence);
  return {
    timeMs: timeOf(time),
    accuracyMs: accuracy === undefined ? null : accuracyOf(accuracy),
    serial: serial?.content.toString('hex') ?? '',
  };
}

function isOver(over: DerElement, digest: Uint8Array): boolean {
  const [algorithm, hashed] = childrenOf(over, derTags.sequence);
  const [oid] = childrenOf(algorithm, derTags.sequence);
  return oid?.bytes.equals(derOid(sha256Oid)) === true && hashed?.content.equals(digest) === true;
}

/** `20260102030405.678Z`. */
function timeOf(element: DerElement | undefined): number {
  const text = element?.tag === derTags.generalizedTime ? element.content.toString('latin1') : '';
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(text);
  if (match === null) throw new Error('its time cannot be read');
  const [, year, month, day, hour, minute, second, fraction = ''] = match;
  const whole = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return whole + Math.floor(Number(`0${fraction}`) * 1_000);
}

/** Seconds, then [0] milliseconds and [1] microseconds, each left out when nothing. */
function accuracyOf(element: DerElement): number {
  let ms = 0;
  for (const { tag, content } of readDer(element.content)) {
    const value = content.reduce((sum, byte) => sum * 256 + byte, 0);
    ms += tag === derTags.integer ? value * 1_000 : tag === 0x80 ? value : value / 1_000;
  }
  return ms;
}

/** The certificate whose key signed, once it is one that is trusted. */
function signerOf(
  signed: readonly DerElement[],
  info: Buffer,
  trusted: readonly X509Certificate[],
): X509Certificate {
  const infos = childrenOf(signed.at(-1), derTags.set);
  const [, , digestAlgorithm, attributes, , signature] = childrenOf(infos[0], derTags.sequence);
  if (attributes?.tag !== 0xa0 || signature === undefined)
    throw new Error('it is not signed as a timestamp is');
  const [digestOid] = childrenOf(digestAlgorithm, derTags.sequence);
  const digestName = digests.get(digestOid?.bytes.toString('hex') ?? '');
  if (digestName === undefined) throw new Error('it is signed with a digest that is not supported');
  if (!digestAttribute(attributes).equals(hash(digestName, info, 'buffer')))
    throw new Error('it was changed');
  const isSigner = (certificate: X509Certificate): boolean =>
    verify(digestName, asSet(attributes), certificate.publicKey, signature.content);
  const signer = [...certificatesIn(signed), ...trusted].find(isSigner);
  if (signer === undefined) throw new Error('its signature is wrong');
  assertTrusted(signer, trusted);
  return signer;
}

function assertTrusted(signer: X509Certificate, trusted: readonly X509Certificate[]): void {
  if (signer.keyUsage?.includes(timeStampingUse) !== true)
    throw new Error('its certificate is not for timestamps');
  const isTrusted = trusted.some(
    (certificate) =>
      certificate.fingerprint256 === signer.fingerprint256 ||
      (certificate.ca && signer.checkIssued(certificate) && signer.verify(certificate.publicKey)),
  );
  if (!isTrusted)
    throw new Error(`nobody vouches for the authority ${signer.subject.replaceAll('\n', ', ')}`);
}

function certificatesIn(signed: readonly DerElement[]): X509Certificate[] {
  const list = signed.find(({ tag }) => tag === 0xa0);
  return list === undefined ? [] : readDer(list.content).map(({ bytes }) => new X509Certificate(bytes));
}

function digestAttribute(attributes: DerElement): Buffer {
  for (const attribute of readDer(attributes.content)) {
    const [oid, values] = childrenOf(attribute, derTags.sequence);
    if (oid?.bytes.equals(messageDigestOid))
      return childrenOf(values, derTags.set)[0]?.content ?? Buffer.alloc(0);
  }
  throw new Error('it does not say what it signs');
}

/** Attributes are signed as a set, and stored under another tag. */
function asSet(attributes: DerElement): Buffer {
  const bytes = Buffer.from(attributes.bytes);
  bytes[0] = derTags.set;
  return bytes;
}
