import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { HostError } from '../errors.ts';
import { readPrivate } from './private-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const variable = 'MOTEHOST_KEY_PASSPHRASE';
const fileVariable = 'MOTEHOST_KEY_PASSPHRASE_FILE';
const passphraseBytesMax = 4096;

/** What scrypt (RFC 7914) costs: `n` iterations over 128·r·n bytes. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about half a second. */
export const scryptCost: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };

/** A secret under a passphrase, as the key file has it; all texts base64url. */
export interface PassphraseSeal {
  readonly kdf: 'scrypt';
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly nonce: string;
  /** AES-256-GCM: the secret's bytes and the tag. */
  readonly sealed: string;
}

/**
 * The passphrase from `MOTEHOST_KEY_PASSPHRASE`, or the first line of the file `MOTEHOST_KEY_PASSPHRASE_FILE`;
 * undefined when neither is set.
 * @throws HostError `HOST_ERR_IDENTITY_PASSPHRASE` when both are set, it is empty, or the file is not there;
 * `HOST_ERR_IDENTITY_UNSAFE` when others can read that
 */
export function passphraseFrom(env: Environment): string | undefined {
  const { [variable]: text, [fileVariable]: file } = env;
  if (text !== undefined && file !== undefined)
    throw wrong(`both ${variable} and ${fileVariable} are set; unset one of them`);
  if (text === '') throw wrong(`${variable} is empty; unset it, or give a passphrase`);
  if (file === undefined) return text;
  const content = readPrivate(file, passphraseBytesMax);
  if (content === undefined) throw wrong(`${fileVariable}: there is no file ${file}`);
  const line = content.toString().split(/\r?\n/, 1)[0] ?? '';
  if (line === '') throw wrong(`${fileVariable}: the first line of ${file} is empty`);
  return line;
}

function keyOf(passphrase: string, cost: ScryptCost, salt: Uint8Array): Buffer {
  const maxmem = 256 * cost.r * (cost.n + cost.p);
  // The same passphrase typed on another keyboard is the same one.
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N: cost.n, r: cost.r, p: cost.p, maxmem });
}

/** What is authenticated beside the secret: the cost, so that none weaker can be put in its place unseen. */
function parameters(cost: ScryptCost): Buffer {
  return Buffer.from(`motehost/host.key/v1 scrypt n=${cost.n} r=${cost.r} p=${cost.p}`);
}

/** @param entropy 28 fresh random bytes: salt and nonce */
export function sealSecret(
  secret: Uint8Array,
  passphrase: string,
  entropy: Uint8Array,
  cost: ScryptCost = scryptCost,
): PassphraseSeal {
  const salt = Buffer.from(entropy.subarray(0, 16));
  const nonce = Buffer.from(entropy.subarray(16, 28));
  const cipher = createCipheriv('aes-256-gcm', keyOf(passphrase, cost, salt), nonce);
  cipher.setAAD(parameters(cost));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  const [saltText, nonceText, sealedText] = [salt, nonce, sealed].map((bytes) => bytes.toString('base64url'));
  return {
    kdf: 'scrypt',
    n: cost.n,
    r: cost.r,
    p: cost.p,
    salt: saltText ?? '',
    nonce: nonceText ?? '',
    sealed: sealedText ?? '',
  };
}

/** The secret; undefined when the passphrase is another, or the file was changed. */
export function openSecret(seal: PassphraseSeal, passphrase: string): Buffer | undefined {
  const [salt, nonce, sealed] = [seal.salt, seal.nonce, seal.sealed].map((text) =>
    Buffer.from(text, 'base64url'),
  );
  if (salt?.length !== 16 || nonce?.length !== 12 || sealed?.length !== 48) return undefined;
  const key = keyOf(passphrase, seal, salt);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(parameters(seal));
  decipher.setAuthTag(sealed.subarray(32));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, 32)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Whether a seal out of a file is one this host would have made: no work without a bound is done for it. */
export function isPassphraseSeal(value: unknown): value is PassphraseSeal {
  if (typeof value !== 'object' || value === null) return false;
  const { kdf, n, r, p, salt, nonce, sealed } = value as Record<string, unknown>;
  const isPower = typeof n === 'number' && n >= 2 ** 10 && n <= 2 ** 20 && Math.log2(n) % 1 === 0;
  const areTexts = [salt, nonce, sealed].every((text) => typeof text === 'string');
  return kdf === 'scrypt' && isPower && r === 8 && p === 1 && areTexts;
}

function wrong(why: string): HostError {
  return new HostError('HOST_ERR_IDENTITY_PASSPHRASE', why);
}
