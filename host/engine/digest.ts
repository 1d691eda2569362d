import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * From this size on Node's own SHA-256 is faster although loading `node:crypto` costs 5 ms, a quarter of
 * Node's own start; below it a short run is better served without.
 */
const portableBytesMax = 256 * 1024;

/** SHA-256 (FIPS 180-4) of bytes or UTF-8 text, 32 bytes. */
export function digestOf(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? utf8ToBytes(content) : content;
  if (bytes.length <= portableBytesMax) return sha256(bytes);
  return process.getBuiltinModule('node:crypto').hash('sha256', bytes, 'buffer');
}

/** The same as lower-case hex. */
export function hexDigestOf(content: Uint8Array | string): string {
  return bytesToHex(digestOf(content));
}
