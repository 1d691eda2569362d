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
/** The same by words. */
let roomWords = new Uint32Array(room.buffer);
/** Where in the room the last snapshot was written: so that its words lie as words do. */
let roomFrom = 0;

function roomOf(bytes: number): Buffer<ArrayBuffer> {
  if (room.length >= bytes) return room;
  room = Buffer.allocUnsafeSlow(Math.ceil((bytes * 2) / wordBytes) * wordBytes);
  roomWords = new Uint32Array(room.buffer);
  return room;
}

/** What stands at the head of a snapshot; mostly of the program that the one before had. */
class Title {
  readonly program: string;
  readonly version: string;
  readonly bytes: Buffer;
  readonly programBytes: number;

  constructor(program: string, version: string) {
    this.program = program;
    this.version = version;
    this.bytes = Buffer.from(program + version);
    this.programBytes = Buffer.byteLength(program);
  }
}

let title = new Title('', '');

function titleOf(program: string, version: string): Title {
  if (title.program !== program || title.version !== version) title = new Title(program, version);
  return title;
}

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
  room.copy(own, 0, roomFrom, roomFrom + length);
  return own;
}

/**
 * The same; few bytes as a text of as many characters below 256, which lies in the heap itself: that takes a tenth of
 * the time of a buffer, and a third of its room.
 */
export function packSparse(snapshot: Snapshot): Buffer | string {
  const length = encodeInRoom(snapshot);
  return length <= textBytesMax ? room.toString('latin1', roomFrom, roomFrom + length) : ownOfRoom(length);
}

/** The snapshot that `packSparse` was given; its blocks lie where `roomFor` says. */
export function unpackSparse(packed: Buffer | string, roomFor?: RoomFor): Snapshot {
  if (typeof packed !== 'string') return decodeSparse(packed, roomFor) as Snapshot;
  const into = roomOf(packed.length);
  const length = into.write(packed, 0, 'latin1');
  return decodeSparse(into.subarray(0, length), roomFor) as Snapshot;
}

/** Room for so many bytes of blocks, whatever is in it; undefined: an array of their own. */
export type RoomFor = (bytes: number) => Buffer<ArrayBuffer> | undefined;

/** How many bytes of the room it takes, from `roomFrom`. */
function encodeInRoom({ program, version, globals, memories, extra }: Snapshot): number {
  const lane = extra === undefined ? undefined : serialize(extra);
  const { bytes: texts, programBytes } = titleOf(program, version);
  const fixedBytes = headBytes + texts.length + globals.length * globalBytes;
  const bytesMax = memories.reduce(
    (sum, { bytes, blocks }) => sum + mostBytes(bytes.length) + blocks.byteLength + spareBytes,
    fixedBytes + (lane?.length ?? 0) + spareBytes,
  );
  const out = roomOf(bytesMax);
  const from = (wordBytes - (fixedBytes % wordBytes)) % wordBytes;
  roomFrom = from;
  out.writeUInt32LE(magic, from);
  out.writeUInt32LE(programBytes, from + 4);
  out.writeUInt32LE(texts.length - programBytes, from + 8);
  out.writeUInt32LE(globals.length, from + 12);
  out.writeUInt32LE(memories.length, from + 16);
  out.writeUInt32LE(lane?.length ?? 0, from + 20);
  let at = from + headBytes + texts.copy(out, from + headBytes);
  for (const value of globals) at = writeGlobal(out, at, value);
  for (const memory of memories) at = writeMemory(at, memory);
  if (lane !== undefined) at += lane.copy(out, at);
  return at - from;
}

/** What so many bytes of blocks take at most: a run that is cut off costs a head more. */
function mostBytes(bytes: number): number {
  return bytes + Math.ceil(bytes / (runWordsMax * wordBytes)) * wordBytes;
}

function writeGlobal(out: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'bigint') out.writeBigInt64LE(BigInt.asIntN(64, value), at + 1);
  else out.writeDoubleLE(value, at + 1);
  out[at] = typeof value === 'bigint' ? 1 : 0;
  return at + globalBytes;
}

/** `from`: a place in the room where a word may lie. */
function writeMemory(from: number, { pages, blocks, bytes }: SavedMemory): number {
  const out = roomWords;
  let at = from / wordBytes;
  out[at++] = pages;
  out[at++] = blocks.length;
  for (let index = 0; index < blocks.length; index += 1) out[at++] = blocks[index] as number;
  const words = wordsOf(bytes);
  for (let word = 0; word < words.length; ) {
    const zerosFrom = word;
    while (word < words.length && words[word] === 0 && word - zerosFrom < runWordsMax) word += 1;
    const textFrom = word;
    const head = at++;
    for (; word < words.length && word - textFrom < runWordsMax; word += 1) {
      const value = words[word] as number;
      if (value === 0) break;
      out[at++] = value;
    }
    out[head] = (textFrom - zerosFrom) | ((word - textFrom) << 16);
  }
  return at * wordBytes;
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
