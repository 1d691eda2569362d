import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { isSoundKey, keyBytes, signatureBytes } from './public-key.ts';

/**
 * Ed25519 (RFC 8032, without context) and X25519 (RFC 7748) over raw bytes. Two of them give equal results: the
 * platform's, and `portableCurves` where there is no Node.
 */
export interface Curves {
  /** The public signing key of a secret of 32 bytes. */
  signingKey(secret: Uint8Array): Uint8Array;
  sign(secret: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** False as well for keys and signatures that are none. */
  verify: Verify;
  /** The public agreement key of a secret of 32 bytes. */
  agreementKey(secret: Uint8Array): Uint8Array;
  /** 32 bytes both sides have; undefined when the other's key leaves it no choice (small order). */
  agree(secret: Uint8Array, other: Uint8Array): Uint8Array | undefined;
}

/** Whether a signature of 64 bytes over `bytes` was made with the secret half of `key`. */
export type Verify = (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

type Curve = 'ed25519' | 'x25519';

// RFC 8410: what stands before the raw bytes of a key in its DER forms.
const secretPrefix: Readonly<Record<Curve, Buffer>> = {
  ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  x25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};
const publicPrefix: Readonly<Record<Curve, Buffer>> = {
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  x25519: Buffer.from('302a300506032b656e032100', 'hex'),
};

export function secretKeyObject(curve: Curve, secret: Uint8Array): KeyObject {
  const key = Buffer.concat([secretPrefix[curve], secret]);
  const object = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  key.fill(0);
  return object;
}

function publicKeyObject(curve: Curve, key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicPrefix[curve], key]), format: 'der', type: 'spki' });
}

/** The raw public half of a secret key. */
export function publicBytes(secret: KeyObject): Uint8Array {
  return createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-keyBytes);
}

const keysHeldMax = 1024;
/** Made once a key: decoding costs a third of a verification. The oldest goes first. */
const verifying = new Map<string, KeyObject>();

function verifyingKey(key: Uint8Array): KeyObject | undefined {
  const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
  const held = verifying.get(name);
  if (held !== undefined) return held;
  if (!isSoundKey(key)) return undefined;
  const object = publicKeyObject('ed25519', key);
  for (const oldest of verifying.keys()) {
    if (verifying.size < keysHeldMax) break;
    verifying.delete(oldest);
  }
  verifying.set(name, object);
  return object;
}

export function verifySignature(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureBytes) return false;
  const object = verifyingKey(key);
  return object !== undefined && verify(null, bytes, object, signature);
}

function agree(secret: Uint8Array, other: Uint8Array): Uint8Array | undefined {
  if (other.length !== keyBytes) return undefined;
  const privateKey = secretKeyObject('x25519', secret);
  try {
    return diffieHellman({ privateKey, publicKey: publicKeyObject('x25519', other) });
  } catch {
    // The result was all zeros.
    return undefined;
  }
}

/** By the platform's own OpenSSL: an order of magnitude faster than the portable ones. */
export const platformCurves: Curves = {
  signingKey: (secret) => publicBytes(secretKeyObject('ed25519', secret)),
  sign: (secret, bytes) => sign(null, bytes, secretKeyObject('ed25519', secret)),
  verify: verifySignature,
  agreementKey: (secret) => publicBytes(secretKeyObject('x25519', secret)),
  agree,
};
