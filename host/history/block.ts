import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { HostError } from '../errors.ts';

/**
 * A block of a history file. Numbers are little endian.
 *
 * | at | bytes | what |
 * |---|---|---|
 * | 0 | 4 | `MHH1`; `MHS1` when the content is sealed |
 * | 4 | 4 | length of the content |
 * | 8 | 8 | number, from 0 in each file |
 * | 16 | 8 | when it was written, milliseconds since 1970 |
 * | 24 | 32 | digest of the block before it; zeros in the first |
 * | 56 | 4 | CRC-32 of all before |
 * | 60 | 32 | digest: SHA-256 of all before and of the content |
 * | 92 | | content: records, each after its length (a varint) |
 */
export const blockHeadBytes: number = 92;
export const blockContentBytesMax: number = 64 * 1024 * 1024 + 1024;
const plainMagic = 0x3148484d;
const sealedMagic = 0x3153484d;
const beforeAt = 24;
const checkAt = 56;
const digestAt = 60;
const digestBytes = 32;

/** Where a chain of blocks stands. */
export interface BlockChain {
  readonly number: bigint;
  readonly digest: Uint8Array;
}

export const firstBlock: BlockChain = { number: 0n, digest: new Uint8Array(digestBytes) };

/** Keeps what blocks say from whoever reads the disk. The digests are those of the sealed bytes: anybody can check them. */
export interface HistorySeal {
  /** Whether blocks of a time before there were seals are read. */
  readonly takesUnsealed: boolean;
  seal(content: Uint8Array, file: string, number: bigint): Uint8Array;
  /** What was sealed as this block of this file; undefined for anything else. */
  open(sealed: Uint8Array, file: string, number: bigint): Uint8Array | undefined;
}

/**
 * Makes `block`, whose content lies behind room for a head, the one after `chain`.
 * @returns where the chain stands with it
 */
export function finishBlock(block: Buffer, chain: BlockChain, atMs: number, isSealed: boolean): BlockChain {
  block.writeUInt32LE(isSealed ? sealedMagic : plainMagic, 0);
  block.writeUInt32LE(block.length - blockHeadBytes, 4);
  block.writeBigUInt64LE(chain.number, 8);
  block.writeBigUInt64LE(BigInt(atMs), 16);
  block.set(chain.digest, beforeAt);
  block.writeUInt32LE(crc32(block.subarray(0, checkAt)), checkAt);
  const digest = digestOf(block);
  block.set(digest, digestAt);
  return { number: chain.number + 1n, digest };
}

function digestOf(block: Buffer): Uint8Array {
  const over = createHash('sha256');
  return over.update(block.subarray(0, digestAt)).update(block.subarray(blockHeadBytes)).digest();
}

export interface BlockHead {
  readonly contentBytes: number;
  readonly isSealed: boolean;
  readonly number: bigint;
  readonly atMs: number;
}

/**
 * That of the block after `chain`. A length is believed only here: what is shorter was cut off.
 * @throws HostError `HOST_ERR_HISTORY_CORRUPT`
 */
export function readHead(head: Buffer, chain: BlockChain, where: string): BlockHead {
  const magic = head.readUInt32LE(0);
  const contentBytes = head.readUInt32LE(4);
  const number = head.readBigUInt64LE(8);
  const isWhole =
    (magic === plainMagic || magic === sealedMagic) &&
    contentBytes <= blockContentBytesMax &&
    head.readUInt32LE(checkAt) === crc32(head.subarray(0, checkAt));
  const isNext =
    number === chain.number && Buffer.compare(head.subarray(beforeAt, checkAt), chain.digest) === 0;
  if (!isWhole || !isNext) throw damaged(where);
  return { contentBytes, isSealed: magic === sealedMagic, number, atMs: Number(head.readBigUInt64LE(16)) };
}

/** Where the chain stands with a block whose head was read. @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
export function checkBlock(block: Buffer, chain: BlockChain, where: string): BlockChain {
  const digest = block.subarray(digestAt, digestAt + digestBytes);
  if (Buffer.compare(digest, digestOf(block)) !== 0) throw damaged(where);
  return { number: chain.number + 1n, digest };
}

export function damaged(where: string): HostError {
  return new HostError(
    'HOST_ERR_HISTORY_CORRUPT',
    `${where}: the history was changed or damaged here; only what was written before it can be run again`,
    { where },
  );
}
