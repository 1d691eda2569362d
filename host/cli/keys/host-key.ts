import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { hasHostSecret, openHostSecret } from '../../identity/key-file.ts';
import { Keyring } from '../../identity/keyring.ts';
import { passphraseFrom } from '../../identity/passphrase.ts';
import { fileStore } from '../../identity/signed-text.ts';
import { stateFolderOf } from '../serve/state-folder.ts';

/**
 * The keys of the host of a state folder, to look at.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` where there was no host yet; as `openHostSecret` and `Keyring`
 */
export function hostKeyOf(
  state: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Keyring {
  const folder = join(stateFolderOf(state, env), 'keys');
  if (!hasHostSecret(folder))
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `no host.key in ${folder}: a host makes it when it serves for the first time; --state names its folder`,
      { folder },
    );
  const secret = openHostSecret({ folder, random: systemRandom, passphrase: passphraseFrom(env) });
  return new Keyring({
    secret,
    store: fileStore(join(folder, 'keyring.json')),
    clock: systemClock,
    name: hostname(),
  });
}
