import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { isSigned, readSeal, type SignedSeal, sealHash } from './seal.ts';

/** The last seal and where it ends: what a chain must at least come to. */
export interface Head {
  readonly segment: number;
  /** Where the seal ends in its segment. */
  readonly offset: number;
  readonly signed: SignedSeal;
}

const slotBytes = 1_024;
const slots = 2;
/** Made when missing, and never emptied. */
const openFlags: number = constants.O_RDWR | constants.O_CREAT;

export function headPath(folder: string): string {
  return join(folder, 'head');
}

/** One slot: CBOR, then zeros. */
export function encodeHead({ segment, offset, signed }: Head): Buffer {
  const slot = Buffer.alloc(slotBytes);
  slot.set(encodeCbor([segment, offset, signed.payload, signed.signature]));
  return slot;
}

function decodeSlot(slot: Buffer): Head | undefined {
  const end = slot.findLastIndex((byte) => byte !== 0) + 1;
  // A signature may end in zeros.
  for (let length = end; length <= Math.min(slot.length, end + 64); length++) {
    const head = decodeHead(slot.subarray(0, length));
    if (head !== undefined) return head;
  }
  return undefined;
}

function decodeHead(bytes: Uint8Array): Head | undefined {
  let fields: unknown;
  try {
    fields = decodeCbor(bytes);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 4) return undefined;
  const [segment, offset, payload, signature] = fields;
  const signed = readSeal(payload, signature);
  if (signed === undefined || !Number.isSafeInteger(segment) || !Number.isSafeInteger(offset))
    return undefined;
  return { segment, offset, signed };
}

/** The newer of the two slots that is signed; undefined when there is none. Whose key it is, the caller checks. */
export function readHead(folder: string): Head | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(headPath(folder));
  } catch {
    return undefined;
  }
  const heads: Head[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const head = decodeSlot(bytes.subarray(slot * slotBytes, (slot + 1) * slotBytes));
    if (head !== undefined && isSigned(head.signed)) heads.push(head);
  }
  return heads.sort((a, b) => b.signed.seal.batch - a.signed.seal.batch)[0];
}

/**
 * Writes heads into two slots by turns: one that is torn leaves the one before. It is written after what it
 * speaks of is on the disk, and not flushed itself: it may be behind the chain, never ahead.
 */
export class HeadFile {
  readonly #fd: number;

  /** @throws the system's error */
  constructor(folder: string) {
    const path = headPath(folder);
    this.#fd = openSync(path, openFlags, 0o600);
  }

  /** @throws the system's error */
  write(head: Head): void {
    const at = (head.signed.seal.batch % slots) * slotBytes;
    writeSync(this.#fd, encodeHead(head), 0, slotBytes, at);
  }

  /** Leaves none of the heads before, which vouch for what is lost. @throws the system's error */
  replace(head: Head): void {
    for (let slot = 0; slot < slots; slot++)
      writeSync(this.#fd, encodeHead(head), 0, slotBytes, slot * slotBytes);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const anchorPrefix = 'motehost-anchor:';

/** A head as one line of text, to be kept where the host's owner cannot change it. */
export function anchorText({ payload, signature }: SignedSeal): string {
  return anchorPrefix + Buffer.from(encodeCbor([payload, signature])).toString('base64url');
}

/** Undefined when the text is no anchor. */
export function parseAnchor(text: string): SignedSeal | undefined {
  if (!text.trim().startsWith(anchorPrefix)) return undefined;
  try {
    const fields = decodeCbor(Buffer.from(text.trim().slice(anchorPrefix.length), 'base64url'));
    if (!Array.isArray(fields) || fields.length !== 2) return undefined;
    return readSeal(fields[0], fields[1]);
  } catch {
    return undefined;
  }
}

export function isSameSeal(a: SignedSeal, b: SignedSeal): boolean {
  return sealHash(a).equals(sealHash(b));
}
