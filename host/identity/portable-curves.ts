import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import type { Curves } from './curves.ts';
import { isSoundKey, keyBytes, signatureBytes } from './public-key.ts';

function verify(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureBytes || !isSoundKey(key)) return false;
  try {
    // The equation of RFC 8032 without the cofactor, as OpenSSL has it.
    return ed25519.verify(signature, bytes, key, { zip215: false });
  } catch {
    return false;
  }
}

function agree(secret: Uint8Array, other: Uint8Array): Uint8Array | undefined {
  if (other.length !== keyBytes) return undefined;
  try {
    return x25519.getSharedSecret(secret, other);
  } catch {
    // The result was all zeros.
    return undefined;
  }
}

/** In plain JavaScript, for verifiers that run where there is no Node: a browser, the edge. */
export const portableCurves: Curves = {
  signingKey: (secret) => ed25519.getPublicKey(secret),
  sign: (secret, bytes) => ed25519.sign(bytes, secret),
  verify,
  agreementKey: (secret) => x25519.getPublicKey(secret),
  agree,
};
