import { deserialize, serialize } from 'node:v8';
import { blockBytes, type SavedMemory, type Snapshot } from '../hibernation/snapshot.ts';

/*
 * A snapshot with runs of zeros left out, little endian. A compressor would make it half as long and take ten times
 * as long to begin.
 *   0 magic · 4 program bytes · 8 version bytes · 12 globals · 16 memories · 20 bytes of what the lane remembered
 *   24 program and version (UTF-8)
 *   globals: 1 kind (0 f64, 1 i64), 8 value
 *   memories: 4 pages, 4 blocks, 4 for each block's number, then runs until all words of the blocks are there:
 *     2 words of zeros, 2 words that follow, these
 *   what the lane remembered, as V8 serializes it
 */
const magic = 0x3153_484d;
const headBytes = 24;
const globalBytes = 9;
const wordBytes = 4;
const wordsOfBlock = blockBytes / wordBytes;
const runWordsMax = 0xffff;
/** What is written beside memories, programs and lanes, at most: for the size of the room to write in. */
const spareBytes = 64;
/** Beyond this a text takes longer than a buffer. */
const textBytesMax = 2_048;

let room: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(64 * 1024);

export function isSparse(body: Buffer): boolean {
  return body.length >= headBytes && body.readUInt32LE(0) === magic;
}

/** The bytes of a snapshot; nobody else's. */
export function encodeSparse(snapshot: Snapshot): Buffer {
  return ownOfRoom(encodeInRoom(snapshot));
}

/** Not of Node's pool: a small state may be kept for long. */
function ownOfRoom(length: number): Buffer {
  const own = Buffer.allocUnsafeSlow(length);
  room.copy(own, 0, 0, length);
  return own;
}

/**
 * The same; few bytes as a text of as many characters below 256, which lies in the heap itself: that takes a tenth of
 * the time of a buffer, and a third of its room.
 */
export function packSparse(snapshot: Snapshot): Buffer | string {
  const length = encodeInRoom(snapshot);
  return length <= textBytesMax ? room.toString('latin1', 0, length) : ownOfRoom(length);
}

/** The snapshot that `packSparse` was given; its blocks lie where `roomFor` says. */
export function unpackSparse(packed: Buffer | string, roomFor?: RoomFor): Snapshot {
  if (typeof packed !== 'string') return decodeSparse(packed, roomFor) as Snapshot;
  if (room.length < packed.length) room = Buffer.allocUnsafeSlow(packed.length * 2);
  const length = room.write(packed, 0, 'latin1');
  return decodeSparse(room.subarray(0, length), roomFor) as Snapshot;
}

/** Room for so many bytes of blocks, whatever is in it; undefined: an array of their own. */
export type RoomFor = (bytes: number) => Buffer<ArrayBuffer> | undefined;

/** How many bytes of the room it takes. */
function encodeInRoom({ program, version, globals, memories, extra }: Snapshot): number {
  const lane = extra === undefined ? undefined : serialize(extra);
  const texts = Buffer.from(program + version);
  const bytesMax = memories.reduce(
    (sum, { bytes, blocks }) => sum + bytes.length + blocks.byteLength + spareBytes,
    headBytes + texts.length + globals.length * globalBytes + (lane?.length ?? 0) + spareBytes,
  );
  if (room.length < bytesMax) room = Buffer.allocUnsafeSlow(bytesMax * 2);
  const out = room;
  out.writeUInt32LE(magic, 0);
  out.writeUInt32LE(Buffer.byteLength(program), 4);
  out.writeUInt32LE(Buffer.byteLength(version), 8);
  out.writeUInt32LE(globals.length, 12);
  out.writeUInt32LE(memories.length, 16);
  out.writeUInt32LE(lane?.length ?? 0, 20);
  let at = headBytes + texts.copy(out, headBytes);
  for (const value of globals) at = writeGlobal(out, at, value);
  for (const memory of memories) at = writeMemory(out, at, memory);
  if (lane !== undefined) at += lane.copy(out, at);
  return at;
}

function writeGlobal(out: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'bigint') out.writeBigInt64LE(BigInt.asIntN(64, value), at + 1);
  else out.writeDoubleLE(value, at + 1);
  out[at] = typeof value === 'bigint' ? 1 : 0;
  return at + globalBytes;
}

function writeMemory(out: Buffer, from: number, { pages, blocks, bytes }: SavedMemory): number {
  out.writeUInt32LE(pages, from);
  out.writeUInt32LE(blocks.length, from + 4);
  let at = from + 8;
  for (const block of blocks) at = out.writeUInt32LE(block, at);
  const words = wordsOf(bytes);
  for (let word = 0; word < words.length; ) {
    const zerosFrom = word;
    while (word < words.length && words[word] === 0 && word - zerosFrom < runWordsMax) word += 1;
    const textFrom = word;
    while (word < words.length && words[word] !== 0 && word - textFrom < runWordsMax) word += 1;
    out.writeUInt16LE(textFrom - zerosFrom, at);
    out.writeUInt16LE(word - textFrom, at + 2);
    at += 4;
    for (let text = textFrom; text < word; text += 1) at = writeWord(out, at, words[text] as number);
  }
  return at;
}

function writeWord(out: Buffer, at: number, word: number): number {
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  out[at + 3] = word >>> 24;
  return at + wordBytes;
}

/** By words of the machine, which are little endian as the guest's are. */
function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const own = bytes.byteOffset % wordBytes === 0 ? bytes : bytes.slice();
  return new Uint32Array(own.buffer, own.byteOffset, own.length / wordBytes);
}

/** @throws RangeError, or gives what is no snapshot, for other bytes than `encodeSparse` gave */
export function decodeSparse(body: Buffer, roomFor?: RoomFor): unknown {
  const programEnd = headBytes + body.readUInt32LE(4);
  const versionEnd = programEnd + body.readUInt32LE(8);
  const place = { at: versionEnd };
  const globals = Array.from({ length: bounded(body, 12) }, () => readGlobal(body, place));
  const count = bounded(body, 16);
  // One place for the blocks of two memories would be none.
  const one = count === 1 ? roomFor : undefined;
  const memories = Array.from({ length: count }, () => readMemory(body, place, one));
  const laneBytes = body.readUInt32LE(20);
  if (place.at + laneBytes !== body.length) throw new RangeError('bytes that are nothing');
  const whole = {
    program: body.toString('utf8', headBytes, programEnd),
    version: body.toString('utf8', programEnd, versionEnd),
    memories,
    globals,
  };
  return laneBytes === 0 ? whole : { ...whole, extra: deserialize(body.subarray(place.at)) };
}

function bounded(body: Buffer, at: number): number {
  const count = body.readUInt32LE(at);
  if (count > body.length) throw new RangeError('more than there is');
  return count;
}

function readGlobal(body: Buffer, place: { at: number }): number | bigint {
  const from = place.at;
  place.at += globalBytes;
  return body[from] === 1 ? body.readBigInt64LE(from + 1) : body.readDoubleLE(from + 1);
}

function readMemory(body: Buffer, place: { at: number }, roomFor: RoomFor | undefined): SavedMemory {
  const pages = body.readUInt32LE(place.at);
  const blocks = new Uint32Array(bounded(body, place.at + 4));
  place.at += 8;
  for (let index = 0; index < blocks.length; index += 1, place.at += wordBytes)
    blocks[index] = body.readUInt32LE(place.at);
  const length = blocks.length * blockBytes;
  const bytes = roomFor?.(length)?.fill(0) ?? Buffer.from(new ArrayBuffer(length));
  const words = blocks.length * wordsOfBlock;
  for (let word = 0; word < words; ) {
    word += body.readUInt16LE(place.at);
    const text = body.readUInt16LE(place.at + 2);
    const from = place.at + 4;
    place.at = from + text * wordBytes;
    if (word + text > words || place.at > body.length) throw new RangeError('a run too long');
    body.copy(bytes, word * wordBytes, from, place.at);
    word += text;
  }
  return { pages, blocks, bytes };
}
