import { createHash } from 'node:crypto';
import { HostError } from '../errors.ts';

/**
 * A block of a history file: `MHH1`, length of the content (u32), number (u64), digest of the block before (32
 * bytes; zeros in the first), digest (32 bytes), content. Numbers are little endian. The digest is SHA-256 over all of
 * the block but itself. The content is records, each after its length (a varint).
 */
export const blockHeadBytes: number = 80;
export const blockContentBytesMax: number = 64 * 1024 * 1024;
const magic = 0x3148484d;
const digestAt = 48;
const digestBytes = 32;

/** Where a chain of blocks stands. */
export interface BlockChain {
  readonly number: bigint;
  readonly digest: Uint8Array;
}

export const firstBlock: BlockChain = { number: 0n, digest: new Uint8Array(digestBytes) };

/**
 * Makes `block`, whose content lies behind room for a head, the one after `chain`.
 * @returns where the chain stands with it
 */
export function sealBlock(block: Buffer, chain: BlockChain): BlockChain {
  block.writeUInt32LE(magic, 0);
  block.writeUInt32LE(block.length - blockHeadBytes, 4);
  block.writeBigUInt64LE(chain.number, 8);
  block.set(chain.digest, 16);
  const digest = digestOf(block);
  block.set(digest, digestAt);
  return { number: chain.number + 1n, digest };
}

function digestOf(block: Buffer): Uint8Array {
  const over = createHash('sha256');
  return over.update(block.subarray(0, digestAt)).update(block.subarray(blockHeadBytes)).digest();
}

/** Bytes of the content that follows a head. @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
export function contentBytesOf(head: Buffer, where: string): number {
  const bytes = head.readUInt32LE(4);
  if (head.readUInt32LE(0) !== magic || bytes > blockContentBytesMax) throw damaged(where);
  return bytes;
}

/** The content of a block that follows `chain`. @throws HostError `HOST_ERR_HISTORY_CORRUPT` */
export function openBlock(
  block: Buffer,
  chain: BlockChain,
  where: string,
): { content: Uint8Array; chain: BlockChain } {
  const digest = block.subarray(digestAt, digestAt + digestBytes);
  const isNext =
    block.readBigUInt64LE(8) === chain.number &&
    Buffer.compare(block.subarray(16, digestAt), chain.digest) === 0 &&
    Buffer.compare(digest, digestOf(block)) === 0;
  if (!isNext) throw damaged(where);
  return { content: block.subarray(blockHeadBytes), chain: { number: chain.number + 1n, digest } };
}

export function damaged(where: string): HostError {
  return new HostError(
    'HOST_ERR_HISTORY_CORRUPT',
    `${where}: the history was changed or damaged here; what lies before it can be replayed (--until)`,
    { where },
  );
}
