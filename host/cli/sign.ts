import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../clock.ts';
import { HostError } from '../errors.ts';
import { encodeSignature, signatureSuffix, signComponent } from '../identity/component-signature.ts';
import { openHostSecret } from '../identity/key-file.ts';
import { passphraseFrom } from '../identity/passphrase.ts';
import { readRegularFile } from '../regular-file.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { hostKeyOf } from './keys/host-key.ts';
import { parseWords, requireWords } from './words.ts';

const options = { key: { type: 'string', short: 'k' }, state: { type: 'string' } } as const;

export const command: Command = {
  summary: 'sign a component, so that hosts know whose it is',
  help: `host sign: writes FILE.wasm.sig, which says who vouches for exactly this component

Usage: host sign FILE.wasm [--key FOLDER]

  host sign build/billing.wasm                       # with this host's key
  host sign build/billing.wasm --key ~/publisher     # with a publisher's, made there on the first use

  -k, --key FOLDER        a folder with a host.key of its own
  --state FOLDER          the state folder of the host whose key signs    [.motehost, or HOST_STATE]

MOTEHOST_KEY_PASSPHRASE opens, or seals, a key with a passphrase. The .sig file goes where the component goes. It is
worth nothing any more once a byte of the component changes: build, then sign. Hosts: host serve --require-signed.
`,
  run: async (args) => {
    const { values, positionals } = parseWords('sign', args, options);
    requireWords(positionals, 1, 'see host sign --help');
    const [file] = positionals;
    if (file === undefined || !existsSync(file))
      throw new HostError(
        file === undefined ? 'HOST_ERR_CLI_USAGE' : 'HOST_ERR_FILE_NOT_FOUND',
        file === undefined ? 'which component? host sign FILE.wasm' : `no such file: ${file}`,
      );
    const key =
      values.key === undefined
        ? hostKeyOf(values.state, process.env).host
        : openHostSecret({
            folder: join(values.key),
            random: systemRandom,
            passphrase: passphraseFrom(process.env),
          }).signingKey('host', 1);
    const nowMs = Number(systemClock.wallNs() / 1_000_000n);
    const signature = signComponent(readRegularFile(file), key, nowMs);
    writeFileSync(`${file}${signatureSuffix}`, encodeSignature(signature));
    process.stdout.write(`${signature.digest}\n`);
    process.stderr.write(`host: ${file}${signatureSuffix} says that ${signature.key} vouches for it\n`);
    return exitCodes.ok;
  },
};
