import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** Who signs seals. */
export interface Signer {
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Ed25519, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Of an Ed25519 private key, which (unlike a `Signer`) can be handed to another thread. */
export function keySigner(privateKey: KeyObject): Signer {
  return {
    publicKey: rawPublicKey(createPublicKey(privateKey)),
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

export function rawPublicKey(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

const verifiers = new Map<string, KeyObject>();
const verifiersMax = 64;

/** Whether an Ed25519 signature is of the key's holder; false also for what is no key. */
export function verifySignature(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, bytes, verifierOf(publicKey), signature);
  } catch {
    return false;
  }
}

function verifierOf(publicKey: Uint8Array): KeyObject {
  const x = Buffer.from(publicKey).toString('base64url');
  const known = verifiers.get(x);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (verifiers.size >= verifiersMax) verifiers.clear();
  verifiers.set(x, key);
  return key;
}

const textPrefix = 'ed25519:';

/** `ed25519:<base64url>`. */
export function publicKeyText(publicKey: Uint8Array): string {
  return textPrefix + Buffer.from(publicKey).toString('base64url');
}

/** Reads `ed25519:<base64url>`; undefined when it is none. */
export function parsePublicKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith(textPrefix)) return undefined;
  const bytes = Buffer.from(trimmed.slice(textPrefix.length), 'base64url');
  return bytes.length === 32 ? bytes : undefined;
}
