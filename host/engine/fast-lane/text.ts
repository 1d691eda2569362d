import { spellings } from '../../spelling.ts';
import type { StringEncoding } from '../component/component.ts';
import { type Abi, sequenceBytesMax, violation } from './abi.ts';
import { KnownTexts, knownBytesMax } from './known-texts.ts';

/** Code units up to which a loop beats the fixed cost of TextDecoder, and that of TextEncoder. */
const shortUnitsMax = 24;
const loopUnitsMax = 16;
/** Code units up to which a loop beats `set` for what is encoded. */
const shortLoweredUnitsMax = 64;
/** Room for encoding strings of middle length in one pass; strings never stay here. */
const scratchBytes = 65_536;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const scratch = new Uint8Array(scratchBytes);
const { fromCharCode } = String;

/** Bit of a `latin1+utf16` length that says utf16. */
const utf16Tag = 0x80000000;

/** Lifts a string from its pointer and length in code units, as the encoding has them. */
export type LiftText = (abi: Abi, pointer: number, units: number) => string;

export const liftText: { readonly [encoding in StringEncoding]: LiftText } = {
  utf8: (abi, pointer, units) => {
    const length = units >>> 0;
    const at = checkText(abi, pointer, length, 1);
    if (length > knownBytesMax) return longText(utf8, abi, at, length);
    return length === 0 ? '' : knownUtf8.lift(abi.view, at, length);
  },
  utf16: (abi, pointer, units) => liftUtf16(abi, pointer, units >>> 0),
  'latin1+utf16': (abi, pointer, units) => {
    if (units < 0 || units >= utf16Tag) return liftUtf16(abi, pointer, (units & 0x7fffffff) >>> 0);
    const at = checkText(abi, pointer, units, 2);
    return latin1(abi.bytes, at, units);
  },
};

function checkText(abi: Abi, pointer: number, length: number, align: number): number {
  if (length > sequenceBytesMax) throw violation(`a string of ${length} bytes`);
  const at = abi.check(pointer, length, align, 'string');
  abi.charge(length);
  return at;
}

const knownUtf8 = new KnownTexts(shortUtf8);
const knownUtf16 = new KnownTexts(shortUtf16);

function shortUtf8(view: DataView<ArrayBuffer>, at: number, length: number): string {
  if (length > shortUnitsMax) return decode(utf8, bytesOf(view, at, length));
  const units = new Array<number>(length);
  for (let index = 0; index < length; index += 1) {
    const unit = view.getUint8(at + index);
    if (unit >= 0x80) return decode(utf8, bytesOf(view, at, length));
    units[index] = unit;
  }
  return fromCharCode.apply(null, units);
}

function bytesOf({ buffer, byteOffset }: DataView<ArrayBuffer>, at: number, length: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + at, length);
}

function longText(decoder: TextDecoder, abi: Abi, at: number, length: number): string {
  return decode(decoder, abi.bytes.subarray(at, at + length));
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw violation('a string that is not valid in its encoding');
  }
}

function liftUtf16(abi: Abi, pointer: number, units: number): string {
  const length = units * 2;
  const at = checkText(abi, pointer, length, 2);
  if (length > knownBytesMax) return longText(utf16, abi, at, length);
  return length === 0 ? '' : knownUtf16.lift(abi.view, at, length);
}

function shortUtf16(view: DataView<ArrayBuffer>, at: number, length: number): string {
  const units = length >>> 1;
  if (units > shortUnitsMax) return decode(utf16, bytesOf(view, at, length));
  const codes = new Array<number>(units);
  for (let index = 0; index < units; index += 1) {
    const code = view.getUint16(at + index * 2, true);
    if (code >= 0xd800 && code <= 0xdfff) return decode(utf16, bytesOf(view, at, length));
    codes[index] = code;
  }
  return fromCharCode.apply(null, codes);
}

const latin1ChunkUnits = 4096;

function latin1(bytes: Uint8Array, at: number, length: number): string {
  let text = '';
  for (let done = 0; done < length; done += latin1ChunkUnits) {
    const end = Math.min(done + latin1ChunkUnits, length);
    text += fromCharCode.apply(null, Array.from(bytes.subarray(at + done, at + end)));
  }
  return text;
}

/** Lowers a string; leaves the pointer in `lowered.pointer` and returns the length in (tagged) code units. */
export type LowerText = (abi: Abi, text: string) => number;

/** Second result of `LowerText`: a string makes two core values, and a pair would be an allocation per string. */
export const lowered: { pointer: number } = { pointer: 0 };

/**
 * One exact allocation per string, as the specification allows when the source's length is known, and as jco
 * does: both lanes must run the guest's allocator equally often. Lone surrogates become U+FFFD.
 */
export const lowerText: { readonly [encoding in StringEncoding]: LowerText } = {
  utf8: (abi, text) => {
    const units = text.length;
    if (units === 0) return empty(1);
    if (units <= shortLoweredUnitsMax) return lowerShort(abi, text, units);
    if (units * 3 <= scratchBytes) {
      const { written } = encoder.encodeInto(text, scratch);
      lowered.pointer = abi.allocate(1, written);
      abi.bytes.set(scratch.subarray(0, written), lowered.pointer);
      return written;
    }
    return lowerLong(abi, text);
  },
  utf16: (abi, text) => lowerUtf16(abi, text),
  'latin1+utf16': (abi, text) => {
    if (!isLatin1(text)) return (lowerUtf16(abi, text) | utf16Tag) >>> 0;
    const pointer = abi.allocate(2, text.length);
    for (let index = 0; index < text.length; index += 1) abi.bytes[pointer + index] = text.charCodeAt(index);
    lowered.pointer = pointer;
    return text.length;
  },
};

function empty(align: number): number {
  lowered.pointer = align;
  return 0;
}

function lowerShort(abi: Abi, text: string, units: number): number {
  const { latest } = spellings;
  if (text === latest.text) return lowerAscii(abi, latest.bytes, units);
  if (units > loopUnitsMax) {
    if (encoder.encodeInto(text, scratch).written !== units) return lowerLong(abi, text);
  } else
    for (let index = 0; index < units; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return lowerLong(abi, text);
      // A part of a longer string is slow to read: once is enough.
      scratch[index] = code;
    }
  return lowerAscii(abi, scratch, units);
}

function lowerAscii(abi: Abi, from: Uint8Array, units: number): number {
  const pointer = abi.allocate(1, units);
  const { bytes } = abi;
  for (let index = 0; index < units; index += 1) bytes[pointer + index] = from[index] as number;
  lowered.pointer = pointer;
  return units;
}

function lowerLong(abi: Abi, text: string): number {
  const length = utf8Length(text);
  const pointer = abi.allocate(1, length);
  encoder.encodeInto(text, abi.bytes.subarray(pointer, pointer + length));
  lowered.pointer = pointer;
  return length;
}

/** Bytes of a string in UTF-8; a lone surrogate counts as U+FFFD, three bytes. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x80) length += 1;
    else if (code < 0x800) length += 2;
    else if (code >= 0xd800 && code <= 0xdbff && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) {
      length += 4;
      index += 1;
    } else length += 3;
  }
  return length;
}

function lowerUtf16(abi: Abi, source: string): number {
  const text = hasSurrogates(source) ? source.toWellFormed() : source;
  const { length } = text;
  const pointer = abi.allocate(2, length * 2);
  const { units } = abi;
  const at = pointer >>> 1;
  for (let index = 0; index < length; index += 1) units[at + index] = text.charCodeAt(index);
  lowered.pointer = pointer;
  return length;
}

function hasSurrogates(text: string): boolean {
  for (let index = 0; index < text.length; index += 1)
    if ((text.charCodeAt(index) & 0xf800) === 0xd800) return true;
  return false;
}

function isLatin1(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0xff) return false;
  return true;
}
