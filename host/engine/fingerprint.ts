/**
 * A quick 32-bit mix of all bytes (FNV-1a over 32-bit words in the machine's order, then the rest byte by
 * byte): finds a cache entry and tells a damaged one. It proves nothing: whoever trusts what it found
 * compares the bytes themselves.
 */
export function fingerprintOf(source: Uint8Array): number {
  const bytes = source.byteOffset % 4 === 0 ? source : source.slice();
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let mix = 0x811c9dc5 ^ bytes.length;
  for (const word of words) mix = Math.imul(mix ^ word, 0x01000193);
  for (const byte of bytes.subarray(words.byteLength)) mix = Math.imul(mix ^ byte, 0x01000193);
  return (mix ^ (mix >>> 15)) >>> 0;
}
