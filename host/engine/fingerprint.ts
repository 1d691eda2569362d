/**
 * A quick 32-bit mix of all bytes (FNV-1a over 32-bit words in the machine's order, then the rest byte by
 * byte): finds a cache entry and tells a damaged one. It proves nothing: whoever trusts what it found
 * compares the bytes themselves.
 */
export function fingerprintOf(source: Uint8Array): number {
  // Not `slice`, which gives a Buffer's own memory again.
  const bytes = source.byteOffset % 4 === 0 ? source : new Uint8Array(source);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let mix = 0x811c9dc5 ^ bytes.length;
  // Plain loops: this runs once in a short process, where an iterator costs five times as much.
  for (let index = 0, end = words.length; index < end; index += 1) {
    mix = Math.imul(mix ^ (words[index] as number), 0x01000193);
  }
  for (let index = words.byteLength; index < bytes.length; index += 1) {
    mix = Math.imul(mix ^ (bytes[index] as number), 0x01000193);
  }
  return (mix ^ (mix >>> 15)) >>> 0;
}
