import { dirname } from 'node:path';
import { HostError } from '../errors.ts';
import { verifySignature } from './curves.ts';
import { privateFolder, readPrivate, writeWhole } from './private-file.ts';
import type { Signer } from './signing-key.ts';
import { type Purpose, statement } from './statement.ts';

/** Where one text is kept. */
export interface TextStore {
  /** For messages: the file's path. */
  readonly name: string;
  read(): string | undefined;
  /** Whole or not at all. */
  write(text: string): void;
}

const fileBytesMax = 256 * 1024 * 1024;

/** A file for its owner alone; `read` and `write` throw what `readPrivate` and `writeWhole` do. */
export function fileStore(path: string): TextStore {
  return {
    name: path,
    read: () => readPrivate(path, fileBytesMax)?.toString(),
    write: (text) => {
      privateFolder(dirname(path));
      writeWhole(path, Buffer.from(text), true);
    },
  };
}

/** For tests, and for hosts that keep nothing. */
export function memoryStore(text?: string): TextStore {
  let kept = text;
  return {
    name: 'memory',
    read: () => kept,
    write: (next) => {
      kept = next;
    },
  };
}

function signedBytes(purpose: Purpose, text: string): Uint8Array {
  return statement(purpose).block(Buffer.from(text)).take();
}

/** Two lines: the text, which has no line ends, and its signature in base64url. */
export function writeSigned(store: TextStore, purpose: Purpose, text: string, signer: Signer): void {
  const signature = Buffer.from(signer.sign(signedBytes(purpose, text))).toString('base64url');
  store.write(`${text}\n${signature}\n`);
}

/**
 * The text, if the key it should be signed by signed it; undefined when there is none.
 * @throws HostError `HOST_ERR_IDENTITY_CORRUPT`
 */
export function readSigned(
  store: TextStore,
  purpose: Purpose,
  signer: Pick<Signer, 'publicKey'>,
): string | undefined {
  const content = store.read();
  if (content === undefined) return undefined;
  const [text, signature, rest, ...more] = content.split('\n');
  const isWhole = text !== undefined && signature !== undefined && rest === '' && more.length === 0;
  if (isWhole) {
    const bytes = Buffer.from(signature, 'base64url');
    const isCanonical = bytes.toString('base64url') === signature;
    if (isCanonical && verifySignature(signer.publicKey, signedBytes(purpose, text), bytes)) return text;
  }
  throw new HostError(
    'HOST_ERR_IDENTITY_CORRUPT',
    `${store.name} was changed, or signed by another host; put back a copy`,
    { path: store.name },
  );
}
