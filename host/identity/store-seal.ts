import { createSecretKey, type KeyObject } from 'node:crypto';
import type { BlockSeal, FileSeal } from '../block-seal.ts';
import type { Random } from '../clock.ts';
import { BytesReader, BytesWriter } from './bytes.ts';
import type { HostSecret } from './host-secret.ts';
import { type Refused, refused } from './refusal.ts';
import { openBytes, sealInto, tagBytes, writeNonce } from './sealed-envelope.ts';

const version = 1;
const saltBytes = 16;
/** Version, salt and block number. */
const clearBytes = 1 + saltBytes + 8;
/** By so much a sealed block is longer than its content. */
export const sealOverheadBytes: number = clearBytes + tagBytes;
/** Blocks under one key; then the writer takes another. */
const blocksMax = 2 ** 32;
const keysHeldMax = 256;

export interface StoreSealOptions {
  readonly secret: HostSecret;
  readonly random: Random;
  /** Which store: `journal`, `dead-letters`, `cold`. Its blocks open in no other. */
  readonly store: string;
  /** Whether files of a time before there were seals are taken over; default: they are refused. */
  readonly takesUnsealed?: boolean;
}

/** What a sealed block's content was. */
export interface OpenedBlock {
  readonly kind: 'opened';
  readonly content: Uint8Array;
}

/**
 * Seals blocks of bytes on their way to disk and opens them when they come back. A block opens only in the store, the
 * file and the place it was sealed for. Every writer has a key of its own, from fresh entropy: after a restart, a crash
 * or a copy put back no key meets a nonce it has seen, whatever the disk says was written.
 */
export class StoreSeal implements BlockSeal {
  readonly #options: StoreSealOptions;
  /** Of blocks that were read, by file and salt; the oldest goes first. */
  readonly #keys = new Map<string, KeyObject>();
  readonly #nonce = new Uint8Array(12);
  readonly #place = new BytesWriter();

  constructor(options: StoreSealOptions) {
    this.#options = options;
  }

  get takesUnsealed(): boolean {
    return this.#options.takesUnsealed ?? false;
  }

  /** Both halves for one file; a key of its own is made when the first block is sealed. */
  file(name: string): FileSeal {
    let held: BlockSealer | undefined;
    const sealer = (): BlockSealer => {
      held ??= this.writer(name);
      return held;
    };
    return {
      overheadBytes: sealOverheadBytes,
      seal: (offset, content) => sealer().seal(offset, content),
      sealInto: (target, at, offset, content) => sealer().sealInto(target, at, offset, content),
      open: (offset, block) => {
        const opened = this.open(name, offset, block);
        return opened.kind === 'opened' ? opened.content : undefined;
      },
    };
  }

  /** @param file names the file within its store, the same for as long as there is the file */
  writer(file: string): BlockSealer {
    const { store, random } = this.#options;
    return new BlockSealer(store, file, () => {
      const salt = random.fill(new Uint8Array(saltBytes));
      return { salt, key: this.#derive(file, salt) };
    });
  }

  /**
   * @param offset where in the file the block is, as the writer was told
   * @returns `malformed` for what is no sealed block, `unauthentic` for one that was changed, moved, or is another host's
   */
  open(file: string, offset: number, block: Uint8Array): OpenedBlock | Refused {
    const reader = new BytesReader(block);
    const isKnown = reader.u8() === version;
    const salt = reader.raw(saltBytes);
    const number = reader.u64();
    if (!isKnown || !reader.isGood || block.length < sealOverheadBytes)
      return refused('malformed', `no sealed block at ${offset} of ${file}`);
    writeNonce(this.#nonce, number);
    const place = writePlace(this.#place, this.#options.store, file, offset);
    const clear = Buffer.concat([place, block.subarray(0, clearBytes)]);
    const content = openBytes(this.#key(file, salt), this.#nonce, clear, block, clearBytes);
    return content === undefined
      ? refused('unauthentic', `the block at ${offset} of ${file} was changed, moved, or sealed elsewhere`)
      : { kind: 'opened', content };
  }

  #key(file: string, salt: Uint8Array): KeyObject {
    const name = `${Buffer.from(salt).toString('latin1')}${file}`;
    const held = this.#keys.get(name);
    if (held !== undefined) return held;
    const key = this.#derive(file, salt);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size < keysHeldMax) break;
      this.#keys.delete(oldest);
    }
    this.#keys.set(name, key);
    return key;
  }

  #derive(file: string, salt: Uint8Array): KeyObject {
    const { secret, store } = this.#options;
    return createSecretKey(secret.subkey(`store\0${store}\0${file}`, salt));
  }
}

interface WriterKey {
  readonly salt: Uint8Array;
  readonly key: KeyObject;
}

/** Seals the blocks of one file, from when it was opened until it is closed. */
export class BlockSealer {
  readonly #store: string;
  readonly #file: string;
  readonly #nextKey: () => WriterKey;
  readonly #nonce = new Uint8Array(12);
  readonly #writer = new BytesWriter();
  #key: WriterKey;
  #number = 0;

  constructor(store: string, file: string, nextKey: () => WriterKey) {
    this.#store = store;
    this.#file = file;
    this.#nextKey = nextKey;
    this.#key = nextKey();
  }

  /** A block for this place of the file; `sealOverheadBytes` longer than its content. */
  seal(offset: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
    const block = new Uint8Array(content.length + sealOverheadBytes);
    this.sealInto(block, 0, offset, content);
    return block;
  }

  /** The same into memory that is there, where copying a large block once more would cost as much as sealing it. */
  sealInto(target: Uint8Array, at: number, offset: number, content: Uint8Array): void {
    if (this.#number >= blocksMax) {
      this.#key = this.#nextKey();
      this.#number = 0;
    }
    const number = ++this.#number;
    writeNonce(this.#nonce, number);
    const place = writePlace(this.#writer, this.#store, this.#file, offset).length;
    const clear = this.#writer.u8(version).raw(this.#key.salt).u64(number).view();
    target.set(clear.subarray(place), at);
    sealInto(target, at + clearBytes, this.#key.key, this.#nonce, clear, content);
  }
}

/** What is authenticated beside the block itself and not written: where it belongs. */
function writePlace(writer: BytesWriter, store: string, file: string, offset: number): Uint8Array {
  return writer.reset().text('motehost/block/v1').text(store).text(file).u64(offset).view();
}
