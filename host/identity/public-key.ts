/** Bytes of a public key of either curve, of a secret one, and of an Ed25519 signature. */
export const keyBytes = 32;
export const signatureBytes = 64;

const prefix = 'ed25519:';
const textPattern = /^ed25519:[A-Za-z0-9_-]{43}$/;

/** `ed25519:` and the 32 bytes in base64url without padding. */
export function keyText(key: Uint8Array): string {
  return prefix + Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64url');
}

/** The 32 bytes of a key's text; undefined unless it is the only text of a key that can be trusted to sign. */
export function parseKey(text: string): Uint8Array | undefined {
  if (!textPattern.test(text)) return undefined;
  const key = Buffer.from(text.slice(prefix.length), 'base64url');
  return keyText(key) === text && isSoundKey(key) ? key : undefined;
}

/**
 * Whether bytes may be somebody's signing key: 32 of them, a coordinate in its only form, and not one of the eight
 * points of small order, for which anybody can make signatures that fit many messages.
 */
export function isSoundKey(key: Uint8Array): boolean {
  return key.length === keyBytes && isReduced(key) && !isSmallOrder(key);
}

/** y < 2^255 − 19, little-endian, without the sign bit. */
function isReduced(key: Uint8Array): boolean {
  if (((key[31] ?? 0) & 0x7f) !== 0x7f) return true;
  for (let at = 30; at > 0; at--) if (key[at] !== 0xff) return true;
  return (key[0] ?? 0) < 0xed;
}

/** The y coordinates of the points whose order divides 8: 0, 1, −1 and the two of order 8. */
const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

function isSmallOrder(key: Uint8Array): boolean {
  const unsigned = Buffer.from(key);
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  return smallOrder.has(unsigned.toString('hex'));
}

/** How a key is named in logs and records: 128 bits of its digest, in hexadecimal. */
export type KeyId = string;
