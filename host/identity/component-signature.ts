import { sha256, type Verify, verifySignature } from './curves.ts';
import { keyText, parseKey, signatureBytes } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';
import type { Signer } from './signing-key.ts';
import { statement } from './statement.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** The file beside `x.wasm`: `x.wasm.sig`. */
export const signatureSuffix = '.sig';
const fileBytesMax = 4096;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const signaturePattern = /^[A-Za-z0-9_-]{86}$/;
const fields = 'digest,key,signature,signedAtMs,version';

/** Who vouches for a component, detached from it: `x.wasm.sig` holds this as JSON. */
export interface ComponentSignature {
  readonly version: 1;
  /** `ed25519:…` */
  readonly key: string;
  /** `sha256:…` in hexadecimal: the component's. */
  readonly digest: string;
  readonly signedAtMs: number;
  /** base64url of 64 bytes, over the statement of all the above. */
  readonly signature: string;
}

export function digestOf(component: Uint8Array): string {
  return `sha256:${sha256(component).toString('hex')}`;
}

function signedBytes(digest: string, signedAtMs: number, key: Uint8Array): Uint8Array {
  const hash = Buffer.from(digest.slice('sha256:'.length), 'hex');
  return statement('component').raw(hash).u64(signedAtMs).raw(key).take();
}

/** The word of `signer` for a component: for the `.sig` file beside it (`encodeSignature`). */
export function signComponent(component: Uint8Array, signer: Signer, signedAtMs: number): ComponentSignature {
  const digest = digestOf(component);
  const bytes = signer.sign(signedBytes(digest, signedAtMs, signer.publicKey));
  const signature = Buffer.from(bytes).toString('base64url');
  return { version: 1, key: keyText(signer.publicKey), digest, signedAtMs, signature };
}

/** The content of `x.wasm.sig`. */
export function encodeSignature(signature: ComponentSignature): Uint8Array {
  return Buffer.from(`${JSON.stringify(signature, undefined, 2)}\n`);
}

/** Refused for anything that is not exactly such a file; nothing of it is verified yet. */
export function parseSignature(file: Uint8Array): ComponentSignature | Refused {
  if (file.length > fileBytesMax) return refused('malformed', `more than ${fileBytesMax} bytes`);
  const value = json(file);
  if (value === undefined || Object.keys(value).sort().join() !== fields)
    return refused('malformed', `not JSON with ${fields}`);
  const { version, key, digest, signedAtMs, signature } = value;
  if (version !== 1) return refused('malformed', 'version is not 1');
  if (typeof key !== 'string' || parseKey(key) === undefined)
    return refused('malformed', 'key is not ed25519: and 43 characters of base64url, of a sound key');
  if (typeof digest !== 'string' || !digestPattern.test(digest))
    return refused('malformed', 'digest is not sha256: and 64 hexadecimal digits');
  if (typeof signedAtMs !== 'number' || !Number.isSafeInteger(signedAtMs) || signedAtMs < 0)
    return refused('malformed', 'signedAtMs is not a whole number of milliseconds');
  if (typeof signature !== 'string' || !signaturePattern.test(signature) || !isCanonical(signature))
    return refused('malformed', 'signature is not 86 characters of base64url');
  return { version, key, digest, signedAtMs, signature };
}

function isCanonical(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === signatureBytes && bytes.toString('base64url') === text;
}

function json(file: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(file).toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A component whose signature fits. Whose key it is, is not said yet. */
export interface SignedComponent {
  readonly kind: 'signed';
  readonly key: Uint8Array;
  readonly keyText: string;
  readonly digest: string;
  readonly signedAtMs: number;
}

/** Whether the key in a signature file signed this component. */
export function verifyComponent(
  component: Uint8Array,
  file: Uint8Array,
  verify: Verify = verifySignature,
): SignedComponent | Refused {
  const found = parseSignature(file);
  if ('kind' in found) return found;
  const digest = digestOf(component);
  if (found.digest !== digest)
    return refused('unauthentic', `signed for ${found.digest}, and the component is ${digest}`);
  const key = parseKey(found.key);
  const signature = Buffer.from(found.signature, 'base64url');
  if (key === undefined || !verify(key, signedBytes(digest, found.signedAtMs, key), signature))
    return refused('unauthentic', 'the signature does not fit the component');
  return { kind: 'signed', key, keyText: found.key, digest, signedAtMs: found.signedAtMs };
}

/**
 * The whole question: is this component signed by who may sign it? The first key of a party is pinned if the trusted
 * keys are opened so.
 * @param party whose key it must be: `publisher:acme`, or the agent's party
 * @param nowMs a signature of more than a minute from now is none
 */
export function admitComponent(
  component: Uint8Array,
  file: Uint8Array,
  trusted: TrustedKeys,
  party: string,
  nowMs: number,
): (SignedComponent & { readonly isFirst: boolean }) | Refused {
  const signed = verifyComponent(component, file);
  if (signed.kind === 'refused') return signed;
  if (signed.signedAtMs > nowMs + 60_000)
    return refused('future', `signed ${signed.signedAtMs - nowMs} ms from now`);
  const verdict = trusted.check(party, signed.key, signed.signedAtMs);
  return verdict.kind === 'refused' ? verdict : { ...signed, isFirst: verdict.isFirst };
}
