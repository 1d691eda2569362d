import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

/** The form's number, the session's id, the epoch, and the length of the header that follows. */
export const prefixBytes: number = 1 + 16 + 4 + 2;
export const sealedForm = 1;
export const sessionIdBytes = 16;
export const tagBytes = 16;
const algorithm = 'aes-256-gcm';

/**
 * Writes the nonce of a message: four zeros and the sequence number. A number is used once in a session and a
 * direction has keys of its own, so no key meets a nonce twice.
 */
export function writeNonce(nonce: Uint8Array, sequence: number): void {
  const high = Math.floor(sequence / 0x1_0000_0000);
  nonce[4] = high >>> 24;
  nonce[5] = high >>> 16;
  nonce[6] = high >>> 8;
  nonce[7] = high;
  nonce[8] = sequence / 0x100_0000;
  nonce[9] = sequence / 0x1_0000;
  nonce[10] = sequence / 0x100;
  nonce[11] = sequence;
}

const slabBytes = 65_536;
/** Larger ones have memory of their own: a small message that is kept must not keep a large one. */
const pieceBytesMax = 4096;
let slab = Buffer.allocUnsafeSlow(slabBytes);
let slabAt = 0;

/** Memory for one envelope out of a larger piece: to allocate each alone costs as much as a third of sealing it. */
function memoryFor(bytes: number): Buffer<ArrayBuffer> {
  if (bytes > pieceBytesMax) return Buffer.allocUnsafeSlow(bytes);
  if (slabAt + bytes > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    slabAt = 0;
  }
  const from = slabAt;
  slabAt += bytes;
  return slab.subarray(from, slabAt);
}

/**
 * `clear`, what becomes of `payload` under the key, and the tag over both; a view of memory with others in it, to be
 * copied by who would transfer it.
 */
export function sealBytes(
  key: KeyObject,
  nonce: Uint8Array,
  clear: Uint8Array,
  payload: Uint8Array,
): Buffer<ArrayBuffer> {
  const sealed = memoryFor(clear.length + payload.length + tagBytes);
  sealed.set(clear, 0);
  sealInto(sealed, clear.length, key, nonce, clear, payload);
  return sealed;
}

/** What becomes of `payload`, and the tag over it and `clear`, into `target` from `at` on. */
export function sealInto(
  target: Uint8Array,
  at: number,
  key: KeyObject,
  nonce: Uint8Array,
  clear: Uint8Array,
  payload: Uint8Array,
): void {
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(clear);
  target.set(cipher.update(payload), at);
  cipher.final();
  target.set(cipher.getAuthTag(), at + payload.length);
}

/**
 * The payload that begins at `bodyAt`, before the tag; undefined when a bit of it, of `clear` or of the tag is another
 * than when it was sealed.
 */
export function openBytes(
  key: KeyObject,
  nonce: Uint8Array,
  clear: Uint8Array,
  sealed: Uint8Array,
  bodyAt: number,
): Buffer | undefined {
  const bodyEnd = sealed.length - tagBytes;
  if (bodyEnd < bodyAt) return undefined;
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(clear);
  decipher.setAuthTag(sealed.subarray(bodyEnd));
  const payload = decipher.update(sealed.subarray(bodyAt, bodyEnd));
  try {
    decipher.final();
    return payload;
  } catch {
    return undefined;
  }
}
