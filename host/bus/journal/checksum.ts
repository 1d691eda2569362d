import { crc32 } from 'node:zlib';

/** Up to this length the call into native code costs more than the checksum (bench/journal.ts). */
const shortBytesMax = 320;
const wordBytes = 8;
const polynomial = 0xedb8_8320;

/** For each of a word's eight bytes, the last one first, what it does to the checksum. */
const tables: Int32Array = tablesOf(wordBytes);

/** The CRC-32 of `bytes` from `from` to `end`; `view` is over the same memory. The same as `zlib.crc32`. */
export function checksum(bytes: Buffer, view: DataView, from: number, end: number, seed: number): number {
  if (end - from > shortBytesMax) return crc32(bytes.subarray(from, end), seed);
  let crc = ~seed;
  let at = from;
  for (; at + wordBytes <= end; at += wordBytes) crc = withWord(crc ^ view.getInt32(at, true), view, at);
  for (; at < end; at += 1) crc = (tables[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function withWord(low: number, view: DataView, at: number): number {
  const high = view.getInt32(at + 4, true);
  return (
    (tables[1792 + (low & 255)] as number) ^
    (tables[1536 + ((low >>> 8) & 255)] as number) ^
    (tables[1280 + ((low >>> 16) & 255)] as number) ^
    (tables[1024 + (low >>> 24)] as number) ^
    (tables[768 + (high & 255)] as number) ^
    (tables[512 + ((high >>> 8) & 255)] as number) ^
    (tables[256 + ((high >>> 16) & 255)] as number) ^
    (tables[high >>> 24] as number)
  );
}

function tablesOf(count: number): Int32Array {
  const made = new Int32Array(256 * count);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at += 1) {
    const before = made[at - 256] as number;
    made[at] = (before >>> 8) ^ (made[before & 255] as number);
  }
  return made;
}
