import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemRandom } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { type PersonalReader, parsePublicKey, readPeople, subjectsUse } from '../../host/record/audit.ts';
import { hasHostSecret, openHostSecret } from '../../identity/key-file.ts';
import { passphraseFrom } from '../../identity/passphrase.ts';
import { systemFault } from '../../system-fault.ts';
import { stateFolderOf } from '../serve/state-folder.ts';

/** Where a chain is, as the command line says. */
export interface PlaceFlags {
  readonly state?: string | undefined;
  readonly key?: readonly string[] | undefined;
}

/**
 * The chain's folder: the one named, or the `audit` in it; without a name that of the state folder.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` where no chain is
 */
export function chainFolder(named: string | undefined, { state }: PlaceFlags): string {
  const asked = named ?? join(stateFolderOf(state, process.env), 'audit');
  const found = [asked, join(asked, 'audit')].find(hasSegments);
  if (found !== undefined) return found;
  const cure = named === undefined ? '; say where it is: host audit ACTION FOLDER, or --state' : '';
  throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no audit chain in ${asked}${cure}`, { path: asked });
}

function hasSegments(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => /^\d+\.chain$/.test(name));
}

/** The public keys that are trusted, and whether nobody said so but the folder itself. */
export interface KeysFound {
  readonly keys: readonly Uint8Array[];
  readonly isOwnWord: boolean;
}

/**
 * Those of `--key` (files, or the text itself); without it the one beside the chain.
 * @throws HostError `HOST_ERR_CLI_USAGE` without any, `HOST_ERR_AUDIT_INVALID` for what is none
 */
export function publicKeys(folder: string | undefined, { key, state }: PlaceFlags): KeysFound {
  if (key !== undefined) return { keys: key.map(readKey), isOwnWord: false };
  const beside = [folder && dirname(folder), stateFolderOf(state, process.env)]
    .filter((place) => place !== undefined)
    .map((place) => join(place, 'keys', 'host.pub'))
    .find(existsSync);
  if (beside !== undefined) return { keys: [readKey(beside)], isOwnWord: true };
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    'whose chain is it? Give the public key of its host: --key host.pub (the host has it in its state folder, keys/host.pub)',
  );
}

function readKey(source: string): Uint8Array {
  const direct = parsePublicKey(source);
  if (direct !== undefined) return direct;
  const key = parsePublicKey(readText(source, '--key'));
  if (key !== undefined) return key;
  throw new HostError(
    'HOST_ERR_AUDIT_INVALID',
    `--key: ${source} holds no public key; it looks like ed25519:… and is in keys/host.pub of the host's state folder`,
    { path: source },
  );
}

/** @throws HostError `HOST_ERR_FILE_NOT_FOUND` naming the flag */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `${what}: cannot read ${path}: ${systemFault(cause)}`,
      { path },
      cause,
    );
  }
}

/**
 * What is said about people, where the host's own state folder is at hand.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` where it is not; as `openHostSecret`
 */
export function requirePeople(folder: string): PersonalReader {
  const keys = join(dirname(folder), 'keys');
  const key = hasHostSecret(keys)
    ? openHostSecret({ folder: keys, random: systemRandom, passphrase: passphraseFrom(process.env) }).subkey(
        subjectsUse,
      )
    : undefined;
  const people = key && readPeople(folder, key);
  if (people !== undefined) return people;
  throw new HostError(
    'HOST_ERR_FILE_NOT_FOUND',
    `--people: beside ${folder} there are no keys to what is said about people; only the host's own state folder has them`,
    { path: folder },
  );
}
