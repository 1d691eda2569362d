import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { HostSecret, secretBytes } from './host-secret.ts';
import type { Keyring } from './keyring.ts';
import { isPassphraseSeal, openSecret, type ScryptCost, scryptCost, sealSecret } from './passphrase.ts';
import { privateFolder, readPrivate, writeWhole } from './private-file.ts';

const fileName = 'host.key';
const publicName = 'host.pub';
const fileBytesMax = 4096;
const everyone = 0o644;

/** Where the host’s secret is, and under what it is sealed. */
export interface KeyFileOptions {
  /** The folder of keys; made, mode 700, when it is missing. */
  readonly folder: string;
  readonly random: Random;
  /** Under which the secret is, or will be, sealed; undefined: the file's mode alone protects it. */
  readonly passphrase: string | undefined;
  /** Of a file that is made; default 128 MiB and half a second. */
  readonly cost?: ScryptCost;
}

/**
 * The host's secret out of `FOLDER/host.key`, made on the first run.
 * @throws HostError `HOST_ERR_IDENTITY_UNSAFE` when others can read or replace it; `HOST_ERR_IDENTITY_PASSPHRASE`
 * when one is missing, wrong, or given for a file that is not sealed; `HOST_ERR_IDENTITY_CORRUPT`;
 * `HOST_ERR_STATE_UNWRITABLE`
 */
export function openHostSecret(options: KeyFileOptions): HostSecret {
  privateFolder(options.folder);
  const path = join(options.folder, fileName);
  const content = readPrivate(path, fileBytesMax);
  if (content !== undefined) return decode(path, content, options.passphrase);
  const secret = new HostSecret(entropy(options.random, secretBytes));
  if (!writeWhole(path, encode(secret, options), false)) return openHostSecret(options);
  return secret;
}

/**
 * Writes the secret under another passphrase, or under none: the same host with the same keys.
 * @throws HostError `HOST_ERR_STATE_UNWRITABLE`; the file is then as it was
 */
export function writeHostSecret(secret: HostSecret, options: KeyFileOptions): void {
  privateFolder(options.folder);
  writeWhole(join(options.folder, fileName), encode(secret, options), true);
}

/** Whether there is a host's secret in a folder of keys; false: `openHostSecret` makes one. */
export function hasHostSecret(folder: string): boolean {
  return existsSync(join(folder, fileName));
}

/**
 * Whether the public key that was written at the last start is of this secret.
 * @throws HostError `HOST_ERR_IDENTITY_CORRUPT` when it is another's, or the keyring is older than it
 */
export function requireSamePublicKey(folder: string, keyring: Keyring): void {
  const path = join(folder, publicName);
  if (!existsSync(path) || keyring.hasHad('host', readFileSync(path, 'utf8').trim())) return;
  throw new HostError(
    'HOST_ERR_IDENTITY_CORRUPT',
    `${path} is not of ${join(folder, fileName)} and its keyring: one of the three was put in place of another; ` +
      'put back the host.key and keyring.json that belong to it, or remove host.pub if you know that these are the right ones',
    { path },
  );
}

/** Writes `FOLDER/host.pub`, which may go anywhere: the public key's text. */
export function writePublicKey(folder: string, keyText: string): void {
  writeWhole(join(folder, publicName), Buffer.from(`${keyText}\n`), true, everyone);
}

function entropy(random: Random, bytes: number): Uint8Array {
  return random.fill(new Uint8Array(bytes));
}

function encode(secret: HostSecret, options: KeyFileOptions): Buffer {
  const bytes = secret.copy();
  const { passphrase, cost = scryptCost } = options;
  const content =
    passphrase === undefined
      ? { version: 1, secret: Buffer.from(bytes).toString('base64url') }
      : { version: 1, ...sealSecret(bytes, passphrase, entropy(options.random, 28), cost) };
  bytes.fill(0);
  return Buffer.from(`${JSON.stringify(content)}\n`);
}

function decode(path: string, content: Buffer, passphrase: string | undefined): HostSecret {
  const file = parsed(content);
  if (file?.version !== 1) throw corrupt(path);
  if (isPassphraseSeal(file)) {
    if (passphrase === undefined)
      throw wrong(path, 'is sealed; give its passphrase in MOTEHOST_KEY_PASSPHRASE');
    const secret = openSecret(file, passphrase);
    if (secret === undefined) throw wrong(path, 'does not open with this passphrase, or was changed');
    return new HostSecret(secret);
  }
  const secret = Buffer.from(typeof file.secret === 'string' ? file.secret : '', 'base64url');
  if (secret.length !== secretBytes) throw corrupt(path);
  // Whoever gives a passphrase relies on it; without a word it would protect nothing.
  if (passphrase !== undefined) throw wrong(path, 'is not sealed; seal it, or give no passphrase');
  return new HostSecret(secret);
}

function parsed(content: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(content.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function corrupt(path: string): HostError {
  return new HostError(
    'HOST_ERR_IDENTITY_CORRUPT',
    `${path} is not a key of this host; put back a copy, or move it away for a new identity`,
    { path },
  );
}

function wrong(path: string, why: string): HostError {
  return new HostError('HOST_ERR_IDENTITY_PASSPHRASE', `${path} ${why}`, { path });
}
