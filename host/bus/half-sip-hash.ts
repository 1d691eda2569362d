/** 64 bits of a hash; also where the hash function writes its result, so that hashing allocates nothing. */
export interface Hash64 {
  low: number;
  high: number;
}

/**
 * HalfSipHash-2-4 with a result of 64 bits (Aumasson and Bernstein; constants and test vectors of the
 * reference): a keyed hash, so nobody outside can choose names that fall together.
 */
export function halfSipHash(
  bytes: Uint8Array,
  length: number,
  key0: number,
  key1: number,
  out: Hash64,
): void {
  let v0 = key0;
  let v1 = key1 ^ 0xee;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const whole = length & ~3;
  let word = 0;
  // One pass a word, one for the rest and the length, then four and four to finish.
  for (let at = 0; at <= whole; at += 4) {
    word =
      at < whole
        ? (bytes[at] ?? 0) |
          ((bytes[at + 1] ?? 0) << 8) |
          ((bytes[at + 2] ?? 0) << 16) |
          ((bytes[at + 3] ?? 0) << 24)
        : rest(bytes, whole, length);
    v3 ^= word;
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  v2 ^= 0xee;
  for (let round = 0; round < 8; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 3) {
      out.low = v1 ^ v3;
      v1 ^= 0xdd;
    }
  }
  out.high = v1 ^ v3;
}

function rest(bytes: Uint8Array, from: number, length: number): number {
  let word = length << 24;
  for (let at = from; at < length; at++) word |= (bytes[at] ?? 0) << (8 * (at - from));
  return word;
}
