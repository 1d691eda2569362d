import { BytesReader, BytesWriter } from './bytes.ts';
import { sha256, type Verify, verifySignature } from './curves.ts';
import { type EnvelopeHeader, readHeader, writeHeader } from './header.ts';
import { keyBytes, signatureBytes } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';
import type { Signer } from './signing-key.ts';
import { statement } from './statement.ts';

const headerWriter = new BytesWriter(1024);
const statementWriter = new BytesWriter(1024);
const signedForm = 2;

/**
 * What is signed of a message: its header, and the digest of its payload, so that a signature can be shown without
 * the payload. The bytes are good until the next call.
 */
export function messageStatement(header: EnvelopeHeader, payloadDigest: Uint8Array): Uint8Array {
  writeHeader(header, header.sequence, headerWriter.reset());
  return statement('message', statementWriter).block(headerWriter.view()).raw(payloadDigest).view();
}

/** 64 bytes: Ed25519 over one message. */
export function signMessage(header: EnvelopeHeader, payload: Uint8Array, signer: Signer): Uint8Array {
  return signer.sign(messageStatement(header, sha256(payload)));
}

/** @param key the sender's, of its `keyGeneration`; that it is the sender's is for `TrustedKeys` to say */
export function isSignedMessage(
  header: EnvelopeHeader,
  payload: Uint8Array,
  signature: Uint8Array,
  key: Uint8Array,
  verify: Verify = verifySignature,
): boolean {
  return verify(key, messageStatement(header, sha256(payload)), signature);
}

/** A message with what proves its maker, for keeping or passing on. */
export interface SignedMessage {
  readonly kind: 'message';
  readonly header: EnvelopeHeader;
  readonly payload: Uint8Array;
  /** Who signed. */
  readonly key: Uint8Array;
}

/** A signed message in one piece: header, payload, key and signature. */
export function encodeSigned(header: EnvelopeHeader, payload: Uint8Array, signer: Signer): Uint8Array {
  const signature = signMessage(header, payload, signer);
  const writer = new BytesWriter(payload.length + 512).u8(signedForm);
  writer.block(headerWriter.view()).block(payload);
  return writer.raw(signer.publicKey).raw(signature).take();
}

/** The message, if the key in it signed it. Whose key that is, is for `TrustedKeys` to say. */
export function decodeSigned(bytes: Uint8Array, verify: Verify = verifySignature): SignedMessage | Refused {
  const reader = new BytesReader(bytes);
  const isForm = reader.u8() === signedForm;
  const head = new BytesReader(reader.block());
  const header = readHeader(head);
  const payload = reader.block();
  const key = reader.raw(keyBytes);
  const signature = reader.raw(signatureBytes);
  if (!isForm || header === undefined || !head.isDone || !reader.isDone)
    return refused('malformed', 'not a signed message');
  return isSignedMessage(header, payload, signature, key, verify)
    ? { kind: 'message', header, payload, key }
    : refused('unauthentic', 'the signature does not fit the message');
}
