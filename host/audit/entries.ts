import { recordBytesMax } from './chain-hash.ts';
import { beginsSeal } from './seal.ts';
import { checkBytes } from './segment-reader.ts';

/** The records of events in bytes that are whole entries, as the chain's writer made them; seals are passed by. */
export function* recordsOf(entries: Buffer): Generator<Buffer> {
  for (let at = 0; at < entries.length; ) {
    if (beginsSeal(entries, at)) {
      at += sealLength(entries, at);
      continue;
    }
    const { from, length } = byteStringAt(entries, at + 2 + checkBytes);
    yield entries.subarray(from, from + length);
    at = from + length;
  }
}

/** `["seal", payload, signature]`. */
function sealLength(entries: Buffer, at: number): number {
  const payload = byteStringAt(entries, at + 6);
  const signature = byteStringAt(entries, payload.from + payload.length);
  return signature.from + signature.length - at;
}

function byteStringAt(bytes: Buffer, at: number): { readonly from: number; readonly length: number } {
  const head = bytes[at] as number;
  if (head === 0x59) return { from: at + 3, length: bytes.readUInt16BE(at + 1) };
  if (head === 0x58) return { from: at + 2, length: bytes[at + 1] as number };
  if (head < 0x40 || head > 0x57 || head - 0x40 > recordBytesMax)
    throw new Error('bug: not an entry of the chain');
  return { from: at + 1, length: head - 0x40 };
}
