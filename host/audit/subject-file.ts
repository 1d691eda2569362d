import { createCipheriv, createDecipheriv } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { encodeCbor } from './cbor.ts';

const magic = Buffer.from('MHSK2\0\0\0');
/** Of files whose keys lie open. */
const openMagic = Buffer.from('MHSK1\0\0\0');
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** A nonce, what was sealed under it, and the tag. */
const sealedBytes = (bytes: number): number => nonceBytes + bytes + tagBytes;
const saltPlace = -1;
const slotContentBytes = 2 * keyBytes;
const layout = {
  headBytes: magic.length + sealedBytes(keyBytes),
  slotBytes: sealedBytes(slotContentBytes),
};
const openLayout = { headBytes: openMagic.length + keyBytes, slotBytes: slotContentBytes };

/** What a file of keys is opened with. */
export interface SubjectsSeal {
  /** 32 bytes, of the host's secret and for this use alone: every person's key is sealed under it. */
  readonly key: Uint8Array;
  /** Whether a file of a time before there were seals is taken over: it is then written again, sealed. */
  readonly takesUnsealed: boolean;
}

/** One person's key, and a keyed hash that says whose it is. */
export interface SubjectKey {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
}

export function subjectsPath(folder: string): string {
  return join(folder, 'subjects.keys');
}

/** The persons' keys on disk, each in a place of its own that can be overwritten, sealed for this chain and place. */
export class SubjectFile {
  /** 32 bytes: people's names are hashed with them. */
  readonly salt: Uint8Array;
  /** What each place holds; undefined: erased, or never written whole. */
  readonly found: readonly (SubjectKey | undefined)[];
  readonly #fd: number;
  readonly #seal: SubjectsSeal;
  readonly #chain: Uint8Array;
  readonly #random: Random;

  /** @throws HostError `HOST_ERR_AUDIT_CORRUPT` when it is none, others may read it, or another key sealed it; the system's error */
  constructor(folder: string, chain: Uint8Array, seal: SubjectsSeal, random: Random) {
    const path = subjectsPath(folder);
    this.#seal = seal;
    this.#chain = chain;
    this.#random = random;
    let fd = openOwn(path, constants.O_CREAT);
    if (fstatSync(fd).size === 0) this.#begin(fd, random.fill(new Uint8Array(keyBytes)));
    let bytes = contentOf(fd);
    if (bytes.subarray(0, openMagic.length).equals(openMagic)) {
      fd = this.#takeOver(path, fd, bytes);
      bytes = contentOf(fd);
    }
    this.#fd = fd;
    const { salt, found } = sealedContent(path, bytes, chain, seal.key);
    this.salt = salt;
    this.found = found;
  }

  write(slot: number, { name, key }: SubjectKey): void {
    writeAt(this.#fd, this.#sealed(slot, Buffer.concat([name, key])), slotAt(slot));
  }

  /** Overwrites a place: what was there is gone, and its seal with it. */
  erase(slot: number): void {
    writeAt(this.#fd, Buffer.alloc(layout.slotBytes), slotAt(slot));
    this.sync();
  }

  sync(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #begin(fd: number, salt: Uint8Array): void {
    writeAt(fd, Buffer.concat([magic, this.#sealed(saltPlace, salt)]), 0);
    fdatasyncSync(fd);
  }

  #sealed(place: number, content: Uint8Array): Buffer {
    const nonce = this.#random.fill(new Uint8Array(nonceBytes));
    const cipher = createCipheriv('aes-256-gcm', this.#seal.key, nonce);
    cipher.setAAD(contextOf(this.#chain, place));
    return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }

  /** The same keys in the same places, sealed; the open ones are overwritten once these are on disk. */
  #takeOver(path: string, old: number, bytes: Buffer): number {
    if (!this.#seal.takesUnsealed) throw unsealed(path);
    const next = `${path}.sealed`;
    rmSync(next, { force: true });
    const fd = openOwn(next, constants.O_CREAT | constants.O_EXCL);
    this.#begin(fd, bytes.subarray(openMagic.length, openLayout.headBytes));
    for (let slot = 0; openLayout.headBytes + slot * openLayout.slotBytes < bytes.length; slot++) {
      const at = openLayout.headBytes + slot * openLayout.slotBytes;
      const content = bytes.subarray(at, at + openLayout.slotBytes);
      const isUsed = content.length === openLayout.slotBytes && content.some((byte) => byte !== 0);
      writeAt(fd, isUsed ? this.#sealed(slot, content) : Buffer.alloc(layout.slotBytes), slotAt(slot));
    }
    fsyncSync(fd);
    renameSync(next, path);
    syncFolder(dirname(path));
    writeAt(old, Buffer.alloc(bytes.length), 0);
    fdatasyncSync(old);
    closeSync(old);
    return fd;
  }
}

/** The keys of a file that is only read. @throws as `SubjectFile` */
export function subjectKeys(
  folder: string,
  chain: Uint8Array,
  key: Uint8Array,
): readonly (SubjectKey | undefined)[] {
  const path = subjectsPath(folder);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const bytes = contentOf(fd);
    if (bytes.subarray(0, openMagic.length).equals(openMagic)) throw unsealed(path);
    return sealedContent(path, bytes, chain, key).found;
  } finally {
    closeSync(fd);
  }
}

function sealedContent(
  path: string,
  bytes: Buffer,
  chain: Uint8Array,
  key: Uint8Array,
): { readonly salt: Uint8Array; readonly found: readonly (SubjectKey | undefined)[] } {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw noKeys(path);
  const salt = opened(key, chain, saltPlace, bytes.subarray(magic.length, layout.headBytes));
  if (salt === undefined) throw foreign(path);
  const found: (SubjectKey | undefined)[] = [];
  for (let slot = 0; slotAt(slot) < bytes.length; slot++) {
    // One that a loss of power cut off was needed by nothing yet.
    const content = opened(key, chain, slot, bytes.subarray(slotAt(slot), slotAt(slot + 1)));
    found.push(content && { name: content.subarray(0, keyBytes), key: content.subarray(keyBytes) });
  }
  return { salt, found };
}

function opened(key: Uint8Array, chain: Uint8Array, place: number, sealed: Buffer): Buffer | undefined {
  if (sealed.length < sealedBytes(0)) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes));
  decipher.setAAD(contextOf(chain, place));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const content = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
  try {
    decipher.final();
    return content;
  } catch {
    return undefined;
  }
}

/** The salt is of the file: a chain whose first write was lost begins anew beside it. */
function contextOf(chain: Uint8Array, place: number): Buffer {
  const where = place === saltPlace ? [place] : [chain, place];
  return Buffer.concat([Buffer.from('motehost/audit/subject\0'), encodeCbor(where)]);
}

function slotAt(slot: number): number {
  return layout.headBytes + slot * layout.slotBytes;
}

function openOwn(path: string, flags: number): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | flags, 0o600);
  if ((fstatSync(fd).mode & 0o077) === 0) return fd;
  closeSync(fd);
  throw corrupt(
    path,
    `others than its owner may read ${path}, which holds the keys to what is said about people; chmod 600 ${path}`,
  );
}

function contentOf(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes;
}

function writeAt(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function noKeys(path: string): HostError {
  return corrupt(
    path,
    `${path} is not a file of keys; restore it: without it nothing that is said about people can be read`,
  );
}

function foreign(path: string): HostError {
  return corrupt(path, `${path} was changed, or sealed by another host; put back the one of this host.key`);
}

function unsealed(path: string): HostError {
  return corrupt(
    path,
    `${path} is not sealed, as that of this host is: somebody else put it there, or it is of an earlier version, and taken over with --take-unsealed`,
  );
}

function corrupt(path: string, message: string): HostError {
  return new HostError('HOST_ERR_AUDIT_CORRUPT', message, { path });
}
