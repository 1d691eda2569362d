import { BytesReader, BytesWriter } from './bytes.ts';
import { type Verify, verifySignature } from './curves.ts';
import { isSoundKey, keyBytes, keyText, signatureBytes } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';
import type { Signer } from './signing-key.ts';
import { type Purpose, statement } from './statement.ts';

/** The host of `party` says: this is its key. Signed by the host and, as proof of possession, by the key. */
export interface Introduction {
  readonly party: string;
  readonly key: Uint8Array;
  readonly generation: number;
  readonly atMs: number;
}

/** `newKey` takes the place of `oldKey`. Signed by both. */
export interface Rotation {
  readonly party: string;
  readonly oldKey: Uint8Array;
  readonly newKey: Uint8Array;
  /** Of the new key. */
  readonly generation: number;
  readonly atMs: number;
}

/**
 * `compromised`: nothing the key signed counts, whenever it says it did; `retired` and `superseded`: nothing it signed
 * from then on.
 */
export type RevocationReason = 'compromised' | 'superseded' | 'retired';

const reasons: readonly RevocationReason[] = ['compromised', 'superseded', 'retired'];

/** One key that is not to be trusted any more. */
export interface KeyRevocation {
  readonly party: string;
  /** Its text. */
  readonly key: string;
  readonly generation: number;
  readonly fromMs: number;
  readonly reason: RevocationReason;
}

/** All keys a party revoked for itself and for those below it. Signed by the party's current key. */
export interface Revocations {
  readonly party: string;
  /** Rises with every change. */
  readonly version: number;
  readonly atMs: number;
  readonly revoked: readonly KeyRevocation[];
}

/** A statement and the two keys that signed it; the second is that of the first where one is enough. */
export interface Signed<Content> {
  readonly kind: 'signed';
  readonly content: Content;
  readonly by: readonly [Uint8Array, Uint8Array];
}

const statementBytesMax = 16 * 1024 * 1024;
const partyBytesMax = 512;

/** `alpha` is within `alpha`, and so is `alpha/billing`. */
export function isWithin(party: string, name: string): boolean {
  return name === party || (name.startsWith(party) && name[party.length] === '/');
}

export function introduction(content: Introduction, host: Signer, key: Signer): Uint8Array {
  const body = statement('introduction').text(content.party).raw(content.key);
  return signed(body.u32(content.generation).u64(content.atMs).take(), [host, key]);
}

export function rotation(content: Rotation, oldKey: Signer, newKey: Signer): Uint8Array {
  const body = statement('rotation').text(content.party).raw(content.oldKey).raw(content.newKey);
  return signed(body.u32(content.generation).u64(content.atMs).take(), [oldKey, newKey]);
}

export function revocations(content: Revocations, signer: Signer): Uint8Array {
  const body = statement('revocations').text(content.party).u64(content.version).u64(content.atMs);
  body.u32(content.revoked.length);
  for (const { party, key, generation, fromMs, reason } of content.revoked)
    body.text(party).text(key).u32(generation).u64(fromMs).u8(reasons.indexOf(reason));
  return signed(body.take(), [signer]);
}

function signed(body: Uint8Array, signers: readonly Signer[]): Uint8Array {
  const bytes = new BytesWriter().block(body).u8(signers.length);
  for (const signer of signers) bytes.raw(signer.publicKey).raw(signer.sign(body));
  return bytes.take();
}

interface Opened {
  readonly body: BytesReader;
  readonly by: readonly [Uint8Array, Uint8Array];
}

/** The body behind its purpose, once every signature on it is found good. */
function opened(bytes: Uint8Array, purpose: Purpose, signers: number, verify: Verify): Opened | Refused {
  if (bytes.length > statementBytesMax) return refused('malformed', `more than ${statementBytesMax} bytes`);
  const reader = new BytesReader(bytes);
  const content = reader.block();
  const count = reader.u8();
  const keys: Uint8Array[] = [];
  const signatures: Uint8Array[] = [];
  for (let at = 0; at < count && reader.isGood; at++) {
    keys.push(reader.raw(keyBytes));
    signatures.push(reader.raw(signatureBytes));
  }
  const [first, second = first] = keys;
  const body = new BytesReader(content);
  const isFor = body.text() === `motehost/${purpose}/v1`;
  if (!reader.isDone || count !== signers || first === undefined || second === undefined || !isFor)
    return refused('malformed', `not a ${purpose} statement`);
  const areGood = keys.every((key, at) => verify(key, content, signatures[at] ?? new Uint8Array(0)));
  if (!areGood) return refused('unauthentic', `a signature on the ${purpose} statement does not fit`);
  return { body, by: [first, second] };
}

function isParty(party: string): boolean {
  return party !== '' && party.length <= partyBytesMax;
}

/** @param verify another one where there is no Node (`portableCurves.verify`) */
export function parseIntroduction(
  bytes: Uint8Array,
  verify: Verify = verifySignature,
): Signed<Introduction> | Refused {
  const found = opened(bytes, 'introduction', 2, verify);
  if ('kind' in found) return found;
  const { body, by } = found;
  const content = { party: body.text(), key: body.raw(keyBytes), generation: body.u32(), atMs: body.u64() };
  if (!body.isDone || !isParty(content.party)) return refused('malformed', 'not an introduction statement');
  if (!isSame(by[1], content.key)) return refused('unauthentic', 'the introduced key did not sign');
  return { kind: 'signed', content, by };
}

/** @param verify another one where there is no Node (`portableCurves.verify`) */
export function parseRotation(
  bytes: Uint8Array,
  verify: Verify = verifySignature,
): Signed<Rotation> | Refused {
  const found = opened(bytes, 'rotation', 2, verify);
  if ('kind' in found) return found;
  const { body, by } = found;
  const party = body.text();
  const [oldKey, newKey] = [body.raw(keyBytes), body.raw(keyBytes)];
  const content = { party, oldKey, newKey, generation: body.u32(), atMs: body.u64() };
  if (!body.isDone || !isParty(party)) return refused('malformed', 'not a rotation statement');
  if (!isSame(by[0], oldKey) || !isSame(by[1], newKey))
    return refused('unauthentic', 'one of the two keys did not sign');
  return { kind: 'signed', content, by };
}

/** @param verify another one where there is no Node (`portableCurves.verify`) */
export function parseRevocations(
  bytes: Uint8Array,
  verify: Verify = verifySignature,
): Signed<Revocations> | Refused {
  const found = opened(bytes, 'revocations', 1, verify);
  if ('kind' in found) return found;
  const { body, by } = found;
  const [party, version, atMs, count] = [body.text(), body.u64(), body.u64(), body.u32()];
  const revoked: KeyRevocation[] = [];
  for (let at = 0; at < count && body.isGood; at++) {
    const entry = { party: body.text(), key: body.text(), generation: body.u32(), fromMs: body.u64() };
    const reason = reasons[body.u8()];
    if (reason === undefined) return refused('malformed', 'not a reason to revoke a key');
    revoked.push({ ...entry, reason });
  }
  if (!body.isDone || !isParty(party)) return refused('malformed', 'not a revocations statement');
  const foreign = revoked.find((entry) => !isWithin(party, entry.party));
  if (foreign !== undefined) return refused('sender', `${party} revokes a key of ${foreign.party}`);
  return { kind: 'signed', content: { party, version, atMs, revoked }, by };
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** As people and files carry a key; undefined for one that cannot be trusted to sign. */
export function soundKeyText(key: Uint8Array): string | undefined {
  return isSoundKey(key) ? keyText(key) : undefined;
}
